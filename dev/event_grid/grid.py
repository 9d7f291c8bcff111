"""Event Grid: subscriptions on one side, published events on the other, a movable clock over everything between."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

import aiohttp

from dev.clock import MovableClock
from dev.event_grid.endpoints import Endpoint, QueueEndpoint, QueuePort, StorageQueue, WebhookEndpoint
from dev.event_grid.envelope import Event, stamped
from dev.event_grid.line import DeliveryLine
from dev.event_grid.log import DeliveryRecord
from dev.event_grid.plans import DeliveryPlan
from dev.event_grid.subscriptions import StorageQueueSubscription, Subscription, WebhookSubscription

DEFAULT_TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local"
    "/providers/microsoft.communication/communicationservices/local"
)
_LOOK_AGAIN_SECONDS = 0.005


@dataclass(frozen=True)
class PendingDelivery:
    """Events that are neither delivered nor given up.

    Attributes:
        stage: "waiting" for a first attempt or a retry, "sending", "dead-lettering", or "held" by a delivery plan.
        due: When the next step is; None while one is being taken, and for what a plan holds.
    """

    subscription: str
    event_ids: tuple[str, ...]
    attempts: int
    stage: str
    due: datetime | None


class EventGrid:
    """A topic with its subscriptions. All methods belong to one event loop.

    Time is the clock's: retries, time to live, the 30 seconds for an answer and the delay of dead letters. Move the
    clock only after `settle`, or a request that is under way runs out of its 30 seconds.

    Args:
        clock: Simulated time.
        topic: The resource id events are stamped with, if they come without.
        jitter_seed: Makes every wait up to 10 % longer, by a seeded chance. None keeps to the schedule exactly.
        open_queue: How a connection string and a queue name become a queue.
    """

    def __init__(
        self,
        clock: MovableClock,
        *,
        topic: str = DEFAULT_TOPIC,
        jitter_seed: int | None = None,
        open_queue: Callable[[str, str], QueuePort] = StorageQueue,
    ) -> None:
        self._clock = clock
        self._topic = topic
        self._jitter = None if jitter_seed is None else Random(jitter_seed)
        self._open_queue = open_queue
        self._lines: dict[str, DeliveryLine] = {}
        self._records: list[DeliveryRecord] = []
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def subscribe(self, subscription: WebhookSubscription | StorageQueueSubscription) -> None:
        """Prove that the endpoint wants the events, then deliver to it what is published from now on.

        Raises:
            SubscriptionRefusedError: The handshake failed, or the queue does not exist.
            ValueError: There is a subscription of this name.
            RuntimeError: Event Grid is closed.
        """
        self._refuse_if_closed()
        if subscription.name in self._lines:
            raise ValueError(f"there is a subscription {subscription.name!r} already")
        endpoint = self._endpoint(subscription)
        await endpoint.prove()
        self._lines[subscription.name] = self._line(subscription, endpoint)

    def publish(self, event: Event, *, is_checked: bool = True) -> None:
        """Take an event in the Event Grid schema and deliver it to each subscription in the background.

        Args:
            event: What is published.
            is_checked: Off for what a system topic's service sends, which no public interface checks.

        Raises:
            InvalidEventError: A required field is missing.
            RuntimeError: Event Grid is closed.
        """
        self._refuse_if_closed()
        complete = stamped(event, self._topic, is_checked=is_checked)
        for line in self._lines.values():
            line.accept(complete)

    def script(self, plan: DeliveryPlan) -> None:
        """Apply a plan to the next events, after the plans that are there already.

        Raises:
            LookupError: No subscription has the plan's name, or there is none at all.
            InvalidEventError: The plan's foreign event lacks a required field.
        """
        lines = [line for name, line in self._lines.items() if plan.subscription in (None, name)]
        if not lines:
            raise LookupError(f"no subscription {plan.subscription or ''} to apply the plan to")
        foreign = None if plan.foreign is None else stamped(plan.foreign, self._topic)
        for line in lines:
            line.script.add(plan.model_copy(update={"foreign": foreign}))

    def release(self) -> None:
        """Let go what a `reorder` or `batch` plan holds although fewer events came than it waits for."""
        for line in self._lines.values():
            line.dispatch(line.script.release())

    def deliveries(self) -> tuple[DeliveryRecord, ...]:
        """Return every attempt and every end so far, in order of time."""
        return tuple(self._records)

    def pending(self) -> tuple[PendingDelivery, ...]:
        """Return what is neither delivered nor given up."""
        return tuple(pending for line in self._lines.values() for pending in _pending(line))

    async def settle(self, timeout: float = 30.0) -> None:
        """Return once nothing is being sent and nothing is due at the clock's present time.

        Retries that are due later, and held events, stay pending.

        Raises:
            TimeoutError: It took more than `timeout` seconds of the wall clock.
            ExceptionGroup: Something broke that the delivery rules have no answer to, such as a faulty sink.
        """
        async with asyncio.timeout(timeout):
            await asyncio.sleep(0)  # whoever the moved clock has woken takes the next step first
            while self._is_busy():
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        if failures := [failure for line in self._lines.values() for failure in line.failures]:
            raise BaseExceptionGroup("deliveries broke", failures)

    async def close(self) -> None:
        """Abandon what is under way and release everything; closing twice is fine."""
        self._is_closed = True
        for line in self._lines.values():
            await line.close()
        if self._session is not None:
            await self._session.close()

    def _endpoint(self, subscription: WebhookSubscription | StorageQueueSubscription) -> Endpoint:
        if isinstance(subscription, WebhookSubscription):
            return WebhookEndpoint(subscription, self._topic, self._open_session(), self._clock)
        queue = self._open_queue(subscription.connection_string, subscription.queue_name)
        return QueueEndpoint(subscription, queue)

    def _line(self, subscription: Subscription, endpoint: Endpoint) -> DeliveryLine:
        record = self._records.append
        return DeliveryLine(subscription, endpoint, self._clock, topic=self._topic, record=record, jitter=self._jitter)

    def _open_session(self) -> aiohttp.ClientSession:
        """Return no kept-alive connections: a subscriber that restarts is not to blame for a stale one."""
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        return self._session

    def _is_busy(self) -> bool:
        now = self._clock.now()
        shipments = [shipment for line in self._lines.values() for shipment in line.shipments]
        return any(shipment.due is None or shipment.due <= now for shipment in shipments)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise RuntimeError("Event Grid is closed")


def _pending(line: DeliveryLine) -> Iterator[PendingDelivery]:
    name = line.subscription.name
    for shipment in line.shipments:
        ids = tuple(event["id"] for event in shipment.parcel.events)
        yield PendingDelivery(name, ids, shipment.attempts, shipment.stage, shipment.due)
    for event in line.script.held:
        yield PendingDelivery(name, (event["id"],), 0, "held", None)
