"""Conflicts: another object under a finished chunk's ids is kept beside it, a duplicate costs no request."""

from datetime import timedelta
from itertools import pairwise

import pytest

from dev.in_memory.builders import document_id, location, metadata, task, wav
from dev.in_memory.world import World, world
from recording.archive.claim import claim_chunk
from recording.domain.state.chunk import ChunkState, ChunkTask, Silenced, SourceOutcome
from recording.domain.state.records import changed
from recording.errors import (
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
    StorageBusyError,
)
from recording.settings.values import MediaCheck
from recording.telemetry import Event

pytestmark = pytest.mark.slow

ELSEWHERE = location(document_id(), host="us-storage.asm.skype.com")
RIVAL = task(content_location=ELSEWHERE)


@pytest.fixture
def here() -> World:
    """A world in which ACS holds one good chunk."""
    fresh = world()
    fresh.holds(task())
    return fresh


def test_a_duplicate_of_a_finished_chunk_costs_no_request(here: World) -> None:
    """Event Grid delivers at least once, and twice is common."""
    here.works(task())
    before = list(here.source.calls)
    here.works(task())
    assert here.source.calls == before
    assert here.fakes.queue.sent == []


@pytest.mark.parametrize("times", [1, 2])
def test_bytes_from_which_a_speaker_was_erased_are_not_kept_again(here: World, times: int) -> None:
    """ACS has them for a day where the source is left, and an event may name them at another host."""
    here.works(task(delete_location=None))
    known = here.record()
    digests = [str(known.sha256), *("cd" * 32, "ef" * 32)[:times]]
    erased = tuple(
        Silenced(channels=(0,), at=here.now, request_id="r", sha256_before=before, sha256_after=after)
        for before, after in pairwise(digests)
    )
    here.fakes.catalog.save_chunk(changed(known, silenced=erased, sha256=digests[-1]))
    here.source.objects[ELSEWHERE] = wav()
    here.works(RIVAL)
    assert (list(here.media_blobs()), here.fakes.quarantine.kept) == ([known.blob_name], {})


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


def test_a_rival_that_has_grown_since_it_was_kept_is_kept_whole(here: World) -> None:
    """The entry says that both are kept; the first bytes held the name, and the rest was dropped."""
    here.works(task())
    for seconds in (3, 9, 9):
        here.holds(RIVAL, wav(1000 * seconds))
        here.works(RIVAL)
    kept = [blob.data for name, blob in here.fakes.archive.blobs.items() if ".conflict-" in name]
    assert sorted(kept, key=len) == [wav(3000), wav(9000)]


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


@pytest.mark.parametrize("hours", [0, 25])
def test_a_rival_met_by_a_wrong_clock_is_tried_again(here: World, hours: int) -> None:
    """An instance that is a day ahead took one failure that passes for the end."""
    here.works(task())
    here.source.objects[ELSEWHERE] = wav(1500)
    here.source.fail_next("open_content", SourceBusyError("503"))
    here.skew = timedelta(hours=hours)
    here.works(RIVAL)
    here.skew = timedelta()
    here.runs(hours=1)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]


def test_a_rival_does_not_wait_for_the_metadata_of_the_first(here: World) -> None:
    """That may never come, and ACS forgets the rival meanwhile."""
    here.source.objects.pop(task().metadata_location or "")
    here.source.objects[ELSEWHERE] = wav(1500)
    here.works(task())
    assert here.state() is ChunkState.VERIFIED
    here.works(RIVAL)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]
    assert [entry.reason for _, entry in here.fakes.quarantine.entries()] == ["content_conflict"]
    assert here.state() is ChunkState.VERIFIED


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


@pytest.mark.parametrize("error", [SourceGoneError("404"), SourceBusyError("503")])
def test_another_object_that_is_late_is_not_taken_for_the_deleted_one(here: World, error: SourceError) -> None:
    """Not found is what a file answers that ACS has just announced."""
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    other = task(content_location=location(document_id(9)))
    here.source.objects[other.content_location] = wav(1500)
    here.source.fail_next("open_content", error)
    here.works(other)
    here.runs(hours=1)
    assert sorted(here.media_blobs().values(), key=len) == [wav(1500), wav()]
