"""What outgoing events need, in memory: the queue, the outbox, and a way that answers as a test says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from dev.in_memory.fakes.limits import check_document
from dev.in_memory.fakes.queue import FakeMessages
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.outgoing.delivery import Entry, Result, WayHealth
from recording.domain.outgoing.events import EventType, OutgoingEvent, Subject, stamp
from recording.domain.outgoing.message import NotifyTask
from recording.errors import ClaimLostError
from recording.ports import Clock, Page, Unreadable
from recording.ports.outgoing import Answer, KnownHealth, OutgoingPorts, Way

DELIVERED = Answer(Result.DELIVERED)


class FakeOutboxQueue(FakeMessages):
    """The queue of the outbox."""

    @scripted
    def send(self, task: NotifyTask, delay: timedelta = timedelta()) -> None:
        self._enqueue(task.as_message(), delay)


class FakeOutbox(Scripted):
    """The outbox: entries by subject and sequence, marks by subject, the history by time, and the ways."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], Entry] = {}
        self.lists: dict[str, tuple[frozenset[str], str]] = {}
        self.kept: dict[str, OutgoingEvent] = {}
        self.ways: dict[str, WayHealth] = {}
        self.unreadable: set[tuple[str, str]] = set()  # keys of entries
        self._etags = count(1)

    @scripted
    def marks(self, subject: Subject) -> tuple[frozenset[str], str | None]:
        return self.lists.get(subject.name, (frozenset(), None))

    @scripted
    def save_marks(self, subject: Subject, marks: frozenset[str], etag: str | None) -> None:
        if self.lists.get(subject.name, (None, None))[1] != etag:
            raise ClaimLostError("the list has changed")
        check_document(" ".join(sorted(marks)))
        self.lists[subject.name] = marks, self._etag()

    @scripted
    def add(self, entry: Entry) -> bool:
        if _key(entry) in self.entries:
            return False
        self.entries[_key(entry)] = entry.model_copy(update={"etag": self._etag()})
        return True

    @scripted
    def pending(self, subject: Subject) -> list[Entry]:
        keys = [key for key in sorted(self.entries) if key[0] == subject.name and key not in self.unreadable]
        return [self.entries[key] for key in keys]

    @scripted
    def unread(self, subject: Subject) -> list[Unreadable]:
        keys = [key for key in sorted(self.entries) if key[0] == subject.name and key in self.unreadable]
        return [Unreadable("!".join(key)) for key in keys]

    @scripted
    def save(self, entry: Entry) -> Entry:
        known = self.entries.get(_key(entry))
        if known is None or entry.etag is None or known.etag != entry.etag:
            raise ClaimLostError("the entry has changed")
        self.entries[_key(entry)] = entry.model_copy(update={"etag": self._etag()})
        return self.entries[_key(entry)]

    @scripted
    def remove(self, entry: Entry) -> None:
        known = self.entries.get(_key(entry))
        if known is None:
            return
        if entry.etag is None or known.etag != entry.etag:
            raise ClaimLostError("the entry has changed")
        del self.entries[_key(entry)]

    @scripted
    def waiting(self, most: int, after: str = "") -> Page[Entry]:
        keys: dict[str, Entry | Unreadable] = {
            "/".join(key): Unreadable("/".join(key)) if key in self.unreadable else entry
            for key, entry in self.entries.items()
        }
        left = [key for key in sorted(keys) if key > after]
        taken = left[:most]
        return Page(tuple(keys[key] for key in taken), next=taken[-1] if len(left) > len(taken) and taken else "")

    @scripted
    def keep(self, event: OutgoingEvent) -> None:
        self.kept[f"{stamp(event.at)}-{event.id}"] = event

    @scripted
    def history(self, since: datetime, until: datetime, after: str = "", most: int = 1000) -> Page[OutgoingEvent]:
        names = [name for name in sorted(self.kept) if since <= self.kept[name].at <= until and name > after]
        found = tuple(self.kept[name] for name in names[:most])
        return Page(found, next=names[most - 1] if len(names) > most else "")

    @scripted
    def forget(self, before: datetime, most: int) -> int:
        gone = [name for name in sorted(self.kept) if self.kept[name].at < before][:most]
        for name in gone:
            del self.kept[name]
        return len(gone)

    @scripted
    def health(self, way: str) -> WayHealth:
        return self.ways.get(way, WayHealth(way=way))

    @scripted
    def save_health(self, health: WayHealth) -> WayHealth:
        known = self.ways.get(health.way)
        if (known.etag if known else None) != health.etag:
            raise ClaimLostError("the row has changed")
        self.ways[health.way] = health.model_copy(update={"etag": self._etag()})
        return self.ways[health.way]

    def _etag(self) -> str:
        return f'"{next(self._etags)}"'


class FakeWay(Scripted):
    """A receiver: `got` holds what arrived, and `answers` says what comes of each try."""

    def __init__(
        self, name: str = "crm", types: frozenset[EventType] = frozenset(EventType), tenant: str | None = None
    ) -> None:
        super().__init__()
        self.name = name
        self.tenant = tenant
        self.probed = DELIVERED
        self.types = types
        self.got: list[OutgoingEvent] = []
        self.tried: list[tuple[str, datetime]] = []
        self.answer: Callable[[OutgoingEvent], Answer] = lambda _event: DELIVERED

    def wants(self, kind: EventType) -> bool:
        return kind in self.types

    @scripted
    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        self.tried.append((event.id, now))
        answer = self.answer(event)
        if answer.result is Result.DELIVERED:
            self.got.append(event)
        return answer

    @scripted
    def probe(self, now: datetime) -> Answer:
        del now
        return self.probed

    @property
    def types_got(self) -> list[str]:
        """Return what arrived, by type."""
        return [event.type.value for event in self.got]


class FakeOutgoing:
    """All of it, with one receiver or more."""

    def __init__(self, clock: Clock, *ways: FakeWay) -> None:
        self.queue = FakeOutboxQueue(clock)
        self.outbox = FakeOutbox()
        self.ways = list(ways) or [FakeWay()]
        self.known = KnownHealth()

    @property
    def ports(self) -> OutgoingPorts:
        """Return them as a use case receives them."""
        ways: list[Way] = list(self.ways)
        return OutgoingPorts(self.queue, self.outbox, ways, self.known)

    def restarts(self) -> None:
        """Forget what a process knew."""
        self.known = KnownHealth()


def _key(entry: Entry) -> tuple[str, str]:
    return entry.event.subject.name, f"{entry.event.sequence}-{entry.event.id}"
