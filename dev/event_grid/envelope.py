"""How an event looks on its way: checked and stamped when published, in the schema the subscriber asked for."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any, Literal

Event = dict[str, Any]
Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]

REQUIRED_FIELDS = ("id", "subject", "eventType", "eventTime", "dataVersion")
MORE = "cloudEventAttributes"
"""Where a published CloudEvent's other attributes are kept, its extensions among them."""
_CLOUD_NAMES = {"id": "id", "source": "topic", "type": "eventType", "subject": "subject", "time": "eventTime"}
VALIDATION_EVENT_TYPE = "Microsoft.EventGrid.SubscriptionValidationEvent"


class InvalidEventError(ValueError):
    """Event Grid would refuse to publish this."""


def stamped(event: Event, topic: str, *, is_checked: bool = True) -> Event:
    """Return a copy of a published event, with `topic` and `metadataVersion` set where the publisher left them out.

    Raises:
        InvalidEventError: A required field is missing or empty while `is_checked`, or the event is not JSON.
    """
    required = REQUIRED_FIELDS if is_checked else ("id", "eventType")
    if missing := [name for name in required if not event.get(name)]:
        raise InvalidEventError(f"an event needs {', '.join(missing)}")
    try:
        copied: Event = json.loads(json.dumps(event))
    except TypeError as error:
        raise InvalidEventError(f"an event is JSON: {error}") from error
    return {"topic": topic, "metadataVersion": "1", **copied}


def in_schema(event: Event, schema: Schema) -> Event:
    """Return the event as the subscriber gets it."""
    if schema == "CloudEventSchemaV1_0":
        return _cloud_event(event)
    return {name: value for name, value in event.items() if name != MORE}


def validation_event(topic: str, code: str, at: datetime) -> Event:
    """Return the first event a webhook gets, without a `validationUrl`: nothing is confirmed by hand here."""
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
    """Return compact UTF-8 JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def timestamp(at: datetime) -> str:
    """Return seven digits of a second and Z, as the service writes times."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def from_cloud_event(document: Event) -> Event:
    """Return a published CloudEvent as the stand-in keeps events; its attributes have other names there."""
    kept = {name: document[attribute] for attribute, name in _CLOUD_NAMES.items() if document.get(attribute)}
    data: Event = {name: document[name] for name in ("data", "data_base64") if name in document}
    known = {*_CLOUD_NAMES, *data, "specversion"}
    more = {name: value for name, value in document.items() if name not in known}
    return {"subject": "", "dataVersion": "1.0", **kept, **data, **({MORE: more} if more else {})}


def _cloud_event(event: Event) -> Event:
    content = {"data_base64": event["data_base64"]} if "data_base64" in event else {"data": event.get("data")}
    when = {"time": event["eventTime"]} if event.get("eventTime") else {}
    return {
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": event.get("subject", ""),
        **when,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        **event.get(MORE, {}),
        **content,
    }
