"""Custom topics on loopback: Microsoft's client publishes CloudEvents to them, and their subscriptions get them.

Behind each topic is the Event Grid of this package, so filters, the schedule of retries and dead letters are those that
the local world's system topic has. All of it runs in one event loop in a thread of its own.
"""

import asyncio
import hmac
import json
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from dev.clock import MovableClock
from dev.event_grid.cloud_events import LARGEST_REQUEST, read_cloud_events
from dev.event_grid.envelope import InvalidEventError, from_cloud_event
from dev.event_grid.grid import EventGrid, PendingDelivery
from dev.event_grid.log import DeliveryRecord
from dev.event_grid.plans import DeliveryPlan
from dev.event_grid.subscriptions import StorageQueueSubscription, WebhookSubscription

KEY = "bG9jYWwtdG9waWMta2V5LW9mLXRoaXMtbWFjaGluZQ=="  # of topics on loopback: no secret
KEY_HEADER = "aeg-sas-key"
_RESOURCE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/microsoft.eventgrid/topics"
)
_START_SECONDS = 30.0
Given = TypeVar("Given")
Subscribed = WebhookSubscription | StorageQueueSubscription


@dataclass
class _Topic:
    grid: EventGrid
    subscriptions: list[Subscribed] = field(default_factory=list)
    published: int = 0


class CustomTopics:
    """Running topics; use it as a context manager. Its methods may be called from any thread.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._topics: dict[str, _Topic] = {}
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="custom-topics", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        """Begin to listen. Raises what kept it from starting."""
        self._thread.start()
        self._started.wait(_START_SECONDS)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abandon what is under way, and stop."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """Return where the topics are listed."""
        return f"http://127.0.0.1:{self._port}"

    # --- for whoever sets it up ---

    def create(self, name: str) -> str:
        """Create a topic whose input schema is CloudEvents 1.0; returns its endpoint, to publish to with `KEY`."""

        async def made() -> str:
            self._topics[name] = _Topic(EventGrid(self._clock, topic=f"{_RESOURCE}/{name}"))
            return f"{self.url}/{name}/api/events"

        return self._call(made())

    def subscribe(self, topic: str, subscription: Subscribed) -> None:
        """Prove that the endpoint wants the events, and deliver what is published from now on.

        Raises:
            SubscriptionRefusedError: the handshake failed, or the queue does not exist.
            ValueError: there is one of this name, or it asks for another schema than what is published.
        """
        if subscription.schema != "CloudEventSchemaV1_0":
            raise ValueError("what is published as CloudEvents is delivered as CloudEvents only")

        async def subscribed() -> None:
            found = self._topics[topic]
            await found.grid.subscribe(subscription)
            found.subscriptions.append(subscription)

        self._call(subscribed())

    def script(self, topic: str, plan: DeliveryPlan) -> None:
        """Spoil the next deliveries. Raises as `EventGrid.script`."""

        async def scripted() -> None:
            self._topics[topic].grid.script(plan)

        self._call(scripted())

    def advance(self, by: timedelta) -> None:
        """Let time go by for retries, time to live and dead letters, once nothing is due any more."""

        async def advanced() -> None:
            await self._settled()
            self._clock.advance(by)
            await self._settled()

        self._call(advanced())

    def settle(self) -> None:
        """Return once nothing is being sent and nothing is due. Raises as `EventGrid.settle`."""
        self._call(self._settled())

    def deliveries(self, topic: str) -> tuple[DeliveryRecord, ...]:
        """Return every attempt and every end so far."""

        async def made() -> tuple[DeliveryRecord, ...]:
            return self._topics[topic].grid.deliveries()

        return self._call(made())

    def pending(self, topic: str) -> tuple[PendingDelivery, ...]:
        """Return what is neither delivered nor given up."""

        async def left() -> tuple[PendingDelivery, ...]:
            return self._topics[topic].grid.pending()

        return self._call(left())

    # --- HTTP ---

    async def _publish(self, request: web.Request) -> web.Response:
        """POST {topic}/api/events: 200 once all events of the request are taken; none of them otherwise."""
        topic = self._topics.get(request.match_info["topic"])
        if topic is None:
            return _refused(404, "NotFound", "There is no such topic.")
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), KEY.encode()):
            return _refused(401, "Unauthorized", "The request did not contain a valid key.")
        try:
            events = read_cloud_events(request.content_type, await request.read())
        except web.HTTPRequestEntityTooLarge:
            return _refused(413, "RequestEntityTooLarge", f"A request has {LARGEST_REQUEST} bytes at most.")
        except InvalidEventError as error:
            return _refused(400, "BadRequest", str(error))
        for event in events:
            topic.grid.publish(from_cloud_event(event), is_checked=False)
        topic.published += len(events)
        return web.Response(status=200)

    async def _list(self, _: web.Request) -> web.Response:
        """GET /: each topic with its subscriptions, and what became of each event."""
        shown = {name: _shown(topic) for name, topic in self._topics.items()}
        return web.Response(text=json.dumps(shown, indent=2) + "\n", content_type="application/json")

    # --- the thread ---

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits, and raised there
            self._error = error
        finally:
            self._started.set()

    async def _live(self) -> None:
        self._loop, self._stop, self._clock = asyncio.get_running_loop(), asyncio.Event(), MovableClock()
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.add_routes([web.get("/", self._list), web.post("/{topic}/api/events", self._publish)])
        runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._port = runner.addresses[0][1]
            self._started.set()
            await self._stop.wait()
        finally:
            for topic in self._topics.values():
                await topic.grid.close()
            await runner.cleanup()

    async def _settled(self) -> None:
        for topic in self._topics.values():
            await topic.grid.settle()

    def _call(self, work: Coroutine[Any, Any, Given]) -> Given:
        if self._loop is None:
            raise RuntimeError("the topics do not run")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _shown(topic: _Topic) -> dict[str, Any]:
    records = topic.grid.deliveries()
    return {
        "published": topic.published,
        "subscriptions": [
            {
                "name": one.name,
                "includedEventTypes": sorted(one.included_event_types or ()) or None,
                **{
                    result: sum(record.subscription == one.name and record.result == result for record in records)
                    for result in ("delivered", "failed", "dead-lettered", "dropped")
                },
            }
            for one in topic.subscriptions
        ],
    }


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
