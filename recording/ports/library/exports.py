"""Ports of exports and derived files: their queues, a container for bundles, copies inside storage."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from recording.ports.archive import Archive


class ExportQueue(Protocol):
    """The queue `recording-exports`. Every method raises StorageError."""

    def send(self, export_id: str, delay: timedelta = timedelta()) -> None:
        """Request work on an export."""
        ...


class DerivedQueue(Protocol):
    """The queue `recording-derived`. Every method raises StorageError."""

    def send(self, recording_id: str, kind: str, delay: timedelta = timedelta()) -> None:
        """Request the derived files of a kind for a recording."""
        ...


class BlockCopying(Protocol):
    """Copies inside the archive's storage, where supported. Every method raises StorageError."""

    def copy_block(self, name: str, block_id: str, source: str, first: int, length: int) -> bool:
        """Stage a block of a blob from a range of another one. False, and nothing staged, where unsupported.

        Repeating is harmless. The source is a committed blob of the archive.
        """
        ...


@dataclass(frozen=True)
class DerivedPorts:
    """The queue of derived files, and copying inside storage."""

    queue: DerivedQueue
    copying: BlockCopying


@dataclass(frozen=True)
class ExportPorts:
    """The queue of exports, and the container of bundles, which is separate from the archive's."""

    queue: ExportQueue
    store: Archive
