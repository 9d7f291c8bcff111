"""Chunks of one event, and events of one message: storage that fails for one delays no other."""

import json
from datetime import timedelta

import pytest

from dev.in_memory.builders import CALL_ID, EVENT_TIME, RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World, intercept, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import moved
from recording.errors import SourceBusyError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ingest import ingest_text
from recording.operate.held import redrive
from recording.ports import DeadLetter
from recording.ports.bulkhead import MOST_IN_A_ROW


def with_odd_row(code: Code, bad: int) -> World:
    """Return a world whose catalog has a row of one of three chunks that this version cannot read."""
    here = world()
    here.fakes.catalog.unreadable_code = code
    tasks = [here.holds(task(number)) for number in range(3)]
    here.fakes.catalog.add_chunk(ChunkRecord(task=tasks[bad], first_seen_at=here.now, changed_at=here.now))
    here.fakes.catalog.unreadable.add((RECORDING_ID, str(tasks[bad].key)))
    return here


def states(here: World) -> dict[int, ChunkState]:
    """Return the state of each chunk, by its index."""
    return {record.task.index: record.state for record in here.fakes.catalog.chunks.values()}


THREE = json.dumps(event(*[chunk(number) for number in range(3)]))


@pytest.mark.parametrize("bad", range(3))
def test_a_chunk_whose_row_cannot_be_read_delays_no_other_of_its_event(bad: int) -> None:
    """The event was poison then, run after run, and ACS forgot the other files."""
    here = with_odd_row(Code.UNREADABLE_RECORD, bad)
    for _ in range(2):
        ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
    here.runs(hours=2, until_quiet=False)
    assert states(here) == {n: ChunkState.PENDING if n == bad else ChunkState.SOURCE_DELETED for n in range(3)}
    here.fakes.catalog.unreadable.clear()  # an operator restores it
    here.runs(hours=2)
    assert set(states(here).values()) == {ChunkState.SOURCE_DELETED}


@pytest.mark.parametrize("bad", range(3))
def test_a_row_of_a_newer_version_waits_for_that_version_and_the_others_do_not(bad: int) -> None:
    """The event is delivered again, for a worker that reads the row."""
    here = with_odd_row(Code.NEWER_RECORD, bad)
    with pytest.raises(StorageError):
        ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
    here.runs_due()
    assert states(here) == {n: ChunkState.PENDING if n == bad else ChunkState.SOURCE_DELETED for n in range(3)}


@pytest.mark.parametrize("bad", range(3))
def test_an_event_that_comes_again_leaves_no_more_messages_than_it_found(bad: int) -> None:
    """It comes again every few minutes, as long as the row of one chunk is a newer version's; ACS fails meanwhile."""
    here = with_odd_row(Code.NEWER_RECORD, bad)
    here.fakes.source.fail_next("open_content", SourceBusyError("503"), times=10_000)
    left = []
    for _ in range(20):
        with pytest.raises(StorageError):
            ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
        here.fakes.clock.advance(minutes=1)
        here.runs_due()
        left.append(len(here.fakes.queue.tasks))
    assert left == [2] * 20
    here.fakes.catalog.unreadable.clear()  # a newer version's worker takes the event
    here.fakes.source.fails_no_more("open_content")
    ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
    here.runs(hours=3)
    assert set(states(here).values()) == {ChunkState.SOURCE_DELETED}


@pytest.mark.parametrize("method", ["add_chunk", "send"])
def test_an_event_that_comes_again_before_a_worker_is_there_leaves_one_more_message(method: str) -> None:
    """All workers are busy with an outage for hours, and one chunk of the event fails at each delivery."""
    here, calls = world(), iter(range(99))
    for number in range(3):
        here.holds(task(number))
    plain = object.__getattribute__(here.fakes.catalog if method == "add_chunk" else here.fakes.queue, method)

    def refused(item: ChunkRecord | ChunkTask) -> object:
        one = item.task if isinstance(item, ChunkRecord) else item
        if one.index == 1:
            next(calls)
            raise StorageBusyError("503")
        return plain(item)

    object.__setattr__(here.fakes.catalog if method == "add_chunk" else here.fakes.queue, method, refused)
    for _ in range(20):
        with pytest.raises(StorageBusyError):
            ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
        here.fakes.clock.advance(seconds=30)
    assert sorted(sent.index for sent in here.fakes.queue.tasks) == [0, 0, 2, 2]
    object.__setattr__(here.fakes.catalog if method == "add_chunk" else here.fakes.queue, method, plain)
    ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
    here.runs(hours=1)
    assert set(states(here).values()) == {ChunkState.SOURCE_DELETED}


def test_a_second_announcement_of_a_chunk_in_work_is_sent_if_it_tells_more() -> None:
    """A later time, a metadata location: the worker adds them to the chunk's row."""
    here, bare = world(), chunk(0)
    del bare["metadataLocation"]
    here.holds(task(0))
    here.fakes.source.fail_next("open_content", SourceBusyError("503"), times=10_000)
    sent = []
    later = event(chunk(0), eventTime=(EVENT_TIME + timedelta(minutes=5)).isoformat())
    for envelope in (event(bare), event(bare), event(chunk(0)), event(chunk(0)), later, later):
        before = len(here.fakes.queue.tasks)
        ingest_text(json.dumps(envelope), Origin.EVENT_QUEUE, here.ports, here.settings)
        sent.append(len(here.fakes.queue.tasks) - before)
        here.runs_due()
    assert sent == [1, 0, 1, 0, 1, 0]


OTHER_IDS = [event(chunk(0), id=name) for name in ("first", "second")]
NO_START = {"recordingStartTime": None}
TIMELESS = [event(chunk(0), id=name, eventTime=None, data=NO_START) for name in ("first", "second")]


@pytest.mark.parametrize("more", [OTHER_IDS, TIMELESS], ids=["other ids", "without a time"])
@pytest.mark.parametrize("is_in_work", [True, False], ids=["in work", "before a worker is there"])
def test_announcements_that_tell_nothing_new_leave_one_more_message_at_most(
    more: list[dict[str, object]], is_in_work: bool
) -> None:
    """Two events of one file come again every minute; one without a time arrives later at each delivery."""
    here = world()
    here.holds(task(0))
    here.fakes.source.fail_next("open_content", SourceBusyError("503"), times=10_000)
    ingest_text(json.dumps(event(chunk(0))), Origin.EVENT_QUEUE, here.ports, here.settings)
    if is_in_work:
        here.runs_due()
    before = here.record().task.expires_at
    for envelope in more * 20:
        here.fakes.clock.advance(minutes=1)
        ingest_text(json.dumps(envelope), Origin.EVENT_QUEUE, here.ports, here.settings)
    assert len(here.fakes.queue.tasks) == 1 + (not is_in_work)
    assert {sent.expires_at for sent in here.fakes.queue.tasks} == {before}
    here.fakes.source.fails_no_more("open_content")
    here.runs(hours=3)
    assert set(states(here).values()) == {ChunkState.SOURCE_DELETED}


def test_a_chunk_that_is_held_is_reopened_by_an_event_without_a_time_and_by_its_next_delivery_not_at_once() -> None:
    """Its arrival would count as a better time at each delivery."""
    here = world()
    ingest_text(json.dumps(TIMELESS[0]), Origin.EVENT_QUEUE, here.ports, here.settings)
    here.fakes.clock.advance(minutes=30)
    now = here.fakes.clock.now()
    held = moved(here.record(), ChunkState.QUARANTINED, quarantine_reason="refused", first_seen_at=now)
    here.fakes.catalog.save_chunk(held)
    for envelope, state in ((TIMELESS[0], ChunkState.QUARANTINED), (TIMELESS[1], ChunkState.PENDING)):
        here.fakes.clock.advance(minutes=1)
        ingest_text(json.dumps(envelope), Origin.EVENT_QUEUE, here.ports, here.settings)
        assert states(here)[0] is state
    assert here.record().task.expires_at == here.fakes.clock.now() + here.settings.retention


@pytest.mark.parametrize("method", ["add_chunk", "send"])
@pytest.mark.parametrize("bad", range(3))
def test_one_write_that_fails_keeps_no_other_chunk_waiting(bad: int, method: str) -> None:
    """What failed comes again with the event."""
    here, calls = world(), iter(range(99))
    for number in range(3):
        here.holds(task(number))

    def decide(_port: str, called: str) -> tuple[Exception | None, bool]:
        return (StorageBusyError("503") if called == method and next(calls) == bad else None), False

    intercept(here, decide)
    with pytest.raises(StorageBusyError):
        ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
    assert {sent.index for sent in here.fakes.queue.tasks} == {0, 1, 2} - {bad}
    ingest_text(THREE, Origin.EVENT_QUEUE, here.ports, here.settings)
    here.runs(hours=1)
    assert set(states(here).values()) == {ChunkState.SOURCE_DELETED}


@pytest.mark.parametrize("bad", range(3))
def test_one_event_of_a_letter_that_always_fails_keeps_no_other_waiting(bad: int) -> None:
    """A dead letter holds many events, of many recordings."""
    here, events = world(), []
    here.fakes.catalog.unreadable_code = Code.NEWER_RECORD
    for number in range(3):
        name = f"recording-{number}"
        here.holds(task(0, document_id(number), recording_id=name))
        subject = f"/recording/call/{CALL_ID}/recordingId/{name}"
        events.append(event(chunk(0, document_id(number)), subject=subject, id=name))
    here.fakes.catalog.add_recording(RecordingRecord(recording_id=f"recording-{bad}"))
    here.fakes.catalog.unreadable.add(f"recording-{bad}")
    letters = FakeDeadLetters(DeadLetter("letter", json.dumps(events), here.now))
    object.__setattr__(here.fakes, "dead_letters", letters)
    here.reconciles()
    here.runs_due()
    assert {name for name, _ in here.fakes.catalog.chunks} == {f"recording-{n}" for n in range(3) if n != bad}
    assert letters.kept, "the letter is swept again"


def test_an_outage_ends_after_a_few_tries() -> None:
    """Each costs its time-outs; the event comes again anyhow."""
    here, tries = world(), 0

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal tries
        tries += method == "add_chunk"
        return (StorageBusyError("503") if method == "add_chunk" else None), False

    intercept(here, decide)
    with pytest.raises(StorageBusyError):
        ingest_text(
            json.dumps(event(*[chunk(number) for number in range(100)])), Origin.EVENT_QUEUE, here.ports, here.settings
        )
    assert tries == MOST_IN_A_ROW


def test_a_crowd_of_things_that_are_not_events_makes_few_entries_and_hides_no_event() -> None:
    """A message of 64 KiB can hold thirty thousand numbers: as many entries would hide what else waits."""
    here = world()
    here.holds(task())
    text = json.dumps([*range(5000), event(), *[{}] * 300])
    ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
    entries = [entry for _, entry in here.fakes.quarantine.entries()]
    assert len(entries) == 21
    assert sum(len(json.loads(entry.payload)) for entry in entries if entry.payload.startswith("[")) == 5280
    here.runs_due()
    assert states(here) == {0: ChunkState.SOURCE_DELETED}
    redrive(here.ports, here.settings, HeldFilter())
    here.runs_due()
    assert len(list(here.fakes.quarantine.entries())) <= 40, "what is tried again is not multiplied"
