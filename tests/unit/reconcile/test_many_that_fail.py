"""Many items in a row that always fail, while storage answers: what lies behind them is reached within a few runs."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME, document_id, task
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.ports import RecordingSummary

GOOD = 3


def names(bad: int) -> list[str]:
    """Return the names of so many items that always fail, and of the others behind them."""
    return [f"bad-{number:03}" for number in range(bad)] + [f"good-{number}" for number in range(GOOD)]


def refuse_bad(here: World, method: str, name_of: Callable[..., str]) -> None:
    """Let a method of the catalog fail for the bad items, always."""
    plain = getattr(here.fakes.catalog, method)

    def refused(argument: object) -> object:
        if name_of(argument).startswith("bad"):
            raise StorageError("this row is refused")
        return plain(argument)

    object.__setattr__(here.fakes.catalog, method, refused)


def runs_until(here: World, done: Callable[[World], int]) -> int:
    """Return after how many runs of reconcile all good items were done; 0 where they never were."""
    for run in range(1, 33):
        with suppress(StorageError):  # after all else was done
            here.reconciles()
        if done(here) == GOOD:
            return run
        here.fakes.clock.advance(minutes=5)
    return 0


def overdue_chunks(bad: int) -> World:
    here = world()
    before = here.now - timedelta(hours=1)
    for number, name in enumerate(names(bad)):
        about = here.holds(task(0, document_id(number), recording_id=name))
        here.fakes.catalog.add_chunk(ChunkRecord(task=about, first_seen_at=before, changed_at=before))
    refuse_bad(here, "save_chunk", lambda record: record.task.recording_id)
    return here


def missing_recordings(bad: int) -> World:
    here = world()
    for name in names(bad):
        over_at = here.now - timedelta(days=2)
        here.fakes.catalog.add_recording(RecordingRecord(recording_id=name, ended_seen_at=over_at, chunk_count=1))
    refuse_bad(here, "save_recording", lambda record: record.recording_id)
    return here


def unread_chunks_of_recordings(bad: int) -> World:
    here = missing_recordings(bad)
    refuse_bad(here, "chunk_rows_of", str)
    return here


def rows_of_the_log(bad: int) -> World:
    here = world()
    rows = [RecordingSummary(name, 1, EVENT_TIME, EVENT_TIME - timedelta(hours=1)) for name in names(bad)]
    here.fakes = replace(here.fakes, log=FakeLog(*rows))
    refuse_bad(here, "add_recording", lambda record: record.recording_id)
    return here


def poisoned_tasks(bad: int) -> World:
    here = world()
    for number, name in enumerate(names(bad)):
        here.fakes.queue.poison(task(0, document_id(number), recording_id=name).model_dump_json())
    refuse_bad(here, "get_chunk", lambda key: key.recording_id)
    return here


def sent(here: World) -> int:
    return len({one.recording_id for one in here.fakes.queue.tasks if one.recording_id.startswith("good")})


def known(here: World) -> int:
    return sum(name.startswith("good") for name in here.fakes.catalog.recordings)


def missing(here: World) -> int:
    return sum(one.missing_since is not None for one in here.fakes.catalog.recordings.values())


LOOPS: dict[str, tuple[Callable[[int], World], Callable[[World], int]]] = {
    "open chunks": (overdue_chunks, sent),
    "open recordings": (missing_recordings, missing),
    "chunks of open recordings": (unread_chunks_of_recordings, missing),
    "rows of ACS's log": (rows_of_the_log, known),
    "poisoned tasks": (poisoned_tasks, sent),
}
A_RUN = {"poisoned tasks": 20}  # reconcile redrives their chunks, too: this loop asks nothing else of storage


@pytest.mark.parametrize("bad", [1, 30, 250, 600])
@pytest.mark.parametrize("loop", LOOPS)
def test_what_lies_behind_many_that_always_fail_is_reached(loop: str, bad: int) -> None:
    """A run ends after so many failures, to stay within its time: the next one began at the same ones again."""
    build, done = LOOPS[loop]
    here = build(bad)
    assert 1 <= runs_until(here, done) <= bad // A_RUN.get(loop, 200) + 1


def test_a_run_that_begins_further_on_says_that_it_has_not_seen_all(caplog: pytest.LogCaptureFixture) -> None:
    """`recording.reconciled` is logged for whole runs only; and the run after it begins with the most urgent again."""
    here = overdue_chunks(250)
    with suppress(StorageError):
        here.reconciles()
    assert here.fakes.catalog.cursor("open_chunks_from") == "220"
    here.fakes.clock.advance(minutes=5)
    with suppress(StorageError):
        here.reconciles()
    assert not here.fakes.catalog.cursor("open_chunks_from")
    assert "recording.reconciled" not in caplog.text


def test_storage_that_fails_itself_moves_no_loop_on() -> None:
    """The most urgent come first again, as soon as it answers."""
    here = overdue_chunks(250)

    def down() -> object:
        raise StorageError("down")

    object.__setattr__(here.fakes.queue, "depths", down)
    with suppress(StorageError):
        here.reconciles()
    assert not here.fakes.catalog.cursor("open_chunks_from")


@pytest.mark.parametrize("place", ["x", "-1", "9" * 5000, "999999999", "\u0967", "1.5"])
def test_a_place_that_nobody_wrote_is_the_beginning(place: str) -> None:
    """A row may hold anything, and no run may end at it."""
    here = overdue_chunks(0)
    here.fakes.catalog.save_cursor("open_chunks_from", place)
    assert runs_until(here, sent) in (1, 2)
