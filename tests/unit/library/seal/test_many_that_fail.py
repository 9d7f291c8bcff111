"""Items on the seal's list that can never be read: they are reported, and hide nothing behind them."""

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World
from recording.domain.state.chunk import ChunkRecord
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.library.seal.gather import MOST_ITEMS
from recording.library.seal.waiting import seal_recording
from tests.unit.library.seal.seal_world import archives, proofs_in, seal_of, sealed_world, seals


def listed_behind(bad: int, code: Code) -> World:
    """Return a world with an archived recording whose place on the list is behind so many that cannot be read."""
    here = sealed_world()
    for number in range(bad):
        seal_recording(f"bad-{number:03}", here.ports)
    archives(here)
    here.follows_up()
    plain = here.fakes.catalog.chunks_of

    def refused(recording_id: str) -> list[ChunkRecord]:
        if recording_id.startswith("bad"):
            raise StorageError("this row is refused", code=code)
        return plain(recording_id)

    object.__setattr__(here.fakes.catalog, "chunks_of", refused)
    return here


@pytest.mark.parametrize("code", [Code.STORAGE_BUSY, Code.NEWER_RECORD])
@pytest.mark.parametrize("bad", [1, 5, 30, MOST_ITEMS, MOST_ITEMS + 100])
def test_what_lies_behind_many_that_always_fail_is_sealed(
    bad: int, code: Code, caplog: pytest.LogCaptureFixture
) -> None:
    """Five of them ended every run at the same place, and 500 unreadable rows filled every turn: no more seals."""
    here = listed_behind(bad, code)
    done = seals(here)
    assert (done.error, done.checkpoints >= 1) == (None, True)
    assert proofs_in(here)
    left = {item.name for item in seal_of(here).waiting.items.values()}
    assert left == {f"bad-{number:03}" for number in range(bad)}
    assert len(seal_of(here).waiting.items) == bad
    assert caplog.text.count("recording.seal.failed") >= bad
    assert task().recording_id not in left


def test_storage_that_does_not_answer_ends_the_run() -> None:
    """Each further item would cost its time-outs."""
    here = listed_behind(30, Code.STORAGE_BUSY)
    here.fakes.catalog.fail_next("time", StorageError("down"), times=1000)
    assert isinstance(seals(here).error, StorageError)
