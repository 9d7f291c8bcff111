"""Failures that may pass: the chunk is tried again, and ends in the same archive."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import task, wav
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState
from recording.errors import (
    RecordingError,
    SourceBrokenError,
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
    StorageBusyError,
    StorageError,
    StorageRefusedError,
)
from recording.errors.codes import Code

RETRYABLE: list[RecordingError] = [
    SourceBusyError("busy"),
    SourceRefusedError("401"),
    SourceGoneError("404"),
    SourceBrokenError("short", code=Code.SOURCE_SHORT),
    StorageBusyError("busy"),
    StorageRefusedError("403"),
    StorageError("broken"),
]
PLACES = [
    ("source", "open_content"),
    ("source", "read_metadata"),
    ("source", "delete"),
    ("archive", "stage_block"),
    ("archive", "staged_blocks"),
    ("archive", "commit"),
    ("archive", "committed_blocks"),
    ("archive", "put_media"),
    ("archive", "put_once"),
    ("archive", "put_if_unchanged"),
    ("archive", "get"),
    ("archive", "look_up"),
    ("archive", "fill"),
    ("catalog", "save_chunk"),
    ("catalog", "chunk_rows_of"),
    ("catalog", "get_recording"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("place", PLACES, ids=".".join)
@pytest.mark.parametrize("error", RETRYABLE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("block_bytes", [None, 1000], ids=["one block", "blocks"])
def test_a_failure_that_time_may_mend_is_tried_again_and_ends_in_the_same_archive(
    error: RecordingError, place: tuple[str, str], after: bool, block_bytes: int | None
) -> None:
    """Every failure class at every port, before and after its effect: a lost answer is as common as a lost question."""
    here = world(copy_block_bytes=block_bytes)
    here.holds(task())
    port, method = place
    is_possible = isinstance(error, SourceError) is (port == "source")
    if not is_possible:
        error = SourceBusyError("busy") if port == "source" else StorageBusyError("busy")
    getattr(here.fakes, port).fail_next(method, error, after=after)
    here.fakes.queue.send(task())
    here.runs(hours=3)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [wav()]
    assert here.fakes.quarantine.kept == {}


def test_a_failed_try_says_why_and_when_the_next_one_comes(here: World) -> None:
    """An operator who looks sees what is going on (I4)."""
    here.source.fail_next("open_content", SourceBusyError("busy", code=Code.SOURCE_BUSY))
    here.works(task())
    record = here.record()
    assert (record.state, record.last_error, record.attempts) == (ChunkState.PENDING, Code.SOURCE_BUSY, 1)
    assert record.claim_owner is None
    (again, visible_at) = here.fakes.queue.sent[0]
    assert again == task().again()
    assert record.next_attempt_at == visible_at > here.now


def test_the_services_retry_after_is_obeyed_by_the_queue_and_not_by_sleeping(here: World) -> None:
    """A function has ten minutes; an hour of waiting belongs to the queue."""
    here.source.fail_next("open_content", SourceBusyError("busy", retry_after=timedelta(minutes=50)))
    here.works(task())
    assert here.fakes.queue.sent[0][1] == here.now + timedelta(minutes=50)


def test_waits_grow_from_try_to_try(here: World) -> None:
    """Hammering makes a busy service busier."""
    waits = []
    for _ in range(6):
        here.source.fail_next("open_content", SourceBusyError("busy"))
        (message, visible_at) = here.fakes.queue.sent.pop() if here.fakes.queue.sent else (task(), here.now)
        here.fakes.clock.advance(seconds=(visible_at - here.now).total_seconds())
        here.works(message)
        waits.append(here.fakes.queue.sent[0][1] - here.now)
    assert waits[5] > waits[3] > waits[1] > timedelta()


def test_a_first_download_of_nothing_is_not_believed(here: World) -> None:
    """0 bytes on the first download after idle time is a known fault; the second is whole."""
    here.source.declared[task().content_location] = 0
    here.source.truncated[task().content_location] = 0
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("source_empty", {})
    here.source.declared.clear()
    here.source.truncated.clear()
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("cut", [0, 1, 20_000, len(wav()) - 1])
@pytest.mark.parametrize("how", ["truncated", "broken"])
def test_a_download_that_ends_early_commits_nothing(here: World, how: str, cut: int) -> None:
    """A stream may break loudly or just end; both are shorter than declared."""
    getattr(here.source, how)[task().content_location] = cut
    here.works(task())
    assert here.media_blobs() == {}
    assert here.state() is ChunkState.PENDING
    getattr(here.source, how).clear()
    here.runs(hours=1)
    assert list(here.media_blobs().values()) == [wav()]


@pytest.mark.parametrize("declared", [None, 10, 10**9])
def test_a_source_that_declares_nothing_or_something_else_is_not_believed(here: World, declared: int | None) -> None:
    """Length is the only fact of the source that the bytes can be held against."""
    here.source.declared[task().content_location] = declared
    here.works(task())
    assert (here.state(), here.media_blobs()) == (ChunkState.PENDING, {})


def test_a_copy_that_takes_too_long_goes_back_to_the_queue() -> None:
    """The host ends a function after half an hour; until then the work must be handed on."""
    here = world(copy_time_budget=timedelta(minutes=1), claim_length=timedelta(hours=1), copy_block_bytes=65_536)
    here.holds(task(), wav(150_000))
    stage = here.fakes.archive.stage_block

    def slowly(name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None) -> None:
        here.fakes.clock.advance(minutes=2)
        stage(name, block_id, data, crc64)

    here.fakes.archive.stage_block = slowly  # type: ignore[method-assign]  # a slow network
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("copy_paused", {})
