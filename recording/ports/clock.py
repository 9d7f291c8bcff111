"""The clock that all instances share: the catalog's own, wherever an instance's is known to differ from it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recording.errors import StorageError
from recording.ports import Clock, Ports

LARGEST_SKEW = timedelta(minutes=1)  # a smaller difference decides nothing, and an answer takes its time


@dataclass(frozen=True)
class CorrectedClock:
    """The clock of an instance that is known to be ahead of the catalog's by so much."""

    own: Clock
    ahead: timedelta

    def now(self) -> datetime:
        """Return the time that the others have."""
        return self.own.now() - self.ahead


def by_the_shared_clock(ports: Ports) -> Ports:
    """Return the ports with the time that all instances share.

    A look of a timer writes when it looks next: one instance a day ahead would blind the others for a day. A catalog
    that does not answer corrects nothing; its next caller will notice.
    """
    try:
        ahead = ports.clock.now() - ports.catalog.time()
    except StorageError:
        return ports
    return replace(ports, clock=CorrectedClock(ports.clock, ahead)) if abs(ahead) >= LARGEST_SKEW else ports
