"""Outgoing events within a scope: the receivers of its tenants, and their events."""

from dataclasses import replace
from datetime import datetime

from recording.control.tenants.reach import refuse
from recording.domain.incoming.tenants import Scope
from recording.domain.outgoing.delivery import Entry, WayHealth
from recording.domain.outgoing.events import OutgoingEvent, Subject
from recording.errors import ClaimLostError
from recording.ports import Page, Unreadable
from recording.ports.outgoing import Outbox, OutgoingPorts


def scoped_outgoing(whole: OutgoingPorts, scope: Scope) -> OutgoingPorts:
    """Return the receivers within this scope; a receiver of all tenants belongs to none of them."""
    ways = [way for way in whole.ways if scope.covers(way.tenant)]
    return replace(whole, ways=ways, outbox=ScopedOutbox(whole.outbox, scope))


class ScopedOutbox:
    """The outbox's events about recordings within a scope."""

    def __init__(self, whole: Outbox, scope: Scope) -> None:
        self._whole, self._scope = whole, scope

    def add(self, entry: Entry) -> bool:
        """Act as `Outbox` does."""
        self._check(entry)
        return self._whole.add(entry)

    def pending(self, subject: Subject) -> list[Entry]:
        """Act as `Outbox` does."""
        return [entry for entry in self._whole.pending(subject) if self._scope.covers(entry.event.tenant)]

    def unread(self, subject: Subject) -> list[Unreadable]:
        """Act as `Outbox` does, about a recording that is within the scope: the catalog is asked first."""
        return self._whole.unread(subject)

    def save(self, entry: Entry) -> Entry:
        """Act as `Outbox` does."""
        self._check(entry)
        return self._whole.save(entry)

    def history(self, since: datetime, until: datetime, after: str = "", most: int = 1000) -> Page[OutgoingEvent]:
        """Act as `Outbox` does; an unreadable row belongs to no tenant."""
        page = self._whole.history(since, until, after, most)
        own: list[OutgoingEvent | Unreadable] = [
            event for event in page.items if isinstance(event, OutgoingEvent) and self._scope.covers(event.tenant)
        ]
        return replace(page, items=tuple(own))

    def health(self, way: str) -> WayHealth:
        """Act as `Outbox` does."""
        return self._whole.health(way)

    def save_health(self, health: WayHealth) -> WayHealth:
        """Act as `Outbox` does."""
        return self._whole.save_health(health)

    def _check(self, entry: Entry) -> None:
        if not self._scope.covers(entry.event.tenant):
            raise ClaimLostError("the event is not of this scope")

    # --- what only the queue's worker and the timer do, for the whole archive ----------------------------------------

    def marks(self, subject: Subject) -> tuple[frozenset[str], str | None]:
        """Refuse."""
        refuse(subject)

    def save_marks(self, subject: Subject, marks: frozenset[str], etag: str | None) -> None:
        """Refuse."""
        refuse(subject, marks, etag)

    def remove(self, entry: Entry) -> None:
        """Refuse."""
        refuse(entry)

    def waiting(self, most: int, after: str = "") -> Page[Entry]:
        """Refuse."""
        refuse(most, after)

    def keep(self, event: OutgoingEvent) -> None:
        """Refuse."""
        refuse(event)

    def forget(self, before: datetime, most: int) -> int:
        """Refuse."""
        refuse(before, most)
