"""The clock that all instances share: the catalog's, where an instance's own is known to differ from it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recording.errors import StorageError
from recording.ports import Clock, Ports

LARGEST_SKEW = timedelta(minutes=1)  # a smaller difference is ignored: it decides nothing, and an answer takes time


@dataclass(frozen=True)
class CorrectedClock:
    """The clock of an instance that is known to be ahead of the catalog's, corrected by the difference."""

    own: Clock
    ahead: timedelta

    def now(self) -> datetime:
        """Return the time of the other instances."""
        return self.own.now() - self.ahead


def shared_now(ports: Ports) -> datetime:
    """Return the time that all instances share, as far as the catalog tells it."""
    return by_the_shared_clock(ports).clock.now()


def by_the_shared_clock(ports: Ports) -> Ports:
    """Return the ports with the time that all instances share.

    A timer's check writes when to check next: one instance a day ahead would blind the others for a day. A catalog that
    does not answer corrects nothing; its next caller will notice.
    """
    try:
        ahead = ports.clock.now() - ports.catalog.time()
    except StorageError:
        return ports
    return replace(ports, clock=CorrectedClock(ports.clock, ahead)) if abs(ahead) >= LARGEST_SKEW else ports
