"""The poison queues of the queues beside the line, in memory."""

from collections.abc import Callable
from datetime import datetime
from itertools import count

from dev.in_memory.fakes.queue import POISON_HIDDEN_FOR
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.names import BESIDE_THE_LINE
from recording.ports import MOST_SHOWN, Clock, PoisonMessage


class FakeLeftovers(Scripted):
    """What the host gave up on, by queue: `back` holds what was put back, and `to` says where it goes."""

    names = BESIDE_THE_LINE

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.back: list[tuple[str, str]] = []
        self.to: dict[str, Callable[[str], None]] = {}
        self._clock = clock
        self._numbers = count(1)
        self._lying: dict[str, tuple[str, str, datetime, datetime]] = {}  # id: queue, text, since, visible at

    def gives_up(self, name: str, body: str) -> None:
        """Put a message into a poison queue, as the host does."""
        now = self._clock.now()
        self._lying[f"leftover-{next(self._numbers)}"] = name, body, now, now

    def bodies_of(self, name: str) -> list[str]:
        """Return what lies in one of them, hidden or not."""
        return [body for queue, body, *_ in self._lying.values() if queue == name]

    @property
    def bodies(self) -> list[str]:
        """Return what lies there, hidden or not."""
        return [body for _, body, *_ in self._lying.values()]

    @scripted
    def received(self, name: str, most: int) -> list[PoisonMessage]:
        now, found = self._clock.now(), list[PoisonMessage]()
        for key, (queue, body, since, visible_at) in list(self._lying.items()):
            if queue == name and visible_at <= now and len(found) < most:
                self._lying[key] = queue, body, since, now + POISON_HIDDEN_FOR
                found.append(PoisonMessage(body, key, key, since))
        return found

    @scripted
    def peek(self) -> list[tuple[str, PoisonMessage]]:
        now = self._clock.now()
        seen = [(key, *row) for key, row in self._lying.items() if row[3] <= now]
        shown = [(queue, PoisonMessage(body, None, key, since)) for key, queue, body, since, _ in seen]
        return [one for name in self.names for one in [one for one in shown if one[0] == name][:MOST_SHOWN]]

    @scripted
    def remove(self, name: str, message: PoisonMessage) -> None:
        del name
        self._lying.pop(message.id, None)

    @scripted
    def put_back(self, name: str, message: PoisonMessage) -> None:
        self.back.append((name, message.body))
        if name in self.to:
            self.to[name](message.body)
        self._lying.pop(message.id, None)
