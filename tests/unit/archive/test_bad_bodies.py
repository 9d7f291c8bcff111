"""Bodies that are wrong for hours, in place of media or metadata: what is final has its proof, or its time."""

from collections.abc import Callable

import pytest

from dev.in_memory.builders import (
    document_id,
    location,
    task,
    wav,
)
from dev.in_memory.world import world
from recording.archive.suspects import MOST_KEPT
from recording.domain.state.chunk import ChunkState, MetadataOutcome, SourceOutcome
from recording.errors import (
    SourceBusyError,
    SourceGoneError,
    SourceRefusedError,
    SourceThrottledError,
)

pytestmark = pytest.mark.slow


def first_half(good: bytes) -> bytes:
    """Return the prefix of a growing object."""
    return good[: len(good) // 2]


@pytest.mark.parametrize("minutes", [1, 20, 90, 300, 420])
@pytest.mark.parametrize("wrong", [first_half, lambda _: b"<!doctype html><html>blocked by policy</html>" * 3])
def test_a_wrong_but_steady_body_never_takes_the_name_while_time_is_left(
    minutes: int, wrong: Callable[[bytes], bytes]
) -> None:
    """A block page lasts minutes or hours; ACS keeps the recording for a day."""
    here = world()
    here.holds(task())
    good = here.source.objects[task().content_location]
    here.source.objects[task().content_location] = wrong(good)
    here.announces()
    here.runs(hours=minutes / 60)
    here.source.objects[task().content_location] = good
    here.runs(hours=3)
    found = here.record()
    assert found.state is ChunkState.SOURCE_DELETED
    assert (found.blob_name or "").endswith(f"0000-{document_id()}.wav")
    assert here.fakes.archive.blobs[found.blob_name or ""].data == good


REFUSED_REDIRECTS = [
    "http://block.proxy.example/policy?17",
    "https://block.proxy.example/policy",
    "https://weu-storage.asm.skype.com:8443/v1/objects/x",
    location(document_id(9)),
    location(document_id(9), ""),
    "/v1/objects/x",
    "",
]


@pytest.mark.parametrize("target", REFUSED_REDIRECTS)
@pytest.mark.parametrize("place", ["content_location", "metadata_location", "delete_location"])
def test_a_redirect_that_is_not_followed_is_a_passing_failure_of_the_source(place: str, target: str) -> None:
    """An egress proxy or a front end answers so for minutes; the next answer is the file."""
    here = world()
    here.holds(task())
    here.holds(task(9), wav(50))
    here.source.redirects[getattr(task(), place)] = target
    here.announces()
    here.runs(hours=1.5)
    assert "delete" not in here.source.calls or place == "delete_location"
    assert here.source.deleted == []
    assert here.fakes.quarantine.reasons == []
    here.source.redirects.clear()
    here.runs(hours=3)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert task(9).content_location in here.source.objects


@pytest.mark.parametrize("error", [SourceBusyError("503"), SourceThrottledError("429"), SourceRefusedError("401")])
def test_only_not_found_proves_that_acs_has_forgotten(error: Exception) -> None:
    """Past the assumed deadline a backlog is throttled, and ACS still has the recording."""
    here = world()
    here.holds(task())
    here.source.fail_next("open_content", error, times=6)
    here.fakes.clock.advance(hours=30)
    here.fakes.queue.send(task())
    here.runs(hours=8)
    assert here.record().blob_name is not None
    assert here.record().source is SourceOutcome.LEFT_TO_EXPIRE


def test_what_can_never_be_fetched_ends_named_and_with_an_alarm() -> None:
    """A state without an exit would be tried for ever, unseen."""
    here = world()
    here.holds(task())
    here.source.fail_next("open_content", SourceBusyError("503"), times=10_000)
    here.fakes.queue.send(task())
    here.runs(hours=24 * 9)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["source_busy"])


def test_a_wrong_body_that_is_another_each_time_ends_named_after_few_copies() -> None:
    """A page that tells the time proves nothing by being another one, and must not fill the archive."""
    here = world()
    here.holds(task())
    plain = here.source.open

    def served(location: str, *part: object) -> object:
        if location == task().content_location:
            here.source.objects[location] = f"<html>blocked at {here.now:%d.%m. %H:%M}</html>".encode() * 4
        return plain(location, *part)  # type: ignore[arg-type]

    here.source.open = served  # type: ignore[assignment,method-assign]
    here.announces()
    here.runs(hours=24 * 10)
    found = here.record()
    assert found.state is ChunkState.QUARANTINED
    assert 0 < len(found.suspects) <= MOST_KEPT
    assert len(here.media_blobs()) <= MOST_KEPT
    assert "delete" not in here.source.calls


ERRORS_TOLD_WITH_200 = [
    b'{"error": {"code": "ServerBusy", "message": "Try again later."}}',
    b'{"title": "Unauthorized", "status": 401}',
    b"{}",
    b'{"callId": "0a6d2f9e", "resourceId": "c2f5e8aa", "error": {"code": "NotReady"}}',
    b'{"chunkDocumentId": null, "chunkIndex": null, "chunkDuration": null, "recordingInfo": null}',
    b"<html>blocked by policy</html>",
    b"null",
]


@pytest.mark.parametrize("minutes", [1, 45, 600])
@pytest.mark.parametrize("wrong", ERRORS_TOLD_WITH_200)
def test_an_error_in_place_of_the_metadata_is_not_archived_as_the_metadata(wrong: bytes, minutes: int) -> None:
    """The source goes only with its own document, which is deleted with it: the witness beside the DELETE compares."""
    here = world()
    here.holds(task())
    place = task().metadata_location or ""
    good, here.source.objects[place] = here.source.objects[place], wrong
    here.announces()
    here.runs(hours=minutes / 60)
    here.source.objects[place] = good
    here.runs(hours=3)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_an_error_that_lasts_is_kept_as_served_and_the_source_left() -> None:
    """Nobody knows whether it is all that ACS has; nothing is deleted for it."""
    here = world()
    here.holds(task(), document=ERRORS_TOLD_WITH_200[0])
    here.announces()
    here.runs(hours=30)
    found = here.record()
    assert (found.state, found.metadata) == (ChunkState.CATALOGED, MetadataOutcome.NEVER_CAME)
    assert "delete" not in here.source.calls


def test_a_delete_that_is_answered_gone_is_done() -> None:
    """410 says the same as 404."""
    here = world()
    here.holds(task())
    here.source.fail_next("delete", SourceGoneError("410"))
    here.works(task())
    assert (here.state(), here.record().source) == (ChunkState.SOURCE_DELETED, SourceOutcome.ALREADY_GONE)
