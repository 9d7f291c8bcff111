"""What the doctor looks with: harmless calls to everything that the app needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from recording.domain.watched.protection import Protection
from recording.ports.queues import QueueDepth

TakeBack = Callable[[], None]


@dataclass(frozen=True)
class SubscriptionFacts:
    """An Event Grid subscription of the ACS resource."""

    name: str
    kind: str  # AzureFunction | StorageQueue | WebHook | …
    event_types: tuple[str, ...]
    has_dead_letter: bool
    destination: str = ""  # a function's name, or account/queue; empty where it cannot be told


class EventSender(Protocol):
    """The delivery paths, as far as they can be used from here."""

    def queue_event(self, envelope: Mapping[str, Any]) -> TakeBack:
        """Put an event on the queue of events, as Event Grid does; what is returned removes it if it is still there."""

    def post_event(self, envelope: Mapping[str, Any]) -> bool:
        """Post an event to the function as Event Grid does; False where its address or key is not known here."""

    def pause(self, length: timedelta) -> None:
        """Wait."""


class Probe(EventSender, Protocol):
    """Harmless calls to what the app needs. Every method raises StorageError."""

    def table(self, name: str) -> None:
        """Write a row, read it, compare, remove it."""

    def queue(self, name: str) -> QueueDepth:
        """Put a hidden message, remove it, and return the queue's depth."""

    def quarantine(self) -> None:
        """Write a blob, read it, compare its hash, remove it."""

    def archive(self, *, is_fallback: bool, may_write: bool = True) -> None:
        """List the blobs, and ask for a write whose condition never holds, so that nothing is left there."""

    def may_delete(self) -> bool:
        """Return whether this identity could delete from the archive; what is asked to be deleted is not there."""

    def protection(self) -> Protection:
        """Read how the archive's account is protected. Raises StorageRefusedError when this identity may not."""

    def host_account(self) -> str:
        """Return the name of the host's storage account."""

    def dead_letters(self) -> int:
        """Return how many letters there are. Raises StorageError when there is no such container, too."""

    def server_time(self) -> datetime:
        """Return what time the host's storage says it is."""

    def is_same_account(self) -> bool:
        """Return whether the second destination is in the archive's account."""

    def subscriptions(self) -> list[SubscriptionFacts]:
        """Return the Event Grid subscriptions of the ACS resource. Raises RecordingError when they cannot be read."""
