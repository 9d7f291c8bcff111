"""Claims: one worker at a time works on a chunk, and one that has lost its claim changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import task, wav
from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.world import World, intercept, leave_alone, world
from recording.archive.claim import claim_chunk
from recording.domain.state.chunk import ChunkRecord, ChunkState, SourceOutcome
from recording.errors import ClaimHeldError, ClaimLostError


@pytest.fixture
def here() -> World:
    """A world in which ACS holds one good chunk."""
    fresh = world()
    fresh.holds(task())
    return fresh


def test_a_held_claim_sends_the_task_away_until_it_ends(here: World) -> None:
    """Two workers on one chunk would be twice the traffic and a race for every name."""
    claim_chunk(task(), here.ports, here.settings)
    here.works(task())
    assert here.source.calls == []
    assert here.fakes.queue.sent == [(task(), here.now + timedelta(minutes=2, seconds=1))]


def test_a_claim_that_has_ended_is_taken_over(here: World) -> None:
    """The first worker died without a word."""
    dead = claim_chunk(task(), here.ports, here.settings)
    assert dead is not None
    here.fakes.clock.advance(minutes=2)
    here.works(task())
    assert (here.state(), here.record().attempts) == (ChunkState.SOURCE_DELETED, 2)


def test_of_two_workers_at_the_same_moment_one_wins(here: World) -> None:
    """The claim is one conditional write, so that there is no moment between looking and taking."""
    save = here.fakes.catalog.save_chunk

    def another_worker_is_faster(record: ChunkRecord) -> ChunkRecord:
        here.fakes.catalog.save_chunk = save  # type: ignore[method-assign]  # only once
        claim_chunk(task(), here.ports, here.settings)
        return save(record)

    here.fakes.catalog.save_chunk = another_worker_is_faster  # type: ignore[method-assign]
    with pytest.raises(ClaimLostError):
        claim_chunk(task(), here.ports, here.settings)


def test_a_held_claim_says_when_it_ends(here: World) -> None:
    """The queue can then bring the task back at the right moment."""
    claim_chunk(task(), here.ports, here.settings)
    here.fakes.clock.advance(seconds=30)
    with pytest.raises(ClaimHeldError) as raised:
        claim_chunk(task(), here.ports, here.settings)
    assert raised.value.retry_after == timedelta(seconds=90)


def test_a_claim_is_renewed_when_half_of_it_is_used(here: World) -> None:
    """A four-hour file takes longer than one claim; a save for every block would be a flood."""
    work = claim_chunk(task(), here.ports, here.settings)
    assert work is not None
    saves = here.fakes.catalog.calls.count("save_chunk")
    here.fakes.clock.advance(seconds=59)
    work.keep_claim()
    assert here.fakes.catalog.calls.count("save_chunk") == saves
    here.fakes.clock.advance(seconds=2)
    work.keep_claim()
    assert here.fakes.catalog.calls.count("save_chunk") == saves + 1
    assert work.record.claim_left(here.now) == timedelta(minutes=2)


def test_a_claim_that_has_ended_cannot_be_renewed(here: World) -> None:
    """Somebody else may have the chunk by now."""
    work = claim_chunk(task(), here.ports, here.settings)
    assert work is not None
    here.fakes.clock.advance(minutes=2)
    with pytest.raises(ClaimLostError):
        work.keep_claim()


def test_a_dripping_source_does_not_cost_the_claim(here: World) -> None:
    """Less than one block within one claim: the work goes on, so the claim must too, or nobody ever finishes."""
    here.holds(task(recording_duration_ms=None, metadata_location=None), wav(25_000))
    drip = _dripping(here, seconds=10)
    with drip:
        here.works(task(recording_duration_ms=None, metadata_location=None))
    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_drip_that_takes_too_long_goes_back_to_the_queue_before_the_host_ends_it() -> None:
    """Even when not one block was filled, the time is watched."""
    here = world(copy_time_budget=timedelta(minutes=1))
    here.holds(task(), wav(25_000))
    with _dripping(here, seconds=10):
        here.works(task())
    assert (here.state(), here.record().last_error) == (ChunkState.PENDING, "copy_paused")


@contextmanager
def _dripping(here: World, seconds: float) -> Iterator[None]:
    plain = FakeContent.fill

    def fill(self: FakeContent, view: memoryview) -> int:
        here.fakes.clock.advance(seconds=seconds)
        return plain(self, view[:16_384])

    FakeContent.fill = fill  # type: ignore[method-assign]  # put back below
    try:
        yield
    finally:
        FakeContent.fill = plain  # type: ignore[method-assign]


@pytest.mark.parametrize("call", range(60))
def test_a_zombie_changes_nothing_and_deletes_nothing(here: World, call: int) -> None:
    """At every port call: the worker sleeps past its claim, another one finishes, then the first wakes up."""
    calls = 0
    is_asleep = False

    def sleep_once(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls, is_asleep
        calls += 1
        if calls == call + 1 and not is_asleep:
            is_asleep = True
            leave_alone(here)
            here.fakes.clock.advance(minutes=3)
            here.works(task())
            intercept(here, sleep_once)
        return None, False

    intercept(here, sleep_once)
    here.works(task())
    leave_alone(here)
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [wav()]
    assert (here.source.deleted, here.fakes.quarantine.kept) == ([task().delete_location], {})


@pytest.mark.parametrize("call", range(60))
def test_a_second_worker_in_between_waits_for_the_first(here: World, call: int) -> None:
    """The same, but the claim still holds: the second worker leaves everything to the first."""
    calls = 0

    def look_in_between(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        if calls == call + 1:
            leave_alone(here)
            here.works(task())
            intercept(here, look_in_between)
        return None, False

    intercept(here, look_in_between)
    here.works(task())
    leave_alone(here)
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert (list(here.media_blobs().values()), here.fakes.quarantine.kept) == ([wav()], {})


def test_a_claim_that_ends_while_the_manifest_is_written_deletes_nothing(here: World) -> None:
    """The last moment before the delete: another worker may be at the chunk by now."""
    archive = here.fakes.archive
    put = archive.put_if_unchanged

    def slow(name: str, *rest: Any) -> Any:
        done = put(name, *rest)
        if name.endswith("manifest.json"):
            here.fakes.clock.advance(minutes=3)
        return done

    archive.put_if_unchanged = slow  # type: ignore[method-assign,assignment]
    here.works(task())
    assert (here.state(), "delete" in here.source.calls) == (ChunkState.CATALOGED, False)
    here.runs()
    assert here.state() is ChunkState.SOURCE_DELETED


def test_the_guard_is_asked_and_obeyed(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the line thinks it has done: when the guard says no, the source stays and a person is told."""
    monkeypatch.setattr("recording.archive.delete_source.may_delete_source", lambda _record, _stored: False)
    here.works(task())
    assert "delete" not in here.source.calls
    assert (here.record().source, here.record().source_reason) == (SourceOutcome.LEFT_TO_EXPIRE, "delete_refused")
    assert here.fakes.quarantine.reasons == ["delete_refused"]


@pytest.mark.parametrize("minutes", [3, 10, 25 * 60, -10, -25 * 60])
def test_a_claim_ends_by_the_shared_clock_whatever_the_own_one_says(here: World, minutes: int) -> None:
    """Workers of a host that is ahead took one chunk from each other, and one behind waited for the dead."""
    claim_chunk(task(), here.ports, here.settings)
    here.skew = timedelta(minutes=minutes)
    with pytest.raises(ClaimHeldError) as raised:
        claim_chunk(task(), here.ports, here.settings)
    assert raised.value.retry_after == timedelta(minutes=2)
    here.fakes.clock.advance(minutes=2)
    assert claim_chunk(task(), here.ports, here.settings) is not None


@pytest.mark.parametrize("minutes", [3, 10, 25 * 60])
def test_workers_of_a_host_that_is_ahead_do_not_take_one_chunk_from_each_other(here: World, minutes: int) -> None:
    """Each of them begins with the other's claim in its row."""
    here.skew = timedelta(minutes=minutes)
    assert claim_chunk(task(), here.ports, here.settings) is not None
    for _ in range(5):
        with pytest.raises(ClaimHeldError):
            claim_chunk(task(), here.ports, here.settings)
