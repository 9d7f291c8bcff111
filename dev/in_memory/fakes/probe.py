"""What the doctor looks with, in memory."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.watched.protection import Immutability, Protection
from recording.errors import StorageRefusedError
from recording.ports import QueueDepth
from recording.ports.probe import SubscriptionFacts


class FakeProbe(Scripted):
    """What the doctor looks with: all is well, unless a test says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[str, QueueDepth] = {}
        self.letters = 0
        self.time = FakeClock().now()
        self.shares_account = False
        self.can_delete = False
        self.is_read_only = False
        self.protected = Protection(
            has_versions=True,
            soft_delete_days=14,
            container_soft_delete_days=14,
            immutability=Immutability.UNLOCKED,
            immutability_days=7,
        )
        self.takes: Callable[[Any, str], object] | None = None  # the app: an event, and the way it came
        self.queued: list[Mapping[str, Any]] = []  # events that nobody has taken
        self.has_webhook = True
        self.doors = [
            SubscriptionFacts("to-function", "AzureFunction", (EVENT_TYPE,), has_dead_letter=True),
            SubscriptionFacts("to-queue", "StorageQueue", (EVENT_TYPE,), has_dead_letter=True),
        ]

    @scripted
    def table(self, name: str) -> None: ...

    @scripted
    def queue(self, name: str) -> QueueDepth:
        return self.queues.get(name, QueueDepth(name, 0))

    @scripted
    def quarantine(self) -> None: ...

    @scripted
    def archive(self, *, is_fallback: bool, may_write: bool = True) -> None:
        if may_write and self.is_read_only:
            raise StorageRefusedError("403")

    @scripted
    def may_delete(self) -> bool:
        return self.can_delete

    @scripted
    def protection(self) -> Protection:
        return self.protected

    @scripted
    def queue_event(self, envelope: Mapping[str, Any]) -> Callable[[], None]:
        self.queued.append(envelope)
        if self.takes is not None:
            self.takes(envelope, "event_queue")
            self.queued.remove(envelope)
        return lambda: self.queued.remove(envelope)

    @scripted
    def post_event(self, envelope: Mapping[str, Any]) -> bool:
        if self.has_webhook and self.takes is not None:
            self.takes(envelope, "event_grid")
        return self.has_webhook

    @scripted
    def pause(self, length: timedelta) -> None: ...

    @scripted
    def host_account(self) -> str:
        return "host"

    @scripted
    def dead_letters(self) -> int:
        return self.letters

    @scripted
    def server_time(self) -> datetime:
        return self.time

    @scripted
    def is_same_account(self) -> bool:
        return self.shares_account

    @scripted
    def subscriptions(self) -> list[SubscriptionFacts]:
        return self.doors
