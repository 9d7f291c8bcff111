"""How many starts a caller has asked for within a minute: two counts a caller, however many there were. Pure.

The minute that moves along is estimated from two minutes of the clock: all of the present one, and of the one before
the share that is still within the last 60 seconds.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)
_ROUNDING = 1e-6  # of a start


@dataclass(frozen=True)
class StartCount:
    """What is kept of one caller.

    Attributes:
        caller: the object id that the platform vouches for; None stands for all who only show a key.
        window: the minute that `count` is of, counted from 1970.
        count: starts asked for in that minute.
        before: starts asked for in the minute before it.
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


def _in_window(known: StartCount, window: int) -> StartCount:
    """Return the counts as they stand in this minute; what is further ahead than a minute has a wrong clock."""
    if known.window in (window, window + 1):
        return known
    if known.window == window - 1:
        return replace(known, window=window, count=0, before=known.count)
    return replace(known, window=window, count=0, before=0)


def _wait(present: StartCount, limit: int, passed: float) -> timedelta:
    passes_away = (present.before, limit - present.count) if present.count < limit else (present.count, limit)
    until = (present.count >= limit) + 1 - passes_away[1] / passes_away[0]  # in minutes from the present one's begin
    return timedelta(seconds=max(1, math.floor((until - passed) * WINDOW.total_seconds()) + 1))
