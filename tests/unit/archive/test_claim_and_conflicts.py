"""Who may work on a chunk, and what happens when another object claims to be it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import document_id, location, metadata, task, wav
from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.world import World, intercept, leave_alone, world
from recording.archive.claim import claim_chunk
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, SourceOutcome
from recording.errors import (
    ClaimHeldError,
    ClaimLostError,
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
    StorageBusyError,
)
from recording.settings.values import MediaCheck
from recording.telemetry import Event


@pytest.fixture
def here() -> World:
    """A world in which ACS holds one good chunk."""
    fresh = world()
    fresh.holds(task())
    return fresh


# --- claims ----------------------------------------------------------------------------------------------------------


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


# --- duplicates ------------------------------------------------------------------------------------------------------


def test_a_duplicate_of_a_finished_chunk_costs_no_request(here: World) -> None:
    """Event Grid delivers at least once, and twice is common."""
    here.works(task())
    before = list(here.source.calls)
    here.works(task())
    assert here.source.calls == before
    assert here.fakes.queue.sent == []


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


# --- rivals ----------------------------------------------------------------------------------------------------------

ELSEWHERE = location(document_id(), host="us-storage.asm.skype.com")
RIVAL = task(content_location=ELSEWHERE)


def test_another_object_with_the_same_ids_is_kept_beside_the_first(here: World) -> None:
    """One session may give several files with the same ids; both are kept and a person decides (I3)."""
    here.works(task())
    here.source.objects[ELSEWHERE] = wav(1500)
    here.works(RIVAL)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]
    assert here.fakes.quarantine.reasons == ["content_conflict"]
    assert here.state() is ChunkState.SOURCE_DELETED
    assert ELSEWHERE in here.source.objects, "the other object's source is not deleted"


def test_the_same_bytes_at_another_location_are_a_duplicate(here: World) -> None:
    """Storage has several front ends; the same object under another name is not a conflict."""
    here.works(task(delete_location=None))
    here.source.objects[ELSEWHERE] = wav()
    here.works(RIVAL)
    assert (list(here.media_blobs().values()), here.fakes.quarantine.kept) == ([wav()], {})


def test_a_rival_that_is_gone_was_the_same_object(here: World) -> None:
    """It was deleted together with the first."""
    here.works(task())
    here.works(RIVAL)
    assert (here.fakes.queue.tasks, here.fakes.quarantine.kept) == ([], {})


def test_a_rival_that_cannot_be_read_is_tried_again(here: World) -> None:
    """Other bytes may be there; giving up at the first fault would lose them."""
    here.works(task())
    here.source.objects[ELSEWHERE] = wav(1500)
    here.source.fail_next("open_content", SourceBusyError("busy"), times=3)
    here.works(RIVAL)
    here.runs(hours=2)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]


def test_a_rival_that_never_can_be_read_ends_in_quarantine(here: World) -> None:
    """At the deadline somebody must know (I2, I9)."""
    here.works(task())
    here.source.objects[ELSEWHERE] = wav(1500)
    here.source.fail_next("open_content", SourceBusyError("busy"), times=10_000)
    here.works(RIVAL)
    here.runs(hours=30)
    assert (here.fakes.queue.tasks, here.fakes.quarantine.reasons) == ([], ["source_busy"])


def test_a_rivals_bytes_that_cannot_be_kept_are_delivered_again(here: World) -> None:
    """Returning would let the message go."""
    here.works(task())
    here.source.objects[ELSEWHERE] = wav(1500)
    here.fakes.archive.fail_next("put_media", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.works(RIVAL)


def test_a_rival_that_comes_again_changes_nothing(here: World) -> None:
    """It is compared again, and its blob is there already."""
    here.works(task())
    here.source.objects[ELSEWHERE] = wav(1500)
    here.works(RIVAL)
    blobs = dict(here.media_blobs())
    here.works(RIVAL)
    assert here.media_blobs() == blobs
    assert len(here.fakes.quarantine.kept) == 1


def test_two_rivals_with_different_bytes_are_both_kept(here: World) -> None:
    """Each location has its own name beside the chunk."""
    here.works(task())
    third = location(document_id(), host="ap-storage.asm.skype.com")
    here.source.objects |= {ELSEWHERE: wav(1500), third: wav(1000)}
    for place in (ELSEWHERE, third):
        here.works(task(content_location=place))
    assert sorted(here.media_blobs().values(), key=len) == [wav(1000), wav(1500), wav()]


def test_while_a_chunk_is_being_archived_a_rival_waits(here: World) -> None:
    """First come, first archived; the other is compared when that is done."""
    here.source.objects[ELSEWHERE] = wav(1500)
    first = task(delete_location=None)
    claim_chunk(first, here.ports, here.settings)
    here.works(RIVAL)
    assert here.source.calls == []
    here.fakes.clock.advance(minutes=3)
    here.works(first)
    here.runs(hours=1)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]


def test_a_rival_does_not_wait_for_an_object_that_never_comes(here: World) -> None:
    """The first location gives nothing; the second has the recording, and waiting for the first would lose it."""
    here.forgets(task())
    here.works(task())
    here.holds(RIVAL)
    here.works(RIVAL)
    here.runs(hours=2)
    assert list(here.media_blobs().values()) == [wav()]
    assert here.state() is ChunkState.SOURCE_DELETED


def test_two_locations_take_turns_until_one_gives(here: World) -> None:
    """Whichever object becomes readable first is archived, the other is compared with it."""
    here.forgets(task())
    for chunk in (task(), RIVAL):
        here.works(chunk)
    here.runs(hours=6, until_quiet=False)
    assert here.state() is ChunkState.PENDING
    here.holds(task())
    here.runs(hours=6)
    assert (list(here.media_blobs().values()), here.state()) == ([wav()], ChunkState.SOURCE_DELETED)


@pytest.mark.parametrize("error", [None, SourceBusyError("503"), SourceRefusedError("401")])
def test_two_locations_that_never_give_end_as_one_would(
    here: World, caplog: pytest.LogCaptureFixture, error: SourceError | None
) -> None:
    """Each turn of the other is no new evidence: the chunk is overdue once, with one alarm, and has an end (I2)."""
    here.forgets(task())
    if error is not None:
        here.source.fail_next("open_content", error, times=10_000)
    for chunk in (task(), RIVAL):
        here.works(chunk)
    here.runs(hours=24 * 10)
    assert here.state() is (ChunkState.EXPIRED if error is None else ChunkState.QUARANTINED)
    told = [entry.getMessage().split()[0] for entry in caplog.records]
    assert told.count(Event.CHUNK_PAST_DEADLINE) == 1
    assert here.fakes.queue.sent == []


def test_a_rival_of_a_chunk_that_was_lost_is_archived(here: World) -> None:
    """The first announcement expired with nothing; whatever comes under these ids now is all there is."""
    here.forgets(task())
    here.fakes.queue.send(task())
    here.runs(hours=30)
    assert here.state() is ChunkState.EXPIRED
    late = RIVAL.model_copy(update={"expires_at": here.now + timedelta(hours=20)})
    here.holds(late)
    here.works(late)
    here.runs(hours=1)
    assert list(here.media_blobs().values()) == [wav()]


@pytest.mark.parametrize("check", MediaCheck)
def test_a_rival_of_a_quarantined_chunk_is_kept_whatever_the_check(check: MediaCheck) -> None:
    """The first could not be believed; the second may be the good one."""
    here = world(media_check=check)
    here.holds(task(), wav()[:36] + b"junk" + wav()[40:], metadata())
    here.fakes.queue.send(task())
    here.runs(hours=22)
    here.source.objects[ELSEWHERE] = wav()
    here.truth[document_id()] = wav(), metadata()  # the first location never held it
    here.works(RIVAL)
    assert wav() in here.media_blobs().values()


def test_a_rival_that_becomes_readable_later_is_not_taken_for_a_duplicate(here: World) -> None:
    """404 may mean: not ready yet. Within minutes of the announcement it is asked again."""
    here.works(task(delete_location=None))
    here.works(RIVAL)
    here.source.objects[ELSEWHERE] = wav(1500)
    here.runs(hours=2)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]


def test_the_outcome_of_the_source_is_the_first_objects(here: World) -> None:
    """A rival never changes what is known about the chunk."""
    here.works(task())
    before = here.record()
    here.source.objects[ELSEWHERE] = wav(1500)
    here.works(RIVAL)
    assert here.record() == before
    assert before.source is SourceOutcome.DELETED


def test_a_rival_whose_first_read_is_gone_but_was_deleted_with_the_chunk_ends(here: World) -> None:
    """The waiting above must end, and quietly: nothing was lost."""
    here.works(task())
    here.source.fail_next("open_content", SourceGoneError("404"))
    here.works(RIVAL)
    here.runs(hours=30)
    assert (here.fakes.queue.tasks, here.fakes.quarantine.kept) == ([], {})


def test_the_same_task_twice_in_the_queue_is_harmless(here: World) -> None:
    """At-least-once delivery, and reconcile may add one more."""
    copies: list[ChunkTask] = [task(), task(), task().again()]
    for chunk in copies:
        here.fakes.queue.send(chunk)
    here.runs(hours=1)
    assert (list(here.media_blobs().values()), here.source.deleted) == ([wav()], [task().delete_location])
