"""The port AuditTrail: the same promises from the fake and from the table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.in_memory.fakes.audit import FakeAudit
from recording.adapters.table.audit import TableAudit
from recording.adapters.table.audit_eraser import TableAuditEraser
from recording.adapters.table.tables import put_row, rows_of
from recording.ports import AuditEntry, AuditEraser, AuditTrail
from recording.settings import Settings

NOW = datetime.now(UTC)
CALLER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def audit(request: pytest.FixtureRequest) -> Iterator[AuditTrail]:
    if request.param == "fake":
        yield FakeAudit()
        return
    adapter = TableAudit(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def entry(minutes_ago: float = 0, outcome: str = "asked", caller: str | None = CALLER) -> AuditEntry:
    return AuditEntry(NOW - timedelta(minutes=minutes_ago), "stop_recording", "rec-1", caller, outcome)


def test_entries_come_back_as_they_were_the_earliest_first(audit: AuditTrail) -> None:
    """Who asked for what, and when, is read long after."""
    written = [entry(1, "done"), entry(2, caller=None), entry(60 * 30, "acs_error")]
    for one in written:
        audit.add(one)
    assert list(audit.entries(NOW - timedelta(days=2))) == written[::-1]
    assert list(audit.entries(NOW - timedelta(minutes=1, seconds=30))) == [written[0]]


def test_the_same_entry_twice_is_there_twice(audit: AuditTrail) -> None:
    """Nothing that is written replaces anything."""
    audit.add(entry())
    audit.add(entry())
    assert len(list(audit.entries(NOW - timedelta(hours=1)))) == 2


def test_each_entry_that_is_read_has_one_name_in_both_copies(audit: AuditTrail) -> None:
    """The seal compares rows by it; two rows of one name would be taken for one."""
    for one in (entry(), entry(), entry(1)):
        with pytest.raises(ValueError, match="not read"):
            _ = one.row_id
        audit.add(one)
    names = [one.row_id for one in audit.entries(NOW - timedelta(hours=1))]
    assert len(set(names)) == 3
    assert sorted(one.row_id for one in audit.entries_about("rec-1")) == sorted(names)


def test_what_was_heard_comes_back(audit: AuditTrail) -> None:
    """Which part, beside who and when."""
    heard = replace(entry(1, "done"), operation="chunk_media", part="chunk 0, 60-120 s", note="because")
    audit.add(heard)
    assert list(audit.entries_about("rec-1")) == [heard]


def test_an_empty_trail_is_empty(audit: AuditTrail) -> None:
    """Before the first action there may not even be a table."""
    assert list(audit.entries(NOW - timedelta(days=1))) == []


def test_entries_about_a_recording_are_found_however_old_they_are(audit: AuditTrail) -> None:
    """The story of a recording begins with who asked for it; other recordings have no part in it."""
    written = [entry(60 * 24 * 300, "asked"), entry(1, "done")]
    for one in (*written, replace(entry(2), recording_id="rec-2"), replace(entry(3), recording_id=None)):
        audit.add(one)
    assert list(audit.entries_about("rec-1")) == written
    assert list(audit.entries_about("rec-9")) == []
    assert len(list(audit.entries(NOW - timedelta(minutes=10)))) == 3


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def trail_and_eraser(request: pytest.FixtureRequest) -> Iterator[tuple[AuditTrail, AuditEraser]]:
    if request.param == "fake":
        fake = FakeAudit()
        yield fake, fake
        return
    settings = request.getfixturevalue("storage")
    trail, eraser = TableAudit(settings), TableAuditEraser(settings)
    yield trail, eraser
    trail.close()
    eraser.close()


def test_words_are_taken_out_of_notes_and_everything_else_stays(
    trail_and_eraser: tuple[AuditTrail, AuditEraser],
) -> None:
    """Erasing a person keeps who did what, when, and what came of it."""
    trail, eraser = trail_and_eraser
    for note in (None, "a plain one", "Canary called"):
        trail.add(replace(entry(), note=note))
    assert eraser.withhold(lambda text: text.replace("Canary", "[erased]")) > 0
    assert eraser.withhold(lambda text: text.replace("Canary", "[erased]")) == 0
    for found in (list(trail.entries(NOW - timedelta(hours=1))), list(trail.entries_about("rec-1"))):
        assert sorted(one.note or "" for one in found) == ["", "[erased] called", "a plain one"]
        assert {(one.caller, one.outcome) for one in found} == {(CALLER, "asked")}


def test_rows_about_a_recording_that_is_kept_stay_and_only_those_that_would_change_are_asked_for(
    trail_and_eraser: tuple[AuditTrail, AuditEraser],
) -> None:
    """In both copies; the answer costs a look at the recording."""
    trail, eraser = trail_and_eraser
    for recording_id in ("rec-1", "rec-2", None):
        trail.add(replace(entry(), recording_id=recording_id, note="Canary called"))
    trail.add(replace(entry(), recording_id="rec-3", note="a plain one"))
    asked = set[str | None]()

    def may_change(recording_id: str | None) -> bool:
        asked.add(recording_id)
        return recording_id != "rec-1"

    assert eraser.withhold(lambda text: text.replace("Canary", "[erased]"), may_change=may_change) > 0
    assert asked == {"rec-1", "rec-2", None}
    told = {one.recording_id: one.note for one in trail.entries(NOW - timedelta(hours=1))}
    assert told == {
        "rec-1": "Canary called",
        "rec-2": "[erased] called",
        None: "[erased] called",
        "rec-3": "a plain one",
    }
    assert [one.note for one in trail.entries_about("rec-1")] == ["Canary called"]
    assert [one.note for one in trail.entries_about("rec-2")] == ["[erased] called"]


@pytest.mark.azurite
@pytest.mark.parametrize("key", ["x", "2026-11-23T09:00:00", "2026-13-01T00:00:00+00:00-aa", "-"])
def test_a_row_of_another_hand_hides_no_other(storage: Settings, key: str) -> None:
    """It is told as far as it goes."""
    adapter = TableAudit(storage)
    adapter.add(entry())
    for partition in (f"{NOW:%Y-%m-%d}", "!rec-1"):
        put_row(adapter._table, {"PartitionKey": partition, "RowKey": key})
    about, day = list(adapter.entries_about("rec-1")), list(adapter.entries(NOW.replace(hour=0, minute=0)))
    adapter.close()
    assert {one.operation for one in about} == {"stop_recording", "unreadable"}
    assert "stop_recording" in {one.operation for one in day}
    assert all(one.at.tzinfo is not None for one in (*about, *day))


@pytest.mark.azurite
@pytest.mark.parametrize("value", [7, 2.5, True, datetime(2026, 1, 1, tzinfo=UTC), b"bytes", "", "\x07"])
@pytest.mark.parametrize("column", ["operation", "outcome", "caller", "note", "part", "recordingId", "more"])
def test_a_row_with_anything_in_a_column_is_told_as_far_as_it_goes(storage: Settings, column: str, value: Any) -> None:
    """Its texts are texts, and what says nothing of what was asked for says so."""
    adapter = TableAudit(storage)
    adapter.add(entry())
    row = next(rows_of(adapter._table, "!rec-1"))
    put_row(adapter._table, {**row, "RowKey": f"{row['RowKey']}-odd", column: value})
    found = list(adapter.entries_about("rec-1"))
    adapter.close()
    assert len(found) == 2
    odd = found[1]
    assert all(text is None or isinstance(text, str) for text in (odd.caller, odd.note, odd.part, odd.recording_id))
    is_lacking = column in ("operation", "outcome") and not (isinstance(value, str) and value)
    assert odd.is_readable is not is_lacking


def test_entries_of_an_instance_whose_clock_is_ahead_are_read_too(audit: AuditTrail) -> None:
    """By a day or by years: who did what must not be missing from the trail until then."""
    written = [entry(), entry(-60 * 24 * 3), entry(-60 * 24 * 400)]
    for one in written:
        audit.add(one)
    assert list(audit.entries(NOW - timedelta(hours=1))) == written
    assert list(audit.entries(NOW + timedelta(days=4))) == written[2:]
    assert list(audit.entries(NOW + timedelta(days=500))) == []


def test_rows_are_taken_from_a_position_on_and_none_twice(trail_and_eraser: tuple[AuditTrail, AuditEraser]) -> None:
    """A trail of years takes longer than a run may; the next run goes on behind the last row."""
    trail, eraser = trail_and_eraser
    for number in range(3):
        trail.add(replace(entry(), recording_id=f"rec-{number}", note="Magpie called"))
    taken, runs, total = [""], 0, 0

    def stop_after_two(position: str, changed: int) -> None:
        taken.append(position)
        if (len(taken) - 1) % 2 == 0:
            raise EndedError(changed)

    while True:
        runs += 1
        try:
            total += eraser.withhold(
                lambda text: text.replace("Magpie", "[erased]"), after=taken[-1], reached=stop_after_two
            )
            break
        except EndedError as error:
            total += int(str(error))
    assert len(set(taken)) == len(taken)
    assert (runs > 1, total >= 3) == (True, True)
    assert eraser.withhold(lambda text: text.replace("Magpie", "[erased]")) == 0


class EndedError(Exception):
    """The time of a run is over."""
