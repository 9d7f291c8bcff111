"""Make one task for each chunk of an event; set chunks apart that cannot be trusted."""

from datetime import datetime

from pydantic import ValidationError

from recording.domain.ids import as_spelt_in
from recording.domain.incoming.events import (
    OddChunk,
    RecordingChunk,
    RecordingFileStatusUpdated,
    text_of_location,
)
from recording.domain.incoming.locations import (
    checked_external_blob,
    checked_location,
    is_external,
    names_another_object,
)
from recording.domain.state.chunk import ANOTHER_OBJECT, LARGEST_TASK, ChunkTask, Home
from recording.domain.watched import deadline
from recording.errors import EventRejectedError, UnsafeLocationError
from recording.errors.codes import Code
from recording.settings import Settings

LONGEST_FOLDER = 1024  # bytes; a blob name has no more characters, and they are ASCII
Refusal = EventRejectedError | UnsafeLocationError


def tasks_of(
    event: RecordingFileStatusUpdated, now: datetime, settings: Settings
) -> tuple[list[ChunkTask], list[OddChunk]]:
    """Return a task for each good chunk, still without its folder, and the chunks that need an operator."""
    tasks: list[ChunkTask] = []
    odd = list(event.odd_chunks)
    for chunk in event.chunks:
        try:
            tasks.append(_task(chunk, event, now, settings))
        except (EventRejectedError, UnsafeLocationError) as error:
            odd.append(
                OddChunk(chunk.model_dump(by_alias=True), chunk.index, error.code, f"chunk {chunk.index}: {error}")
            )
    return tasks, odd


def _task(chunk: RecordingChunk, event: RecordingFileStatusUpdated, now: datetime, settings: Settings) -> ChunkTask:
    content, home = _checked(chunk.content_location, event, settings)
    metadata, metadata_refused = _metadata_of(chunk, event, settings)
    delete, delete_refused = _delete_of(chunk, home, settings)
    if delete is not None and metadata_refused:  # its metadata goes with the source, and may still be fetched by hand
        delete, delete_refused = None, "metadata_refused"
    place = checked_location(content, settings.acs.content_hosts) if home is Home.ACS else None
    if place is not None and names_another_object(place, chunk.document_id):
        delete, delete_refused = None, ANOTHER_OBJECT
    try:
        task = ChunkTask(
            recording_id=event.recording_id,
            call_id=event.call_id,
            server_call_id=event.server_call_id,
            document_id=as_spelt_in(place.object_id if place is not None else None, chunk.document_id),
            index=chunk.index,
            content_location=content,
            metadata_location=metadata,
            delete_location=delete,
            home=home,
            metadata_refused=metadata_refused,
            delete_refused=delete_refused,
            content=event.content,
            channel=event.channel,
            format=event.format,
            end_reason=chunk.end_reason,
            session_end_reason=event.data.session_end_reason,
            chunks_in_event=len(event.chunks) + len(event.odd_chunks),
            recording_start_time=event.recording_start_time,
            recording_duration_ms=event.data.recording_duration_ms,
            event_id=event.event_id,
            event_time=event.event_time,
            expires_at=deadline.expires_at(min(event.event_time, now), settings.retention),  # a clock may be ahead
            folder="",
        )
    except ValidationError as error:
        raise EventRejectedError("a chunk cannot be read", code=Code.UNREADABLE_CHUNK) from error
    if len(task.model_dump_json().encode()) > LARGEST_TASK - LONGEST_FOLDER:
        raise EventRejectedError("the chunk's data does not fit into a queue message", code=Code.EVENT_TOO_LARGE)
    return task


def _checked(location: str, event: RecordingFileStatusUpdated, settings: Settings) -> tuple[str, Home]:
    """Return a location that may be called, and whether it is in ACS's or the customer's storage.

    An export to the customer's container may fail for media or metadata alone, which then stays in ACS's storage.

    Raises:
        UnsafeLocationError: it is in neither.
    """
    if event.is_external and is_external(location, settings.external_containers):
        return checked_external_blob(location, settings.external_containers).url, Home.EXTERNAL
    return checked_location(location, settings.acs.content_hosts).url, Home.ACS


def _metadata_of(
    chunk: RecordingChunk, event: RecordingFileStatusUpdated, settings: Settings
) -> tuple[str | None, str | None]:
    """Return where the metadata is, or why the announced location is not called."""
    try:
        told = text_of_location(chunk.metadata_location)
        return (None, None) if told is None else (_checked(told, event, settings)[0], None)
    except ValueError:
        return None, Code.UNSAFE_LOCATION
    except UnsafeLocationError as error:
        return None, error.code


def _delete_of(chunk: RecordingChunk, home: Home, settings: Settings) -> tuple[str | None, str | None]:
    """Return where the source may be deleted, or why the announced location is not called.

    A file in the customer's own storage is never deleted, whatever its event says.
    """
    if home is Home.EXTERNAL:
        return None, None
    try:
        told = text_of_location(chunk.delete_location)
        return (None, None) if told is None else (checked_location(told, settings.acs.content_hosts).url, None)
    except ValueError:
        return None, Code.UNSAFE_LOCATION
    except UnsafeLocationError as error:
        return None, error.code
