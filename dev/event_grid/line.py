"""One subscription at work: every event on its own way, tried until it is delivered or given up."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from dev.clock import MovableClock
from dev.event_grid.dead_letters import (
    DeadLetterSink,
    DeadLettersMissingError,
    DeadLettersUnavailableError,
    dead_letter_document,
    dead_letter_name,
)
from dev.event_grid.ending import end
from dev.event_grid.endpoints import Endpoint
from dev.event_grid.envelope import Event
from dev.event_grid.log import DeliveryRecord, Result
from dev.event_grid.plans import Parcel, Round, Script
from dev.event_grid.policy import (
    DEAD_LETTER_DELAY,
    DEAD_LETTER_PATIENCE,
    DEAD_LETTER_RETRY,
    NOT_TRIED,
    PROBATION,
    TTL_EXCEEDED,
    Answer,
    give_up_reason,
    wait_after,
)
from dev.event_grid.subscriptions import Subscription

log = logging.getLogger(__name__)

LARGEST_JITTER = 0.1


@dataclass(eq=False)
class Shipment:
    """Where a parcel is on its way.

    Attributes:
        due: When the next step is; None while one is being taken.
    """

    parcel: Parcel
    published_at: datetime
    expires_at: datetime
    follows: "Shipment | None" = None
    stage: Literal["waiting", "sending", "dead-lettering"] = "waiting"
    due: datetime | None = None
    attempts: int = 0
    last: Answer = NOT_TRIED
    last_attempt_at: datetime | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class DeliveryLine:
    """Delivers to one subscription. Shipments do not wait for each other."""

    def __init__(
        self,
        subscription: Subscription,
        endpoint: Endpoint,
        clock: MovableClock,
        *,
        topic: str,
        record: Callable[[DeliveryRecord], None],
        jitter: Random | None,
    ) -> None:
        self.subscription = subscription
        self.script = Script()
        self.shipments: dict[Shipment, asyncio.Task[None]] = {}
        self.failures: list[BaseException] = []
        self._endpoint = endpoint
        self._clock = clock
        self._topic = topic
        self._record = record
        self._jitter = jitter

    def accept(self, event: Event) -> None:
        """Take a published event on, as the script says; one that the filter does not let through is ignored."""
        if self.subscription.wants(event["eventType"]):
            self.dispatch(self.script.take(event))

    def dispatch(self, leaving: Round) -> None:
        """Send these parcels on their way."""
        before: Shipment | None = None
        for parcel in leaving.parcels:
            now = self._clock.now()
            shipment = Shipment(parcel, now, now + self.subscription.ttl, before if leaving.in_order else None)
            self._start(shipment)
            before = shipment

    async def close(self) -> None:
        """Stop everything; what is under way is abandoned."""
        await end(*self.shipments.values())

    def _start(self, shipment: Shipment) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(shipment))
        self.shipments[shipment] = task
        task.add_done_callback(lambda done: self._ended(shipment, done))

    def _ended(self, shipment: Shipment, task: asyncio.Task[None]) -> None:
        shipment.answered.set()
        del self.shipments[shipment]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery to %s broke", self.subscription.name, exc_info=error)
            self.failures.append(error)

    async def _deliver(self, shipment: Shipment) -> None:
        if shipment.follows is not None:
            await shipment.follows.answered.wait()
        if shipment.parcel.treatment == "drop":
            self._log(shipment, "dropped", "scripted")
        elif (reason := await self._try_until_settled(shipment)) is not None:
            await self._give_up(shipment, reason)

    async def _try_until_settled(self, shipment: Shipment) -> str | None:
        """Return None once delivered, else the reason why it is not tried any more."""
        if shipment.parcel.treatment == "probation":
            shipment.last = PROBATION
            return TTL_EXCEEDED  # the page names no reason of its own for probation
        due = shipment.published_at + shipment.parcel.delay
        while await self._is_reached_in_time(shipment, due):
            answer = await self._attempt(shipment)
            if answer.is_accepted:
                return None
            if reason := self._reason_to_stop(shipment):
                return reason
            due = self._clock.now() + self._wait_after_failure(shipment)
        return TTL_EXCEEDED

    async def _is_reached_in_time(self, shipment: Shipment, due: datetime) -> bool:
        """Wait until it is due, or until it expires, whichever is first."""
        await self._wait(shipment, min(due, shipment.expires_at))
        return self._clock.now() < shipment.expires_at

    async def _attempt(self, shipment: Shipment) -> Answer:
        shipment.stage, shipment.last_attempt_at = "sending", self._clock.now()
        shipment.attempts += 1
        shipment.last = await self._endpoint.send(shipment.parcel.events, shipment.attempts, shipment.parcel.encoding)
        shipment.stage = "waiting"
        self._log(shipment, "delivered" if shipment.last.is_accepted else "failed", shipment.last.outcome)
        shipment.answered.set()
        return shipment.last

    def _reason_to_stop(self, shipment: Shipment) -> str | None:
        limit, is_resource = self.subscription.max_attempts, self.subscription.is_azure_resource
        return give_up_reason(shipment.last, shipment.attempts, limit, is_azure_resource=is_resource)

    def _wait_after_failure(self, shipment: Shipment) -> timedelta:
        is_resource = self.subscription.is_azure_resource
        wait = wait_after(shipment.last, shipment.attempts, is_azure_resource=is_resource)
        return wait if self._jitter is None else wait * (1 + self._jitter.uniform(0, LARGEST_JITTER))

    async def _give_up(self, shipment: Shipment, reason: str) -> None:
        """Without a place for dead letters the events are lost at once."""
        shipment.stage = "dead-lettering"
        if self.subscription.dead_letter is None:
            self._log(shipment, "dropped", reason)
        else:
            await self._dead_letter(shipment, reason, self.subscription.dead_letter)

    async def _dead_letter(self, shipment: Shipment, reason: str, sink: DeadLetterSink) -> None:
        """Five minutes later the events are in the dead letters, if the sink answers within its four hours."""
        due = self._clock.now() + DEAD_LETTER_DELAY
        patience_ends_at = due + DEAD_LETTER_PATIENCE
        while due <= patience_ends_at:
            await self._wait(shipment, due)
            if await self._has_ended(shipment, reason, sink):
                return
            due = self._clock.now() + DEAD_LETTER_RETRY
        self._log(shipment, "dropped", "DeadLettersUnavailable")

    async def _has_ended(self, shipment: Shipment, reason: str, sink: DeadLetterSink) -> bool:
        """Try to write the dead letter; false if that should be tried again."""
        try:
            await self._write_dead_letter(shipment, reason, sink)
        except DeadLettersMissingError:
            self._log(shipment, "dropped", "DeadLettersMissing")
        except DeadLettersUnavailableError:
            return False
        else:
            self._log(shipment, "dead-lettered", reason)
        return True

    async def _write_dead_letter(self, shipment: Shipment, reason: str, sink: DeadLetterSink) -> None:
        document = dead_letter_document(
            shipment.parcel.events,
            self.subscription.schema,
            reason=reason,
            attempts=shipment.attempts,
            last=shipment.last,
            published_at=shipment.published_at,
            last_attempt_at=shipment.last_attempt_at,
            encoding=shipment.parcel.encoding,
        )
        name = dead_letter_name(self._topic, self.subscription.name, self._clock.now())
        await sink.write(name, document)

    async def _wait(self, shipment: Shipment, until: datetime) -> None:
        shipment.due = until
        await self._clock.sleep_until(until)
        shipment.due = None

    def _log(self, shipment: Shipment, result: Result, outcome: str) -> None:
        is_attempt, now = result in ("delivered", "failed"), self._clock.now()
        status = shipment.last.status if is_attempt else None
        for event in shipment.parcel.events:
            name, attempt = self.subscription.name, shipment.attempts
            self._record(DeliveryRecord(name, event["id"], attempt, result, outcome, status, now))
