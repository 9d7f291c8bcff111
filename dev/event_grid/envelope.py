"""How an event looks on its way: checked and stamped when published, in the schema the subscriber asked for."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

Event = dict[str, Any]
Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]

REQUIRED_FIELDS = ("id", "subject", "eventType", "eventTime", "dataVersion")
VALIDATION_EVENT_TYPE = "Microsoft.EventGrid.SubscriptionValidationEvent"


class InvalidEventError(ValueError):
    """Event Grid would refuse to publish this."""


def stamped(event: Event, topic: str) -> Event:
    """An own copy of a published event, with `topic` and `metadataVersion` set where the publisher left them out.

    Raises:
        InvalidEventError: A required field is missing or empty, or the event is not JSON.
    """
    if missing := [name for name in REQUIRED_FIELDS if not event.get(name)]:
        raise InvalidEventError(f"an event needs {', '.join(missing)}")
    try:
        copied: Event = json.loads(json.dumps(event))
    except TypeError as error:
        raise InvalidEventError(f"an event is JSON: {error}") from error
    return {"topic": topic, "metadataVersion": "1", **copied}


def in_schema(event: Event, schema: Schema) -> Event:
    """The event as the subscriber gets it."""
    return _cloud_event(event) if schema == "CloudEventSchemaV1_0" else event


def notification(events: Sequence[Event], schema: Schema) -> tuple[str, bytes]:
    """Content type and body of one POST.

    The Event Grid schema always comes as an array. CloudEvents come as one object, or as an array in batches (their
    HTTP binding's structured and batched modes).
    """
    converted = [in_schema(event, schema) for event in events]
    if schema == "EventGridSchema":
        return "application/json; charset=utf-8", as_json(converted)
    if len(converted) == 1:
        return "application/cloudevents+json; charset=utf-8", as_json(converted[0])
    return "application/cloudevents-batch+json; charset=utf-8", as_json(converted)


def validation_event(topic: str, code: str, at: datetime) -> Event:
    """The first event a webhook gets. There is no `validationUrl`: nobody confirms by hand here."""
    return {
        "id": str(uuid.uuid4()),
        "topic": topic,
        "subject": "",
        "data": {"validationCode": code},
        "eventType": VALIDATION_EVENT_TYPE,
        "eventTime": timestamp(at),
        "metadataVersion": "1",
        "dataVersion": "2",
    }


def as_json(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def timestamp(at: datetime) -> str:
    """Seven digits of a second and Z, as the service writes times."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def _cloud_event(event: Event) -> Event:
    return {
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "data": event.get("data"),
    }
