"""A bounded, short-lived cache of one process between requests; everything in it can be computed again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST_REMEMBERED = 10_000
MOST_AT_ONCE = 2  # tasks that occupy a processor for seconds


class Memory:
    """Values by key, each with an expiry; the least recently used is dropped when there are too many.

    Attributes:
        heavy: a semaphore for heavy work.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self.heavy = BoundedSemaphore(MOST_AT_ONCE)
        self._most = most
        self._known: OrderedDict[Hashable, tuple[datetime, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, now: datetime) -> Any | None:
        """Return the unexpired value under a key; else None."""
        with self._lock:
            until, value = self._known.get(key, (now, None))
            if until <= now:
                self._known.pop(key, None)
                return None
            self._known.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Any, until: datetime) -> None:
        """Remember a value."""
        with self._lock:
            self._known[key] = (until, value)
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def known_or(self, key: Hashable, now: datetime, length: timedelta, make: Callable[[], T]) -> T:
        """Return the value under a key, or compute and remember it; two callers at once may both compute it."""
        known = self.get(key, now)
        if known is None:
            known = make()
            self.put(key, known, now + length)
        return cast("T", known)
