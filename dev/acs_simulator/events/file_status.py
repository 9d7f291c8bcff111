"""Builds RecordingFileStatusUpdated events in Event Grid's own schema, in every shape that was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dev.acs_simulator.options import DeleteLocation, SimulatorOptions, SubjectForm
from dev.acs_simulator.state.identifiers import new_guid
from dev.acs_simulator.state.model import Recording, SessionEnd, StoredObject
from dev.acs_simulator.state.timestamps import event_time

EVENT_TYPE = "Microsoft.Communication.RecordingFileStatusUpdated"
Event = dict[str, Any]


@dataclass(frozen=True)
class ExportedChunk:
    """Where a chunk lies in the customer's own container; None is what stayed at ACS."""

    content_url: str | None
    metadata_url: str | None

    @property
    def is_whole(self) -> bool:
        """Return whether nothing of the chunk stayed at ACS."""
        return self.content_url is not None and self.metadata_url is not None


@dataclass(frozen=True)
class FilesReady:
    """What an event tells: these chunks of this recording can be fetched.

    `chunks` may be some of the recording's `chunk_count`; `exported` has those that went to the customer's container,
    by document id.
    """

    recording: Recording
    chunks: Sequence[StoredObject]
    chunk_count: int
    duration_ms: int
    exported: Mapping[str, ExportedChunk] = field(default_factory=dict)


def files_ready_event(ready: FilesReady, options: SimulatorOptions, now: datetime) -> Event:
    """Return the event as Event Grid gets it from ACS."""
    return {
        "id": new_guid(),
        "topic": options.resource_id,
        "subject": _subject(ready.recording, options.event.subject),
        "data": _data(ready, options),
        "eventType": EVENT_TYPE,
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": event_time(now),
    }


def _subject(recording: Recording, form: SubjectForm) -> str:
    call = f"/recording/call/{recording.call.call_id}"
    server_call = f"/serverCallId/{recording.call.server_call_id}"
    recording_part = f"/recordingId/{recording.recording_id}"
    return {
        SubjectForm.CALL: call,
        SubjectForm.RECORDING: call + recording_part,
        SubjectForm.SERVER_CALL: call + server_call,
        SubjectForm.SERVER_CALL_AND_RECORDING: call + server_call + recording_part,
    }[form]


def _data(ready: FilesReady, options: SimulatorOptions) -> dict[str, Any]:
    data: dict[str, Any] = {
        "recordingStorageInfo": {"recordingChunks": [_chunk(stored, ready, options) for stored in ready.chunks]},
        "recordingStartTime": event_time(ready.recording.started_at),
        "recordingDurationMs": ready.duration_ms,
        "sessionEndReason": ready.recording.end_reason or SessionEnd.CALL_ENDED,
    }
    if options.event.types_present:
        data |= _types(ready.recording)
    if options.event.recording_id_in_data:
        data |= {"storageType": "ACS", "recordingId": ready.recording.recording_id}
    if ready.exported:
        data |= {"storageType": "AzureBlob", "recordingId": ready.recording.recording_id}
    return data


def _types(recording: Recording) -> dict[str, str]:
    asked = recording.asked
    return {
        "recordingContentType": _pascal(asked.content),
        "recordingChannelType": _pascal(asked.channel),
        "recordingFormatType": _pascal(asked.format),
    }


def _pascal(name: str) -> str:
    """Write an enum as events do: in PascalCase, where the REST interface has camelCase."""
    return name[:1].upper() + name[1:]


def _chunk(stored: StoredObject, ready: FilesReady, options: SimulatorOptions) -> dict[str, Any]:
    is_last = stored.index == ready.chunk_count - 1
    chunk = {
        "documentId": stored.document_id,
        "index": stored.index,
        "endReason": "SessionEnded" if is_last else "ChunkMaximumSizeExceeded",
    }
    exported = ready.exported.get(stored.document_id)
    if exported is None:
        return chunk | _locations(stored.document_id, options)
    places = {"contentLocation": exported.content_url, "metadataLocation": exported.metadata_url}
    there = {} if exported.is_whole else _locations(stored.document_id, options)
    return chunk | there | {name: url for name, url in places.items() if url is not None}


def _locations(document_id: str, options: SimulatorOptions) -> dict[str, str]:
    content_host, delete_host, _ = options.storage_hosts
    content = f"https://{content_host}/v1/objects/{document_id}/content"
    locations = {"contentLocation": f"{content}/video", "metadataLocation": f"{content}/acsmetadata"}
    match options.event.delete_location:
        case DeleteLocation.OBJECT:
            locations["deleteLocation"] = f"https://{delete_host}/v1/objects/{document_id}"
        case DeleteLocation.DELETE_DATA:
            locations["deleteLocation"] = f"{content}/deletedata"
    return locations
