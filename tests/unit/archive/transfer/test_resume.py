"""A copy that was interrupted: what is staged is used again, and nothing that another one staged."""

import hashlib
import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from dev.in_memory.builders import metadata, mp3, task
from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.archived.blocks import Block, block_id, crc64_of
from recording.domain.state.chunk import ChunkState
from tests.unit.archive.transfer.blocks import BLOCK, blocks_world


def interrupted(here: World, after_stages: int) -> None:
    """A worker dies after it has staged so many blocks."""
    staged = 0

    def die(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal staged
        staged += method == "stage_block"
        return (WorkerDiedError() if method == "stage_block" and staged > after_stages else None), False

    intercept(here, die)
    with pytest.raises(WorkerDiedError):
        here.works(task())
    leave_alone(here)
    here.fakes.clock.advance(minutes=5)


def fetched_bytes(here: World) -> Callable[[], int]:
    """Counts what the source gives from now on."""
    given = 0
    plain = here.source.open

    def counting(location: str, first: int = 0, length: int | None = None) -> FakeContent:
        nonlocal given
        content = plain(location, first, length)
        if location == task().content_location:
            given += min(length or len(here.source.objects[location]), len(here.source.objects[location]) - first)
        return content

    here.source.open = counting  # type: ignore[method-assign]  # listens and passes on
    return lambda: given


def test_the_next_worker_stages_only_what_is_missing() -> None:
    """A kill costs a block for each slot, not the file."""
    here, media = blocks_world(50 * BLOCK)
    interrupted(here, after_stages=40)
    given = fetched_bytes(here)
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert given() <= 12 * BLOCK + 12 * 64
    assert here.record().sha256 == hashlib.sha256(media).hexdigest()
    assert "copied in several runs; read back whole: each block is the source's" in here.record().verified_how


def test_a_resumed_file_that_does_not_open_is_not_the_recording() -> None:
    """It was seen whole for the first time when it was read back: no proof, no delete."""
    here = world(copy_block_bytes=BLOCK)
    here.holds(task(), b"no media at all" * 1000)
    interrupted(here, after_stages=5)
    here.works(task())
    record = here.record()
    assert (record.state, record.blob_name, len(record.suspects)) == (ChunkState.PENDING, None, 1)
    assert "delete" not in here.source.calls


def test_a_copy_goes_on_although_the_bytes_are_of_another_format_than_announced() -> None:
    """The blocks are staged under the name that the bytes told, and only there they can be found."""
    here = world(copy_block_bytes=BLOCK)
    media = mp3(20 * BLOCK // 216)
    here.holds(task(), media, metadata(chunkDuration=20 * BLOCK // 216 * 36))
    interrupted(here, after_stages=12)
    before = here.fakes.archive.calls.count("stage_block")
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert (here.record().blob_name or "").endswith(".mp3")
    assert here.fakes.archive.calls.count("stage_block") - before < 12


def test_staged_blocks_of_another_version_are_not_used() -> None:
    """The object was replaced while nobody looked."""
    here, _ = blocks_world(20 * BLOCK)
    interrupted(here, after_stages=10)
    other = random.Random(9).randbytes(20 * BLOCK)
    here.holds(task(), other)
    here.works(task())
    assert list(here.media_blobs().values()) == [other]


def test_blocks_that_somebody_else_staged_do_not_get_into_the_file() -> None:
    """Only ids made from this object's place, length and checksum count."""
    here, media = blocks_world(5 * BLOCK)
    interrupted(here, after_stages=2)
    (name,) = here.fakes.archive.staged
    mark = next(iter(here.fakes.archive.staged[name]))[18:34]
    here.fakes.archive.staged[name]["x" * 50] = b"foreign"
    forged = block_id(Block(4000, 500), mark, crc64_of(b"y" * 500))
    here.fakes.archive.staged[name][forged] = b"y" * 400  # another length than its id says
    here.works(task())
    assert list(here.media_blobs().values()) == [media]


def test_a_copy_whose_time_is_used_up_goes_on_in_the_next_run() -> None:
    """No run may outlive the host's limit, and a file may need several."""
    here, media = blocks_world(60 * BLOCK, copy_time_budget=timedelta(minutes=1), claim_length=timedelta(hours=1))
    plain = FakeContent.fill

    def slowly(self: FakeContent, view: memoryview) -> int:
        here.fakes.clock.advance(seconds=5)
        return plain(self, view)

    here.fakes.queue.send(task())
    FakeContent.fill = slowly  # type: ignore[method-assign]  # put back below
    try:
        here.runs(hours=3)
    finally:
        FakeContent.fill = plain  # type: ignore[method-assign]
    assert list(here.media_blobs().values()) == [media]
    assert here.record().attempts > 2
    assert here.record().task.attempt == 0, "a pause is no failed try"
