"""The rate of a caller's starts within a minute, from two counts per caller. Pure.

The sliding minute is estimated from two clock minutes: all of the present one, and the share of the one before that is
still within the last 60 seconds.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)
_ROUNDING = 1e-6  # of a start


@dataclass(frozen=True)
class StartCount:
    """The counts of one caller.

    Attributes:
        caller: the object id from the platform's sign-in; None stands for all key holders.
        window: the minute of `count`, counted from 1970.
        count: starts requested in that minute.
        before: starts requested in the minute before it.
        etag: as it was read; None while there is none.
    """

    caller: str | None
    window: int
    count: int = 0
    before: int = 0
    etag: str | None = None


def one_more(known: StartCount | None, caller: str | None, limit: int, now: datetime) -> StartCount | timedelta:
    """Return the count with one more start, or how long to wait when there were `limit` within a minute."""
    window, into = divmod(now.timestamp(), WINDOW.total_seconds())
    present = _in_window(known or StartCount(caller, int(window)), int(window))
    passed = into / WINDOW.total_seconds()
    if present.window > window:  # another instance's clock is a little ahead: its minute has just begun
        passed = 0.0
    if present.count >= limit or present.before * (1 - passed) + present.count > limit + _ROUNDING:
        return _wait(present, limit, passed)
    return replace(present, count=present.count + 1)


def is_apart(known: StartCount, now: datetime) -> bool:
    """Return whether a count is of another time: the caller was idle, or the clocks of two instances differ."""
    return abs(known.window - int(now.timestamp() // WINDOW.total_seconds())) > 1


def _in_window(known: StartCount, window: int) -> StartCount:
    """Return the counts for this minute; a window more than a minute ahead is from a wrong clock."""
    if known.window in (window, window + 1):
        return known
    if known.window == window - 1:
        return replace(known, window=window, count=0, before=known.count)
    return replace(known, window=window, count=0, before=0)


def _wait(present: StartCount, limit: int, passed: float) -> timedelta:
    passes_away = (present.before, limit - present.count) if present.count < limit else (present.count, limit)
    until = (present.count >= limit) + 1 - passes_away[1] / passes_away[0]  # in minutes from the present one's begin
    return timedelta(seconds=max(1, math.floor((until - passed) * WINDOW.total_seconds()) + 1))
