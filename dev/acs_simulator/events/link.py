"""Connects the simulator to Event Grid: it publishes events there, and remembers them."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable

from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.events.publisher import Publisher
from dev.acs_simulator.events.subscriptions import NewSubscription, SubscriptionView
from dev.clock import MovableClock
from dev.event_grid import DeliveryPlan, DeliveryRecord, EventGrid, PendingDelivery
from dev.event_grid.envelope import REQUIRED_FIELDS


class EventLink:
    """The system topic of this ACS resource. All methods belong to one event loop."""

    def __init__(self, clock: MovableClock, topic: str, failed: Callable[[str], None]) -> None:
        self._grid = EventGrid(clock, topic=topic)
        self._numbers = itertools.count(1)
        self._publisher = Publisher(failed)
        self.events: list[Event] = []
        """Every event published, oldest first."""
        self.subscriptions: list[SubscriptionView] = []

    async def open(self, endpoint: str, key: str) -> None:
        """Begin to publish to this topic, which is our own: its handler calls `accept`."""
        await self._publisher.open(endpoint, key)

    def publish(self, event: Event) -> None:
        """Publish what ACS has to tell, with Microsoft's client.

        What no client would send goes in directly: the service that owns a system topic is not checked as clients are.
        """
        if all(event.get(name) for name in REQUIRED_FIELDS):
            self._publisher.put(event)
        else:
            self._grid.publish(event, is_checked=False)
            self.events.append(event)

    def accept(self, event: Event) -> None:
        """Take a published event on; it is delivered in the background.

        Raises:
            InvalidEventError: A required field is missing.
        """
        self._grid.publish(event)
        self.events.append(event)

    async def subscribe(self, asked: NewSubscription) -> SubscriptionView:
        """Add a subscription once its endpoint has proved that it wants events.

        Raises:
            SubscriptionRefusedError: The handshake failed, or the queue is not there.
            ValueError: The name is taken, or a value is out of Event Grid's limits.
        """
        subscription = asked.subscription(asked.name or f"{asked.kind}-{next(self._numbers)}")
        await self._grid.subscribe(subscription)
        view = SubscriptionView(name=subscription.name, kind=asked.kind, event_schema=asked.event_schema)
        self.subscriptions.append(view)
        return view

    def script(self, plan: DeliveryPlan) -> None:
        """Apply a delivery plan to the next events. Raises LookupError when nobody is subscribed."""
        self._grid.script(plan)

    def deliveries(self) -> tuple[DeliveryRecord, ...]:
        """Return every attempt and every end so far."""
        return self._grid.deliveries()

    def pending(self) -> tuple[PendingDelivery, ...]:
        """Return what is neither delivered nor given up."""
        return self._grid.pending()

    async def published(self) -> None:
        """Return once what ACS has told so far is with the topic."""
        await asyncio.sleep(0)  # who has just been woken tells first
        await self._publisher.settle()

    async def settle(self, seconds: float) -> None:
        """Let deliveries that are due finish, for at most this long: a subscriber may hang on purpose."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._publisher.settle()
            await self._grid.settle(seconds)

    async def close(self) -> None:
        """Abandon what is under way."""
        await self._publisher.close()
        await self._grid.close()
