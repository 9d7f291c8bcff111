"""Many: a watcher sees what is fresh whatever lies before it, and ends what piled up within minutes."""

import json
from datetime import timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME, document_id, event, task
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.errors import StorageBusyError, StorageError
from recording.operate.attention import needs_attention
from recording.reconcile.overdue import OVERDUE_AFTER
from recording.reconcile.sweep import MOST_A_RUN

pytestmark = pytest.mark.slow

STUCK = 2_000


@pytest.fixture
def here() -> World:
    return world()


def _events(lines: pytest.LogCaptureFixture, name: str) -> list[object]:
    return [vars(line).get("document_id") for line in lines.records if vars(line).get("event") == name]


def _stuck(here: World, number: int) -> None:
    """Add a chunk that waits before the end of the line for ever, such as one whose manifest is locked."""
    waiting = task(
        0, document_id(number), recording_id=f"stuck-{number:05d}", expires_at=EVENT_TIME + timedelta(hours=1)
    )
    record = ChunkRecord(
        task=waiting,
        state=ChunkState.CATALOGED,
        first_seen_at=EVENT_TIME,
        changed_at=EVENT_TIME,
        last_error="blob_locked",
        attempts=9,
    )
    here.fakes.catalog.add_chunk(record)


@pytest.mark.parametrize("stuck", [STUCK - 1, STUCK, STUCK + 1, 2 * STUCK])
def test_two_thousand_stuck_chunks_hide_no_fresh_one(here: World, stuck: int, caplog: pytest.LogCaptureFixture) -> None:
    """A fresh chunk whose message was lost is redriven in the first run after it is overdue."""
    for number in range(stuck):
        _stuck(here, number)
    fresh = task(0, document_id(99_999), recording_id="fresh", expires_at=EVENT_TIME + timedelta(hours=24))
    here.fakes.catalog.add_chunk(ChunkRecord(task=fresh, first_seen_at=here.now, changed_at=here.now))
    here.fakes.clock.advance(hours=2)

    here.reconciles()

    assert fresh.document_id in {sent.document_id for sent in here.fakes.queue.tasks}
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(hours=17)
    here.reconciles()
    assert _events(caplog, "recording.chunk.at_risk") == [fresh.document_id]
    assert any(item.recording_id == "fresh" for item in needs_attention(here.ports, here.settings).items)


def test_two_thousand_chunks_with_less_time_hide_none_for_longer_than_the_window_takes(here: World) -> None:
    """All can be saved: the window over all of them moves on, so each is seen within a stated number of runs."""
    for number in range(2 * STUCK):
        _stuck(here, number)
    late = task(0, document_id(99_999), recording_id="late", expires_at=here.now + timedelta(hours=23))
    here.fakes.catalog.add_chunk(ChunkRecord(task=late, first_seen_at=here.now, changed_at=here.now))
    for row in list(here.fakes.catalog.chunks.values()):
        if row.state is ChunkState.CATALOGED:
            waiting = row.task.model_copy(update={"expires_at": here.now + timedelta(hours=20)})
            here.fakes.catalog.save_chunk(row.model_copy(update={"task": waiting}))
    here.fakes.clock.advance(minutes=OVERDUE_AFTER.total_seconds() / 60)
    for _ in range(3):  # 4,001 open chunks in windows of 2,000
        here.reconciles()
        here.fakes.clock.advance(minutes=5)
    assert late.document_id in {sent.document_id for sent in here.fakes.queue.tasks}


def test_message_storage_that_always_refuses_loses_no_alarm_and_multiplies_nothing(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither sends nor poison queues nor their depths answer; what the catalog says is raised all the same."""
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.queue.poison(json.dumps("left behind"))
    ended = RecordingRecord(
        recording_id="missing", started_here=True, last_action=LastAction.STOPPED, last_action_at=here.now
    )
    here.fakes.catalog.add_recording(ended)
    for method in ("send", "send_again", "poisoned", "poisoned_events", "depths", "remove_poisoned"):
        here.fakes.queue.fail_next(method, StorageBusyError("refused"), times=100_000)
    for _ in range(22 * 12):
        here.fakes.clock.advance(minutes=5)
        with pytest.raises(StorageError):
            here.reconciles()
    assert len(_events(caplog, "recording.chunk.at_risk")) == 1
    assert len(_events(caplog, "recording.missing")) == 1
    assert here.fakes.queue.tasks == []

    for method in ("send", "send_again", "poisoned", "poisoned_events", "depths", "remove_poisoned"):
        here.fakes.queue.fails_no_more(method)
    here.fakes.clock.advance(minutes=15)
    here.reconciles()
    assert len(here.fakes.queue.tasks) == 1


def test_what_piled_up_in_the_poison_queues_is_swept_in_one_run(here: World) -> None:
    """After an outage nobody waits for a thousand messages a turn."""
    many = 2 * MOST_A_RUN + 7
    for number in range(many):
        here.fakes.queue.poison(task(0, document_id(number), recording_id=f"r{number}").model_dump_json())
    here.fakes.queue.poison_event(json.dumps(event()))
    assert here.reconciles().poisoned == many + 1
    assert here.fakes.queue.poison_bodies == []
    assert len({str(sent.key) + sent.recording_id for sent in here.fakes.queue.tasks}) == many + 1


def test_a_sweep_whose_storage_fails_ends_early(here: World) -> None:
    """Each try costs its time-outs."""
    for number in range(3_000):
        here.fakes.queue.poison(task(0, document_id(number), recording_id=f"r{number}").model_dump_json())
    here.fakes.queue.fail_next("send", StorageBusyError("down"), times=100_000)
    with pytest.raises(StorageBusyError):
        here.reconciles()
    assert here.fakes.queue.calls.count("send") <= 64
    assert len(here.fakes.queue.poison_bodies) == 3_000


@pytest.mark.parametrize("error", [StorageBusyError("never"), StorageError("413")])
def test_rows_that_take_no_write_hide_no_chunk_behind_them(here: World, error: StorageError) -> None:
    """Sixty of them are more urgent than the one whose message was lost."""
    for number in range(60):
        _stuck(here, number)
    fresh = task(0, document_id(99_999), recording_id="fresh", expires_at=EVENT_TIME + timedelta(hours=24))
    here.fakes.catalog.add_chunk(ChunkRecord(task=fresh, first_seen_at=here.now, changed_at=here.now))
    save = here.fakes.catalog.save_chunk

    def save_chunk(record: ChunkRecord) -> ChunkRecord:
        if record.task.recording_id.startswith("stuck"):
            raise error
        return save(record)

    here.fakes.catalog.save_chunk = save_chunk  # type: ignore[method-assign]
    here.fakes.clock.advance(hours=2)
    with pytest.raises(StorageError):
        here.reconciles()
    assert fresh.document_id in {sent.document_id for sent in here.fakes.queue.tasks}
