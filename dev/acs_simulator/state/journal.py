"""Remembers every request the simulator saw, so that a test can say what happened and what did not."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

KEPT_ENTRIES = 100_000
"""Older entries are forgotten, so that a soak of days keeps its memory flat."""


@dataclass
class JournalEntry:
    """One request, or one refused contact with a host that is not ours (`is_foreign`). `at` is simulated time."""

    at: datetime
    host: str
    method: str
    path: str
    operation: str | None = None
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    status: int | None = None
    credential: str | None = None
    range: str | None = None
    bytes_sent: int = 0
    fault: str | None = None
    is_foreign: bool = False


class Journal:
    """Entries in the order in which the requests arrived; each is completed as its request goes on."""

    def __init__(self) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=KEPT_ENTRIES)

    def add(self, entry: JournalEntry) -> JournalEntry:
        """Write an entry and return it, to be completed by the handler."""
        self._entries.append(entry)
        return entry

    def foreign(self, at: datetime, host: str, method: str, path: str, status: int | None) -> None:
        """Note an attempt to reach a host the simulator does not play."""
        self.add(JournalEntry(at, host, method, path, status=status, is_foreign=True))

    def all(self) -> list[JournalEntry]:
        """Return every entry that is kept, oldest first."""
        return list(self._entries)
