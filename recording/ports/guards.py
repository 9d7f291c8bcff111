"""Guards that are waiting: messages that become visible when something about a call must be done."""

from datetime import timedelta
from typing import Protocol

from recording.domain.calls.guards import GuardTask


class Guards(Protocol):
    """The queue `recording-guards`. Every method raises StorageError."""

    def send(self, task: GuardTask, delay: timedelta) -> None:
        """Enqueue a guard that fires after `delay` (at most seven days), by the queue's own clock."""
        ...

    def send_again(self, body: str, delay: timedelta) -> None:
        """Enqueue a message as it came, for a worker of another version."""
        ...
