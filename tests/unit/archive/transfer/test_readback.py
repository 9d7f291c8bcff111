"""Reading back: small blobs pass large ones."""

import threading

from dev.in_memory.builders import task
from recording.archive.transfer.buffers import SlotPool
from recording.archive.transfer.pace import MIB
from recording.archive.transfer.readback import _RANGE as RANGE
from recording.archive.transfer.readback import ARCHIVE
from recording.archive.transfer.traffic import Share, traffic_to
from tests.unit.archive.transfer.blocks import BLOCK, blocks_world


def test_a_small_blob_is_read_back_past_the_ranges_of_large_ones() -> None:
    """It would else wait for a turn behind files that take minutes, and for their hashing."""
    pool = SlotPool(64 * MIB, threads=1)
    here, media = blocks_world(BLOCK, pool=pool)
    traffic = traffic_to(ARCHIVE, pool, RANGE)
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
