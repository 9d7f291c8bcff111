"""Keys are rotated: what is found stays found."""

from typing import Any

import pytest

from dev.in_memory.world import WorkerDiedError, World, world
from recording.domain.find.directory import participant_partition
from recording.domain.find.find_query import FindQuery
from recording.errors import StorageBusyError, StorageError
from recording.library.directory import find_all
from recording.library.follow_up import follow_up, follow_up_message
from recording.library.reindex import reindex
from tests.unit.library.corpus import PEOPLE, ask, put
from tests.unit.library.reference import Truth

OLD, NEW = b"a key of the tests, 32 bytes long", b"a new key of the tests, 32 bytes!"
ANN, NUMBER = PEOPLE[0], PEOPLE[3]


def filled(count: int = 6) -> World:
    """So many recordings, of which every second has Ann and a number in it."""
    here = world()
    here.fakes.index_keys.secrets[:] = [OLD]
    for number in range(count):
        people = (ANN, NUMBER) if number % 2 else (PEOPLE[1],)
        put(here, Truth(f"rec-{number}", here.now, "call-a", "archived", participants=people, tags={"case": "1"}))
        follow_up_message(ask(f"rec-{number}"), here.ports)
    return here


def found(here: World, **query: Any) -> list[str]:
    """Return what a query finds, a few a page."""
    asked = FindQuery.read({**query, "limit": 2})
    return [one.recording.recording_id for one in find_all(asked, here.ports, here.settings)]


def partitions_with(here: World, secret: bytes) -> set[str]:
    """Return the partitions of hashes that were made with a key."""
    here.fakes.index_keys.secrets[:] = [secret]
    key = here.fakes.index_keys.keys().current
    mine = {participant_partition(key.participant(person)) for person in PEOPLE}
    return mine & {partition for partition, _ in here.fakes.directory.rows}


def test_everything_is_found_before_during_and_after_a_rotation() -> None:
    """The new key writes, both find, and in the end no row of the old one is left."""
    here = filled()
    asked: list[dict[str, Any]] = [{}, {"participant": ANN}, {"number": NUMBER}, {"number": NUMBER[-7:]}]
    asked += [{"tag": "case:1"}, {"tag": "case:1", "participant": ANN}]
    before = [found(here, **query) for query in asked]
    assert [len(one) for one in before] == [6, 3, 3, 3, 6, 3]
    here.fakes.index_keys.secrets[:] = [NEW, OLD]
    assert [found(here, **query) for query in asked] == before
    for number in (1, 2, 5):
        follow_up(f"rec-{number}", here.ports)
        assert [found(here, **query) for query in asked] == before
    done = reindex(here.ports)
    assert (done.seen, done.written, done.problems) == (6, 3, [])
    here.fakes.index_keys.secrets[:] = [NEW]
    assert [found(here, **query) for query in asked] == before
    assert partitions_with(here, OLD) == set()


def test_a_rotation_that_dies_goes_on() -> None:
    """Years of recordings take hours."""
    here = filled()
    here.fakes.index_keys.secrets[:] = [NEW, OLD]
    here.fakes.directory.die_after, here.fakes.directory.death = 11, WorkerDiedError()
    for _ in range(20):
        try:
            reindex(here.ports)
            break
        except WorkerDiedError:
            here.fakes.directory.die_after = 11
    here.fakes.directory.die_after = None
    reindex(here.ports)
    assert partitions_with(here, OLD) == set()


def test_one_recording_that_fails_stops_no_rotation() -> None:
    """It is reported, and done by the next run."""
    here = filled()
    here.fakes.index_keys.secrets[:] = [NEW, OLD]
    here.fakes.directory.fail_next("put", StorageBusyError("down"))
    done = reindex(here.ports)
    assert (done.written, done.problems) == (5, [("rec-0", "storage_busy")])
    assert reindex(here.ports).written == 1


@pytest.mark.parametrize(
    "error", [ValueError("odd"), OverflowError("a time"), RecursionError(), StorageError("refused")]
)
def test_a_recording_of_odd_content_stops_no_rotation(error: Exception) -> None:
    """It would end each run at the same place, before the position is saved."""
    here = filled()
    here.fakes.index_keys.secrets[:] = [NEW, OLD]
    plain = here.fakes.catalog.chunk_rows_of

    def refused(recording_id: str) -> object:
        if recording_id == "rec-0":
            raise error
        return plain(recording_id)

    object.__setattr__(here.fakes.catalog, "chunk_rows_of", refused)
    code = error.code if isinstance(error, StorageError) else "unreadable_record"
    done = reindex(here.ports)
    assert (done.written, done.problems) == (5, [("rec-0", code)])
