"""Turns one true event into what a faulty world delivers in its place: none, several, or a wrong one."""

import copy
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.faults.kinds import FaultKind
from dev.acs_simulator.faults.odd_events import data_ids, odd_chunk, odd_location, odd_time
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.state.identifiers import new_document_id, new_guid

Chunks = list[dict[str, Any]]


def events_instead(event: Event, faults: Sequence[Fault]) -> list[Event]:
    """Return the events to publish for `event`, each fault applied in turn.

    When they are published is not decided here.
    """
    events = [event]
    for fault in faults:
        replace = _REPLACEMENTS.get(fault.kind)
        events = events if replace is None else [told for one in events for told in replace(one, fault)]
    return events


def _lose(_event: Event, _fault: Fault) -> list[Event]:
    return []


def _duplicate(event: Event, fault: Fault) -> list[Event]:
    twin_id = new_guid if fault.argument("new_id") else lambda: str(event["id"])
    return [event, *({**event, "id": twin_id()} for _ in range(int(fault.number("copies"))))]


def _split(event: Event, fault: Fault) -> list[Event]:
    chunks = _chunks(event)
    middle = (len(chunks) + 1) // 2
    rest = chunks[max(middle - int(fault.number("overlap")), 0) :]
    return [_with_chunks(event, chunks[:middle]), {**_with_chunks(event, rest), "id": new_guid()}]


def _reverse(event: Event, _fault: Fault) -> list[Event]:
    return [_with_chunks(event, _chunks(event)[::-1])]


def _empty(event: Event, _fault: Fault) -> list[Event]:
    return [_with_chunks(event, [])]


def _wrong_case(event: Event, _fault: Fault) -> list[Event]:
    return [{**event, "data": _capitalised(event["data"])}]


def _hostile(event: Event, fault: Fault) -> list[Event]:
    field, url = fault.text("field"), fault.text("url")
    return [_with_chunks(event, [{**chunk, field: url} for chunk in _chunks(event)])]


def _other_delete_location(event: Event, _fault: Fault) -> list[Event]:
    chunks = [_deleting_another(chunk) for chunk in _chunks(event)]
    return [_with_chunks(event, chunks)]


def _deleting_another(chunk: dict[str, Any]) -> dict[str, Any]:
    location = str(chunk.get("deleteLocation", ""))
    return {**chunk, "deleteLocation": location.replace(str(chunk["documentId"]), new_document_id())}


def _drop_field(event: Event, fault: Fault) -> list[Event]:
    dropped = fault.text("field")
    chunks = [{name: value for name, value in chunk.items() if name != dropped} for chunk in _chunks(event)]
    return [_with_chunks(event, chunks)]


def _other_resource(event: Event, fault: Fault) -> list[Event]:
    return [{**event, "topic": fault.text("topic")}]


def _chunks(event: Event) -> Chunks:
    return list(event["data"]["recordingStorageInfo"]["recordingChunks"])


def _with_chunks(event: Event, chunks: Chunks) -> Event:
    changed = copy.deepcopy(event)
    changed["data"]["recordingStorageInfo"]["recordingChunks"] = copy.deepcopy(chunks)
    return changed


def _capitalised(value: object) -> object:
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: _capitalised(inner) for name, inner in value.items()}
    return [_capitalised(inner) for inner in value] if isinstance(value, list) else value


_REPLACEMENTS: Mapping[FaultKind, Callable[[Event, Fault], list[Event]]] = MappingProxyType(
    {
        FaultKind.LOSE: _lose,
        FaultKind.DUPLICATE: _duplicate,
        FaultKind.SPLIT_CHUNKS: _split,
        FaultKind.REVERSE_CHUNKS: _reverse,
        FaultKind.EMPTY_CHUNKS: _empty,
        FaultKind.WRONG_CASE: _wrong_case,
        FaultKind.HOSTILE_URL: _hostile,
        FaultKind.OTHER_DELETE_LOCATION: _other_delete_location,
        FaultKind.DROP_FIELD: _drop_field,
        FaultKind.OTHER_RESOURCE: _other_resource,
        FaultKind.ODD_TIME: odd_time,
        FaultKind.ODD_LOCATION: odd_location,
        FaultKind.ODD_CHUNK: odd_chunk,
        FaultKind.DATA_IDS: data_ids,
    }
)
