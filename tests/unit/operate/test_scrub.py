"""Scrub: all media is read whole within the cycle, the longest unread first, whatever happens in between."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from dev.in_memory.builders import document_id, task
from dev.in_memory.fakes.archive import FakeBlob
from dev.in_memory.world import World, world
from recording.domain.archived import layout
from recording.domain.archived.drift import SCRUB_CYCLE, SCRUB_CYCLE_DAYS, DriftKind
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.records import changed
from recording.errors import StorageBusyError, StorageError
from recording.operate import scrub as module
from recording.operate.scrub import SCRUB_TIME, scrub, scrub_if_due

Lines = pytest.LogCaptureFixture
DAY = timedelta(days=1)


def _task(number: int) -> ChunkTask:
    return task(0, document_id(number), recording_id=f"recording-{number:03d}", folder=f"2026/11/23/call/{number:03d}")


def _archived(recordings: int = 3) -> World:
    here = world()
    for number in range(recordings):
        here.works(here.holds(_task(number)))
    return here


def _aged(here: World, number: int, age: timedelta) -> None:
    record = here.record(_task(number))
    here.fakes.catalog.save_chunk(changed(record, read_whole_at=here.now - age))


def _events(lines: Lines, name: str) -> list[dict[str, object]]:
    return [vars(line) for line in lines.records if vars(line).get("event") == name]


def _bytes_change(here: World, number: int) -> None:
    blobs = here.fakes.archive.blobs
    name = here.record(_task(number)).blob_name or ""
    blobs[name] = replace(blobs[name], data=blobs[name].data[:-1] + b"!")


def test_everything_is_read_once_in_each_cycle() -> None:
    """Fresh media was read when it was verified; nothing is read twice, nothing goes unread for longer."""
    here = _archived(5)
    read = 0
    for _ in range(SCRUB_CYCLE_DAYS):
        read += scrub(here.ports, here.settings).sampled
        here.fakes.clock.advance(days=1)
        ages = [
            here.now - (row.read_whole_at or row.verified_at or here.now) for row in here.fakes.catalog.chunks.values()
        ]
        assert max(ages) <= SCRUB_CYCLE
    assert read == 5


def test_the_longest_unread_is_read_first_and_the_next_turn_goes_on(caplog: Lines) -> None:
    """Time runs out at any size; no recording is skipped for ever, wherever its key sorts."""
    caplog.set_level("INFO")
    here = _archived(40)
    for number in range(40):
        _aged(here, number, SCRUB_CYCLE + (DAY if number < 20 else DAY * 2))
    ticks = iter([0.0, 1.0, *[SCRUB_TIME.total_seconds() + 1] * 9])

    report = scrub(here.ports, here.settings, lambda: next(ticks))

    fresh = [n for n in range(40) if here.record(_task(n)).read_whole_at == here.now]
    assert (report.complete, fresh) == (False, list(range(20, 28)))
    assert report.as_text().endswith("(time ran out)\n")
    behind = _events(caplog, "recording.scrub.behind")
    assert [(line["count"], line["coverage"], line["reason"]) for line in behind] == [(32, 0.2, "time_ran_out")]
    assert behind[0]["age_seconds"] == (SCRUB_CYCLE + DAY * 2).total_seconds()

    assert scrub(here.ports, here.settings).sampled == 32
    assert len(_events(caplog, "recording.scrub.behind")) == 1
    assert _events(caplog, "recording.scrubbed")[-1]["coverage"] == 1


@pytest.mark.parametrize("spoilt", ["media", "receipt", "missing"])
def test_what_stays_due_takes_no_time_from_what_is_behind_it(spoilt: str) -> None:
    """Damaged media is the longest unread for as long as it is damaged; more of it than a run can read hid the rest."""
    here = _archived(40)
    for number in range(40):
        _aged(here, number, SCRUB_CYCLE - (DAY if number < 20 else DAY * 2))
    for number in range(20):
        name = here.record(_task(number)).blob_name or ""
        if spoilt == "media":
            _bytes_change(here, number)
        elif spoilt == "receipt":
            receipt = layout.receipt_name(name)
            here.fakes.archive.blobs[receipt] = replace(here.fakes.archive.blobs[receipt], data=b"{}")
        else:
            del here.fakes.archive.blobs[name]
    for _ in range(5):
        ticks = iter([0.0, 1.0, 1.0, *[SCRUB_TIME.total_seconds() + 1] * 9])  # eight recordings
        scrub(here.ports, here.settings, ticks.__next__)
        here.fakes.clock.advance(hours=1)
    begun = here.now - timedelta(hours=6)
    fresh = [n for n in range(40) if (here.record(_task(n)).read_whole_at or begun) > begun]
    assert fresh == list(range(20, 40))
    assert len(scrub(here.ports, here.settings).drifts) == 20


def test_a_turn_reports_coverage_and_what_it_cost(caplog: Lines) -> None:
    caplog.set_level("INFO")
    here = _archived(4)
    _aged(here, 0, SCRUB_CYCLE)
    _aged(here, 1, timedelta(days=7))
    name = here.record(_task(0)).blob_name or ""
    length = len(here.fakes.archive.blobs[name].data)

    scrub(here.ports, here.settings)

    (line,) = _events(caplog, "recording.scrubbed")
    assert (line["coverage"], line["length_bytes"], line["chunks"], line["unread"]) == (1, length, 1, 0)
    assert line["age_seconds"] == timedelta(days=7).total_seconds()
    assert line["requests"] == 5  # the list, the media, its receipt, its metadata and the manifest


@pytest.mark.parametrize("method", ["list", "read", "get"])
def test_one_recording_that_cannot_be_read_stops_no_other_and_stays_due(method: str, caplog: Lines) -> None:
    caplog.set_level("INFO")
    here = _archived(3)
    for number in range(3):
        _aged(here, number, SCRUB_CYCLE + DAY)
    here.fakes.archive.fail_next(method, StorageBusyError("down"))

    assert scrub(here.ports, here.settings).sampled == 2
    assert [line["reason"] for line in _events(caplog, "recording.scrub.behind")] == ["unread"]
    assert scrub(here.ports, here.settings).sampled == 1


def test_an_archive_that_does_not_answer_raises_the_alarm(caplog: Lines) -> None:
    here = _archived(30)
    for number in range(30):
        _aged(here, number, SCRUB_CYCLE + DAY)
    here.fakes.archive.fail_next("list", StorageBusyError("down"), times=1000)
    with pytest.raises(StorageBusyError):
        scrub(here.ports, here.settings)
    assert [line["reason"] for line in _events(caplog, "recording.scrub.behind")] == ["failed"]
    assert here.fakes.archive.calls.count("list") - 30 < 60  # it ends early


def test_a_catalog_that_does_not_answer_raises_the_alarm(caplog: Lines) -> None:
    here = _archived()
    here.fakes.catalog.fails_after["media_ages"] = 1
    with pytest.raises(StorageError):
        scrub(here.ports, here.settings)
    assert [line["reason"] for line in _events(caplog, "recording.scrub.behind")] == ["failed"]


def test_a_difference_is_raised_each_night_until_it_is_mended(caplog: Lines) -> None:
    """I4: what is wrong stays visible until it is over."""
    here = _archived()
    before = dict(here.fakes.archive.blobs)
    _bytes_change(here, 1)
    here.fakes.clock.advance(days=SCRUB_CYCLE_DAYS - 5)
    for _ in range(3):
        assert [drift.kind for drift in scrub(here.ports, here.settings).drifts] == [DriftKind.MEDIA_BYTES]
        here.fakes.clock.advance(days=1)
    assert len(_events(caplog, "recording.drift")) == 3
    here.fakes.archive.blobs.update(before)
    assert scrub(here.ports, here.settings).drifts == ()
    assert scrub(here.ports, here.settings).chunks == 0


def test_media_in_the_archive_tier_is_known_and_not_behind(caplog: Lines) -> None:
    """It lowers the coverage and raises no alarm: nothing can be done about it."""
    caplog.set_level("INFO")
    here = _archived(2)
    for number in range(2):
        _aged(here, number, SCRUB_CYCLE - DAY)
    here.fakes.archive.tiers[here.record(_task(0)).blob_name or ""] = "Archive"
    report = scrub(here.ports, here.settings)
    assert [one.reason for one in report.unread] == ["archive tier"]
    here.fakes.clock.advance(days=2)
    assert scrub(here.ports, here.settings).chunks == 0
    assert _events(caplog, "recording.scrub.behind") == []
    assert _events(caplog, "recording.scrubbed")[-1]["coverage"] == 0.5
    here.fakes.archive.tiers.clear()
    here.fakes.clock.advance(days=SCRUB_CYCLE_DAYS - 10)
    assert scrub(here.ports, here.settings).sampled == 2


def test_what_is_gone_without_a_decision_is_drift_however_old_it_is() -> None:
    """Nothing is taken as lawfully deleted because of its age."""
    here = _archived(1)
    here.settings = here.settings.model_copy(update={"delete_after": timedelta(days=30)})
    here.fakes.archive.blobs.clear()
    here.fakes.clock.advance(days=SCRUB_CYCLE_DAYS)
    assert scrub(here.ports, here.settings).drifts != ()
    assert here.record(_task(0)).disposed_at is None


def test_a_table_longer_than_one_survey_is_surveyed_in_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded look goes on where it stopped."""
    here = _archived(9)
    for number in range(9):
        _aged(here, number, SCRUB_CYCLE + DAY)
    monkeypatch.setattr(module, "SURVEY_PAGE", 2)
    monkeypatch.setattr(module, "SURVEY_TIME", timedelta(seconds=2))
    monkeypatch.setattr(module, "SCRUB_TIME", timedelta(seconds=10_000))
    for _ in range(4):
        ticks = map(float, count())
        scrub(here.ports, here.settings, ticks.__next__)
    assert all(row.read_whole_at == here.now for row in here.fakes.catalog.chunks.values())


def test_it_works_at_night_and_goes_on_each_hour_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    here = _archived(20)
    here.fakes.clock.advance(hours=3 + 24 - here.now.hour)
    for number in range(20):
        _aged(here, number, SCRUB_CYCLE + DAY)
    here.fakes.clock.advance(hours=23)
    assert scrub_if_due(here.ports, here.settings) is None
    here.fakes.clock.advance(hours=1)
    with monkeypatch.context() as patched:
        patched.setattr(module, "SCRUB_TIME", timedelta(seconds=-1))
        assert not scrub_if_due(here.ports, here.settings).complete  # type: ignore[union-attr]
    here.fakes.clock.advance(hours=1)
    assert scrub_if_due(here.ports, here.settings).sampled == 20  # type: ignore[union-attr]
    here.fakes.clock.advance(hours=1)
    assert scrub_if_due(here.ports, here.settings) is None


def test_a_stranger_beside_a_recording_is_raised() -> None:
    here = _archived(1)
    folder = here.record(_task(0)).task.folder
    here.fakes.archive.blobs[f"{folder}/stranger.mp4"] = FakeBlob(b"?", "video/mp4", {}, "1")
    here.fakes.clock.advance(days=SCRUB_CYCLE_DAYS)
    assert {drift.blob_name for drift in scrub(here.ports, here.settings).drifts} == {f"{folder}/stranger.mp4"}
    assert layout.manifest_name(folder) in here.fakes.archive.blobs


@pytest.mark.parametrize("bad", [1, 30, 250])
def test_recordings_that_cannot_be_read_take_no_nights_from_those_behind_them(bad: int) -> None:
    """Twenty of them ended each night's run, and no hour continued it: 600 would have cost the cycle."""
    here = _archived(bad + 3)
    for number in range(bad + 3):
        _aged(here, number, SCRUB_CYCLE - DAY * 2 if number < bad else SCRUB_CYCLE - DAY * 3)
    plain = here.fakes.catalog.chunk_rows_of

    def refused(recording_id: str) -> object:
        if recording_id < f"recording-{bad:03d}":
            raise StorageError("this partition is refused")
        return plain(recording_id)

    object.__setattr__(here.fakes.catalog, "chunk_rows_of", refused)
    here.fakes.clock.advance(hours=(module.NIGHT_HOUR - here.now.hour) % 24)
    for _ in range(3):
        with suppress(StorageError):
            scrub_if_due(here.ports, here.settings)
        here.fakes.clock.advance(hours=1)
    ages = [here.now - (here.record(_task(number)).read_whole_at or here.now) for number in range(bad, bad + 3)]
    assert max(ages) < DAY


def test_a_scrub_that_failed_is_tried_again_in_the_next_hour() -> None:
    """It is written down unless storage itself is down, which says so by itself."""
    here = _archived(1)
    _aged(here, 0, SCRUB_CYCLE)
    here.fakes.clock.advance(hours=(module.NIGHT_HOUR - here.now.hour) % 24)
    here.fakes.catalog.fail_next("media_ages", StorageError("down"))
    with pytest.raises(StorageError):
        scrub_if_due(here.ports, here.settings)
    here.fakes.clock.advance(hours=1)
    report = scrub_if_due(here.ports, here.settings)
    assert report is not None
    assert report.sampled == 1


@pytest.mark.parametrize("field", ["read_whole_at", "verified_at", "offline_seen_at"])
def test_a_time_of_reading_that_is_still_to_come_proves_no_reading(field: str, caplog: Lines) -> None:
    """A host whose clock was a year ahead hid altered media for that year, at a coverage of 100 %."""
    caplog.set_level("INFO")
    here = _archived(2)
    record = here.record(_task(0))
    here.fakes.catalog.save_chunk(record.model_copy(update={field: here.now + timedelta(days=400)}))
    _bytes_change(here, 0)
    assert [drift.kind for drift in scrub(here.ports, here.settings).drifts] == [DriftKind.MEDIA_BYTES]
    assert len(_events(caplog, "recording.scrub.behind")) == (field != "offline_seen_at")


def test_a_host_whose_clock_is_ahead_notes_no_time_to_come() -> None:
    """The time of reading is by the clock that all instances share."""
    here = _archived(1)
    here.fakes.clock.advance(days=SCRUB_CYCLE_DAYS)
    here.skew = timedelta(days=400)
    assert scrub(here.ports, here.settings).sampled == 1
    here.fakes.clock.advance(hours=(module.NIGHT_HOUR - here.now.hour) % 24)
    here.fakes.catalog.save_chunk(changed(here.record(_task(0)), read_whole_at=here.now - SCRUB_CYCLE))
    report = scrub_if_due(here.ports, here.settings)
    assert report is not None
    assert here.record(_task(0)).read_whole_at == here.now
