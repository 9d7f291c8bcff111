"""The queues of exports and derived files in memory, and copies inside the archive."""

import json
from datetime import datetime, timedelta

from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.errors import BlobLockedError, StorageError
from recording.ports import Clock


class FakeDerived(Scripted):
    """The queue of derived files, and copies inside the archive.

    Attributes:
        sent: each message with the time from which it is visible.
        copies: whether storage offers copies, as Azure does and Azurite does not.
        copied: how many blocks were copied.
    """

    def __init__(self, clock: Clock, archive: FakeArchive) -> None:
        super().__init__()
        self.sent: list[tuple[str, str, datetime]] = []
        self.copies = True
        self.copied = 0
        self._clock, self._archive = clock, archive

    @scripted
    def send(self, recording_id: str, kind: str, delay: timedelta = timedelta()) -> None:
        self.sent.append((recording_id, kind, self._clock.now() + delay))

    @scripted
    def copy_block(self, name: str, block_id: str, source: str, first: int, length: int) -> bool:
        if not self.copies:
            return False
        if source not in self._archive.blobs:
            raise StorageError("the archive has no such blob")
        if self._archive.tiers.get(source) == "Archive":
            raise BlobLockedError("the blob is in the archive tier")
        self._archive.staged[name][block_id] = self._archive.blobs[source].data[first : first + length]
        self.copied += 1
        return True

    def take(self) -> list[str]:
        """Remove all messages, as the host does when it hands them to workers."""
        taken = [json.dumps({"recordingId": recording_id, "kind": kind}) for recording_id, kind, _ in self.sent]
        self.sent.clear()
        return taken


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
        """Remove all messages, as the host does when it hands them to workers."""
        taken = [export_id for export_id, _ in self.sent]
        self.sent.clear()
        return taken
