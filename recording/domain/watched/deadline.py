"""The clock that counts: when ACS forgets a recording, and how much time is left."""

from datetime import datetime, timedelta
from enum import StrEnum

OLDEST = timedelta(days=365)  # a time further away than this was never set, or was written by hand


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


def is_within_reason(moment: datetime, now: datetime) -> bool:
    """Return whether a stored time can have been meant."""
    return abs(moment - now) <= OLDEST


def later(known: datetime, told: datetime, now: datetime) -> datetime:
    """Return the later of two expiries; a known one that is out of reason does not count."""
    return max(known, told) if is_within_reason(known, now) else told
