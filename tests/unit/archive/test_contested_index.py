"""One file announced under two indexes of its recording: its metadata, which names the index, decides."""

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, metadata, task
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.state.chunk import ChunkState, MetadataOutcome
from recording.domain.state.transitions import is_disowned
from recording.errors import SourceBusyError, StorageBusyError
from recording.operate.attention import needs_attention
from recording.operate.held import list_held

pytestmark = pytest.mark.slow

DOCUMENT = document_id(0)
TRUE = task(0, DOCUMENT)


def told(index: int) -> dict[str, Any]:
    """The event that announces the file under this index."""
    return event(chunk(index, DOCUMENT), id=f"event-{index}")


@pytest.fixture
def here() -> World:
    made = world()
    made.holds(TRUE)
    return made


def assert_true_index_won(here: World, wrong: int) -> None:
    """Archived once more or not, the recording is the file under its own index, and complete."""
    right = here.record(TRUE)
    assert (right.state, right.metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)
    assert (right.blob_name or "").endswith(f"0000-{DOCUMENT}.wav")
    assert here.fakes.archive.blobs[right.blob_name or ""].data == here.truth[DOCUMENT][0]
    assert is_disowned(here.record(task(wrong, DOCUMENT)))
    manifest = here.manifest()
    assert (manifest["complete"], manifest["missingIndexes"]) == (True, [])
    assert len(here.source.deleted) == 1
    reasons = [(one.reason, one.index) for one in list_held(here.ports, here.settings)]
    assert reasons == [("duplicate_document", wrong)]


def assert_held_entry(here: World, index: int) -> None:
    """The name that lost is an entry in quarantine, and has no row."""
    assert [one.reason for one in list_held(here.ports, here.settings)] == ["duplicate_document"]
    assert [one.index for one in here.fakes.quarantine.kept.values()] == [index]


@pytest.mark.parametrize("wrong", [1, 5, 900_000])
@pytest.mark.parametrize("minutes", [0, 1, 90])
def test_the_index_that_the_metadata_names_wins_though_it_was_announced_second(
    here: World, wrong: int, minutes: int
) -> None:
    """Worked on before the true event, or not; the bytes under the wrong name stay listed beside it."""
    here.announces(told(wrong))
    if minutes:
        here.runs(hours=minutes / 60, until_quiet=False)
    here.announces(told(0))
    here.runs(hours=3)
    assert_true_index_won(here, wrong)


def test_a_settled_name_that_is_announced_again_is_held_no_second_time(here: World) -> None:
    """Both names have their rows by then; events arrive twice, and late."""
    for index in (1, 0):
        here.announces(told(index))
        here.runs(hours=1, until_quiet=False)
    here.runs(hours=3)
    before = dict(here.fakes.quarantine.kept)
    for index in (0, 1):
        here.announces(told(index))
        here.runs(hours=3)
    assert here.fakes.quarantine.kept == before
    assert_true_index_won(here, 1)


@pytest.mark.parametrize("is_decided", [True, False])
def test_no_question_is_asked_that_is_answered_or_that_no_document_can_answer(here: World, is_decided: bool) -> None:
    """A forged event with ten names would cost ten requests."""
    more: dict[str, Any] = {} if is_decided else {"metadataLocation": None}
    here.announces(event(chunk(0, DOCUMENT, **more)))
    if is_decided:
        here.runs(hours=1)
    here.announces(event(chunk(4, DOCUMENT, **more), id="event-4"))
    assert [one for one in here.fakes.queue.tasks if one.is_contested] == []


@pytest.mark.parametrize("indexes", [(1, 0), (7, 0)])
def test_one_event_that_names_both(here: World, indexes: tuple[int, int]) -> None:
    """The order in an event decides nothing either."""
    here.announces(event(*(chunk(index, DOCUMENT) for index in indexes)))
    here.runs(hours=3)
    assert_true_index_won(here, indexes[0])


def test_metadata_that_comes_late_decides_late(here: World) -> None:
    """The media waits for nothing; the source is deleted only when the index is settled."""
    document = here.source.objects.pop(TRUE.metadata_location or "")
    here.announces(told(3))
    here.announces(told(0))
    here.runs(hours=2, until_quiet=False)
    assert here.record(task(3, DOCUMENT)).blob_name is not None
    assert here.source.deleted == []
    here.source.objects[TRUE.metadata_location or ""] = document
    here.runs(hours=3)
    assert_true_index_won(here, 3)


@pytest.mark.parametrize("is_first_worked_on", [True, False])
def test_a_false_second_name_changes_nothing(here: World, is_first_worked_on: bool) -> None:
    """It is kept for an operator, as before, and costs a question at most."""
    here.announces(told(0))
    if is_first_worked_on:
        here.runs(hours=1)
    here.announces(told(4))
    here.runs(hours=3)
    assert (len(here.fakes.catalog.chunks), here.state(TRUE)) == (1, ChunkState.SOURCE_DELETED)
    assert_held_entry(here, 4)
    assert here.manifest()["complete"]


@pytest.mark.parametrize("document", [metadata(TRUE, chunkIndex=None), metadata(TRUE, chunkIndex=9), b"no JSON"])
def test_metadata_that_names_neither_leaves_the_first(here: World, document: bytes) -> None:
    """In doubt nothing is moved, and nothing is lost."""
    here.holds(TRUE, document=document)
    here.announces(told(2))
    here.announces(told(0))
    here.runs(hours=40)
    first = here.record(task(2, DOCUMENT))
    assert first.state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)
    assert here.fakes.archive.blobs[first.blob_name or ""].data == here.truth[DOCUMENT][0]
    assert_held_entry(here, 0)


def test_metadata_of_another_document_decides_nothing(here: World) -> None:
    """A forged event may name any metadata location."""
    other = task(7, document_id(7))
    here.holds(other)
    forged = event(chunk(7, DOCUMENT, metadataLocation=other.metadata_location), id="forged")
    here.announces(told(0))
    here.announces(forged)
    here.runs(hours=3)
    assert here.state(TRUE) is ChunkState.SOURCE_DELETED
    assert [record.task.index for record in here.fakes.catalog.chunks.values()] == [0]


def test_an_event_with_a_thousand_names_of_one_file_asks_a_few_times(here: World) -> None:
    """Whoever may write events must not make the app ask for ever."""
    here.announces(event(*(chunk(index, DOCUMENT) for index in range(900))))
    assert len(here.fakes.queue.tasks) == 11
    here.runs(hours=1)
    assert here.state(TRUE) is ChunkState.SOURCE_DELETED
    assert here.source.calls.count("read_metadata") <= 12


def test_a_right_name_that_was_held_can_be_redriven(here: World) -> None:
    """Its message may have been lost; the event in the quarantine is the way back."""
    here.source.fail_next("read_metadata", SourceBusyError("503"), times=3)
    here.announces(told(6))
    here.works(here.fakes.queue.take_due()[0])
    here.announces(told(0))
    here.fakes.queue.sent.clear()
    (entry,) = here.fakes.quarantine.kept.values()
    here.announces(json.loads(entry.payload))
    here.runs(hours=4)
    assert_true_index_won(here, 6)


@pytest.mark.parametrize("error", [WorkerDiedError("gone"), StorageBusyError("down")])
@pytest.mark.parametrize("is_after", [True, False])
def test_a_failure_at_any_port_call_ends_the_same(error: Exception, is_after: bool) -> None:
    """Death or refusal, before or after the effect: the true index has the recording, and nothing is lost."""
    for step in itertools.count(1):
        here, left = world(), [step]
        here.holds(TRUE)

        def decide(_port: str, _method: str, left: list[int] = left) -> tuple[Exception | None, bool]:
            left[0] -= 1
            return (error, is_after) if left[0] == 0 else (None, False)

        intercept(here, decide)
        for envelope in (told(5), told(0)):
            for _ in range(3):
                try:
                    here.announces(envelope)
                except (WorkerDiedError, StorageBusyError):
                    continue
                break
        for _ in range(60):
            here.runs_due()
            here.fakes.clock.advance(minutes=2)
        leave_alone(here)
        here.runs(hours=30)
        assert here.state(TRUE) is ChunkState.SOURCE_DELETED, step
        assert here.fakes.archive.blobs[here.record(TRUE).blob_name or ""].data == here.truth[DOCUMENT][0]
        if left[0] > 0:
            break


def test_a_wrong_name_is_no_alarm_of_a_loss(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is held until somebody has seen it; nothing is called missing, incomplete or lost."""
    here.announces(told(5))
    here.announces(told(0))
    here.runs(hours=40, until_quiet=False)
    names = {entry.getMessage().split()[0] for entry in caplog.records}
    assert not names & {"recording.chunk.expired", "recording.incomplete", "recording.missing"}
    items = needs_attention(here.ports, here.settings).items
    assert [(one.recording_id, one.index) for one in items] == [(RECORDING_ID, 5)]
    assert here.now - TRUE.event_time > timedelta(hours=39)


def test_a_second_name_that_the_catalog_cannot_notice_has_to_come_again(here: World) -> None:
    """Taken for a file of its own it would be archived twice."""
    here.announces(told(5))
    here.fakes.catalog.fail_next("chunks_of", StorageBusyError("busy"))
    with pytest.raises(StorageBusyError):
        here.announces(told(0))
    here.announces(told(0))
    here.runs(hours=3)
    assert_true_index_won(here, 5)
