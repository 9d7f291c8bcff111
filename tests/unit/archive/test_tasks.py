"""Messages that are not tasks, and failures that nothing here can arrange."""

import json
from datetime import timedelta

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World, world
from recording.archive.line import archive_message
from recording.domain.state.chunk import ChunkState, ChunkTask
from recording.errors import (
    ClaimLostError,
    ContentConflictError,
    SourceBusyError,
    StorageBusyError,
)
from tests.unit.archive.media import BROKEN


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "[]", '{"version": 1}', '{"version": 1000000}'),
        task().model_dump_json().replace('"version":1', f'"version":{10**12}'),
        *(task().model_dump_json().replace('"index":0', f'"index":{odd}') for odd in ("-1", "true", "false", "0.5")),
    ],
)
def test_a_message_that_is_no_task_is_kept_for_a_person(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Dropping it would lose a recording; delivering it again would never end."""
    here = world()
    here.fakes.queue.poison("x")
    archive_message(text, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.payload, entry.came_from) == ("unreadable_task", text, "chunk_queue")
    assert 'recording.event.rejected reason="unreadable_task"' in caplog.text
    assert here.source.calls == []


@pytest.mark.parametrize("text", ['{"version": 2}', task().model_dump_json().replace('"version":1', '"version":2')])
def test_a_task_of_a_newer_version_waits_for_that_version(here: World, text: str) -> None:
    """During a rolling deployment another worker may be offered it."""
    archive_message(text, here.ports, here.settings)
    assert [body for body, _ in here.fakes.queue.untouched] == [text]
    assert here.fakes.quarantine.kept == {}


def test_an_unsafe_location_in_a_task_makes_no_request() -> None:
    """The guard is asked again where the request is made (I5, I6)."""
    here = world()
    here.works(task(content_location="https://evil.example/x", metadata_location=None))
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["foreign_host"])


def test_when_not_even_the_queue_answers_the_host_delivers_again(here: World) -> None:
    """Returning would let the message go, and nothing would carry the chunk on."""
    here.source.fail_next("open_content", SourceBusyError("busy"))
    here.fakes.queue.fail_next("send", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.works(task())


@pytest.mark.parametrize("method", ["get_chunk", "add_chunk"])
def test_when_the_catalog_does_not_answer_the_host_delivers_again(here: World, method: str) -> None:
    """Without a claim nothing may be done, and without a record nothing can be said."""
    here.fakes.catalog.fail_next(method, StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.works(task())
    assert here.source.calls == []


def test_an_entry_that_cannot_be_kept_leaves_the_chunk_unfinished(here: World) -> None:
    """A terminal state without its entry would be a loss that nobody sees (I2)."""
    here.holds(task(), BROKEN)
    here.fakes.quarantine.fail_next("put", StorageBusyError("down"), times=3)
    here.fakes.queue.send(task())
    here.runs(hours=22)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["media_suspect"])


def test_a_non_retryable_error_of_storage_is_quarantined(here: World) -> None:
    """Other bytes under a name are for a person, wherever they are met."""
    here.fakes.archive.fail_next("put_once", ContentConflictError("other bytes"))
    here.works(task())
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["content_conflict"])
    assert "delete" not in here.source.calls


@pytest.mark.parametrize("paper", [".metadata.json", ".receipt.json"])
def test_a_paper_that_is_refused_as_present_and_is_not_there_keeps_the_source(here: World, paper: str) -> None:
    """A refusal (409, 412) has many reasons; the fault matrix found sources deleted without their papers."""
    put_once, refused = here.fakes.archive.put_once, list[str]()

    def refusing(name: str, data: bytes, media_type: str) -> bool:
        if name.endswith(paper) and not refused:
            refused.append(name)
            return False
        return put_once(name, data, media_type)

    here.fakes.archive.put_once = refusing  # type: ignore[method-assign]  # one refusal without a reason
    here.works(task())
    assert (here.record().last_error, here.source.deleted) == ("storage_busy", [])
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert refused[0] in here.fakes.archive.blobs


def test_a_quarantine_entry_holds_the_task_to_redrive() -> None:
    """A person who has mended the cause can put it back to work from the entry alone."""
    here = world()
    bad = task(content_location="https://evil.example/x", metadata_location=None)
    here.works(bad)
    (entry,) = here.fakes.quarantine.kept.values()
    assert ChunkTask.model_validate_json(entry.payload) == bad
    assert (entry.recording_id, entry.document_id) == (bad.recording_id, bad.document_id)


def test_a_lost_claim_changes_nothing_and_comes_back(here: World) -> None:
    """The record changed under this worker; what it has not saved is not its to save."""
    here.fakes.catalog.fail_next("save_chunk", ClaimLostError("changed"))
    here.works(task())
    assert here.source.calls == []
    assert here.fakes.queue.sent == [(task(), here.now + timedelta(seconds=1))]


def test_the_manifest_lists_every_chunk_and_every_gap() -> None:
    """Chunk 1 of three was never announced."""
    here = world()
    for index in (2, 0):
        here.works(here.holds(task(index, end_reason="SessionEnded" if index == 2 else "ChunkMaximumSizeExceeded")))
    told = here.manifest()
    assert ([entry["index"] for entry in told["chunks"]], told["missingIndexes"]) == ([0, 2], [1])
    assert told["complete"] is False
    assert json.dumps(told).count("archived") == 2


def test_a_small_chunk_makes_no_call_whose_answer_is_known(here: World) -> None:
    """Most chunks are small, and storage operations are what they cost: each one here is part of the proof."""
    here.works(task())
    archive = [call for call in here.fakes.archive.calls if not call.startswith("_")]
    assert "committed_blocks" not in archive, "what was put at once has no list of blocks"
    assert archive.index("put_once") < archive.index("get"), "the first turn knows that no document is there yet"
    assert archive.count("get") == 3  # the manifest's, before it is written; receipt and metadata, before the delete
