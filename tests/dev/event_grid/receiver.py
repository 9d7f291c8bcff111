"""A subscriber on loopback that keeps what it gets and answers as it is told, and what the tests say about it."""

import asyncio
import functools
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ParamSpec

from aiohttp import web

from dev.clock import MovableClock
from dev.event_grid import EventGrid, WebhookSubscription
from dev.event_grid.endpoints import StorageQueue
from dev.event_grid.policy import Answer

Arguments = ParamSpec("Arguments")
SETTLE_SECONDS = 10.0
NEVER = 0
"""As a status: the request is not answered until the receiver closes."""


def on_a_loop(test: Callable[Arguments, Awaitable[None]]) -> Callable[Arguments, None]:
    """Lets pytest run a test that is a coroutine."""

    @functools.wraps(test)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        async def story() -> None:
            await test(*args, **kwargs)

        asyncio.run(story())

    return run


def event(event_id: str = "1", **changes: Any) -> dict[str, Any]:
    """A published event as ACS makes them."""
    return {
        "id": event_id,
        "topic": "/subscriptions/s/resourcegroups/g/providers/microsoft.communication/communicationservices/acs-1",
        "subject": "/recording/call/c/serverCallId/s/recordingId/r",
        "eventType": "Microsoft.Communication.RecordingFileStatusUpdated",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": "2026-03-04T05:06:07.1234567Z",
        "data": {"recordingStorageInfo": {"recordingChunks": [{"documentId": "0-eus-d1-0", "index": 0}]}, "é": "ü"},
        **changes,
    }


@dataclass
class Received:
    """One request, its body parsed."""

    method: str
    headers: dict[str, str]
    content: Any
    raw_path: str

    @property
    def ids(self) -> list[str]:
        """The ids of the events in it, in order."""
        events = self.content if isinstance(self.content, list) else [self.content]
        return [one["id"] for one in events]


@dataclass
class Receiver:
    """Takes part in both handshakes, then answers notifications with `statuses`, and with 200 when they run out."""

    url: str = ""
    statuses: deque[int] = field(default_factory=deque)
    notifications: list[Received] = field(default_factory=list)
    handshakes: list[Received] = field(default_factory=list)
    validates: Callable[[str], web.StreamResponse] = lambda code: web.json_response({"validationResponse": code})
    allowed_origin: str = "eventgrid.azure.net"
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        """The ids of all events received, in order."""
        return [one for received in self.notifications for one in received.ids]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The handler."""
        body = await request.read()
        content = json.loads(body) if body else None
        received = Received(request.method, dict(request.headers), content, request.raw_path)
        if request.method == "OPTIONS":
            self.handshakes.append(received)
            return web.Response(headers={"WebHook-Allowed-Origin": self.allowed_origin})
        if received.headers["aeg-event-type"] == "SubscriptionValidation":
            self.handshakes.append(received)
            return self.validates(received.content[0]["data"]["validationCode"])
        return await self._notified(received)

    async def _notified(self, received: Received) -> web.StreamResponse:
        self.notifications.append(received)
        status = self.statuses.popleft() if self.statuses else 200
        if status == NEVER:
            await self.closing.wait()
        return web.Response(status=status or 200, headers={"Location": self.url} if 300 <= status < 400 else None)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receives = Receiver()
    app = web.Application()
    app.router.add_route("*", "/hook", receives.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receives.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?code=a%2Bb%2Dc"
    try:
        yield receives
    finally:
        receives.closing.set()
        await runner.cleanup()


@dataclass
class World:
    """Event Grid, its clock, and one receiver."""

    clock: MovableClock
    grid: EventGrid
    receiver: Receiver

    async def subscribe(self, **settings: Any) -> None:
        """Subscribes the receiver, as "main" unless told otherwise."""
        await self.grid.subscribe(WebhookSubscription(**{"name": "main", "url": self.receiver.url, **settings}))

    async def publish(self, *events: dict[str, Any]) -> None:
        """Publishes, and waits until what can be sent now is sent."""
        for one in events:
            self.grid.publish(one)
        await self.grid.settle(timeout=SETTLE_SECONDS)

    async def let_pass(self, **time: float) -> None:
        """Moves the clock, and waits until what became due is done."""
        self.clock.advance(timedelta(**time))
        await self.grid.settle(timeout=SETTLE_SECONDS)

    def results(self) -> list[str]:
        """The story so far in short."""
        return [f"{record.result} {record.outcome} {record.attempt}" for record in self.grid.deliveries()]


@asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    """Everything that is needed for one test."""
    clock = MovableClock()
    grid = EventGrid(clock, **options)
    async with receiver() as receives:
        try:
            yield World(clock, grid, receives)
        finally:
            await grid.close()


@dataclass
class KeptDeadLetters:
    """A sink in memory that first fails with the given errors."""

    errors: deque[Exception] = field(default_factory=deque)
    kept: dict[str, Any] = field(default_factory=dict)

    async def write(self, name: str, body: bytes) -> None:
        """See `DeadLetterSink.write`."""
        if self.errors:
            raise self.errors.popleft()
        self.kept[name] = json.loads(body)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.kept.values())


@dataclass
class KeptQueue:
    """A queue in memory that first answers as told."""

    answers: deque[Answer] = field(default_factory=deque)
    texts: list[str] = field(default_factory=list)
    exists: bool = True

    async def is_there(self) -> bool:
        """See `QueuePort.is_there`."""
        return self.exists

    async def put(self, text: str) -> Answer:
        """See `QueuePort.put`."""
        answer = self.answers.popleft() if self.answers else Answer("Delivered", 201)
        if answer.is_accepted:
            self.texts.append(text)
        return answer

    def opener(self) -> Callable[[str, str], "KeptQueue | StorageQueue"]:
        """What Event Grid opens queues with."""
        return lambda _connection_string, _name: self
