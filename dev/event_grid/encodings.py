"""Writes events in the odd but harmless ways that senders, exporters and editors were seen to write them."""

import base64
from collections.abc import Sequence
from typing import Any, Literal

from dev.event_grid.envelope import Event, Schema, as_json, in_schema

Encoding = Literal["plain", "bom", "lines", "data_text", "data_base64", "raw"]
"""`plain` is Event Grid's own. `bom`: a UTF-8 byte order mark first. `lines`: one object a line in place of an array.
`data_text`: data is JSON in a string. `data_base64`: a CloudEvent with binary data. `raw`: a queue message that is not
base64."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def schema_of(schema: Schema, encoding: Encoding) -> Schema:
    """Return the schema that travels: binary data exists in CloudEvents only."""
    return "CloudEventSchemaV1_0" if encoding == "data_base64" else schema


def documents(events: Sequence[Event], schema: Schema, encoding: Encoding) -> list[dict[str, Any]]:
    """Return the events as the subscriber gets them, their data written as told."""
    converted = [in_schema(event, schema_of(schema, encoding)) for event in events]
    return [_with_data(document, encoding) for document in converted]


def written(content: list[dict[str, Any]] | dict[str, Any], encoding: Encoding) -> bytes:
    """Return one document, or an array of them, as text."""
    if encoding == "lines":
        each = content if isinstance(content, list) else [content]
        return b"\n".join(as_json(one) for one in each) + b"\n"
    return (BYTE_ORDER_MARK if encoding == "bom" else b"") + as_json(content)


def _with_data(document: dict[str, Any], encoding: Encoding) -> dict[str, Any]:
    if encoding == "data_text":
        return {**document, "data": as_json(document.get("data")).decode()}
    if encoding == "data_base64" and "data" in document:
        rest = {name: value for name, value in document.items() if name != "data"}
        return {**rest, "data_base64": base64.b64encode(as_json(document["data"])).decode()}
    return document
