"""Scripted delivery faults: what Event Grid may do to events by its contract, on demand.

A script holds plans and works through them one after the other; each covers its `count` of published events. Events
that no plan covers are delivered as usual.
"""

import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt
from pydantic.alias_generators import to_camel

from dev.event_grid.encodings import Encoding
from dev.event_grid.envelope import Event

Treatment = Literal["deliver", "drop", "probation"]


class DeliveryPlan(BaseModel):
    """What happens to the next `count` events.

    Attributes:
        fault: `duplicate` delivers each one twice. `reorder` holds them all and delivers them in reverse, each after
            the one before it was answered. `batch` holds them and delivers them in one array. `delay` delivers late.
            `drop` loses them without an attempt. `encode` writes them otherwise.
            `probation` dead-letters them without an attempt, as Event Grid does
            for an endpoint that was often broken.
        count: How many events the plan covers; also how many `reorder` and `batch` wait for.
        subscription: Only for the subscription of this name; None means all.
        new_id: For `duplicate`: the second copy has an id of its own, and the same content.
        delay_seconds: For `delay`: how late. For `duplicate`: how long after the first copy the second one follows.
        foreign: For `batch`: an event of somebody else, first in the array.
        encoding: For `encode`: how the text is written, on the way and in a dead letter: `bom` (UTF-8 mark first),
            `lines` (an object a line in place of an array), `data_text` (JSON in a string), `data_base64` (binary
            CloudEvent), `raw` (queue message without base64).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    fault: Literal["duplicate", "reorder", "batch", "delay", "drop", "probation", "encode"]
    count: PositiveInt = 1
    subscription: str | None = None
    new_id: bool = False
    delay_seconds: NonNegativeFloat = 0
    foreign: dict[str, Any] | None = None
    encoding: Encoding = "plain"


@dataclass(frozen=True)
class Parcel:
    """Events that travel together, and how."""

    events: tuple[Event, ...]
    delay: timedelta = timedelta()
    treatment: Treatment = "deliver"
    encoding: Encoding = "plain"


@dataclass(frozen=True)
class Round:
    """Parcels that leave now; in order, each after the first answer to the one before, when `in_order`."""

    parcels: tuple[Parcel, ...] = ()
    in_order: bool = False


@dataclass
class _Running:
    plan: DeliveryPlan
    left: int
    held: list[Event] = field(default_factory=list)


class Script:
    """The plans of one subscription and the events they hold back."""

    def __init__(self) -> None:
        self._plans: deque[_Running] = deque()

    def add(self, plan: DeliveryPlan) -> None:
        """Run after the plans that are already there."""
        self._plans.append(_Running(plan, plan.count))

    @property
    def held(self) -> tuple[Event, ...]:
        """Return what waits for the rest of a `reorder` or `batch`."""
        return tuple(event for running in self._plans for event in running.held)

    def take(self, event: Event) -> Round:
        """Return what leaves now that this event has come: it, more than it, or nothing yet."""
        if not self._plans:
            return Round((Parcel((event,)),))
        running = self._plans[0]
        running.left -= 1
        if running.plan.fault not in ("reorder", "batch"):
            self._drop_finished()
            return _treated(event, running.plan)
        running.held.append(event)
        return self.release() if running.left == 0 else Round()

    def release(self) -> Round:
        """End a plan that still waits for more events, and let go what it holds."""
        if not self._plans or not self._plans[0].held:
            return Round()
        running = self._plans.popleft()
        return _together(running.held, running.plan)

    def _drop_finished(self) -> None:
        if self._plans[0].left == 0:
            self._plans.popleft()


def _treated(event: Event, plan: DeliveryPlan) -> Round:
    once = Parcel((event,))
    late = timedelta(seconds=plan.delay_seconds)
    if plan.fault == "duplicate":
        again = {**event, "id": str(uuid.uuid4())} if plan.new_id else event
        return Round((once, Parcel((again,), delay=late)))
    if plan.fault == "encode":
        return Round((replace(once, encoding=plan.encoding),))
    if plan.fault == "delay":
        return Round((replace(once, delay=late),))
    return Round((replace(once, treatment="drop" if plan.fault == "drop" else "probation"),))


def _together(held: list[Event], plan: DeliveryPlan) -> Round:
    if plan.fault == "reorder":
        return Round(tuple(Parcel((event,)) for event in reversed(held)), in_order=True)
    foreign = [] if plan.foreign is None else [plan.foreign]
    return Round((Parcel((*foreign, *held)),))
