"""What exports and derived files need from outside: queues of their own, a container for bundles, copies in storage."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from recording.ports.archive import Archive


class ExportQueue(Protocol):
    """The queue `recording-exports`. Every method raises StorageError."""

    def send(self, export_id: str, delay: timedelta = timedelta()) -> None:
        """Ask that an export be worked on."""
        ...


class DerivedQueue(Protocol):
    """The queue `recording-derived`. Every method raises StorageError."""

    def send(self, recording_id: str, kind: str, delay: timedelta = timedelta()) -> None:
        """Ask that the derived files of a kind be made from a recording."""
        ...


class BlockCopying(Protocol):
    """Copies inside the archive's storage, where it does that. Every method raises StorageError."""

    def copy_block(self, name: str, block_id: str, source: str, first: int, length: int) -> bool:
        """Stage a block of a blob from a range of another one. False, and nothing staged, where that is not offered.

        Repeating is harmless. The source is a committed blob of the archive.
        """
        ...


@dataclass(frozen=True)
class DerivedPorts:
    """Where derived files wait, and what can copy inside storage."""

    queue: DerivedQueue
    copying: BlockCopying


@dataclass(frozen=True)
class ExportPorts:
    """Where exports wait, and where bundles lie: a container like the archive's, and another one."""

    queue: ExportQueue
    store: Archive
