"""Writes docs/events/*.schema.json and docs/asyncapi.yaml from the forms in recording/domain/outgoing."""

import json
from pathlib import Path
from typing import Any

import yaml

from recording import __version__
from recording.domain.outgoing.events import DATA, EventType

DOCS = Path(__file__).resolve().parents[1] / "docs"
_LINK = {"type": "string", "format": "uri", "description": "What the event is about, in the API."}
WEBHOOK = "webhook_"  # what the names of a webhook's messages begin with
_TEXT = {"type": "string", "minLength": 1}


def data_schema(kind: EventType) -> dict[str, Any]:
    """Return the JSON Schema of what events of a type say."""
    schema = DATA[kind].model_json_schema(by_alias=True)
    schema["properties"] = {name: _without_null(each) for name, each in schema["properties"].items()} | {"link": _LINK}
    return schema


def event_schema(kind: EventType) -> dict[str, Any]:
    """Return the JSON Schema of a CloudEvent of a type."""
    properties = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "source": _TEXT,
        "type": {"const": kind.wire_name},
        "subject": _TEXT,
        "time": {"type": "string", "format": "date-time"},
        "sequence": {"type": "string", "pattern": "^[0-9]{8}T[0-9]{9}-[0-9]{2}$"},
        "datacontenttype": {"const": "application/json"},
        "data": data_schema(kind),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.wire_name,
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def async_api() -> dict[str, Any]:
    """Return the AsyncAPI document: one channel for each way, one message for each type."""
    published = {kind.value: _published(kind) for kind in EventType}
    posted = {f"{WEBHOOK}{kind.value}": _posted(kind) for kind in EventType}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "ACS Recording Archive events", "version": __version__},
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "topic": {
                "address": "api/events",
                "description": "The Event Grid custom topic; webhooks carry the same data (docs/events.md).",
                "messages": _carried(published),
            },
            "webhook": {
                "address": None,
                "description": "Each endpoint of the setting WEBHOOKS, by POST, as Standard Webhooks 1.0 says.",
                "messages": _carried(posted),
            },
        },
        "operations": {
            "notify": {"action": "send", "channel": {"$ref": "#/channels/topic"}},
            "post": {"action": "send", "channel": {"$ref": "#/channels/webhook"}},
        },
        "components": {"messages": published | posted},
    }


def _published(kind: EventType) -> dict[str, Any]:
    return {
        "name": kind.wire_name,
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"./events/{kind.value}.schema.json"},
    }


def _posted(kind: EventType) -> dict[str, Any]:
    """Return the message of a webhook: what a CloudEvent says in attributes is in headers and in the body."""
    event = f"./events/{kind.value}.schema.json#/properties"
    body = {
        "type": {"const": kind.wire_name},
        "timestamp": {"$ref": f"{event}/time"},
        "subject": {"$ref": f"{event}/subject"},
        "sequence": {"$ref": f"{event}/sequence"},
        "data": {"$ref": f"{event}/data"},
    }
    headers = {
        "webhook-id": {"$ref": f"{event}/id"},
        "webhook-timestamp": {"type": "string", "pattern": "^[0-9]+$"},
        "webhook-signature": {"type": "string", "pattern": "^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$"},
    }
    return {
        "name": kind.wire_name,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers, "required": sorted(headers)},
        "payload": {"type": "object", "properties": body, "required": sorted(body), "additionalProperties": False},
    }


def _carried(messages: dict[str, Any]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in messages}


def pages() -> dict[Path, str]:
    """Return every page as the code says it."""
    schemas = {
        DOCS / "events" / f"{kind.value}.schema.json": json.dumps(event_schema(kind), indent=2) + "\n"
        for kind in EventType
    }
    return schemas | {DOCS / "asyncapi.yaml": yaml.safe_dump(async_api(), sort_keys=False, width=120)}


def main() -> None:
    """Write the pages."""
    (DOCS / "events").mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, "utf-8")


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a property that is left out where it says nothing, instead of being null."""
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return kept | kinds[0] if kinds else kept
