"""Messages that are waiting, and those that failed too often."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from recording.domain.state.chunk import ChunkTask

MOST_SHOWN = 32  # messages of a queue that the service shows at once


@dataclass(frozen=True)
class PoisonMessage:
    """A message the host gave up on.

    Attributes:
        body: its text, decoded.
        receipt: lets its reader remove it; None when it was only looked at.
        id: the service's name for it.
        at: when the host gave up.
    """

    body: str
    receipt: Any = None
    id: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Peeked:
    """Messages that were looked at and not taken.

    Attributes:
        messages: those that may be shown, in the order of the queue.
        may_have_more: whether a queue was not seen to its end, whatever part of what was seen may be shown.
    """

    messages: tuple[PoisonMessage, ...] = ()
    may_have_more: bool = False


@dataclass(frozen=True)
class QueueDepth:
    """The present state of a queue. `oldest_at` is of the message that waits longest, as far as can be seen."""

    name: str
    messages: int
    oldest_at: datetime | None = None


class ChunkQueue(Protocol):
    """The queue `recording-chunks`, and the poison queues of chunks and events. Every method raises StorageError."""

    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        """Enqueue a task, visible after `delay` (at most seven days). It never expires in the queue."""
        ...

    def send_again(self, body: str, delay: timedelta = timedelta()) -> None:
        """Enqueue a message as received, for a worker of another version; otherwise as `send`."""
        ...

    def poisoned(self) -> Iterator[PoisonMessage]:
        """Yield the messages in the poison queue at this time, each hidden from others for a while."""
        ...

    def poisoned_events(self) -> Iterator[PoisonMessage]:
        """Yield the same for events that the host gave up on (`recording-events-poison`)."""
        ...

    def depths(self) -> list[QueueDepth]:
        """Return the state of the four queues: events and chunks, and their poison queues.

        One that is not there is empty.
        """
        ...

    def peek_poisoned(self) -> Peeked:
        """Return up to `MOST_SHOWN` poisoned tasks and as many poisoned events, without hiding them.

        Those that are hidden are not seen.
        """
        ...

    def remove_poisoned(self, message: PoisonMessage) -> None:
        """Remove one, of either kind. Removing what is gone is success."""
        ...


class FollowUps(Protocol):
    """The queue `recording-follow-ups`. Every method raises StorageError."""

    def send(self, recording_id: str, attempt: int = 0, delay: timedelta = timedelta()) -> None:
        """Ask that the directory be brought up to date about a recording."""
        ...

    def log(self, event: str, facts: Mapping[str, str | int | float | bool]) -> None:
        """Ask that the app log a line about what was decided in another process: alerts read the app's log."""
        ...


class Leftovers(Protocol):
    """Messages of the queues beside the line that the host gave up on. Every method raises StorageError."""

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the queues; each has a poison queue of its own."""
        ...

    def received(self, name: str, most: int) -> list[PoisonMessage]:
        """Return messages that the host gave up on, each hidden from others for a while."""
        ...

    def peek(self) -> list[tuple[str, PoisonMessage]]:
        """Return up to `MOST_SHOWN` messages of each queue, with its name, without hiding them."""
        ...

    def remove(self, name: str, message: PoisonMessage) -> None:
        """Remove a received message for good. Removing what is gone is success."""
        ...

    def put_back(self, name: str, message: PoisonMessage) -> None:
        """Enqueue a received message unchanged, then remove it. Removing what is gone is success."""
        ...
