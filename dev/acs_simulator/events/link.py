"""Connects the simulator to Event Grid: it publishes events there, and remembers them."""

import contextlib
import itertools

from dev.acs_simulator.events.file_status import Event
from dev.acs_simulator.events.subscriptions import NewSubscription, SubscriptionView
from dev.clock import MovableClock
from dev.event_grid import DeliveryPlan, DeliveryRecord, EventGrid, PendingDelivery


class EventLink:
    """The system topic of this ACS resource. All methods belong to one event loop."""

    def __init__(self, clock: MovableClock, topic: str) -> None:
        self._grid = EventGrid(clock, topic=topic)
        self._numbers = itertools.count(1)
        self.events: list[Event] = []
        """Every event published, oldest first."""
        self.subscriptions: list[SubscriptionView] = []

    def publish(self, event: Event) -> None:
        """Hands an event over; it is delivered in the background.

        Raises:
            InvalidEventError: A required field is missing.
        """
        self._grid.publish(event)
        self.events.append(event)

    async def subscribe(self, asked: NewSubscription) -> SubscriptionView:
        """Adds a subscription once its endpoint has proved that it wants events.

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
        """Applies a delivery plan to the next events. Raises LookupError when nobody is subscribed."""
        self._grid.script(plan)

    def deliveries(self) -> tuple[DeliveryRecord, ...]:
        """Every attempt and every end so far."""
        return self._grid.deliveries()

    def pending(self) -> tuple[PendingDelivery, ...]:
        """What is neither delivered nor given up."""
        return self._grid.pending()

    async def settle(self, seconds: float) -> None:
        """Lets deliveries that are due finish, for at most this long: a subscriber may hang on purpose."""
        with contextlib.suppress(TimeoutError):
            await self._grid.settle(seconds)

    async def close(self) -> None:
        """Abandons what is under way."""
        await self._grid.close()
