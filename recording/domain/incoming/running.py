"""How many recordings of a caller may run at once: a place for each start, found by its reservation. Pure.

A place is taken before ACS is called. It is not released when a recording ends: when all are taken, those whose
recordings are over are found from their records. So no crash between two writes can leave a permanently wrong count.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recording.domain.times import SKEW

MOST_PLACES = 300  # of one caller: they are in one row, and checked together when all are taken
UNTOLD = timedelta(minutes=5)  # a start whose recording is not known by then failed, or was not recorded


@dataclass(frozen=True)
class Place:
    """One start: the key of its reservation, and when the place was taken."""

    key: str
    since: datetime

    def is_untold(self, now: datetime) -> bool:
        """Return whether its recording should be known by now; a time to come is of a clock that is ahead."""
        return not -SKEW <= now - self.since < UNTOLD


@dataclass(frozen=True)
class RunningCount:
    """The places of one caller, the earliest first.

    Attributes:
        caller: the object id from the platform's sign-in; None stands for all key holders.
        etag: as it was read; None while there is none.
    """

    caller: str | None
    places: tuple[Place, ...] = ()
    etag: str | None = None

    def has(self, key: str) -> bool:
        """Return whether this start already has its place: a repeated request takes no second one."""
        return any(place.key == key for place in self.places)

    def with_place(self, key: str, limit: int, now: datetime) -> "RunningCount | None":
        """Return the count with a place for a start; None when all are taken."""
        if len(self.places) >= min(limit, MOST_PLACES):
            return None
        return replace(self, places=(*self.places, Place(key, now)))

    def without(self, keys: Collection[str]) -> "RunningCount":
        """Return the count without these places."""
        return replace(self, places=tuple(place for place in self.places if place.key not in keys))
