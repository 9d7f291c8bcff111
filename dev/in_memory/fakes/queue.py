"""The chunk queue and its poison queues in memory."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.names import CHUNKS_POISON_QUEUE, CHUNKS_QUEUE
from recording.domain.state.chunk import ChunkTask
from recording.errors import StorageError
from recording.ports import MOST_SHOWN, Clock, Peeked, PoisonMessage, QueueDepth

POISON_HIDDEN_FOR = timedelta(minutes=5)


class FakeMessages(Scripted):
    """A queue of messages as texts: `sent` holds each with the time from which it is visible."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.sent: list[tuple[str, datetime]] = []
        self._clock = clock

    @scripted
    def send_again(self, body: str, delay: timedelta) -> None:
        self._enqueue(body, delay)

    def take_due(self) -> list[str]:
        """Remove the messages that are visible now, as the host does when it hands them to a worker."""
        now = self._clock.now()
        due = [body for body, visible_at in self.sent if visible_at <= now]
        self.sent = [message for message in self.sent if message[1] > now]
        return due

    def _enqueue(self, body: str, delay: timedelta) -> None:
        self.sent.append((body, self._clock.now() + delay))


class FakeQueue(Scripted):
    """The chunk queue: `sent` holds every task with the time from which it is visible."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.sent: list[tuple[ChunkTask, datetime]] = []
        self.untouched: list[tuple[str, datetime]] = []  # messages of a newer version, as they came
        self.refused: set[str] = set()  # bodies of poison messages that storage never removes
        self._clock = clock
        self._poison: dict[int, tuple[str, datetime]] = {}
        self._poisoned_at: dict[int, datetime] = {}
        self._events: set[int] = set()
        self._receipts = count(1)

    @property
    def tasks(self) -> list[ChunkTask]:
        """Return all tasks in the queue, visible or not."""
        return [task for task, _ in self.sent]

    def take_due(self) -> list[ChunkTask]:
        """Remove the tasks that are visible now, as the host does when it hands them to a worker."""
        due = [task for task, visible_at in self.sent if visible_at <= self._clock.now()]
        self.sent = [entry for entry in self.sent if entry[1] > self._clock.now()]
        return due

    def poison(self, body: str) -> None:
        """Put a message into the poison queue, as the host does when it gives up."""
        self._add(next(self._receipts), body)

    def poison_event(self, body: str) -> None:
        """Put an event into the poison queue of events."""
        self._events.add(receipt := next(self._receipts))
        self._add(receipt, body)

    def _add(self, receipt: int, body: str) -> None:
        self._poison[receipt] = body, self._clock.now()
        self._poisoned_at[receipt] = self._clock.now()

    @property
    def poison_bodies(self) -> list[str]:
        """Return what lies in the poison queue, hidden or not."""
        return [body for body, _ in self._poison.values()]

    @scripted
    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        self.sent.append((task, self._clock.now() + delay))

    @scripted
    def send_again(self, body: str, delay: timedelta = timedelta()) -> None:
        self.untouched.append((body, self._clock.now() + delay))

    @scripted
    def poisoned(self) -> Iterator[PoisonMessage]:
        return self._visible_poison(set(self._poison) - self._events)

    @scripted
    def poisoned_events(self) -> Iterator[PoisonMessage]:
        return self._visible_poison(self._events)

    def _visible_poison(self, receipts: set[int]) -> Iterator[PoisonMessage]:
        now = self._clock.now()
        held = {receipt: self._poison[receipt] for receipt in sorted(receipts) if receipt in self._poison}
        seen = [receipt for receipt, (_, visible_at) in held.items() if visible_at <= now]
        for receipt in seen:  # each is hidden when it is received, as the service hides a page at a time
            if receipt in self._poison:
                self._poison[receipt] = self._poison[receipt][0], now + POISON_HIDDEN_FOR
                yield self._message(receipt, receipt)

    @scripted
    def depths(self) -> list[QueueDepth]:
        poison = [at for receipt, at in self._poisoned_at.items() if receipt in self._poison]
        chunks = QueueDepth(CHUNKS_QUEUE, len(self.sent), min((at for _, at in self.sent), default=None))
        return [chunks, QueueDepth(CHUNKS_POISON_QUEUE, len(poison), min(poison, default=None))]

    @scripted
    def peek_poisoned(self) -> Peeked:
        now = self._clock.now()
        seen = [receipt for receipt, (_, visible_at) in sorted(self._poison.items()) if visible_at <= now]
        tasks = [receipt for receipt in seen if receipt not in self._events]
        events = [receipt for receipt in seen if receipt in self._events]
        shown = [self._message(receipt, None) for receipt in (*tasks[:MOST_SHOWN], *events[:MOST_SHOWN])]
        return Peeked(tuple(shown), max(len(tasks), len(events)) >= MOST_SHOWN)

    def _message(self, number: int, receipt: int | None) -> PoisonMessage:
        return PoisonMessage(self._poison[number][0], receipt, f"message-{number}", self._poisoned_at[number])

    @scripted
    def remove_poisoned(self, message: PoisonMessage) -> None:
        if message.body in self.refused:
            raise StorageError("storage refuses this message")
        self._poison.pop(message.receipt, None)
