"""A worker may die between any two port calls, and so may the one after it: the end is always the same archive."""

import itertools
from collections.abc import Callable

import pytest

from dev.in_memory.builders import CONTAINER, chunk, cloud_event, document_id, event, metadata, task, wav
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState, Home, SourceOutcome
from recording.errors import SourceBusyError, StorageBusyError

Decide = Callable[[str, str], tuple[Exception | None, bool]]


def _dies_at(call: int, *, after: bool) -> Decide:
    """A worker that dies at its n-th port call, before or after the call's effect."""
    counter = itertools.count(1)

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        return (WorkerDiedError(), after) if next(counter) == call else (None, after)

    return decide


def _calls_of_a_clean_run() -> int:
    here, counter = _fresh(), itertools.count()

    def count(_port: str, _method: str) -> tuple[Exception | None, bool]:
        next(counter)
        return None, False

    intercept(here, count)
    here.delivers(task())
    leave_alone(here)
    assert here.state() is ChunkState.SOURCE_DELETED
    return next(counter)


def _fresh() -> World:
    here = world()
    here.holds(task())
    return here


CALLS = range(1, _calls_of_a_clean_run() + 1)


def _is_whole(here: World) -> None:
    """The archive that every history must end in; the witness has watched each DELETE meanwhile."""
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [wav()]
    assert here.receipt()["sha256"] == here.record().sha256
    assert (here.manifest()["complete"], here.fakes.quarantine.kept) == (True, {})
    assert here.fakes.queue.tasks == []


def test_the_line_has_the_calls_that_the_crashes_are_placed_between() -> None:
    """A table of nothing would prove nothing."""
    assert 15 <= len(CALLS) <= 60


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_death_at_any_port_call_ends_in_the_same_archive(call: int, after: bool) -> None:
    """Every crash point there is, on both sides of its effect."""
    here = _fresh()
    intercept(here, _dies_at(call, after=after))
    assert not here.delivers(task())
    leave_alone(here)
    here.runs(hours=2)
    _is_whole(here)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_worker_that_finds_a_dead_ones_half_may_die_too(call: int, after: bool) -> None:
    """Pairs: recovery code is code, and dies like any other."""
    for second, second_after in itertools.product((*CALLS, len(CALLS) + 3), (False, True)):
        here = _fresh()
        intercept(here, _dies_at(call, after=after))
        here.delivers(task())
        here.fakes.clock.advance(minutes=4)
        intercept(here, _dies_at(second, after=second_after))
        here.runs_due()
        leave_alone(here)
        here.runs(hours=2)
        _is_whole(here)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_death_with_a_lost_message_is_found_by_the_timer(call: int, after: bool) -> None:
    """The worst of the host: the message is gone with the worker, and only the catalog knows."""
    here = _fresh()
    here.announces(event(chunk()))
    here.fakes.queue.take_due()
    intercept(here, _dies_at(call, after=after))
    here.delivers(task(folder=here.record().task.folder, event_id="event-1"))
    leave_alone(here)
    here.fakes.queue.sent.clear()
    here.runs(hours=3)
    _is_whole(here)


@pytest.mark.parametrize("failure", [SourceBusyError("busy"), StorageBusyError("busy")], ids=["source", "storage"])
@pytest.mark.parametrize("call", CALLS)
def test_a_lasting_outage_that_begins_at_any_call_is_survived(call: int, failure: Exception) -> None:
    """From the n-th call on nothing answers for two hours; then all is well again."""
    here, counter = _fresh(), itertools.count(1)
    ports = ("FakeSource", "WitnessedSource") if isinstance(failure, SourceBusyError) else ("FakeArchive",)

    def outage(port: str, _method: str) -> tuple[Exception | None, bool]:
        is_down = next(counter) >= call and port in ports
        return (failure if is_down else None), False

    intercept(here, outage)
    here.fakes.queue.send(task())
    here.runs(hours=2)
    leave_alone(here)
    here.runs(hours=5)
    _is_whole(here)


def _ingest_calls(envelope: dict[str, object]) -> int:
    here, counter = world(), itertools.count()
    intercept(here, lambda _port, _method: (None, bool(next(counter)) and False))
    here.announces(envelope)
    return next(counter)


SIX = [chunk(index, endReason="SessionEnded" if index == 5 else "ChunkMaximumSizeExceeded") for index in range(6)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, _ingest_calls(event(*SIX)) + 1))
def test_ingest_may_die_at_any_call_and_no_chunk_is_forgotten(call: int, after: bool) -> None:
    """Event Grid delivers again; what was enqueued twice is one chunk all the same."""
    here = world()
    for index in range(6):
        here.holds(task(index))
    intercept(here, _dies_at(call, after=after))
    with pytest.raises(WorkerDiedError):
        here.announces(event(*SIX))
    leave_alone(here)
    here.announces(cloud_event(*SIX))
    here.runs(hours=2)
    assert len(here.fakes.catalog.chunks) == 6
    assert {record.state for record in here.fakes.catalog.chunks.values()} == {ChunkState.SOURCE_DELETED}
    assert (here.manifest()["complete"], len(here.media_blobs())) == (True, 6)


@pytest.mark.parametrize("call", range(1, 14))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_timer_may_die_at_any_call(call: int, after: bool) -> None:
    """Reconcile is the last net; its own death must lose nothing."""
    here = _fresh()
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.queue.poison(task(1, folder="f").model_dump_json())
    here.fakes.queue.poison("no task")
    here.holds(task(1))
    here.fakes.clock.advance(minutes=11)
    intercept(here, _dies_at(call, after=after))
    try:
        here.reconciles()
    except WorkerDiedError:
        here.deaths += 1
    leave_alone(here)
    here.runs(hours=3)
    assert here.state() is here.state(task(1)) is ChunkState.SOURCE_DELETED
    assert here.fakes.quarantine.reasons == ["unreadable_task"]


def test_a_death_in_external_storage_work_ends_the_same_way_too() -> None:
    """The line for the customer's own storage has its own copy step."""
    media, paper = f"{CONTAINER}/a/0.wav", f"{CONTAINER}/a/0.json"
    own = task(home=Home.EXTERNAL, content_location=media, metadata_location=paper, delete_location=None)
    for call, after in itertools.product(range(1, 25), (False, True)):
        here = world()
        here.fakes.external.objects |= {media: wav(), paper: metadata()}
        intercept(here, _dies_at(call, after=after))
        here.delivers(own)
        leave_alone(here)
        here.runs(hours=2)
        assert (here.state(own), here.record(own).source) == (ChunkState.CATALOGED, SourceOutcome.NOT_OURS)
        assert (here.source.calls, here.media_blobs(document_id())) == ([], {})
