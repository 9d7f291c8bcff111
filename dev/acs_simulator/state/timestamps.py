"""Writes times as ACS does: seven digits of a second, which is one more than most parsers take."""

from datetime import UTC, datetime


def event_time(moment: datetime) -> str:
    """Return `2021-07-27T15:20:34.2199328Z`: .NET's ticks; the seventh digit is made up, as Python has six."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06d}{utc.microsecond % 10}Z"


def callback_time(moment: datetime) -> str:
    """Return the `+00:00` form of Call Automation callbacks."""
    return event_time(moment).removesuffix("Z") + "+00:00"
