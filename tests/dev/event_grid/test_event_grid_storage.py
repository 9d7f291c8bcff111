"""Events in queues and dead letters in blobs: the exact content, and once through the real SDK."""

import base64
import json
import uuid
from collections import deque

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from dev.azurite import Azurite
from dev.event_grid import (
    BlobDeadLetters,
    DeadLettersMissingError,
    DeadLettersUnavailableError,
    DeliveryPlan,
    StorageQueueSubscription,
)
from dev.event_grid.policy import NO_CONNECTION, answer_of
from tests.dev.event_grid.receiver import KeptDeadLetters, KeptQueue, event, on_a_loop, world

TO_QUEUE = StorageQueueSubscription(name="to-queue", connection_string="", queue_name="recording-events")


@on_a_loop
async def test_a_message_is_the_base64_of_one_event() -> None:
    """What the queue trigger decodes and hands to the app."""
    queue = KeptQueue()
    async with world(open_queue=queue.opener()) as w:
        await w.grid.subscribe(TO_QUEUE)
        await w.publish(event())
        [text] = queue.texts
        assert json.loads(base64.b64decode(text, validate=True)) == event()
        assert w.results() == ["delivered Delivered 1"]


@on_a_loop
async def test_a_batch_is_one_message_an_event() -> None:
    """There are no arrays in a queue."""
    queue = KeptQueue()
    async with world(open_queue=queue.opener()) as w:
        cloud = StorageQueueSubscription(
            name="q", connection_string="", queue_name="events", schema="CloudEventSchemaV1_0"
        )
        await w.grid.subscribe(cloud)
        w.grid.script(DeliveryPlan(fault="batch", count=2))
        await w.publish(event("a"), event("b"))
        messages = [json.loads(base64.b64decode(text)) for text in queue.texts]
        assert [(message["id"], message["specversion"]) for message in messages] == [("a", "1.0"), ("b", "1.0")]


@on_a_loop
async def test_a_queue_that_fails_is_tried_again() -> None:
    """Storage is down for a moment; an Azure resource that is not found waits five minutes."""
    queue = KeptQueue(answers=deque([NO_CONNECTION, answer_of(404)]))
    async with world(open_queue=queue.opener()) as w:
        await w.grid.subscribe(TO_QUEUE)
        await w.publish(event())
        await w.let_pass(seconds=10)
        await w.let_pass(minutes=5)
        assert w.results() == ["failed SocketError 1", "failed NotFound 2", "delivered Delivered 3"]
        assert len(queue.texts) == 1


@on_a_loop
async def test_a_message_that_is_too_large_is_dead_lettered() -> None:
    """64 KiB is the limit; an event with very many chunks does not fit."""
    letters, queue = KeptDeadLetters(), KeptQueue(answers=deque([answer_of(413)]))
    async with world(open_queue=queue.opener()) as w:
        await w.grid.subscribe(
            StorageQueueSubscription(name="q", connection_string="", queue_name="events", dead_letter=letters)
        )
        await w.publish(event())
        await w.let_pass(minutes=5)
        assert len(letters.kept) == 1


@pytest.mark.azurite
@on_a_loop
async def test_queue_and_dead_letters_work_with_real_storage(azurite: Azurite) -> None:
    """The one test that goes through the SDK: a message arrives, one too large becomes a blob."""
    storage, name = azurite.connection_string, f"events-{uuid.uuid4().hex[:8]}"
    with (
        QueueClient.from_connection_string(storage, name) as queue,
        BlobServiceClient.from_connection_string(storage) as blobs,
        blobs.get_container_client(name) as letters,
    ):
        queue.create_queue()
        letters.create_container()
        async with world() as w:
            await w.grid.subscribe(
                StorageQueueSubscription(
                    name="q",
                    connection_string=storage,
                    queue_name=name,
                    dead_letter=BlobDeadLetters(storage, name),
                )
            )
            await w.publish(event("small"), event("large", data={"text": "x" * 70_000}))
            await w.let_pass(minutes=5)
            [message] = queue.receive_messages()
            assert json.loads(base64.b64decode(message.content))["id"] == "small"
            [blob_name] = letters.list_blob_names()
            [letter] = json.loads(letters.download_blob(blob_name).readall())
            assert (letter["id"], letter["lastHttpStatusCode"]) == ("large", 413)


@pytest.mark.azurite
@on_a_loop
async def test_the_sdk_sink_tells_missing_from_unavailable(azurite: Azurite) -> None:
    """The first loses the event, the second is tried for four hours."""
    with pytest.raises(DeadLettersMissingError):
        await BlobDeadLetters(azurite.connection_string, "no-such-container").write("name", b"[]")
    nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/a;"
    with pytest.raises(DeadLettersUnavailableError):
        await BlobDeadLetters(nowhere, "container").write("name", b"[]")
