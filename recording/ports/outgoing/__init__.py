"""Ports of outgoing events: a queue, the outbox, and the ways to receivers (I14)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from recording.domain.outgoing.delivery import Entry, Result, WayHealth
from recording.domain.outgoing.events import EventType, OutgoingEvent, Subject
from recording.domain.outgoing.message import NotifyTask
from recording.errors.codes import Code
from recording.ports.stored import Page, Unreadable

TRUSTED = timedelta(minutes=1)  # how long a process assumes a way to be working without checking


class OutboxQueue(Protocol):
    """The queue `recording-outbox`. Every method raises StorageError."""

    def send(self, task: NotifyTask, delay: timedelta = timedelta()) -> None:
        """Request sending a subject's events. The request expires after seven days; the outbox does not."""
        ...

    def send_again(self, body: str, delay: timedelta) -> None:
        """Enqueue a message unchanged, for a worker of another version."""
        ...


class Outbox(Protocol):
    """Events that wait, events that were written, and the health of the ways. Every method raises StorageError."""

    def marks(self, subject: Subject) -> tuple[frozenset[str], str | None]:
        """Return the ids of the events that were written about a subject, and the ETag of that list.

        None before there is one.

        An id may be in a shorter form, as the writer likes.
        """
        ...

    def save_marks(self, subject: Subject, marks: frozenset[str], etag: str | None) -> None:
        """Replace the list if it still has its ETag, or add it. Raises ClaimLostError."""
        ...

    def add(self, entry: Entry) -> bool:
        """Add an entry to those that wait. False, and no change, when the event waits already."""
        ...

    def pending(self, subject: Subject) -> list[Entry]:
        """Return what waits about a subject, in the order of `sequence`; what cannot be read is left out."""
        ...

    def unread(self, subject: Subject) -> list[Unreadable]:
        """Return the rows of what waits about a subject that cannot be read, by their keys."""
        ...

    def save(self, entry: Entry) -> Entry:
        """Replace an entry if it still has its ETag. Raises ClaimLostError."""
        ...

    def remove(self, entry: Entry) -> None:
        """Remove an entry if it still has its ETag: one that is wanted for a replay stays. Raises ClaimLostError.

        Removing what is gone is success.
        """
        ...

    def waiting(self, most: int, after: str = "") -> Page[Entry]:
        """Return up to `most` waiting rows of all subjects, after a position; `next` is "" at the end."""
        ...

    def keep(self, event: OutgoingEvent) -> None:
        """Write an event into the history, whatever is there."""
        ...

    def history(self, since: datetime, until: datetime, after: str = "", most: int = 1000) -> Page[OutgoingEvent]:
        """Return the events that happened in this time, the oldest first, behind a position."""
        ...

    def forget(self, before: datetime, most: int) -> int:
        """Remove up to `most` events that happened before this time from the history; return how many."""
        ...

    def health(self, way: str) -> WayHealth:
        """Return the health of a way; one that was never in trouble has an empty answer."""
        ...

    def save_health(self, health: WayHealth) -> WayHealth:
        """Replace the health of a way, or add it. Raises ClaimLostError."""
        ...


@dataclass(frozen=True)
class Answer:
    """The outcome of one try, and the code of a failure."""

    result: Result
    code: Code | None = None


class Way(Protocol):
    """One way to those who want to know. It raises nothing: a failure is an answer."""

    @property
    def name(self) -> str:
        """Return its name, in the outbox and for operators."""
        ...

    @property
    def tenant(self) -> str | None:
        """Return the tenant whose events go there, and no others; None: those of all."""
        ...

    def wants(self, kind: EventType) -> bool:
        """Return whether events of this type go there."""
        ...

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Send one event, once, within a limit of time."""
        ...

    def probe(self, now: datetime) -> Answer:
        """Find out whether it would take an event, without one that anybody could take for real."""
        ...


def is_for(way: Way, event: OutgoingEvent) -> bool:
    """Return whether an event goes to a receiver: its type is wanted, and its tenant may be disclosed there."""
    return way.wants(event.type) and (way.tenant is None or way.tenant == event.tenant)


@dataclass
class KnownHealth:
    """How the ways stood when this process looked last, so that a healthy one costs a look at the outbox a minute."""

    of: dict[str, WayHealth] = field(default_factory=dict)
    looked_at: dict[str, datetime] = field(default_factory=dict)

    def get(self, way: str, now: datetime) -> WayHealth | None:
        """Return how a way stood within the last minute, if it was well then: others may have noted otherwise since."""
        known, at = self.of.get(way), self.looked_at.get(way)
        if known is None or at is None or not timedelta() <= now - at < TRUSTED:
            return None
        return None if known.failing_since is not None or known.is_disabled else known

    def put(self, health: WayHealth, now: datetime) -> WayHealth:
        """Remember the health of a way."""
        self.of[health.way], self.looked_at[health.way] = health, now
        return health

    def forget(self, way: str) -> None:
        """Look again before the next event."""
        self.of.pop(way, None)


@dataclass(frozen=True)
class OutgoingPorts:
    """Everything that sending events needs; there only where a topic or an endpoint is set."""

    queue: OutboxQueue
    outbox: Outbox
    ways: Sequence[Way]
    known: KnownHealth = field(default_factory=KnownHealth)
