"""The clock that counts: when ACS forgets a recording, and how much time is left."""

from datetime import datetime, timedelta
from enum import StrEnum


class Urgency(StrEnum):
    """How a chunk stands against ACS's limit."""

    SAFE = "safe"
    AT_RISK = "at_risk"
    LOST = "lost"


def expires_at(event_time: datetime, retention: timedelta) -> datetime:
    """Return when ACS forgets the media. The start of its clock is undocumented.

    The event's time is the earliest bound.
    """
    return event_time + retention


def time_left(expiry: datetime, now: datetime) -> timedelta:
    """Return what is left before the expiry; negative once it has passed."""
    return expiry - now


def urgency(expiry: datetime, now: datetime, at_risk_below: timedelta) -> Urgency:
    """Return how an unfinished chunk stands: lost past its expiry, at risk when less than `at_risk_below` is left."""
    left = time_left(expiry, now)
    if left <= timedelta():
        return Urgency.LOST
    return Urgency.AT_RISK if left < at_risk_below else Urgency.SAFE
