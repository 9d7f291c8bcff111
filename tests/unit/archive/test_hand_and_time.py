"""What reality does to a chunk: a hand in the archive, bad bodies for hours, wrong clocks, locks, odd locations."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dev.in_memory.builders import (
    CONTAINER,
    EVENT_TIME,
    chunk,
    document_id,
    event,
    location,
    metadata,
    record,
    task,
    wav,
)
from dev.in_memory.hand import HandInArchive
from dev.in_memory.world import intercept, leave_alone, world
from recording.archive.catalog import REMARK_ANOTHER
from recording.archive.line import archive_message
from recording.archive.suspects import MOST_KEPT
from recording.domain.state.chunk import ChunkState, Home, MetadataOutcome, SourceOutcome
from recording.errors import (
    BlobLockedError,
    ContentConflictError,
    SourceBusyError,
    SourceGoneError,
    SourceRefusedError,
    SourceThrottledError,
)

Hand = Callable[[HandInArchive, str], None]
HANDS: dict[str, Hand] = {
    "deletes": HandInArchive.deletes,
    "empties": HandInArchive.empties,
    "overwrites": HandInArchive.overwrites,
    "drops all": lambda hand, _name: hand.drops_container(),
}


QUESTIONS = ("look_up", "get", "delete")  # between the answer and the DELETE there is no step to reach in


@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
@pytest.mark.parametrize("kind", [".wav", ".receipt.json", ".metadata.json", "manifest.json"])
@pytest.mark.parametrize("step", range(1, 30, 2))
def test_a_hand_between_any_two_steps_never_costs_the_recording(hand: Hand, kind: str, step: int) -> None:
    """The witness beside every DELETE objects when the archive does not hold all of it at that moment (I1)."""
    here, left = world(), [step]
    here.holds(task())

    def touch(_port: str, method: str) -> tuple[None, bool]:
        names = [name for name in here.fakes.archive.blobs if name.endswith(kind)]
        if names and left[0] > 0 and method not in QUESTIONS:
            left[0] -= 1
            if left[0] == 0:
                hand(HandInArchive(here.fakes.archive), names[-1])
        return None, False

    intercept(here, touch)
    here.fakes.queue.send(task())
    here.runs(hours=20)
    leave_alone(here)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
def test_media_that_a_hand_takes_while_metadata_is_late_is_copied_anew(hand: Hand) -> None:
    """Hours lie between verify and delete then."""
    here = world()
    here.holds(task())
    document = here.source.objects.pop(task().metadata_location or "")
    here.works(task())
    hand(HandInArchive(here.fakes.archive), here.record().blob_name or "")
    here.source.objects[task().metadata_location or ""] = document
    here.runs(hours=3)
    found = here.record()
    assert found.state is ChunkState.SOURCE_DELETED
    assert here.fakes.archive.blobs[found.blob_name or ""].data == wav()


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


def test_an_old_event_before_its_file_does_not_outweigh_the_true_one() -> None:
    """The later deadline holds, and an EXPIRED chunk that is announced again goes back to work."""
    here = world()
    here.announces(event(eventTime=(EVENT_TIME - timedelta(hours=30)).isoformat(), id="early"))
    here.runs(hours=2)
    assert here.state() is ChunkState.EXPIRED
    here.holds(task())
    here.announces(event(eventTime=(EVENT_TIME + timedelta(hours=1)).isoformat(), id="true"))
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("again", ["event-1", "another"])
def test_a_chunk_that_is_announced_again_goes_back_to_work_whenever_it_was_given_up(again: str) -> None:
    """ACS says once more that there is a file; how long ago the chunk was given up says nothing about that."""
    here, old = world(), (EVENT_TIME - timedelta(hours=30)).isoformat()
    here.announces(event(eventTime=old))
    here.runs(hours=2)
    assert here.state() is ChunkState.EXPIRED
    here.holds(task())
    here.announces(event(eventTime=old, id=again))
    here.runs(hours=1)
    assert here.record().blob_name is not None


def test_another_event_reopens_at_once_and_its_second_delivery_path_does_not() -> None:
    """Two delivery paths bring one event within seconds of each other: that is one announcement."""
    here = world()
    here.source.fail_next("open_content", ContentConflictError("lasting"), times=2)
    for path in range(2):
        here.announces()
        assert here.state() is (ChunkState.QUARANTINED if path else ChunkState.PENDING)
        here.runs(hours=0.01)
        assert here.state() is ChunkState.QUARANTINED
    here.announces(event(id="another"))
    assert here.state() is ChunkState.PENDING
    here.runs(hours=0.01)
    assert here.state() is ChunkState.QUARANTINED
    here.announces(event(id="another"))
    assert here.state() is ChunkState.QUARANTINED
    here.fakes.clock.advance(minutes=11)
    here.holds(task())
    here.announces(event(id="another"))
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("hours", [25, 49, 6, -3])
def test_one_instance_with_a_wrong_clock_decides_nothing_final(hours: int) -> None:
    """It claims, fails and reports by the time that the catalog's answers tell."""
    here = world()

    class Skewed:
        def now(self) -> object:
            return here.now + timedelta(hours=hours)

    ports = replace(here.ports, clock=Skewed())
    here.fakes.catalog.add_chunk(record(first_seen_at=here.now, changed_at=here.now))
    for _ in range(4):
        archive_message(task().model_dump_json(), ports, here.settings)
        here.fakes.queue.sent.clear()
        here.fakes.clock.advance(minutes=40)
        assert here.state() is ChunkState.PENDING
        assert not here.record().is_claimed(here.now)
    here.holds(task())
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_claim_far_in_the_future_is_honoured_for_one_claim_only() -> None:
    """A worker with a wrong clock died with it."""
    here = world()
    here.holds(task())
    here.fakes.catalog.add_chunk(record(claim_owner="dead", claim_expires_at=here.now + timedelta(hours=25)))
    here.fakes.queue.send(task())
    here.runs(hours=0.2)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("is_told", [True, False])
def test_a_manifest_that_may_not_be_rewritten_gets_numbered_versions(is_told: bool) -> None:
    """Whether the service names the policy or the write just never succeeds; the sources are settled all the same."""
    here, tries = world(), []
    archive = here.fakes.archive
    put = archive.put_if_unchanged

    def immutable(name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        tries.append(name)
        if name not in archive.blobs:
            return put(name, data, media_type, etag)
        if is_told:
            raise BlobLockedError("a policy")
        return False

    archive.put_if_unchanged = immutable  # type: ignore[method-assign]
    for index in range(4):
        here.holds(task(index))
    here.announces(event(*(chunk(index) for index in range(4)), data={"recordingDurationMs": 8000}))
    here.runs(hours=30)
    assert {record.state for record in here.fakes.catalog.chunks.values()} == {ChunkState.SOURCE_DELETED}
    assert len(tries) < 200
    last = max(name for name in archive.blobs if "/manifest.0" in name)
    assert last.endswith("manifest.0004.json")
    assert b'"complete": true' in archive.blobs[last].data


def test_a_container_that_takes_no_manifest_at_all_keeps_no_source_waiting(caplog: pytest.LogCaptureFixture) -> None:
    """The least important part does not decide."""
    here = world()
    here.holds(task())
    locked = BlobLockedError("a policy")
    here.fakes.archive.fail_next("put_if_unchanged", locked, times=50)
    plain = here.fakes.archive.put_once

    def put_once(name: str, data: bytes, media_type: str) -> bool:
        if "manifest" in name:
            raise locked
        return plain(name, data, media_type)

    here.fakes.archive.put_once = put_once  # type: ignore[method-assign]
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert any(entry.getMessage().startswith("recording.manifest_behind") for entry in caplog.records)


def test_an_archived_tier_is_no_reason_to_keep_a_chunk_open() -> None:
    """The service verified every block; reading back is what the tier forbids."""
    here = world()
    here.holds(task())
    here.fakes.archive.fail_next("fill", BlobLockedError("BlobArchived"), times=50)
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert any("not read back" in how for how in here.receipt()["verifiedHow"])


def test_an_odd_metadata_location_is_not_called_and_the_media_is_archived() -> None:
    """Its reason is in the receipt, and the source is left: its metadata was not fetched."""
    here, odd = world(), task(metadata_location="https://files.example.org/metadata")
    here.holds(odd)
    here.fakes.queue.send(odd)
    here.runs(hours=1)
    found = here.record(odd)
    assert (found.state, found.metadata) == (ChunkState.CATALOGED, MetadataOutcome.NOT_ASKED)
    assert found.source is SourceOutcome.LEFT_TO_EXPIRE
    assert "foreign_host" in here.receipt(odd)["metadataReason"]


def test_each_location_has_its_own_home() -> None:
    """Half an export: the content at ACS, the metadata in the customer's container."""
    here = world()
    place = "https://customer.blob.core.windows.net/calls/metadata.json"
    half = task(metadata_location=place)
    here.holds(half)
    here.fakes.external.objects[place] = here.source.objects.pop(place)
    here.fakes.queue.send(half)
    here.runs(hours=1)
    assert (here.state(half), here.record(half).metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_the_other_half_of_an_export_is_read_where_it_lies_and_described_from_acs() -> None:
    """The content in the customer's container, the metadata at ACS."""
    here, place = world(), f"{CONTAINER}/20261123/call/0.wav"
    half = task(content_location=place, home=Home.EXTERNAL, delete_location=None)
    here.fakes.external.objects[place] = wav()
    here.source.objects[half.metadata_location or ""] = metadata(half)
    here.announces(event(chunk(contentLocation=place), data={"storageType": "blobstorage"}))
    here.runs(hours=1)
    found = here.record(half)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.NOT_OURS)
    assert found.metadata is MetadataOutcome.ARCHIVED
    assert "delete" not in here.source.calls


@pytest.mark.parametrize("minutes", [1, 45, 300])
def test_an_export_that_is_still_written_is_read_once_it_is_whole(minutes: int) -> None:
    """Each read finds more than the one before; nothing of it is final."""
    here, place = world(), f"{CONTAINER}/20261123/call/0.wav"
    growing, whole = task(content_location=place, home=Home.EXTERNAL, delete_location=None), wav()
    here.source.objects[growing.metadata_location or ""] = metadata(growing)
    begun, plain, reads = here.now, here.fakes.external.open, [0]

    def served(location: str, *part: int) -> object:
        reads[0] += 1
        is_whole = here.now - begun >= timedelta(minutes=minutes)
        sound = wav(1900 + reads[0] % 50)  # plays within the slack, and is another file each time
        here.fakes.external.objects[place] = whole if is_whole else sound
        return plain(location, *part)

    here.fakes.external.open = served  # type: ignore[assignment,method-assign]
    here.announces(event(chunk(contentLocation=place), data={"storageType": "blobstorage"}))
    here.runs(hours=10)
    found = here.record(growing)
    assert (found.state, found.length_bytes) == (ChunkState.CATALOGED, len(whole))


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


ODD_FACTS = {
    "recording_duration_ms": ["NaN", "Infinity", "-5", "1e400", '"long"', "{}"],
    "format": ['"Wav"', '"ogg"', "7", "null"],
    "content": ['"Hologram"', "[]"],
    "channel": ['"quadro"', "true"],
    "end_reason": ["5", "[]"],
    "chunks_in_event": ["null", "0", "-1", "1e30", '"one"'],
    "recording_start_time": ['"yesterday"', '"0001-01-01T00:00:00+14:00"', "[]"],
    "attempt": ["-7", "null", "1e30", '"first"'],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ODD_FACTS.items() for text in texts])
def test_a_message_with_an_odd_fact_is_worked_on_without_it(name: str, text: str) -> None:
    """Another version or a hand wrote it; what only describes a recording must not cost it."""
    here = world()
    here.holds(task())
    document = json.loads(task().model_dump_json()) | {name: "@"}
    archive_message(json.dumps(document).replace('"@"', text), here.ports, here.settings)
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("year", ["0001", "0999", "1601", "9999"])
def test_a_row_whose_deadline_was_never_meant_takes_the_messages(year: str) -> None:
    """A deadline of the year 9999 would never be at risk, one of the year 1 would leave the source."""
    here = world()
    here.holds(task())
    odd = task().expiring_at(datetime.fromisoformat(f"{year}-12-31T23:59:59+00:00"))
    here.fakes.catalog.add_chunk(record(task=odd))
    here.works(task())
    assert (here.state(), here.record().task.expires_at) == (ChunkState.SOURCE_DELETED, task().expires_at)


def test_crossed_content_locations_are_told_and_nothing_is_deleted(caplog: pytest.LogCaptureFixture) -> None:
    """Two chunks, each with the other's file: both are kept, and neither is said to be all right."""
    here, tasks = world(), [task(0), task(1)]
    for index, made in enumerate(tasks):
        here.holds(made, wav(1000 + 500 * index), metadata(made, chunkDuration=1000 + 500 * (1 - index)))
    places = [made.content_location for made in tasks]
    here.announces(event(*(chunk(index, contentLocation=places[1 - index]) for index in (0, 1))))
    here.runs(hours=1)
    for index, made in enumerate(tasks):
        crossed = made.model_copy(update={"content_location": places[1 - index]})
        assert (here.state(crossed), here.record(crossed).source) == (
            ChunkState.CATALOGED,
            SourceOutcome.LEFT_TO_EXPIRE,
        )
        assert REMARK_ANOTHER in here.receipt(crossed)["remarks"]
    assert "delete" not in here.source.calls
    assert sum(line.getMessage().startswith("recording.event.location_refused") for line in caplog.records) == 2


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


def test_the_digits_of_a_document_id_have_no_case() -> None:
    """The metadata may spell it otherwise than the event; only what is deleted is compared letter by letter."""
    here, made = world(), task(0, document_id(0xABCDEF))
    here.holds(made, document=metadata(made, chunkDocumentId=made.document_id.upper()))
    here.works(made)
    assert (here.state(made), here.record(made).metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_one_document_under_two_indexes_is_one_file() -> None:
    """The second is archived from the first, not called lost."""
    here = world()
    here.holds(task(0))
    here.works(task(0))
    other = task(1, document_id(0))
    here.fakes.queue.send(other)
    here.runs(hours=30)
    assert here.record(other).sha256 == here.record(task(0)).sha256
    assert "expired" not in here.fakes.quarantine.reasons


def test_a_delete_that_is_answered_gone_is_done() -> None:
    """410 says the same as 404."""
    here = world()
    here.holds(task())
    here.source.fail_next("delete", SourceGoneError("410"))
    here.works(task())
    assert (here.state(), here.record().source) == (ChunkState.SOURCE_DELETED, SourceOutcome.ALREADY_GONE)


def test_metadata_is_asked_for_only_after_the_media() -> None:
    """An optional document that drips must not delay it."""
    here = world()
    here.holds(task())
    here.works(task())
    assert here.source.calls.index("open_content") < here.source.calls.index("read_metadata")


def test_another_call_id_in_the_metadata_is_a_remark() -> None:
    """ACS spells ids in several ways; the media is about this chunk."""
    here = world()
    here.holds(task(), document=metadata(callId="another"))
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.receipt()["remarks"]
