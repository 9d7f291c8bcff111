"""The queue of guards: messages that become visible when a call needs an action."""

from datetime import timedelta
from typing import Protocol

from recording.domain.calls.guards import GuardTask


class Guards(Protocol):
    """The queue `recording-guards`. Every method raises StorageError."""

    def send(self, task: GuardTask, delay: timedelta) -> None:
        """Enqueue a guard that fires after `delay` (at most seven days), by the queue's own clock."""
        ...

    def send_again(self, body: str, delay: timedelta) -> None:
        """Enqueue a message unchanged, for a worker of another version."""
        ...
