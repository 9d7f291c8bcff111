"""A bounded, short-lived cache of one process between requests; everything in it can be found out again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST_REMEMBERED = 10_000
MOST_AT_ONCE = 2  # of work that takes a processor for seconds


class Memory:
    """Values by key, each until a time; the longest unused goes first when there are too many.

    Attributes:
        heavy: a place for each piece of heavy work that may go on at once.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self.heavy = BoundedSemaphore(MOST_AT_ONCE)
        self._most = most
        self._known: OrderedDict[Hashable, tuple[datetime, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, now: datetime) -> Any | None:
        """Return what is known under a key and still counts; else None."""
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
        """Return what is known, or make it and remember it for so long; two at once may both make it."""
        known = self.get(key, now)
        if known is None:
            known = make()
            self.put(key, known, now + length)
        return cast("T", known)
