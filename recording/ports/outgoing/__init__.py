"""What outgoing events need from outside: a queue, the outbox, and the ways to those who want to know (I14)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from recording.domain.outgoing.delivery import Entry, Result, WayHealth
from recording.domain.outgoing.events import EventType, OutgoingEvent, Subject
from recording.domain.outgoing.message import NotifyTask
from recording.errors.codes import Code
from recording.ports.stored import Page


class OutboxQueue(Protocol):
    """The queue `recording-outbox`. Every method raises StorageError."""

    def send(self, task: NotifyTask, delay: timedelta = timedelta()) -> None:
        """Ask that a subject's events be sent. It expires after seven days; the outbox itself does not."""
        ...

    def send_again(self, body: str, delay: timedelta) -> None:
        """Enqueue a message as it came, for a worker of another version."""
        ...


class Outbox(Protocol):
    """Events that wait, events that were written, and how the ways stand. Every method raises StorageError."""

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

    def save(self, entry: Entry) -> Entry:
        """Replace an entry if it still has its ETag. Raises ClaimLostError."""
        ...

    def remove(self, entry: Entry) -> None:
        """Remove an entry. Removing what is gone is success."""
        ...

    def waiting(self, most: int) -> list[Entry]:
        """Return some of what waits, of all subjects."""
        ...

    def keep(self, event: OutgoingEvent) -> None:
        """Write an event into the history, whatever is there."""
        ...

    def history(self, since: datetime, until: datetime, after: str = "", most: int = 1000) -> Page[OutgoingEvent]:
        """Return the events that happened in this time, the oldest first, behind a position."""
        ...

    def forget(self, before: datetime, most: int) -> int:
        """Remove up to so many events from the history that happened before this time; return how many."""
        ...

    def health(self, way: str) -> WayHealth:
        """Return how a way stands; one that was never in trouble has an empty answer."""
        ...

    def save_health(self, health: WayHealth) -> WayHealth:
        """Replace how a way stands, or add it. Raises ClaimLostError."""
        ...


@dataclass(frozen=True)
class Answer:
    """What came of one try, and the code of a failure."""

    result: Result
    code: Code | None = None


class Way(Protocol):
    """One way to those who want to know. It raises nothing: a failure is an answer."""

    @property
    def name(self) -> str:
        """Return its name, in the outbox and for operators."""
        ...

    def wants(self, kind: EventType) -> bool:
        """Return whether events of this type go there."""
        ...

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Send one event, once, within a limit of time."""
        ...


@dataclass
class KnownHealth:
    """How the ways stood when this process looked last, so that a healthy one costs no look at the outbox."""

    of: dict[str, WayHealth] = field(default_factory=dict)


@dataclass(frozen=True)
class OutgoingPorts:
    """Everything that sending events needs; there only where a topic or an endpoint is set."""

    queue: OutboxQueue
    outbox: Outbox
    ways: Sequence[Way]
    known: KnownHealth = field(default_factory=KnownHealth)
