"""Urgency: with more work than workers, what is at risk goes first; and every state of the clock is seen (I4, I9)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID, record, task
from dev.in_memory.world import World, world
from recording.archive.claim import claim_chunk
from recording.archive.priority import LATE_AFTER, is_late, is_waiting
from recording.control.recordings import get_recording
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, FallbackCopy
from recording.errors import SourceBusyError, StorageBusyError
from recording.ports import Unreadable


@pytest.fixture
def here() -> World:
    """A world with nothing in it."""
    return world()


def _waits(here: World, index: int, hours_left: float, minutes: float = 30) -> ChunkTask:
    """A chunk that ACS holds and that has been on the queue for so long."""
    known = here.holds(task(index, expires_at=here.now + timedelta(hours=hours_left)))
    seen = here.now - timedelta(minutes=minutes)
    here.fakes.catalog.add_chunk(ChunkRecord(task=known, first_seen_at=seen, changed_at=seen))
    return known


def _archived(here: World) -> list[int]:
    done = [known for known in here.fakes.catalog.chunks.values() if known.state is ChunkState.SOURCE_DELETED]
    return sorted(known.task.index for known in done)


def test_a_late_turn_is_given_to_what_is_at_risk(here: World) -> None:
    """The queue is full of chunks with a day left, and one behind them has an hour."""
    safe, urgent = _waits(here, 0, 20), _waits(here, 1, 1)
    here.works(safe)
    assert _archived(here) == [urgent.index]
    assert here.fakes.queue.tasks == [safe]


@pytest.mark.parametrize("minutes", [3, 10, 600])
def test_to_a_host_that_is_ahead_no_turn_is_late_before_it_is(here: World, minutes: int) -> None:
    """It lent each of its turns to the first chunk at risk, also while a colleague worked on that."""
    first, urgent = _waits(here, 0, 20, minutes=0.5), _waits(here, 1, 3, minutes=0.5)
    here.skew = timedelta(minutes=minutes)
    here.works(first)
    assert _archived(here) == [first.index]
    here.fakes.clock.advance(minutes=2)
    second = _waits(here, 2, 20)
    claim_chunk(urgent, here.ports, here.settings)  # by a colleague on the same host
    here.works(second)
    assert _archived(here) == [first.index, second.index]


def test_of_several_at_risk_the_earliest_expiry_goes_first(here: World) -> None:
    """All are urgent; one is the most."""
    for index, hours in enumerate([20, 3, 1, 2]):
        _waits(here, index, hours)
    for turns in ([2], [2, 3], [1, 2, 3], [0, 1, 2, 3]):
        here.works(task(0, expires_at=here.now + timedelta(hours=20)))
        assert _archived(here) == turns


def test_a_backlog_is_worked_off_and_no_message_is_left(here: World) -> None:
    """Every turn is used for something, and each chunk is archived once."""
    tasks = [_waits(here, index, hours) for index, hours in enumerate([22, 21, 20, 19, 5, 4, 3, 2])]
    for sent in tasks:
        here.fakes.queue.send(sent)
    here.runs(hours=1)
    assert _archived(here) == list(range(8))
    assert (here.fakes.queue.tasks, len(here.media_blobs())) == ([], 8)


def test_a_turn_that_comes_in_time_looks_nobody_up(here: World) -> None:
    """Daily life: there is no queue, and no question to the catalog about it."""
    safe = _waits(here, 0, 20, minutes=1)
    _waits(here, 1, 1)
    here.works(safe)
    assert _archived(here) == [0]
    assert "open_chunks" not in here.fakes.catalog.calls


def test_in_a_backlog_without_risk_a_late_turn_looks_at_one_chunk_only(here: World) -> None:
    """A thousand recordings at once made every turn read fifty rows: seven seconds for each small chunk."""
    last = [_waits(here, index, 20 + index / 100) for index in range(60)][-1]
    open_chunks, looked_at = here.fakes.catalog.open_chunks, list[ChunkRecord | Unreadable]()

    def counted(expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        for known in open_chunks(expiring_after):
            looked_at.append(known)
            yield known

    here.fakes.catalog.open_chunks = counted  # type: ignore[method-assign]  # the same, with a counter
    here.works(last)
    assert _archived(here) == [last.index]
    assert len(looked_at) == 1


@pytest.mark.parametrize("why", ["claimed", "later", "lost", "safe", "kept elsewhere", "archived"])
def test_what_cannot_use_the_turn_does_not_get_it(here: World, why: str) -> None:
    """Nobody may stand still for a chunk that cannot be worked on."""
    safe, other = _waits(here, 0, 20), _waits(here, 1, 7 if why == "safe" else -1 if why == "lost" else 1)
    known = here.record(other)
    facts: dict[str, dict[str, Any]] = {
        "later": {"next_attempt_at": here.now + timedelta(minutes=9)},
        "archived": {"state": ChunkState.COPIED},
        "kept elsewhere": {
            "fallback": FallbackCopy(blob_name="a", length_bytes=1, sha256="ab", kept_at=here.now),
        },
    }
    here.fakes.catalog.save_chunk(known.model_copy(update=facts.get(why, {})))
    if why == "claimed":
        claim_chunk(other, here.ports, here.settings)
    here.works(safe)
    assert 0 in _archived(here)


def test_an_urgent_chunk_that_fails_leaves_no_second_message(here: World) -> None:
    """Its own is on the queue; a hundred late turns must not make a hundred of it."""
    safe, urgent = _waits(here, 0, 20), _waits(here, 1, 1)
    here.source.fail_next("open_content", SourceBusyError("busy"))
    here.works(safe)
    assert here.fakes.queue.tasks == [safe]
    assert (here.record(urgent).last_error, here.record(urgent).next_attempt_at is not None) == ("source_busy", True)
    here.runs_due()  # the urgent one waits for its next try; the safe one has its turn
    assert _archived(here) == [0]
    here.runs(hours=2)  # its message was lost in this story: reconcile redrives it
    assert _archived(here) == [0, 1]


def test_a_catalog_that_cannot_list_does_not_stop_the_line(here: World) -> None:
    """Giving way is a courtesy."""
    safe = _waits(here, 0, 20)
    here.fakes.catalog.fail_next("open_chunks", StorageBusyError("down"))
    here.works(safe)
    assert _archived(here) == [0]


def test_a_queue_that_does_not_answer_costs_no_task(here: World) -> None:
    """The borrowed turn is used; the task is still in the message, which the host delivers again."""
    safe, urgent = _waits(here, 0, 20), _waits(here, 1, 1)
    here.fakes.queue.fail_next("send", StorageBusyError("busy"))
    with pytest.raises(StorageBusyError):
        here.works(safe)
    assert (here.state(urgent), here.state(safe)) == (ChunkState.SOURCE_DELETED, ChunkState.PENDING)
    here.works(safe)
    assert here.state(safe) is ChunkState.SOURCE_DELETED


def test_messages_do_not_multiply_while_the_tables_refuse_writes(here: World) -> None:
    """A turn that fails leaves no more messages than it found, however often the host delivers it again."""
    tasks = [_waits(here, 0, 20), _waits(here, 1, 1)]
    for sent in tasks:
        here.fakes.queue.send(sent)
    here.fakes.catalog.fail_next("save_chunk", StorageBusyError("busy"), times=100_000)
    most = 0
    for _ in range(18):  # three minutes
        here.runs_due()
        most = max(most, len(here.fakes.queue.tasks))
        here.fakes.clock.advance(seconds=10)
    assert most <= len(tasks)


@pytest.mark.parametrize(
    ("changes", "waited", "late"),
    [
        ({}, LATE_AFTER, True),
        ({}, LATE_AFTER - timedelta(seconds=1), False),
        ({"next_attempt_at": EVENT_TIME + timedelta(hours=1)}, timedelta(minutes=61), False),
        ({"next_attempt_at": EVENT_TIME + timedelta(hours=1)}, timedelta(minutes=62), True),
        ({"claim_expires_at": EVENT_TIME + timedelta(hours=1)}, timedelta(minutes=30), False),
    ],
)
def test_late_means_due_for_two_minutes_and_nobody_came(changes: dict[str, Any], waited: timedelta, late: bool) -> None:
    """A try that waits on purpose is not late."""
    assert is_late(record(**changes), EVENT_TIME + waited) is late
    assert not (late and not is_waiting(record(**changes), EVENT_TIME + waited))


@pytest.mark.parametrize(
    ("hours", "urgency", "left"), [(1, "safe", 82_800), (18.5, "at_risk", 19_800), (24, "lost", 0), (30, "lost", 0)]
)
def test_safe_at_risk_and_lost_are_seen_chunk_by_chunk(here: World, hours: float, urgency: str, left: int) -> None:
    """Whoever looks sees how long there is still something to be done."""
    here.announces()
    here.fakes.clock.advance(hours=hours, minutes=-2)
    (facts,) = get_recording(RECORDING_ID, here.ports, here.settings)["chunks"]
    assert (facts["urgency"], facts["timeLeftSeconds"]) == (urgency, left)


def test_nothing_stops_trying_while_time_is_left(here: World) -> None:
    """No count of attempts ends it: a source that fails for 23 hours is asked to the end (I9)."""
    here.holds(task())
    here.announces()
    here.source.fail_next("open_content", SourceBusyError("503"), times=45)
    here.runs(hours=23.9, until_quiet=False)
    known = here.record()
    assert (known.state, here.deaths) == (ChunkState.SOURCE_DELETED, 0)
    assert known.attempts == 46


def test_a_row_that_takes_no_write_costs_no_other_chunk_its_turn(here: World) -> None:
    """Each late turn was lent to the most urgent chunk, failed at its row, and came again in vain."""
    safe, urgent = _waits(here, 0, 20), _waits(here, 1, 1)
    plain = here.fakes.catalog.save_chunk

    def refused(known: ChunkRecord) -> ChunkRecord:
        if known.key == urgent.key:
            raise StorageBusyError("the row is too large")
        return plain(known)

    here.fakes.catalog.save_chunk = refused  # type: ignore[method-assign,assignment]
    here.works(safe)
    assert _archived(here) == [safe.index]
    assert here.fakes.queue.tasks == []
