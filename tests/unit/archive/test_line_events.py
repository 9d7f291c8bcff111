"""What the line tells: each end and each wait is one event, because alerts and people read nothing else."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState
from recording.errors import ClaimLostError, CopyPausedError, SourceBusyError, StorageBusyError


@pytest.fixture
def here(caplog: pytest.LogCaptureFixture) -> World:
    """A world in which ACS holds one good chunk, and whose log is kept."""
    caplog.set_level(logging.INFO, logger="recording")
    fresh = world()
    fresh.holds(task())
    return fresh


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """The facts of each event of this name."""
    return [entry.__dict__ for entry in caplog.records if getattr(entry, "event", None) == event]


def test_a_deleted_source_is_told_with_how_it_went(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """The last line of a chunk's life."""
    here.works(task())
    (facts,) = told(caplog, "recording.chunk.source_deleted")
    assert (facts["reason"], facts["document_id"]) == ("deleted", task().document_id)


def test_a_source_that_is_left_alone_is_told_with_the_reason(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody should wonder why ACS still has it."""
    here.works(task(delete_location=None))
    (facts,) = told(caplog, "recording.chunk.source_left_to_expire")
    assert facts["reason"] == "the event names no delete location"


def test_a_failed_try_tells_everything_that_an_operator_needs(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """What, whose fault, which try, when again, and how long there is."""
    here.fakes.catalog.fail_next("chunk_rows_of", StorageBusyError("503"))
    here.works(task())
    (facts,) = told(caplog, "recording.chunk.attempt_failed")
    ((_, due),) = here.fakes.queue.sent
    assert (facts["code"], facts["fault"], facts["detail"], facts["attempt"]) == ("storage_busy", "nobody", "503", 1)
    assert facts["state"] == "CATALOGED"
    assert facts["delay_seconds"] == pytest.approx((due - here.now).total_seconds(), abs=0.01)
    assert facts["time_left_seconds"] == (task().expires_at - here.now).total_seconds()


def test_a_claim_that_cannot_be_given_back_is_told_and_ends_by_itself(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The task goes on all the same."""
    intercept(here, lambda port, method: (_failure(port, method, here), False))
    here.works(task())
    leave_alone(here)
    assert [facts["code"] for facts in told(caplog, "recording.chunk.attempt_failed")] == [
        "storage_busy",
        "source_busy",
    ]
    assert len(here.fakes.queue.sent) == 1


def _failure(port: str, method: str, here: World) -> Exception | None:
    if port == "WitnessedSource":
        return SourceBusyError("503")
    claimed = any(record.claim_owner for record in here.fakes.catalog.chunks.values())
    return StorageBusyError("503") if (port, method) == ("FakeCatalog", "save_chunk") and claimed else None


def test_a_worker_that_lost_its_claim_says_that_it_waits(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """It changes nothing, and comes back to see that the other one finished."""
    here.fakes.catalog.fail_next("save_chunk", ClaimLostError("412", retry_after=timedelta(minutes=1)))
    here.works(task())
    (facts,) = told(caplog, "recording.chunk.waiting")
    assert (facts["code"], facts["delay_seconds"]) == ("claim_lost", 61.0)


def test_an_end_that_a_person_must_see_is_told_with_its_reason(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Quarantine and expiry wake somebody up."""
    here.source.objects[task().content_location] = b"no media at all"
    here.fakes.queue.send(task())
    here.runs(hours=22)
    (facts,) = told(caplog, "recording.chunk.quarantined")
    assert (facts["reason"], facts["entry"] in here.fakes.quarantine.kept) == ("media_suspect", True)
    lost = task(1)
    here.fakes.clock.advance(hours=25)
    here.works(lost)
    here.runs(hours=2)
    (facts,) = told(caplog, "recording.chunk.expired")
    assert (facts["code"], facts["document_id"]) == ("source_not_found", lost.document_id)


def test_the_alarm_comes_at_the_very_moment_of_the_expiry_and_the_end_after_a_second_look(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """ACS promises nothing from then on; that it has forgotten, two answers apart in time prove."""
    here.forgets(task())
    here.fakes.clock.advance(seconds=(task().expires_at - here.now).total_seconds())
    here.works(task())
    assert len(told(caplog, "recording.chunk.past_deadline")) == 1
    assert told(caplog, "recording.chunk.expired") == []
    here.runs(hours=3)
    assert len(told(caplog, "recording.chunk.past_deadline")) == 1
    assert (len(told(caplog, "recording.chunk.expired")), here.state()) == (1, ChunkState.EXPIRED)


def test_what_is_copied_never_expires(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """The archive has it: however long storage fails, the chunk is tried again."""
    here.fakes.archive.fail_next("fill", StorageBusyError("503"), times=2)
    here.works(task())
    assert here.state() is ChunkState.COPIED
    here.fakes.clock.advance(hours=100)
    here.works(task())
    assert (here.state(), told(caplog, "recording.chunk.expired")) == (ChunkState.COPIED, [])
    here.works(task())
    assert here.state() is ChunkState.CATALOGED


def test_a_copy_that_pauses_is_no_failed_try(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """It goes on at once, and nothing is counted against it."""
    intercept(here, lambda port, _method: (CopyPausedError("paused") if port == "WitnessedSource" else None, False))
    here.works(task())
    assert (here.fakes.queue.tasks, told(caplog, "recording.chunk.attempt_failed")) == ([task()], [])
    assert [facts["code"] for facts in told(caplog, "recording.chunk.waiting")] == ["copy_paused"]
