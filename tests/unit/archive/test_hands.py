"""A hand in the archive, and an archive that lets nothing be rewritten: no recording is lost, and no source waits."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.in_memory.builders import (
    chunk,
    event,
    task,
    wav,
)
from dev.in_memory.hand import HandInArchive
from dev.in_memory.world import intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState
from recording.errors import (
    BlobLockedError,
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


@pytest.mark.parametrize("verify_readback", [True, False])
@pytest.mark.parametrize("tier", ["Archive", "Cool"])
def test_other_bytes_with_the_facts_of_the_copy_are_read_or_copied_anew(tier: str, *, verify_readback: bool) -> None:
    """Same length, same facts: where nothing reads them, the only good bytes would go with the source (I1)."""
    here = world(verify_readback=verify_readback)
    here.holds(task())
    document = here.source.objects.pop(task().metadata_location or "")
    here.works(task())
    name = here.record().blob_name or ""
    HandInArchive(here.fakes.archive).overwrites(name)
    here.fakes.archive.tiers[name] = tier
    here.source.objects[task().metadata_location or ""] = document
    here.runs(hours=3)
    found = here.record()
    assert found.state is ChunkState.SOURCE_DELETED
    assert (found.blob_name != name, here.fakes.archive.blobs[found.blob_name or ""].data) == (True, wav())
    assert [one.blob_name for one in found.suspects] == [name]


@pytest.mark.parametrize("verify_readback", [True, False])
def test_media_that_only_its_tier_was_changed_of_is_as_proved(*, verify_readback: bool) -> None:
    """A lifecycle rule moves it; Set Blob Tier changes no ETag."""
    here = world(verify_readback=verify_readback)
    here.holds(task())
    document = here.source.objects.pop(task().metadata_location or "")
    here.works(task())
    here.fakes.archive.tiers[here.record().blob_name or ""] = "Archive"
    here.source.objects[task().metadata_location or ""] = document
    here.runs(hours=3)
    assert (here.state(), here.record().suspects) == (ChunkState.SOURCE_DELETED, ())


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


def test_media_of_another_length_that_cannot_be_read_is_copied_anew() -> None:
    """A hand replaced it and a rule moved it to the archive tier; ACS has the recording for a day only."""
    here = world()
    here.holds(task())
    archive, touched = here.fakes.archive, list[str]()

    def touch(_port: str, method: str) -> tuple[None, bool]:
        if method == "fill" and not touched:
            touched.extend(here.media_blobs())
            archive.blobs[touched[0]] = replace(archive.blobs[touched[0]], data=wav()[:-1])
            archive.tiers[touched[0]] = "Archive"
        return None, False

    intercept(here, touch)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    leave_alone(here)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert archive.blobs[here.record().blob_name or ""].data == wav()
    assert [suspect.blob_name for suspect in here.record().suspects] == touched
