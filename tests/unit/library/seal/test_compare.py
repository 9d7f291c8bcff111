"""The nightly comparison of log and trail with what was sealed: bounded, resumable, and nothing escapes it (I13)."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dev.in_memory.fakes.seal import FakeSealKey
from dev.in_memory.keep_world import attached
from dev.in_memory.world import World
from recording.cli.__main__ import main
from recording.domain.keep.destroy import Place
from recording.domain.keep.erasure import Erasure, KeptTraces
from recording.domain.watched.looks import COMPARED, SealLook
from recording.errors import StorageBusyError
from recording.library.seal import gather
from recording.library.seal.compare import NIGHT_HOUR, compare, compare_if_due
from recording.library.seal.withdraw import withdraw_rows
from recording.operate.attention import needs_attention
from recording.ports import AuditEntry
from tests.unit.library.seal.seal_world import acts, archives, copied, numbers, seal_of, sealed_world, seals, verified
from tests.unit.library.seal.test_compare_audit import CHANGES, OPERATIONS, change

CALLER = "11111111-2222-3333-4444-555555555555"


def trail(turns: int = 6) -> World:
    """Rows of every kind in some checkpoints, all of them final by now."""
    here = sealed_world()
    here.custodian = attached(here.fakes)  # type: ignore[attr-defined]  # from the first blob on
    archives(here)
    for turn in range(turns):
        for operation in OPERATIONS:
            acts(here, operation, note=f"case {turn}", part="chunk 0, 60-120 s")
        here.fakes.clock.advance(minutes=1)
        seals(here)
        here.fakes.clock.advance(minutes=25)
    return ends(here)


def ends(here: World) -> World:
    """Nothing more happens, and the trail is read past everything."""
    here.fakes.clock.advance(hours=1)
    acts(here, "start_recording")
    seals(here)
    return here


def night(here: World, *, steps: int | None = None) -> SealLook:
    """The timer fires at night until it is done; with `steps`, each turn has time for so many checkpoints."""
    while here.now.hour != NIGHT_HOUR:
        here.fakes.clock.advance(minutes=30)
    for _ in range(1000):
        look = compare(here.ports, seal_of(here).ports, _clock(steps))
        if not look.unfinished:
            return look
    raise AssertionError("it does not come to its end")


def _clock(steps: int | None) -> Callable[[], float]:
    if steps is None:
        return lambda: 0.0
    left = iter([0.0] * steps)
    return lambda: next(left, 10_000.0)


def raised(caplog: pytest.LogCaptureFixture) -> set[tuple[str, str]]:
    """What the log says differs: why, and in what."""
    lines = [one for one in caplog.records if getattr(one, "event", "") == "recording.seal.differs"]
    return {(str(vars(one)["reason"]), str(vars(one).get("detail") or "")) for one in lines}


@pytest.mark.parametrize("steps", [None, 1, 2, 3])
def test_what_nobody_touched_is_as_it_was_sealed(steps: int | None) -> None:
    """In one turn or in many: every row once, and nothing differs."""
    here = trail()
    look = night(here, steps=steps)
    assert (look.differences, look.rows, look.number) == (0, len(here.fakes.audit.written), len(numbers(here)))


@pytest.mark.parametrize("steps", [None, 1])
@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_row_of_any_kind_that_is_changed_is_named(
    operation: str, field: str, steps: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    here = trail(2)
    CHANGES[field](here, operation)
    assert night(here, steps=steps).differences > 0
    assert ("row_changed", field) in raised(caplog)


@pytest.mark.parametrize("steps", [None, 1, 2])
@pytest.mark.parametrize("at", range(12))
def test_any_row_that_is_removed_is_named_and_no_other(
    at: int, steps: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever checkpoint covers it, and wherever a turn ends."""
    here = trail(2)
    gone = here.fakes.audit.written.pop(at)
    night(here, steps=steps)
    assert raised(caplog) == {("row_removed", str(gone.operation)), ("row_removed", "under its recording")}


@pytest.mark.parametrize("steps", [None, 1])
@pytest.mark.parametrize("minutes", range(20, 180, 16))
def test_a_row_that_is_put_there_later_is_named(
    minutes: int, steps: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """An alibi of any time: no checkpoint has such a row."""
    here = trail()
    acts(here, "release_recording", at=here.now - timedelta(minutes=minutes))
    night(here, steps=steps)
    assert raised(caplog) == {("row_not_sealed", "release_recording")}


def test_the_copy_that_a_timeline_reads_is_compared_as_well(caplog: pytest.LogCaptureFixture) -> None:
    """A row changed, a row removed, and a row that exists there alone."""
    here = trail(3)
    plain = here.fakes.audit.entries_about

    def forged(recording_id: str) -> list[AuditEntry]:
        rows = list(plain(recording_id))
        planted = replace(rows[2], id="planted", at=rows[2].at + timedelta(seconds=1))
        return [replace(one, caller="another") if one.operation == "export" else one for one in rows[1:]] + [planted]

    here.fakes.audit.entries_about = forged  # type: ignore[method-assign, assignment]
    night(here)
    assert raised(caplog) == {
        ("row_changed", "under its recording: caller"),
        ("row_removed", "under its recording"),
        ("row_not_sealed", "under its recording alone"),
    }


@pytest.mark.parametrize("way", ["changed", "removed", "swapped"])
@pytest.mark.parametrize("kind", ["checkpoints/", "batches/", "journal/", "keys/"])
def test_any_file_of_the_log_that_is_not_as_it_was_is_noticed(kind: str, way: str) -> None:
    here = trail(4)
    blobs = seal_of(here).store.blobs
    kept, names = dict(blobs), sorted(name for name in blobs if name.startswith(kind))
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        if way == "removed":
            del blobs[name]
        elif way == "changed":
            blobs[name] = kept[name][:-9] + bytes([kept[name][-9] ^ 1]) + kept[name][-8:]
        elif name != other:
            blobs[name], blobs[other] = kept[other], kept[name]
        if blobs != kept:
            here.fakes.catalog.cursors.pop(COMPARED, None)
            assert _differs(here), (name, way)
        blobs.clear()
        blobs.update(kept)


def _differs(here: World) -> bool:
    look = compare(here.ports, seal_of(here).ports)
    return look.differences > 0


def test_a_log_that_was_written_anew_is_noticed() -> None:
    """By another key, from its middle on: it has not the end that the app remembers."""
    here = trail(3)
    other = sealed_world()
    seal_of(other).key = FakeSealKey(13)
    for _ in range(7):
        acts(other, "pause_recording")
        seals(other)
        other.fakes.clock.advance(minutes=5)
    seal_of(here).store.blobs = seal_of(other).store.blobs
    assert _differs(here)


def test_a_night_reads_what_is_new_and_a_week_later_all_of_it() -> None:
    """The work of a night does not grow with the years."""
    here = trail(20)
    store = seal_of(here).store
    night(here)
    whole = store.calls.count("get")
    here.fakes.clock.advance(days=1)
    ends(here)
    store.calls.clear()
    assert night(here).number == len(numbers(here))
    assert store.calls.count("get") < whole / 2
    here.fakes.audit.written.pop(3)
    here.fakes.clock.advance(days=1)
    assert night(here).differences == 0, "it is of a checkpoint that this week's pass has behind it"
    here.fakes.clock.advance(days=6)
    assert night(here).differences > 0


def test_a_difference_stands_until_a_later_pass_finds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """While the next pass is on its way the last one's findings count."""
    here = trail()
    row = here.fakes.audit.written.pop(3)
    first = night(here)
    assert first.differences == 2
    assert [item.reason for item in needs_attention(here.ports, here.settings).items] == ["seal_differs"]
    here.fakes.audit.written.append(row)
    here.fakes.clock.advance(days=1)
    half = compare(here.ports, seal_of(here).ports, _clock(2))
    assert (half.unfinished, half.differences, half.since) == (True, 2, first.since)
    assert night(here).differences == 0
    assert needs_attention(here.ports, here.settings).items == ()
    assert caplog.records


def test_what_is_explained_counts_no_more_and_what_is_found_later_does() -> None:
    """A row that was removed never comes back; its sealed copy is the evidence."""
    here = trail()
    here.fakes.audit.written.pop(3)
    night(here)
    told: list[str] = []
    arguments = ("seal", "accept-differences", "--note", "see the report, +4930123456")
    assert main(arguments, lambda: (here.ports, here.settings), told.append) == 0
    assert "explained: 2 differences" in "".join(told)
    row = here.fakes.audit.written[-1]
    assert (row.operation, "+4930123456" in (row.note or "")) == ("accept_seal_differences", False)
    assert needs_attention(here.ports, here.settings).items == ()
    here.fakes.clock.advance(days=8)
    seals(here)
    assert night(here).differences == 0
    here.fakes.audit.written.pop(5)
    here.fakes.clock.advance(days=8)
    assert night(here).differences == 2


# --- erased people ---------------------------------------------------------------------------------------------------


def erased(here: World) -> World:
    """A caller is erased: the trail has a pseudonym, the journals the ids of the rows, and a statement says so."""
    done = withdraw_rows(lambda row: CALLER.encode() in row, "erasure-1", here.custodian, here.ports)  # type: ignore[attr-defined]
    here.fakes.audit.withhold(str, lambda caller: caller.replace(CALLER, "erased-erasure-"))
    assert done.count > 0
    here.fakes.clock.advance(minutes=5)
    seals(here)
    return here


@pytest.mark.parametrize("steps", [None, 1])
def test_the_rows_of_an_erased_person_are_no_difference(steps: int | None, tmp_path: object) -> None:
    """What was done and when stays; the journal keeps the rows' ids, and a sealed statement says the same."""
    here = erased(trail())
    look = night(here, steps=steps)
    here.fakes.clock.advance(days=1)
    assert (look.differences, night(here, steps=steps).differences) == (0, 0)
    lines = b"".join(data for name, data in seal_of(here).store.blobs.items() if name.startswith("journal/"))
    assert CALLER.encode() not in lines


def test_a_row_of_an_erased_person_that_is_removed_or_added_is_named(caplog: pytest.LogCaptureFixture) -> None:
    here = erased(trail())
    here.fakes.audit.written.pop(4)
    acts(here, "release_recording", at=here.now - timedelta(hours=2), caller="erased-erasure-")
    night(here)
    assert raised(caplog) == {("row_removed", "an erased person's"), ("row_not_sealed", "release_recording")}


@pytest.mark.parametrize("steps", [None, 1])
def test_a_row_that_is_withdrawn_without_a_statement_is_named_the_night_after(
    steps: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A statement waits for the next checkpoint; the one that never comes was never asked for."""
    here = trail()
    withdraw_rows(lambda row: b"export" in row, "erasure-1", here.custodian, here.ports)  # type: ignore[attr-defined]
    seal_of(here).waiting.items.clear()
    assert night(here, steps=steps).differences == 0
    here.fakes.clock.advance(days=1)
    assert night(here, steps=steps).differences == 6
    assert raised(caplog) == {("row_missing", "it was withdrawn, and nothing says why")}


def test_a_statement_about_other_rows_is_named(tmp_path, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    """Else a row could be changed, and pass for an erased one."""
    here = erased(trail())
    blobs = seal_of(here).store.blobs
    name = next(name for name in sorted(blobs) if name.startswith("journal/"))
    first, second = (row.id or "" for row in here.fakes.audit.written[:2])
    swapped = blobs[name].replace(first.encode(), b"\0").replace(second.encode(), first.encode())
    blobs[name] = swapped.replace(b"\0", second.encode())
    night(here)
    assert "row_altered" in {reason for reason, _ in raised(caplog)}
    assert "row_altered" in {one.kind.value for one in verified(copied(here, tmp_path), whole=False).problems}


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_pseudonym_is_no_difference_while_storage_protects_the_journals(is_approved: bool) -> None:
    """Immutability keeps the sealed row for its days; only the person may differ, and only of an approved request."""
    here = trail()
    made = Erasure(
        erasure_id="erasure-1",
        reason="letter",
        requested_by="alice",
        requested_at=here.now,
        approved_at=here.now if is_approved else None,
        swept_at=here.now,
        kept=(KeptTraces(place=Place.SEAL, reason="immutable"),),
    )
    here.fakes.keeping.add_erasure(made)
    here.fakes.audit.withhold(
        lambda text: text.replace("case 2", "[erased]"), lambda caller: caller.replace(CALLER, "erased-erasure-")
    )
    assert (night(here).differences == 0) is is_approved
    change(here, "export", outcome="another")
    here.fakes.clock.advance(days=8)
    assert night(here).differences > 0


# --- lives -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_life_of_late_rows_and_short_turns_raises_no_alarm_and_a_hand_in_it_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instances whose clocks differ, turns that take few rows, nights that end early: every row is met once."""
    luck = random.Random(seed)
    monkeypatch.setattr(gather, "MOST_ROWS", luck.choice((3, 7, 2000)))
    here = sealed_world(seed=seed)
    for _ in range(60):
        for _ in range(luck.randrange(4)):
            acts(here, luck.choice(OPERATIONS), at=here.now + timedelta(seconds=luck.randrange(-600, 5)))
        if luck.random() < 0.9:
            seals(here)
        here.fakes.clock.advance(minutes=luck.choice((1, 5, 5, 40)))
    for _ in range(60):
        here.fakes.clock.advance(minutes=5)
        seals(here)
    steps = luck.choice((None, 1, 4))
    assert night(here, steps=steps).differences == 0
    rows = here.fakes.audit.written
    at = luck.randrange(len(rows))
    rows[at] = replace(rows[at], outcome="another")
    here.fakes.clock.advance(days=8)
    assert night(here, steps=steps).differences > 0


@pytest.mark.parametrize("method", ["get", "entries", "entries_about", "save_cursor", "cursor"])
def test_whatever_fails_the_next_hour_goes_on(method: str) -> None:
    """Nothing is skipped for it."""
    here = trail()
    here.fakes.audit.written.pop(3)
    port = {"get": seal_of(here).store, "save_cursor": here.fakes.catalog, "cursor": here.fakes.catalog}
    port.get(method, here.fakes.audit).fail_next(method, StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        compare(here.ports, seal_of(here).ports)
    assert night(here).differences == 2


def test_it_runs_at_night_and_in_each_hour_until_it_is_done() -> None:
    here = trail()
    assert compare_if_due(here.ports) is not None, "the first one at once"
    assert compare_if_due(here.ports) is None or here.now.hour == NIGHT_HOUR
    fired = 0
    for _ in range(48):
        here.fakes.clock.advance(hours=1)
        fired += compare_if_due(here.ports) is not None
    assert fired == 2
    look = SealLook.read(here.fakes.catalog.cursors[COMPARED])
    assert look is not None
    here.fakes.catalog.cursors[COMPARED] = look.model_copy(update={"unfinished": True}).model_dump_json()
    here.fakes.clock.advance(hours=1)
    assert compare_if_due(here.ports) is not None


def test_a_comparison_that_does_not_run_needs_attention_where_something_is_sealed() -> None:
    here = trail()
    night(here)
    here.fakes.clock.advance(hours=31)
    reasons = [item.reason for item in needs_attention(here.ports, here.settings).items]
    assert "seal_not_compared" in reasons
    object.__setattr__(here.fakes, "seal", None)
    assert needs_attention(here.ports, here.settings).items == ()
    assert compare_if_due(here.ports) is None
