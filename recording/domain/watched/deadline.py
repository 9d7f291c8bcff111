"""Deadlines: when ACS deletes a recording, and how much time is left."""

from datetime import datetime, timedelta
from enum import StrEnum


class Urgency(StrEnum):
    """The urgency of a chunk against ACS's deadline."""

    SAFE = "safe"
    AT_RISK = "at_risk"
    LOST = "lost"


def expires_at(event_time: datetime, retention: timedelta) -> datetime:
    """Return when ACS deletes the media. The start of its retention is undocumented.

    The event's time is the earliest bound.
    """
    return event_time + retention


def time_left(expiry: datetime, now: datetime) -> timedelta:
    """Return what is left before the expiry; negative once it has passed."""
    return expiry - now


def urgency(expiry: datetime, now: datetime, at_risk_below: timedelta) -> Urgency:
    """Return the urgency of an unfinished chunk: lost past its expiry, at risk below `at_risk_below`."""
    left = time_left(expiry, now)
    if left <= timedelta():
        return Urgency.LOST
    return Urgency.AT_RISK if left < at_risk_below else Urgency.SAFE
