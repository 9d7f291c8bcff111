"""What exports need from outside: a queue of their own, and a container for bundles."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from recording.ports.archive import Archive


class ExportQueue(Protocol):
    """The queue `recording-exports`. Every method raises StorageError."""

    def send(self, export_id: str, delay: timedelta = timedelta()) -> None:
        """Asks that an export be worked on."""
        ...


@dataclass(frozen=True)
class ExportPorts:
    """Where exports wait, and where bundles lie: a container like the archive's, and another one."""

    queue: ExportQueue
    store: Archive
