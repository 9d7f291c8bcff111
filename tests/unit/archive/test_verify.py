"""Verify: what it reads, what it compares, and that a receipt says no more than was seen."""

import hashlib
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, record, task, wav
from dev.in_memory.fakes.archive import FakeBlob
from dev.in_memory.world import World, intercept, world
from recording.archive.claim import Work
from recording.archive.verify import verify
from recording.domain.archived.blocks import Block, block_id, crc64_of
from recording.domain.state.chunk import Acceptance, ChunkState, Home
from recording.errors import BlobLockedError, SourceBrokenError, StorageError
from recording.settings.values import MediaCheck

DATA, LONG = wav(), wav(60_000)
SHA256, SHA512 = hashlib.sha256(DATA).hexdigest(), hashlib.sha512(DATA).hexdigest()
HALF = len(DATA) // 2
MARK = "0123456789abcdef"
BLOCKS = (Block(0, HALF), Block(HALF, len(DATA) - HALF))
WHOLE = "read back whole: same length and SHA-256"
PIECEWISE = "copied in several runs; read back whole: each block is the source's"


def ids(*blocks: Block, data: bytes = DATA) -> tuple[tuple[str, int], ...]:
    """The ids of blocks as this app stages them, with the lengths that the service lists."""
    return tuple((block_id(each, MARK, crc64_of(data[each.offset : each.end])), each.length) for each in blocks)


WELL_CUT = ids(*BLOCKS)


def copied(here: World, blocks: tuple[tuple[str, int], ...] = WELL_CUT, data: bytes = DATA, **facts: Any) -> Work:
    """A chunk whose copy is committed, by a worker that has the claim."""
    known = record(ChunkState.COPIED, **{"length_bytes": len(data), "sha256": SHA256, **facts})
    here.fakes.archive.blobs[known.blob_name or ""] = FakeBlob(data, "audio/wav", {}, "1", blocks)
    here.fakes.catalog.add_chunk(known)
    work = Work(here.record(known.task), here.ports, here.settings, started_at=here.now)
    work.save(claim_owner="me")
    return work


def how(work: Work) -> tuple[str, ...]:
    """What the receipt will say."""
    verify(work)
    assert work.record.state is ChunkState.VERIFIED
    return tuple(work.record.verified_how)


def test_a_good_copy_is_read_whole_and_the_receipt_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Every sentence in it was seen to be true."""
    caplog.set_level("INFO")
    work = copied(world())
    assert how(work) == (
        "length equals the source's declared total",
        "SHA-256 of the bytes as read from the source",
        "opens as wav",
        WHOLE,
    )
    assert "recording.chunk.verified" in caplog.text
    assert (work.record.stored_etag, work.record.verified_at) == ("1", work.now())


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"media_fault": "does not open", "duration_ms": None}, ["media: does not open"]),
        ({"media_fault": "plays too short"}, ["media: plays too short"]),
        ({"duration_ms": None}, []),
        ({}, ["opens as wav"]),
    ],
)
def test_of_the_media_it_says_what_was_found(facts: dict[str, Any], told: list[str]) -> None:
    """Media that nobody looked at does not "open"."""
    assert list(how(copied(world(), **facts)))[2:-1] == told


def test_without_read_back_only_the_length_is_compared() -> None:
    """An operator's choice; each block was checked by the service when it came."""
    here = world(verify_readback=False)
    assert how(copied(here))[-1] == "each block verified by the service; committed length compared"
    assert "fill" not in here.fakes.archive.calls


def test_a_copy_of_several_runs_is_read_whatever_the_operator_chose() -> None:
    """Nobody has seen it whole; its SHA-256 comes from here."""
    work = copied(world(verify_readback=False), sha256=None, duration_ms=None)
    assert how(work)[1:] == ("each block's CRC-64 as read from the source", "opens as wav", PIECEWISE)
    assert (work.record.sha256, work.record.duration_ms) == (SHA256, 2000.0)


@pytest.mark.parametrize(
    ("check", "fault", "warning"),
    [(MediaCheck.REQUIRE, True, False), (MediaCheck.WARN, False, True), (MediaCheck.OFF, False, False)],
)
def test_what_is_wrong_with_a_copy_of_several_runs_is_found_here(check: MediaCheck, fault: bool, warning: bool) -> None:
    """With `warn` it passes, and its receipt says so."""
    here, brief = world(media_check=check), task(metadata_location=None, recording_duration_ms=1)
    work = copied(here, ids(Block(0, len(LONG)), data=LONG), LONG, sha256=None, duration_ms=None, task=brief)
    if fault:
        with pytest.raises(SourceBrokenError):
            verify(work)
        assert (work.record.state, work.record.blob_name) == (ChunkState.PENDING, None)
        known = here.record(work.task)  # so that steady bytes are known as such at the next attempt
        assert (known.broken_sha256, known.broken_tries) == (hashlib.sha256(LONG).hexdigest(), 1)
        assert [suspect.sha256 for suspect in work.record.suspects] == [hashlib.sha256(LONG).hexdigest()]
        return
    verify(work)
    assert (work.record.media_fault, work.record.media_warning is not None) == (None, warning)


@pytest.mark.parametrize(
    "blocks",
    [
        (),
        ids(BLOCKS[0]),
        ids(BLOCKS[1]),
        ids(BLOCKS[1], BLOCKS[0]),
        ids(Block(0, HALF), Block(HALF + 2, len(DATA) - HALF - 2)),
        (ids(BLOCKS[0])[0], (ids(BLOCKS[1])[0][0], 7)),
        (("not one of ours", HALF), ids(BLOCKS[1])[0]),
    ],
    ids=["none", "no end", "no begin", "turned round", "a gap", "another length", "a foreign id"],
)
def test_a_blob_that_does_not_tell_its_blocks_is_unproven(blocks: tuple[tuple[str, int], ...]) -> None:
    """Where the SHA-256 is known it is compared all the same; where it is not, nothing proves anything."""
    with pytest.raises(StorageError) as unproven:
        verify(copied(world(), blocks, sha256=None))
    assert unproven.value.code == "stored_unproven"
    assert how(copied(world(), blocks))[-1] == WHOLE


def test_other_bytes_than_were_read_are_left_and_the_media_is_copied_anew() -> None:
    """Whether the digest of the whole tells it, the checksum of a block, or the length."""
    one, other = copied(world(), sha256="cd" * 32), copied(world(), sha256=None)
    name = other.record.blob_name or ""
    spoiled = FakeBlob(DATA[:-1] + b"?", "audio/wav", {}, "1", ids(*BLOCKS))
    other.ports.archive.blobs[name] = spoiled  # type: ignore[attr-defined]  # the fake's own
    short = copied(world(verify_readback=False), length_bytes=len(DATA) + 1)
    for work in (one, other, short):
        with pytest.raises(SourceBrokenError) as conflict:
            verify(work)
        assert conflict.value.code == "stored_differs"
        assert (work.record.state, work.record.name_version) == (ChunkState.PENDING, 2)


def test_a_blob_that_is_not_there_any_more_is_copied_anew_under_its_name() -> None:
    """Somebody removed it between the commit and now."""
    work = copied(world(verify_readback=False))
    work.ports.archive.blobs.clear()  # type: ignore[attr-defined]  # the fake's own
    with pytest.raises(SourceBrokenError) as missing:
        verify(work)
    assert missing.value.code == "media_vanished"
    assert (work.record.state, work.record.name_version) == (ChunkState.PENDING, 1)


LOCKED = BlobLockedError("archive tier")
NOT_READ = (
    "each block verified by the service; committed length compared",
    "not read back: the blob's tier or a lock forbids it",
)


def test_a_copy_that_cannot_be_read_is_compared_by_its_length_and_the_receipt_says_so() -> None:
    """A lifecycle rule may move it to the archive tier at once; the source must not be lost for that."""
    work = copied(here := world())
    here.fakes.archive.fail_next("fill", LOCKED)
    assert how(work)[-2:] == NOT_READ
    work = copied(here := world(), length_bytes=len(DATA) + 1)
    here.fakes.archive.fail_next("fill", LOCKED)
    with pytest.raises(SourceBrokenError) as short:
        verify(work)
    assert short.value.code == "stored_differs"


def test_a_copy_that_nobody_has_seen_whole_and_that_cannot_be_read_waits() -> None:
    """Nothing proves it: its SHA-256 is not known yet."""
    work = copied(here := world(), sha256=None)
    here.fakes.archive.fail_next("fill", LOCKED)
    with pytest.raises(BlobLockedError):
        verify(work)
    assert here.state(work.task) is ChunkState.COPIED


def test_a_copy_that_was_written_to_since_it_was_verified_and_cannot_be_read_is_copied_anew() -> None:
    """Its length and its facts may be those of the copy, and its bytes are not; the blob keeps its name."""
    work = copied(here := world(), stored_etag="0")
    here.fakes.archive.fail_next("fill", LOCKED)
    with pytest.raises(SourceBrokenError) as touched:
        verify(work)
    assert touched.value.code == "media_touched"
    assert (work.record.state, work.record.name_version) == (ChunkState.PENDING, 2)


@pytest.mark.parametrize(("etag", "is_read"), [("0", True), ("1", False), (None, False)])
def test_a_copy_that_was_written_to_is_read_whatever_the_operator_chose(etag: str | None, *, is_read: bool) -> None:
    """Only reading it shows what it holds now."""
    work = copied(here := world(verify_readback=False), stored_etag=etag)
    assert (how(work)[-1] == WHOLE) is is_read
    assert ("fill" in here.fakes.archive.calls) is is_read
    assert work.record.stored_etag == "1"


def test_a_copy_whose_worker_died_is_inspected_while_it_is_read_whatever_the_operator_chose() -> None:
    """The blob tells its digest, and nobody has noted what is in it."""
    work = copied(world(verify_readback=False), container=None, channels=None, duration_ms=None)
    assert how(work)[2:] == ("opens as wav", WHOLE)
    assert (work.record.container, work.record.channels, work.record.duration_ms) == ("RIFF", 1, 2000.0)


@pytest.mark.parametrize(
    ("known", "is_wanted", "sha512"), [(None, True, SHA512), (None, False, None), ("ab" * 64, True, "ab" * 64)]
)
def test_sha512_is_computed_while_reading_where_no_pass_over_the_source_did(
    known: str | None, is_wanted: bool, sha512: str | None
) -> None:
    """A worker of a version that did not compute it read the source."""
    for container in ("RIFF", None):
        work = copied(world(copy_sha512=is_wanted), sha512=known, container=container)
        verify(work)
        assert work.record.sha512 == sha512


@pytest.mark.parametrize(("is_wanted", "sha512"), [(True, SHA512), (False, None)])
def test_a_copy_of_several_runs_gets_both_digests(is_wanted: bool, sha512: str | None) -> None:
    """It is hashed here for the first time."""
    work = copied(world(copy_sha512=is_wanted), sha256=None)
    verify(work)
    assert (work.record.sha256, work.record.sha512) == (SHA256, sha512)


def test_a_copy_whose_digest_is_known_is_not_asked_for_its_blocks() -> None:
    """The digest of the whole proves more than a checksum of each block does, and costs no list of them."""
    for blocks in (WELL_CUT, ids(BLOCKS[0])):
        assert how(copied(here := world(), blocks))[-1] == WHOLE
        assert "committed_blocks" not in here.fakes.archive.calls


def test_media_that_an_operator_accepted_keeps_the_warning_that_it_was_accepted_with() -> None:
    """It was judged by a person; reading it back must not refuse it again."""
    accepted = Acceptance(by=None, note="heard it", at=EVENT_TIME)
    facts = {"sha256": None, "duration_ms": None, "accepted": accepted, "media_warning": "plays too short"}
    brief = task(metadata_location=None, recording_duration_ms=1)
    work = copied(world(), ids(Block(0, len(LONG)), data=LONG), LONG, task=brief, **facts)
    assert how(work)[1:3] == ("each block's CRC-64 as read from the source", "opens as wav")
    assert (work.record.media_fault, work.record.media_warning) == (None, "plays too short")
    assert work.record.duration_ms == 60_000.0


def test_a_blob_that_vanishes_between_two_looks_is_looked_for_again() -> None:
    """The next attempt finds it vanished, and copies it anew."""
    work, looks = copied(here := world(verify_readback=False)), [0]

    def take(_port: str, method: str) -> tuple[None, bool]:
        looks[0] += method == "look_up"
        if looks[0] == 2:
            here.fakes.archive.blobs.clear()
        return None, False

    intercept(here, take)
    with pytest.raises(StorageError) as missing:
        verify(work)
    assert missing.value.code == "blob_missing"


def test_an_external_file_is_read_where_it_lies_whatever_the_operator_chose() -> None:
    """It has no blob of ours; two reads that agree are all the proof there is."""
    place = "https://customer.blob.core.windows.net/calls/a.wav"
    outside = task().model_copy(update={"home": Home.EXTERNAL, "content_location": place})
    here = world(verify_readback=False)
    here.fakes.external.objects[place] = DATA
    work = copied(here, task=outside)
    here.fakes.archive.blobs.clear()
    assert how(work)[-1] == WHOLE
    assert work.record.stored_etag is None
    here = world(verify_readback=False)
    here.fakes.external.objects[place] = DATA[:-1] + b"?"
    with pytest.raises(SourceBrokenError, match="changed between two reads"):
        verify(copied(here, task=outside))
    assert (here.state(outside), here.record(outside).last_error) == (ChunkState.PENDING, "source_changed")
