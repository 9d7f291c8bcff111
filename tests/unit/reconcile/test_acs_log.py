"""Counting: what only ACS's own log knows is raised (I4), whoever started the recording."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME, FAKE_CLOCK_START, RECORDING_ID, chunk, event, task
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.world import World, world
from recording.control.recordings import get_recording
from recording.errors import ClaimLostError, LogUnavailableError, StorageBusyError
from recording.ports import RecordingSummary
from recording.ports.bulkhead import Bulkhead
from recording.reconcile import acs_log
from recording.reconcile.acs_log import MOST_A_RUN, count, is_due


def _here(*rows: RecordingSummary) -> World:
    here = world()
    here.fakes = replace(here.fakes, log=FakeLog(*rows))
    return here


def _row(
    recording_id: str = RECORDING_ID, chunks: int = 1, noted_at: datetime = EVENT_TIME - timedelta(hours=1)
) -> RecordingSummary:
    return RecordingSummary(recording_id, chunks, EVENT_TIME, noted_at)


def _goes_by(here: World, hours: float) -> None:
    for _ in range(round(hours * 12)):
        here.fakes.clock.advance(minutes=5)
        here.follows_up()
        here.reconciles()


def _raised(caplog: pytest.LogCaptureFixture) -> list[str]:
    names = [entry.getMessage().split()[0] for entry in caplog.records]
    return [name for name in names if name in ("recording.missing", "recording.incomplete")]


def test_the_log_is_read_once_an_hour() -> None:
    """The timer fires twelve times an hour; the log is late by more than that."""
    times = [FAKE_CLOCK_START + number * timedelta(minutes=5, seconds=0.2) for number in range(24)]
    assert sum(is_due(at) for at in times) == 2


def test_a_recording_that_only_the_log_knows_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    """Started elsewhere, and its event was lost: nothing else in the world could tell."""
    here = _here(_row())
    _goes_by(here, 3)
    assert _raised(caplog) == ["recording.missing"]
    told = get_recording(RECORDING_ID, here.ports, here.settings)
    assert (told["expectation"], told["missingIndexes"], told["startedHere"]) == ("missing", [0], False)


def test_a_chunk_that_only_the_log_knows_is_raised_and_stands_in_the_manifest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The event named two files; ACS made three."""
    here = _here(_row(chunks=3))
    for index in (0, 1):
        here.holds(task(index))
    here.announces(event(chunk(0), chunk(1)))
    here.runs_due()
    assert here.manifest()["complete"]
    _goes_by(here, 4)
    assert _raised(caplog) == ["recording.incomplete"]
    assert (here.manifest()["complete"], here.manifest()["missingIndexes"]) == (False, [2])


def test_a_settled_recording_is_opened_again_when_the_log_counts_more(caplog: pytest.LogCaptureFixture) -> None:
    """The log may come hours after the files."""
    here = _here()
    here.announces()
    _goes_by(here, 3)
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is not None
    assert here.fakes.log is not None
    here.fakes.log.rows.append(_row(chunks=2, noted_at=here.now))
    _goes_by(here, 3)
    assert _raised(caplog) == ["recording.incomplete"]


def test_what_agrees_raises_nothing_and_is_written_once(caplog: pytest.LogCaptureFixture) -> None:
    """Daily life: a thousand recordings that are all there."""
    here = _here(_row(), _row("paused", chunks=0))
    here.works(here.holds(task()))
    here.announces()
    _goes_by(here, 1)
    assert here.fakes.catalog.recordings[RECORDING_ID].chunk_count == 1
    assert count(here.ports, here.settings, Bulkhead()) == 0
    assert (_raised(caplog), "paused" in here.fakes.catalog.recordings) == ([], False)


def test_a_log_that_does_not_answer_puts_nothing_off(caplog: pytest.LogCaptureFixture) -> None:
    """Archiving never depends on it."""
    here = _here(_row())
    assert here.fakes.log is not None
    here.fakes.log.fail_next("summaries", LogUnavailableError("down"), times=2)
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(hours=1)
    assert here.reconciles().redriven == 1
    assert [e for e in caplog.records if e.getMessage().startswith("recording.log.unavailable")]


def test_an_event_at_the_same_moment_wins() -> None:
    """Its record is read once more, and keeps what both say."""
    here = _here(_row(chunks=2))
    here.announces()
    here.fakes.catalog.fail_next("save_recording", ClaimLostError("changed"))
    assert count(here.ports, here.settings, Bulkhead()) == 1


def test_without_a_workspace_nothing_is_asked() -> None:
    """Off by default."""
    here = world()
    assert count(here.ports, here.settings, Bulkhead()) == 0


def test_fifty_thousand_rows_an_hour_are_kept_up_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """The turns of one hour take more than ACS writes in it, and none is asked about twice."""
    monkeypatch.setattr(acs_log, "MOST_A_RUN", 50)
    assert MOST_A_RUN * 12 >= 2 * 50_000
    here = _here()
    assert here.fakes.log is not None
    for hour in range(3):
        at = here.now
        here.fakes.log.rows += [_row(f"r{hour}-{n}", 1, at + timedelta(seconds=n)) for n in range(250)]
        for _ in range(12):
            here.fakes.clock.advance(minutes=5)
            count(here.ports, here.settings, Bulkhead())
        assert here.fakes.catalog.calls.count("get_recording") <= 250 * (hour + 1)
    for _ in range(12):
        here.fakes.clock.advance(minutes=5)
        count(here.ports, here.settings, Bulkhead())
    assert sum(name.startswith("r") for name in here.fakes.catalog.recordings) >= 750


def test_a_catalog_that_fails_meanwhile_has_the_same_rows_read_again() -> None:
    """Each row is read once, but never not at all."""
    here = _here(*[_row(f"r{number:02d}") for number in range(40)])
    here.fakes.catalog.fail_next("add_recording", StorageBusyError("down"), times=10_000)
    assert count(here.ports, here.settings, Bulkhead()) == 0
    here.fakes.catalog.fails_no_more("add_recording")
    assert count(here.ports, here.settings, Bulkhead()) == 40


def test_a_row_that_comes_hours_late_is_read() -> None:
    """By when the log received it, whatever time it is about."""
    here = _here(_row("early"))
    _goes_by(here, 1)
    assert here.fakes.log is not None
    here.fakes.log.rows.append(RecordingSummary("late", 1, EVENT_TIME - timedelta(hours=9), here.now))
    _goes_by(here, 2)
    assert {"early", "late"} <= set(here.fakes.catalog.recordings)


@pytest.mark.parametrize("rows", [3, 40])
def test_a_row_that_fails_once_is_not_left_behind(rows: int) -> None:
    """Each row is read in one run only, and what it says may be known from nowhere else."""
    here = _here(*[_row(f"r{number:02d}") for number in range(rows)])
    here.fakes.catalog.fail_next("add_recording", StorageBusyError("busy"))
    assert count(here.ports, here.settings, Bulkhead()) == rows
    assert len(here.fakes.catalog.recordings) == rows
