"""CloudEvents 1.0 as a custom topic takes them: checked as the specification says, all of a request or none."""

import json
import re
from datetime import datetime
from typing import Any

from dev.event_grid.envelope import Event, InvalidEventError

SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
LARGEST_REQUEST = 1 << 20  # bytes: Event Grid's limit for a request, and so for an event
_ATTRIBUTE = re.compile(r"[a-z0-9]+", re.ASCII)
_REQUIRED = ("id", "source", "type")


def read_cloud_events(content_type: str, body: bytes) -> list[Event]:
    """Return the events of a request, each checked.

    Raises:
        InvalidEventError: the request is in neither of the two modes, or one event is no CloudEvent 1.0.
    """
    if content_type not in (SINGLE, BATCH):
        raise InvalidEventError(f"this topic takes CloudEvents 1.0, as {SINGLE} or {BATCH}, not {content_type}")
    try:
        content = json.loads(body)
    except ValueError as error:
        raise InvalidEventError(f"the body is not JSON: {error}") from error
    events = content if content_type == BATCH else [content]
    if not isinstance(events, list):
        raise InvalidEventError("a batch is an array of events")
    for event in events:
        check_cloud_event(event)
    return events


def check_cloud_event(event: Any) -> None:
    """Return when this is a CloudEvent 1.0.

    Raises:
        InvalidEventError: it is none; the text says why.
    """
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise InvalidEventError("an event is an object whose specversion is 1.0")
    if missing := [name for name in _REQUIRED if not _is_text(event.get(name))]:
        raise InvalidEventError(f"an event needs {', '.join(missing)}")
    if odd := [name for name in event if name != "data_base64" and not _ATTRIBUTE.fullmatch(name)]:
        raise InvalidEventError(f"the name of an attribute is small letters and digits, not {odd[0]!r}")
    if "data" in event and "data_base64" in event:
        raise InvalidEventError("an event has data or data_base64, not both")
    if "time" in event and not _is_time(event["time"]):
        raise InvalidEventError("time is a time of RFC 3339")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False
