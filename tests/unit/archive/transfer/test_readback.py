"""Reading back: what is compared, in which pieces, and that small blobs pass large ones."""

import hashlib
import random
import threading

import pytest

from dev.in_memory.builders import record, task
from dev.in_memory.fakes.archive import FakeBlob
from dev.in_memory.world import World, world
from recording.archive.claim import Work
from recording.archive.transfer.buffers import SlotPool
from recording.archive.transfer.pace import FIRST_BLOCK, MIB
from recording.archive.transfer.readback import ARCHIVE, Stored, range_for, read_back
from recording.archive.transfer.traffic import Share, traffic_to
from recording.domain.archived.blocks import StagedBlock, crc64_of
from recording.domain.state.chunk import ChunkState
from recording.errors import ContentConflictError
from tests.unit.archive.transfer.blocks import BLOCK, blocks_world

SMALL = random.Random(1).randbytes(1000)
LARGE = random.Random(2).randbytes(FIRST_BLOCK + 1000)


def committed(here: World, data: bytes) -> tuple[Work, str]:
    """A worker that has claimed a chunk whose blob holds these bytes, and the blob's name."""
    known = record(ChunkState.COPIED, length_bytes=len(data))
    name = known.blob_name or ""
    here.fakes.archive.blobs[name] = FakeBlob(data, "audio/wav", {}, "1")
    here.fakes.catalog.add_chunk(known)
    work = Work(here.record(), here.ports, here.settings, started_at=here.now)
    work.save(claim_owner="me")
    return work, name


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_blob_that_goes_on_behind_the_end_of_the_source_differs(data: bytes) -> None:
    """It begins with the same bytes, so that neither digest nor checksums show it."""
    work, name = committed(world(), data + b"?")
    with pytest.raises(ContentConflictError) as longer:
        read_back(work, Stored(name, len(data)))
    assert longer.value.code == "stored_differs"


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_single_block_is_compared_with_the_sources_checksum(data: bytes) -> None:
    """No digest of the whole is known where a copy was made in several runs."""
    block = StagedBlock(0, len(data), f"{crc64_of(data):016x}")
    work, name = committed(world(), data)
    digest, _ = read_back(work, Stored(name, len(data), [block]))
    assert (digest.length_bytes, digest.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    work, name = committed(world(), data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ContentConflictError) as differs:
        read_back(work, Stored(name, len(data), [block]))
    assert differs.value.code == "stored_differs"


@pytest.mark.parametrize(
    ("budget_mib", "pinned_mib", "range_mib"),
    [(512, None, 8), (64, None, 8), (32, None, 4), (8, None, 1), (4, None, 1), (64, 2, 2), (400, 100, 8)],
)
def test_ranges_are_as_large_as_the_buffers_have_room_for(
    budget_mib: int, pinned_mib: int | None, range_mib: int
) -> None:
    """Eight of them fit, or else they are a MiB each; and none is larger than a block that a setting pins."""
    pinned = None if pinned_mib is None else pinned_mib * MIB
    assert range_for(budget_mib * MIB, pinned) == range_mib * MIB


def test_a_large_blob_is_read_in_ranges() -> None:
    """Memory is flat in the file's size, whether its blocks are known or not."""
    here = world()
    data = random.Random(3).randbytes(2 * range_for(here.ports.pool.budget_bytes, None) + 1)
    work, name = committed(here, data)
    digest, _ = read_back(work, Stored(name, len(data)))
    assert (digest.length_bytes, digest.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert here.fakes.archive.calls.count("fill") == 3


def test_a_small_blob_is_read_back_past_the_ranges_of_large_ones() -> None:
    """It would else wait for a turn behind files that take minutes, and for their hashing."""
    pool = SlotPool(64 * MIB, threads=1)
    here, media = blocks_world(BLOCK, pool=pool)
    traffic = traffic_to(ARCHIVE, pool, range_for(pool.budget_bytes, here.settings.copy_block_bytes))
    large = Share()
    large.thread = -1
    traffic.join(large)
    while traffic.begin(large):
        pass
    pool.hashers.submit(threading.Event().wait, 0)  # what is there does not matter: none is asked
    before = traffic.running
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert "fill" in here.fakes.archive.calls
    assert traffic.running == before
