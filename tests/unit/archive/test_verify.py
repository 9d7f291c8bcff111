"""Verify: what it reads, what it compares, and that a receipt says no more than was seen."""

import hashlib
from typing import Any

import pytest

from dev.in_memory.builders import record, task, wav
from dev.in_memory.fakes.archive import FakeBlob
from dev.in_memory.world import World, world
from recording.archive.claim import Work
from recording.archive.verify import verify
from recording.domain.archived.blocks import Block, block_id, crc64_of
from recording.domain.state.chunk import ChunkState, Home
from recording.errors import SourceBrokenError, StorageError
from recording.settings.values import MediaCheck

DATA, LONG = wav(), wav(60_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
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
    assert how(copied(world())) == (
        "length equals the source's declared total",
        "SHA-256 of the bytes as read from the source",
        "opens as wav",
        WHOLE,
    )
    assert "recording.chunk.verified" in caplog.text


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


def test_an_external_file_is_read_where_it_lies_whatever_the_operator_chose() -> None:
    """It has no blob of ours; two reads that agree are all the proof there is."""
    place = "https://customer.blob.core.windows.net/calls/a.wav"
    outside = task().model_copy(update={"home": Home.EXTERNAL, "content_location": place})
    here = world(verify_readback=False)
    here.fakes.external.objects[place] = DATA
    assert how(copied(here, task=outside))[-1] == WHOLE
    here = world(verify_readback=False)
    here.fakes.external.objects[place] = DATA[:-1] + b"?"
    with pytest.raises(SourceBrokenError, match="changed between two reads"):
        verify(copied(here, task=outside))
