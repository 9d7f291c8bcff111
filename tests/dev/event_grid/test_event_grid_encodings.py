"""Harmless ways to write an event otherwise: on the way to a webhook or a queue, and in a dead letter."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent

from dev.event_grid import DeliveryPlan, StorageQueueSubscription
from dev.event_grid.dead_letters import dead_letter_document
from dev.event_grid.encodings import Encoding
from dev.event_grid.endpoints import notification, queue_message
from dev.event_grid.policy import PROBATION
from tests.dev.event_grid.receiver import KeptQueue, event, on_a_loop, world

QUEUE = StorageQueueSubscription(name="q", connection_string="x", queue_name="q")


def message(encoding: Encoding) -> str:
    return queue_message(event(), QUEUE, encoding)


def test_a_queue_message_is_read_by_microsofts_own_reader() -> None:
    """`EventGridEvent.from_json` is what an app without the Functions trigger would use."""
    read = EventGridEvent.from_json(base64.b64decode(message("plain")).decode())
    assert (read.id, read.subject, read.data) == ("1", event()["subject"], event()["data"])


def test_a_mark_stands_before_the_text() -> None:
    """Editors and exporters write it; `json.loads` refuses it."""
    text = base64.b64decode(message("bom"))
    assert text[:3] == b"\xef\xbb\xbf"
    assert json.loads(text.decode("utf-8-sig")) == event()


def test_a_raw_message_is_not_base64() -> None:
    """Queues whose message encoding is none."""
    assert json.loads(message("raw")) == event()


def test_data_can_be_text() -> None:
    """JSON within JSON, as some relays write it."""
    told = json.loads(base64.b64decode(message("data_text")))
    assert json.loads(told["data"]) == event()["data"]
    assert {**told, "data": None} == {**event(), "data": None}


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_binary_data_makes_a_cloud_event_that_microsofts_reader_takes(schema: Any) -> None:
    """The oracle decodes it to the very data that was published."""
    content_type, body = notification([event()], schema, "data_base64")
    read: CloudEvent[bytes] = CloudEvent.from_json(body.decode())
    assert content_type.startswith("application/cloudevents+json")
    assert json.loads(read.data or b"") == event()["data"]


def test_lines_hold_an_event_each() -> None:
    """No array, no comma: what log exporters write."""
    _, body = notification([event("a"), event("b")], "EventGridSchema", "lines")
    assert [json.loads(line)["id"] for line in body.splitlines()] == ["a", "b"]


@pytest.mark.parametrize("encoding", ["plain", "bom", "lines", "data_text", "data_base64"])
def test_a_dead_letter_is_written_as_the_event_was(encoding: Encoding) -> None:
    """With its reason beside it, in whatever form."""
    letter = dead_letter_document(
        [event("a"), event("b")],
        "EventGridSchema",
        reason="MaxDeliveryAttemptsExceeded",
        attempts=3,
        last=PROBATION,
        published_at=datetime(2026, 1, 2, tzinfo=UTC),
        last_attempt_at=None,
        encoding=encoding,
    )
    text = letter.decode("utf-8-sig")
    told = [json.loads(line) for line in text.splitlines()] if encoding == "lines" else json.loads(text)
    name = "deadletterreason" if encoding == "data_base64" else "deadLetterReason"
    assert [(one["id"], one[name]) for one in told] == [(i, "MaxDeliveryAttemptsExceeded") for i in ("a", "b")]


@on_a_loop
async def test_a_plan_writes_the_next_event_otherwise_and_only_that_one() -> None:
    """Scripted like every other way of delivery."""
    queue = KeptQueue()
    async with world(open_queue=queue.opener()) as w:
        await w.grid.subscribe(QUEUE)
        w.grid.script(DeliveryPlan(fault="encode", encoding="bom"))
        await w.publish(event("a"))
        await w.publish(event("b"))
        marks = [base64.b64decode(text)[:3] == b"\xef\xbb\xbf" for text in queue.texts]
        assert marks == [True, False]
