"""Quarantine refused events, for an operator to redrive."""

import json
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from recording.domain.incoming.delivery import as_kept
from recording.domain.incoming.events import (
    OddChunk,
    RecordingFileStatusUpdated,
    with_only_chunk,
    without_personal_data,
)
from recording.domain.state.quarantine import Origin
from recording.domain.times import iso_text
from recording.errors import EventRejectedError
from recording.ingest.tasks import Refusal
from recording.ports import Ports, QuarantineEntry
from recording.ports.unread import keep_and_report


def hold_chunk(
    chunk: OddChunk, event: RecordingFileStatusUpdated, envelope: Mapping[str, Any], came_from: Origin, ports: Ports
) -> None:
    """Quarantine one chunk as an event of its own, which can be redriven."""
    payload = payload_of(with_only_chunk(envelope, event.data, chunk.raw))
    error = EventRejectedError(chunk.detail, code=chunk.reason)
    quarantine(error, payload, came_from, ports, recording_id=event.recording_id, index=chunk.index)


def payload_of(envelope: Any) -> str:
    """Return an envelope as JSON, without the fields that describe people."""
    if isinstance(envelope, Mapping):
        envelope = without_personal_data(envelope)
    return as_kept(json.dumps(envelope, default=iso_text))


class NamedIds(TypedDict, total=False):
    """What refused content is about, as far as it says so."""

    recording_id: str
    index: int | None


def quarantine(error: Refusal, payload: str, came_from: Origin, ports: Ports, **ids: Unpack[NamedIds]) -> None:
    """Quarantine refused content and report it; `ids` name the recording and the index, where known."""
    entry = QuarantineEntry(error.code, str(error), payload, came_from, ports.clock.now(), **ids)
    keep_and_report(entry, ports)
