"""Messages and rows of a synthetic next version, met by this version and the last one, over real queues and tables."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import urllib3
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy
from pydantic import SecretStr

from dev.in_memory import builders
from dev.prove.witness import JSON, Storage
from dev.world import LocalWorld
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.rows import chunk_keys
from recording.domain.names import CHUNKS_QUEUE, CHUNKS_TABLE
from recording.domain.schema import message_of
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.settings import AcsConnection, Settings, StorageConnection

NEXT = 2
LATER: dict[str, Any] = {"later": {"kept": [1, "two"]}}  # a field that neither version knows
PATIENCE = 60.0


@dataclass
class Meeting:
    """One world, and what it holds of the next version."""

    world: LocalWorld
    queue: QueueClient
    catalog: TableCatalog

    def makes(self, name: str, **changes: Any) -> ChunkTask:
        """Return the task of a recording that ACS holds and that nobody has announced."""
        made = self.world.simulator.create_objects(recording_id=name, wav_bytes=8_000, publish_event=False)[0]
        facts = {"recording_duration_ms": made["durationMs"], "recording_start_time": None}
        at = datetime.fromisoformat(made["readableAt"])
        times = {"event_time": at, "expires_at": at + timedelta(hours=24), "folder": f"next/{name}"}
        return builders.task(0, made["documentId"], recording_id=name, **_places(made), **facts, **times, **changes)

    def sends(self, task: ChunkTask) -> None:
        """Put a task on the queue as the next version would."""
        self.queue.send_message(message_of(task))

    def is_deleted(self, task: ChunkTask) -> bool:
        """Return whether ACS was told to delete the chunk."""
        found: list[JSON] = self.world.simulator.objects(task.recording_id)
        return any(one["deletedAt"] for one in found)

    def waiting(self) -> int:
        """Return how many messages are on the queue, hidden ones too."""
        return self.queue.get_queue_properties().approximate_message_count or 0

    def refused(self, name: str) -> list[str]:
        """Return why entries about a recording are, or were, in quarantine."""
        return Storage(self.world.storage).quarantined(name)

    def record(self, task: ChunkTask) -> ChunkRecord | None:
        """Return the chunk's row."""
        return self.catalog.get_chunk(task.key)


def violations_of_this_version(world: LocalWorld) -> list[str]:
    """Return what this version, at work alone, does wrong with messages and rows of the next one."""
    with _meeting(world) as meeting:
        return [*_unknown_fields(meeting), *_newer_row(meeting), *_newer_message(meeting)]


def refused_by_last_version(world: LocalWorld) -> tuple[ChunkTask, list[str]]:
    """Return a task of the next version that the last one, at work alone, has refused and kept; and what was wrong."""
    with _meeting(world) as meeting:
        task = meeting.makes("next-refused", **LATER)
        meeting.sends(task)
        if not _holds(lambda: bool(meeting.refused(task.recording_id)) or meeting.is_deleted(task)):
            return task, ["the last version neither archived nor kept a task with an unknown field"]
        return task, []


def violations_of_redrive(world: LocalWorld, task: ChunkTask, url: str) -> list[str]:
    """Return what goes wrong when this version puts back to work what the last one refused."""
    with _meeting(world) as meeting:
        if not meeting.is_deleted(task):
            asked = json.dumps({"recordingId": task.recording_id}).encode()
            headers = {"Content-Type": "application/json"}
            urllib3.request("POST", f"{url}/api/held/redrive", body=asked, headers=headers, timeout=60.0, retries=False)
        is_archived = _holds(lambda: meeting.is_deleted(task))
        return [] if is_archived else ["what the last version refused was not archived after a redrive"]


def _unknown_fields(meeting: Meeting) -> Iterator[str]:
    """This version works on a task, a chunk's row and a recording's row with unknown fields, and keeps the fields."""
    task = meeting.makes("next-fields", **LATER)
    meeting.catalog.add_recording(RecordingRecord(recording_id=task.recording_id, folder=task.folder, **LATER))
    meeting.catalog.add_chunk(
        ChunkRecord(task=task, first_seen_at=task.event_time, changed_at=task.event_time, **LATER)
    )
    meeting.sends(task)
    if not _holds(lambda: meeting.is_deleted(task)):
        yield "a task with an unknown field was not archived"
    if not _holds(lambda: (found := meeting.record(task)) is not None and found.state is ChunkState.SOURCE_DELETED):
        yield "a row with an unknown field was not finished"
    record, recording = meeting.record(task), meeting.catalog.get_recording(task.recording_id)
    kept = {"chunk": record, "task": record.task if record else None, "recording": recording}
    for what, document in kept.items():
        if document is None or (document.model_extra or {}).get("later") != LATER["later"]:
            yield f"this version lost an unknown field of a {what}"


def _newer_row(meeting: Meeting) -> Iterator[str]:
    """Yield this version leaves a row of a newer form alone, byte for byte, and its source at ACS."""
    task = meeting.makes("next-row")
    row = ChunkRecord(task=task, first_seen_at=task.event_time, changed_at=task.event_time, version=NEXT, **LATER)
    meeting.catalog.add_chunk(row)
    before = _etag(meeting, task)
    meeting.sends(task)
    time.sleep(3.0)
    if meeting.is_deleted(task) or _etag(meeting, task) != before:
        yield "this version worked on a row of a newer one"
    if not _holds(lambda: meeting.waiting() == 1):
        yield "the message of a newer row is not the one message that is left"
    try:
        meeting.record(task)
        yield "a row of a newer version is not reported"
    except StorageError as error:
        if error.code != "newer_record":
            yield f"a row of a newer version is called {error.code}"


def _newer_message(meeting: Meeting) -> Iterator[str]:
    """Yield this version leaves a message of a newer form on the queue, beside that of the newer row."""
    task = meeting.makes("next-message", version=NEXT, **LATER)
    meeting.sends(task)
    time.sleep(3.0)
    if not _holds(lambda: meeting.waiting() == 2):
        yield "a message of a newer version is not on the queue any more"
    if meeting.refused(task.recording_id) or meeting.is_deleted(task):
        yield "this version worked on a message of a newer one, or refused it"


def _places(made: JSON) -> dict[str, str]:
    at, document = "storage.asm.skype.com", made["documentId"]
    return {
        "content_location": builders.location(document, "/content/video", host=at),
        "metadata_location": builders.location(document, "/content/acsmetadata", host=at),
        "delete_location": builders.location(document, "", host=f"us-{at}"),
    }


def _holds(question: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + PATIENCE
    while not question():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.2)
    return True


def _etag(meeting: Meeting, task: ChunkTask) -> str:
    """Return the mark of the last write of a chunk's row, whatever is in it."""
    keys = chunk_keys(task.key)
    with TableClient.from_connection_string(meeting.world.storage, CHUNKS_TABLE) as table:
        return str(table.get_entity(keys["PartitionKey"], keys["RowKey"]).metadata["etag"])


@contextmanager
def _meeting(world: LocalWorld) -> Iterator[Meeting]:
    connection = StorageConnection(connection_string=SecretStr(world.storage))
    acs = AcsConnection(endpoint="https://contoso.communication.azure.com")
    catalog = TableCatalog(Settings(acs=acs, host_storage=connection, archive_storage=connection))
    policy = TextBase64EncodePolicy()
    try:
        with QueueClient.from_connection_string(world.storage, CHUNKS_QUEUE, message_encode_policy=policy) as queue:
            yield Meeting(world, queue, catalog)
    finally:
        catalog.close()
