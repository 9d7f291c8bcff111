"""A follow-up is requested when there is something else to tell, and not after each turn of the line."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import location, task, wav
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState
from recording.errors import SourceBusyError, StorageBusyError


def requests(here: World) -> int:
    """Take what was requested, and return how often."""
    count = len(here.fakes.follow_ups.sent)
    here.fakes.follow_ups.sent.clear()
    return count


def test_one_recording_that_goes_through_is_requested_once() -> None:
    """All steps of a turn are one change."""
    here = world()
    here.works(here.holds(task()))
    assert (here.state(), requests(here)) == (ChunkState.SOURCE_DELETED, 1)


def test_a_follow_up_waits_while_other_chunks_are_in_work_here() -> None:
    """The line comes first, and within a minute everything is found all the same (I10, I14)."""
    here = world()
    here.holds(task())
    other = here.holds(task(1, recording_id="another"))
    meanwhile = [other]

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        if method == "open_content" and meanwhile:
            here.works(meanwhile.pop())
        return None, False

    intercept(here, decide)
    here.works(task())
    leave_alone(here)
    waits = {recording_id: (at - here.now).total_seconds() for recording_id, _, at in here.fakes.follow_ups.sent}
    assert waits == {task().recording_id: 0, "another": 45}


def test_a_turn_that_fails_counts_no_longer() -> None:
    """Or every follow-up after it would wait."""
    here = world()
    here.holds(task())
    here.fakes.catalog.fail_next("get_chunk", StorageBusyError("down"))
    here.fakes.catalog.fail_next("add_chunk", StorageBusyError("down"))
    for _ in range(2):
        with pytest.raises(StorageBusyError):
            here.works(task())
    here.works(task())
    assert [at - here.now for *_, at in here.fakes.follow_ups.sent] == [timedelta()]


def test_duplicates_request_nothing() -> None:
    """Two delivery paths announce everything twice."""
    here = world()
    here.works(here.holds(task()))
    requests(here)
    for _ in range(3):
        here.works(task())
    assert requests(here) == 0


def test_failed_tries_request_nothing_but_the_first() -> None:
    """After the first, the recording is found as one that waits; one more failed try tells nothing else."""
    here = world()
    here.holds(task())
    counts = []
    for _ in range(4):
        here.fakes.source.fail_next("open_content", SourceBusyError("busy"))
        here.works(task())
        counts.append(requests(here))
        here.fakes.clock.advance(minutes=30)
    assert counts == [1, 0, 0, 0]
    here.works(task())
    assert (here.state(), requests(here)) == (ChunkState.SOURCE_DELETED, 1)


def test_a_chunk_that_is_given_up_or_reopened_is_requested() -> None:
    """It is found among what needs attention, and then not any more."""
    here = world()
    here.works(here.holds(task(), media=b"no media at all" * 100))
    requests(here)
    here.fakes.clock.advance(hours=30)
    here.forgets(task())
    for _ in range(40):
        if here.state() is not ChunkState.PENDING:
            break
        here.works(task())
        here.fakes.clock.advance(minutes=30)
    assert here.state() in (ChunkState.QUARANTINED, ChunkState.EXPIRED)
    assert requests(here) == 1
    later = here.holds(task(expires_at=here.now + timedelta(hours=20)))
    here.works(later)
    assert (here.state(later), requests(here)) == (ChunkState.SOURCE_DELETED, 1)


def test_another_object_under_the_same_ids_requests_nothing() -> None:
    """Its bytes are kept beside the chunk; of the recording nothing else is told."""
    here = world()
    here.works(here.holds(task()))
    requests(here)
    rival = here.holds(task(content_location=location("0-weu-d1-rival")), media=wav(3000))
    here.works(rival)
    assert requests(here) == 0


@pytest.mark.parametrize("dies_before", ["add_chunk", "save_chunk", "put_once", "put_if_unchanged", "delete"])
def test_whoever_completes_what_a_dead_worker_began_requests_it(dies_before: str) -> None:
    """Whatever step is the last one of the dead worker, the next one changes something."""
    here = world()
    here.holds(task())
    left = {dies_before: 1}

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        if left.get(method):
            left[method] -= 1
            return WorkerDiedError(), False
        return None, False

    intercept(here, decide)
    with pytest.raises(WorkerDiedError):
        here.works(task())
    leave_alone(here)
    assert requests(here) == 0
    here.fakes.clock.advance(hours=1)
    here.works(task())
    assert (here.state(), requests(here)) == (ChunkState.SOURCE_DELETED, 1)


def test_a_worker_that_dies_right_after_its_last_write_is_made_up_for_by_reconcile() -> None:
    """Nobody requests then; the recording is not settled, and reconcile asks."""
    here = world()
    here.announces()
    here.holds(task())
    here.fakes.queue.take_due()
    here.fakes.follow_ups.fail_next("send", StorageBusyError("gone"))
    here.works(task())
    assert requests(here) == 0
    here.fakes.clock.advance(minutes=6)
    here.reconciles()
    assert requests(here) == 1
