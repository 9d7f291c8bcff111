"""What happened to every event, one line an attempt, so that tests and the demo can tell the story."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Result = Literal["delivered", "failed", "dead-lettered", "dropped"]


@dataclass(frozen=True)
class DeliveryRecord:
    """One attempt for one event, or its end without delivery.

    Attributes:
        subscription: The name as it was subscribed.
        event_id: The id the subscriber saw.
        attempt: 1 is the first. For "dead-lettered" and "dropped": how many there were.
        result: "delivered" and "failed" are attempts; the other two are where the event ended.
        outcome: Event Grid's word for the answer, or the reason for giving up.
        status: The HTTP status of an attempt, None if nobody answered or nothing was sent.
        at: Simulated time.
    """

    subscription: str
    event_id: str
    attempt: int
    result: Result
    outcome: str
    status: int | None
    at: datetime
