"""A recording of which a file is lost, held or missing: its manifest must not call it complete."""

from collections.abc import Callable

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, metadata, task, wav
from dev.in_memory.hand import page_of_text
from dev.in_memory.world import World, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState
from recording.domain.state.records import changed
from recording.errors import SourceRefusedError
from recording.library.rebuild import rebuild
from recording.operate.held import redrive
from recording.operate.verify_recording import verify
from tests.unit.library.test_rebuild import loses_its_tables

SECOND = task(1, document_id(1))


@pytest.fixture
def here() -> World:
    """One file is archived, and its manifest is written."""
    made = world()
    made.holds(task())
    made.announces()
    made.runs(hours=1)
    assert made.manifest()["complete"] is True
    return made


def _announce_second(here: World) -> None:
    here.announces(event(chunk(1, document_id(1)), id="second"))


def _lost(here: World) -> None:
    _announce_second(here)
    here.runs(hours=60)
    assert here.state(SECOND) is ChunkState.EXPIRED


def _lost_without_a_worker(here: World) -> None:
    _announce_second(here)
    here.source.fail_next("open_content", SourceRefusedError("403"), times=10_000)
    here.runs(hours=1)
    here.source.fails_no_more("open_content")
    here.fakes.queue.sent.clear()
    here.runs(hours=80)
    assert here.state(SECOND) in (ChunkState.EXPIRED, ChunkState.QUARANTINED)


def _refused(here: World) -> None:
    here.holds(SECOND, page_of_text(wav()), metadata(SECOND))
    _announce_second(here)
    here.runs(hours=60)
    assert here.state(SECOND) is ChunkState.QUARANTINED


def _announced_unreadably(here: World) -> None:
    here.announces(event({"documentId": None, "index": 1}, id="second"))
    here.runs(hours=3, until_quiet=False)


def _counted_by_the_log(here: World) -> None:
    record = here.fakes.catalog.get_recording(RECORDING_ID)
    assert record is not None
    here.fakes.catalog.save_recording(changed(record, chunk_count=2, settled_at=None, look_at=None))
    here.runs(hours=30, until_quiet=False)


WAYS = [_lost, _lost_without_a_worker, _refused, _announced_unreadably, _counted_by_the_log]


@pytest.mark.parametrize("goes_wrong", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_the_manifest_says_that_a_file_is_not_there(here: World, goes_wrong: Callable[[World], None]) -> None:
    """It outlives the catalog, and it is sealed: what it called complete was complete to everybody afterwards."""
    goes_wrong(here)
    here.follows_up()
    told = here.manifest()
    assert told["complete"] is False
    assert told["missingIndexes"] == [1] or [one["archived"] for one in told["chunks"]] == [True, False]
    found = verify(RECORDING_ID, here.ports, here.settings)
    assert found is not None
    assert not [difference for difference in found.differences if difference.startswith("manifest")]


@pytest.mark.parametrize("goes_wrong", [_lost, _refused], ids=lambda way: way.__name__.strip("_"))
def test_a_rebuild_knows_of_it(here: World, goes_wrong: Callable[[World], None]) -> None:
    """It said that nothing was unfinished."""
    goes_wrong(here)
    here.follows_up()
    loses_its_tables(here)
    assert rebuild(here.ports, here.settings).unfinished == 1


def test_a_file_that_is_archived_after_all_makes_it_complete_again(here: World) -> None:
    """ACS kept it longer than promised."""
    _lost(here)
    here.follows_up()
    here.holds(SECOND)
    redrive(here.ports, here.settings, HeldFilter())
    here.runs(hours=2)
    assert here.manifest()["complete"] is True
