"""The form in which an event is sent: a CloudEvent 1.0, or the body of a Standard Webhook. Pure."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from recording.domain.outgoing.events import PREFIX, OutgoingEvent, SubjectKind

_LINKED = (SubjectKind.RECORDING, SubjectKind.EXPORT)
SOURCE = "/recording-archive"  # where the address of our API is not set
PROBE_TYPE = f"{PREFIX}probe.v1"  # the doctor sends it to test whether the topic accepts events; receivers drop it


def cloud_event(event: OutgoingEvent, api: str) -> dict[str, Any]:
    """Return the event as a CloudEvent; `sequence` orders the events of a subject, as texts sort.

    Args:
        event: what happened.
        api: the address of our API, without a slash at its end; "" gives no links and the name of the app as source.
    """
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": api or SOURCE,
        "type": event.type.wire_name,
        "subject": subject_of(event),
        "time": written(event.at),
        "sequence": event.sequence,
        "datacontenttype": "application/json",
        "data": data_of(event, api),
    }


def webhook_body(event: OutgoingEvent, api: str) -> bytes:
    """Return the body of a Standard Webhook: type, timestamp and data; its id is in a header."""
    document = {
        "type": event.type.wire_name,
        "timestamp": written(event.at),
        "subject": subject_of(event),
        "sequence": event.sequence,
        "data": data_of(event, api),
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def subject_of(event: OutgoingEvent) -> str:
    """Return the subject of an event, as a path of our API."""
    return f"{event.subject.kind.value}/{quote(event.subject.id, safe='')}"


def data_of(event: OutgoingEvent, api: str) -> dict[str, Any]:
    """Return the data of an event, with the link to its subject."""
    is_linked = api and event.subject.kind in _LINKED
    return event.data | ({"link": f"{api}/{subject_of(event)}"} if is_linked else {})


def written(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC, to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
