"""Makes one thing of an event odd: a time, a location, a chunk, an id."""

import copy
from typing import Any

from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.faults.odd_forms import CHUNK_FORMS, LOCATION_FORMS
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.state.identifiers import new_guid, new_recording_id, resource_specific_id


def odd_time(event: Event, fault: Fault) -> list[Event]:
    """Set or remove a time, of the event itself or of its data."""
    changed, field, value = copy.deepcopy(event), fault.text("field"), fault.argument("value")
    place = changed if field == "eventTime" else changed["data"]
    place.pop(field, None)
    if value is not None:
        place[field] = value
    return [changed]


def odd_location(event: Event, fault: Fault) -> list[Event]:
    """Write one location otherwise, of every chunk or of the one at `chunk` in the list."""
    field, form = fault.text("field"), LOCATION_FORMS[fault.text("form")]
    changed = copy.deepcopy(event)
    for chunk in _meant(changed, fault):
        if field in chunk:
            chunk[field] = form(chunk[field])
    return [changed]


def odd_chunk(event: Event, fault: Fault) -> list[Event]:
    """Spoil the chunk at `chunk` in the list and leave the others as they are."""
    changed = copy.deepcopy(event)
    chunks, at = changed["data"]["recordingStorageInfo"]["recordingChunks"], int(fault.number("chunk"))
    if at < len(chunks):
        chunks[at] = CHUNK_FORMS[fault.text("form")](chunks[at])
    return [changed]


def data_ids(event: Event, fault: Fault) -> list[Event]:
    """Repeat the recording id in data, as the events of 2026 do, spelled as told."""
    subject_id = str(event["subject"]).rpartition("/recordingId/")[2]
    spelled = _spelled(subject_id, fault.text("form"))
    ids = {"storageType": fault.text("storage_type"), "recordingId": spelled}
    return [{**event, "data": {**event["data"], **ids}}]


def _spelled(recording_id: str, form: str) -> str:
    match form:
        case "padded":
            return recording_id + "=" * (-len(recording_id) % 4)
        case "guid":
            return resource_specific_id(recording_id) or new_guid()
        case "other":
            return new_recording_id()
    return recording_id


def _meant(event: Event, fault: Fault) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    at = fault.optional_number("chunk")
    return chunks if at is None else chunks[int(at) : int(at) + 1]
