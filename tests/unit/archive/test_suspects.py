"""Media that does not open or plays too short, and what an operator may let pass."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, metadata, record, task, wav
from dev.in_memory.world import World, world
from recording.archive.claim import Work
from recording.archive.suspects import is_to_be_kept, refusal
from recording.domain.archived.integrity import Digest
from recording.domain.state.chunk import ChunkState, Suspect
from recording.errors import (
    StorageBusyError,
)
from recording.settings.values import MediaCheck
from tests.unit.archive.media import BROKEN


def test_media_that_does_not_open_is_fetched_again_before_it_is_believed(here: World) -> None:
    """One bad download is a fault of the network; nothing is committed for it."""
    here.source.objects[task().content_location] = BROKEN
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("media_unreadable", {})
    here.source.objects[task().content_location] = wav()
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


def test_media_that_never_opens_is_kept_beside_and_quarantined_and_its_source_kept(here: World) -> None:
    """The same bytes for hours are what ACS really has: keep them, tell a person, delete nothing, spoil no name."""
    here.holds(task(), BROKEN)
    here.fakes.queue.send(task())
    here.runs(hours=22)
    record = here.record()
    assert (record.state, record.quarantine_reason, record.blob_name) == (ChunkState.QUARANTINED, "media_suspect", None)
    ((name, kept),) = here.media_blobs().items()
    assert (".suspect-" in name, kept) == (True, BROKEN)
    assert [suspect.blob_name for suspect in record.suspects] == [name]
    assert here.manifest()["chunks"][0]["suspects"][0]["blobName"] == name
    assert here.fakes.quarantine.reasons == ["media_suspect"]
    assert "delete" not in here.source.calls


def test_media_that_plays_too_short_is_treated_like_media_that_does_not_open(here: World) -> None:
    """A file of the declared length may still be half a call."""
    here.holds(task(), wav(2000), metadata(chunkDuration=60_000))
    here.fakes.queue.send(task())
    here.runs(hours=22)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["media_suspect"])
    assert "delete" not in here.source.calls


def test_late_metadata_may_show_that_the_media_is_too_short(here: World) -> None:
    """The check is made again when there is something to compare with; the bytes are not the recording any more."""
    place = task().metadata_location or ""
    here.source.objects.pop(place)
    here.works(task())
    here.source.objects[place] = metadata(chunkDuration=60_000)
    here.runs(hours=22)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["media_suspect"])
    assert (here.record().blob_name, len(here.record().suspects)) == (None, 1)
    assert "delete" not in here.source.calls


def test_an_object_that_was_still_growing_does_not_take_the_place_of_the_finished_one(here: World) -> None:
    """Announced too early: the first download is whole by its own declaration, and half a file."""
    here.source.objects[task().content_location] = wav()[:30_000]
    here.works(task())
    assert here.media_blobs() == {}
    here.source.objects[task().content_location] = wav()
    here.runs(hours=1)
    assert (list(here.media_blobs().values()), here.state()) == ([wav()], ChunkState.SOURCE_DELETED)


def test_bytes_that_became_better_after_late_metadata_are_the_recording(here: World) -> None:
    """The first ones stay listed beside it; nothing was replaced."""
    place, short, good = task().metadata_location or "", wav(500), wav(20_000)
    here.holds(task(), good, metadata(chunkDuration=20_000))
    document = here.source.objects.pop(place)
    here.source.objects[task().content_location] = short
    here.works(task())
    assert here.state() is ChunkState.VERIFIED
    here.source.objects |= {place: document, task().content_location: good}
    here.runs(hours=2)
    assert (here.state(), here.receipt()["blobName"][-7:]) == (ChunkState.SOURCE_DELETED, ".v2.wav")
    assert sorted(here.media_blobs().values()) == sorted([short, good])


@pytest.mark.parametrize("check", [MediaCheck.WARN, MediaCheck.OFF])
def test_an_operator_may_let_suspect_media_pass(check: MediaCheck) -> None:
    """With `warn` the receipt carries the finding; with `off` nobody looks."""
    here = world(media_check=check)
    here.holds(task(), BROKEN)
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert bool(here.receipt()["mediaWarning"]) is (check is MediaCheck.WARN)
    assert here.receipt()["mediaFault"] is None


@pytest.mark.parametrize("check", [MediaCheck.WARN, MediaCheck.OFF])
def test_an_earlier_copy_of_suspect_media_passes_as_well(check: MediaCheck) -> None:
    """A worker that died after its commit must not change what the operator chose."""
    here = world(media_check=check)
    here.holds(task(), BROKEN)
    here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.receipt()["mediaFault"] is None


# --- what is counted about refused bytes


SAME, OTHER = Digest(1, "ab"), Digest(1, "cd")
AN_HOUR_AGO = EVENT_TIME - timedelta(hours=1)


def refused(**facts: Any) -> Work:
    """The turn of a worker on a chunk of which these facts about refused bytes are known."""
    here = world()
    return Work(record(task=task(), **facts), here.ports, here.settings, started_at=here.now)


def test_the_same_bad_bytes_are_counted_from_their_first_answer() -> None:
    """They are final only when they were served for hours and many times."""
    work = refused(broken_sha256="ab", broken_since=AN_HOUR_AGO, broken_tries=3)
    assert refusal(work, SAME) == {"broken_sha256": "ab", "broken_since": AN_HOUR_AGO, "broken_tries": 4}


def test_other_bad_bytes_begin_the_count_anew() -> None:
    """A source that answers otherwise each time may yet answer well."""
    work = refused(broken_sha256="ab", broken_since=AN_HOUR_AGO, broken_tries=3)
    anew = {"broken_sha256": "cd", "broken_since": work.now(), "broken_tries": 1}
    assert refusal(work, OTHER) == refusal(refused(), OTHER) == anew


def test_bytes_whose_first_answer_has_no_time_are_counted_from_now() -> None:
    """Nothing says how long they were served."""
    work = refused(broken_sha256="ab", broken_since=None, broken_tries=3)
    assert refusal(work, SAME) == {"broken_sha256": "ab", "broken_since": work.now(), "broken_tries": 4}


@pytest.mark.parametrize(
    ("since", "kept", "is_kept"),
    [
        (AN_HOUR_AGO, (), True),
        (None, (), False),
        (AN_HOUR_AGO, ("1", "2", "3", "4"), True),
        (AN_HOUR_AGO, ("1", "2", "3", "4", "5"), False),
        (AN_HOUR_AGO, ("ab",), False),
    ],
)
def test_steady_bad_bytes_are_stored_once_and_at_most_five_of_a_chunk(
    since: datetime | None, kept: tuple[str, ...], *, is_kept: bool
) -> None:
    """An error page that shows the time is another one at each attempt, and may be as large as a recording."""
    listed = tuple(
        Suspect(blob_name=f"{sha256}.wav", sha256=sha256, length_bytes=1, reason="x", at=EVENT_TIME) for sha256 in kept
    )
    assert is_to_be_kept(refused(broken_since=since, broken_tries=1, suspects=listed), SAME) is is_kept
