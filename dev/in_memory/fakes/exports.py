"""The exports' queue in memory."""

from datetime import datetime, timedelta

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.ports import Clock


class FakeExportQueue(Scripted):
    """The queue of exports: `sent` holds each message with the time from which it is visible."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.sent: list[tuple[str, datetime]] = []
        self._clock = clock

    @scripted
    def send(self, export_id: str, delay: timedelta = timedelta()) -> None:
        self.sent.append((export_id, self._clock.now() + delay))

    def take(self) -> list[str]:
        """Removes all messages, as the host does when it hands them to workers."""
        taken = [export_id for export_id, _ in self.sent]
        self.sent.clear()
        return taken
