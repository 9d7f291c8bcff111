"""The two kinds of subscribers: how each proves it wants the events, and how it gets them."""

import asyncio
import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aiohttp
from yarl import URL

from dev.clock import MovableClock
from dev.event_grid.encodings import Encoding, documents, schema_of, written
from dev.event_grid.ending import end
from dev.event_grid.envelope import Event, Schema, as_json, validation_event
from dev.event_grid.policy import NO_CONNECTION, NO_SUCH_HOST, RESPONSE_TIMEOUT_SECONDS, TIMED_OUT, Answer, answer_of
from dev.event_grid.subscriptions import StorageQueueSubscription, WebhookSubscription

ORIGIN = "eventgrid.azure.net"
"""How Event Grid introduces itself in the CloudEvents handshake."""


class SubscriptionRefusedError(Exception):
    """The endpoint did not prove that it wants the events; the text says what it did instead."""


class Endpoint(Protocol):
    """Where the events of one subscription go."""

    async def prove(self) -> None:
        """Do the handshake.

        Raises:
            SubscriptionRefusedError: The endpoint refused, or is not there.
        """

    async def send(self, events: Sequence[Event], attempt: int, encoding: Encoding = "plain") -> Answer:
        """Return one attempt for these events, all or none; `attempt` is 1 for the first. Failures are answers."""


class QueuePort(Protocol):
    """A Storage Queue as Event Grid uses it."""

    async def is_there(self) -> bool:
        """Return whether the queue exists and can be reached."""

    async def put(self, text: str) -> Answer:
        """Add one message with exactly this text. Failures are answers."""


class WebhookEndpoint:
    """A URL. The 30 seconds run on the simulated clock: moving it past them ends a request that is under way."""

    def __init__(
        self, subscription: WebhookSubscription, topic: str, session: aiohttp.ClientSession, clock: MovableClock
    ) -> None:
        self._subscription = subscription
        self._topic = topic
        self._session = session
        self._clock = clock
        self._url = URL(subscription.url, encoded=True)

    async def prove(self) -> None:
        """Prove by the handshake that the schema has."""
        if self._subscription.schema == "EventGridSchema":
            await self._prove_by_echo()
        else:
            await self._prove_by_origin()

    async def send(self, events: Sequence[Event], attempt: int, encoding: Encoding = "plain") -> Answer:
        """Post the events and hand back the answer."""
        content_type, body = notification(events, self._subscription.schema, encoding)
        headers = {"Content-Type": content_type, **self._headers("Notification", events[0], attempt)}
        answer, _, _ = await self._request("POST", headers, body)
        return answer

    async def _prove_by_echo(self) -> None:
        """Only a 200 whose JSON repeats the code counts; a 202 does not."""
        code = str(uuid.uuid4()).upper()
        event = validation_event(self._topic, code, self._clock.now())
        headers = {"Content-Type": "application/json; charset=utf-8", **self._headers("SubscriptionValidation", event)}
        answer, _, text = await self._request("POST", headers, as_json([event]))
        if answer.status != 200 or _validation_response(text) != code:
            raise self._refused(answer, text)

    async def _prove_by_origin(self) -> None:
        """The abuse protection of CloudEvents' web hooks: the endpoint names who may send."""
        answer, headers, text = await self._request("OPTIONS", {"WebHook-Request-Origin": ORIGIN}, b"")
        if answer.status != 200 or headers.get("WebHook-Allowed-Origin") not in (ORIGIN, "*"):
            raise self._refused(answer, text)

    def _headers(self, event_type: str, event: Event, attempt: int = 1) -> dict[str, str]:
        """The delivery count is that of earlier attempts: the first request says 0."""
        return {
            "aeg-event-type": event_type,
            "aeg-subscription-name": self._subscription.name.upper(),
            "aeg-delivery-count": str(attempt - 1),
            "aeg-data-version": str(event.get("dataVersion", "")),
            "aeg-metadata-version": str(event.get("metadataVersion", "")),
        }

    async def _request(
        self, method: str, headers: dict[str, str], body: bytes
    ) -> tuple[Answer, Mapping[str, str], str]:
        exchange = asyncio.create_task(self._exchange(method, headers, body))
        timer = asyncio.create_task(self._clock.sleep(RESPONSE_TIMEOUT_SECONDS))
        try:
            await asyncio.wait({exchange, timer}, return_when=asyncio.FIRST_COMPLETED)
            return exchange.result() if exchange.done() else (TIMED_OUT, {}, "")
        finally:
            await end(exchange, timer)

    async def _exchange(
        self, method: str, headers: dict[str, str], body: bytes
    ) -> tuple[Answer, Mapping[str, str], str]:
        """Event Grid follows no redirects: a 3xx is a failure like any other."""
        request = self._session.request(method, self._url, headers=headers, data=body, allow_redirects=False)
        try:
            async with request as response:
                text = await response.text(errors="replace")
                return answer_of(response.status), response.headers, text
        except aiohttp.ClientConnectorDNSError:
            return NO_SUCH_HOST, {}, ""
        except aiohttp.ClientError:
            return NO_CONNECTION, {}, ""

    def _refused(self, answer: Answer, text: str) -> SubscriptionRefusedError:
        got = f"{answer.status or answer.outcome} {text[:200]!r}"
        return SubscriptionRefusedError(f"subscription {self._subscription.name!r}: handshake answered with {got}")


class QueueEndpoint:
    """A Storage Queue."""

    def __init__(self, subscription: StorageQueueSubscription, queue: QueuePort) -> None:
        self._subscription = subscription
        self._queue = queue

    async def prove(self) -> None:
        """Check that the queue is there: there is no handshake with one."""
        if not await self._queue.is_there():
            name, queue = self._subscription.name, self._subscription.queue_name
            raise SubscriptionRefusedError(f"subscription {name!r}: there is no queue {queue!r}")

    async def send(self, events: Sequence[Event], attempt: int, encoding: Encoding = "plain") -> Answer:
        """Return one message an event; the first failure stands for all, so earlier ones may come twice."""
        del attempt  # a message says nothing about earlier attempts
        answer = answer_of(201)
        for event in events:
            answer = await self._queue.put(queue_message(event, self._subscription, encoding))
            if not answer.is_accepted:
                break
        return answer


def notification(events: Sequence[Event], schema: Schema, encoding: Encoding = "plain") -> tuple[str, bytes]:
    """Return content type and body of one POST.

    The Event Grid schema always comes as an array. CloudEvents come as one object, or as an array in batches (their
    HTTP binding's structured and batched modes).
    """
    converted = documents(events, schema, encoding)
    if schema_of(schema, encoding) == "EventGridSchema":
        return "application/json; charset=utf-8", written(converted, encoding)
    if len(converted) == 1:
        return "application/cloudevents+json; charset=utf-8", written(converted[0], encoding)
    return "application/cloudevents-batch+json; charset=utf-8", written(converted, encoding)


def queue_message(event: Event, subscription: StorageQueueSubscription, encoding: Encoding = "plain") -> str:
    """Return the text of a message: the event's JSON, in base64 unless the encoding is `raw`."""
    (document,) = documents([event], subscription.schema, encoding)
    text = written(document, encoding)
    return text.decode() if encoding == "raw" else base64.b64encode(text).decode()


class StorageQueue:
    """A real queue, through the SDK, in a thread."""

    def __init__(self, connection_string: str, queue_name: str) -> None:
        self._connection_string = connection_string
        self._queue_name = queue_name

    async def is_there(self) -> bool:
        """See `QueuePort.is_there`."""
        return (await asyncio.to_thread(self._call, "get_queue_properties")).is_accepted

    async def put(self, text: str) -> Answer:
        """See `QueuePort.put`."""
        return await asyncio.to_thread(self._call, "send_message", text)

    def _call(self, operation: str, *arguments: str) -> Answer:
        from azure.core.exceptions import AzureError, HttpResponseError
        from azure.storage.queue import QueueClient

        # No retries of the SDK's own: the delivery rules say when to try again.
        client = QueueClient.from_connection_string(self._connection_string, self._queue_name, retry_total=0)
        try:
            with client:
                getattr(client, operation)(*arguments)
        except HttpResponseError as error:
            return answer_of(error.status_code or 500)
        except AzureError:
            return NO_CONNECTION
        return answer_of(201)


def _validation_response(text: str) -> Any:
    try:
        answered = json.loads(text)
    except ValueError:
        return None
    return answered.get("validationResponse") if isinstance(answered, dict) else None
