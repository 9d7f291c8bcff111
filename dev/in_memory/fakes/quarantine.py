"""The quarantine and the dead letters in memory."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.errors.codes import Code
from recording.ports import DeadLetter, QuarantineEntry, Unreadable

MOST_LETTERS = 1000  # of one listing, as the port promises


class FakeQuarantine(Scripted):
    """The quarantine: `kept` holds entries by name."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, QuarantineEntry] = {}
        self.noted: Callable[[str, bytes], None] = lambda _name, _data: None  # a custodian watches

    @property
    def reasons(self) -> list[str]:
        """Return why things were kept, in order."""
        return [entry.reason for entry in self.kept.values()]

    @scripted
    def put(self, entry: QuarantineEntry) -> str:
        name = f"{entry.at:%Y/%m/%d}/{entry.reason}/{hashlib.sha256(entry.payload.encode()).hexdigest()[:32]}.json"
        known = self.kept.get(name)
        if known is None or known.redriven_at is not None:
            self._keep(name, entry)
        return name

    @scripted
    def mark_redriven(self, name: str, at: datetime) -> None:
        if name in self.kept:
            self._keep(name, replace(self.kept[name], redriven_at=at))

    @scripted
    def mark_dismissed(self, name: str, at: datetime, note: str) -> None:
        if name in self.kept:
            self._keep(name, replace(self.kept[name], dismissed_at=at, note=note))

    def _keep(self, name: str, entry: QuarantineEntry) -> None:
        self.kept[name] = entry
        self.noted(name, document_of(entry))

    @scripted
    def entries(self) -> Iterator[tuple[str, QuarantineEntry]]:
        return iter(sorted(self.kept.items(), key=lambda kept: kept[1].at))


def document_of(entry: QuarantineEntry) -> bytes:
    """Return an entry as a blob would hold it."""
    return json.dumps(asdict(entry), default=datetime.isoformat).encode()


class FakeDeadLetters(Scripted):
    """The dead letters: `kept` holds them by name."""

    def __init__(self, *letters: DeadLetter) -> None:
        super().__init__()
        self.kept = {letter.name: letter for letter in letters}
        self.unreadable: set[str] = set()

    @scripted
    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        names = [name for name in sorted(self.kept) if name > after][:MOST_LETTERS]
        return iter(
            [Unreadable(name, Code.STORAGE_BUSY) if name in self.unreadable else self.kept[name] for name in names]
        )

    @scripted
    def remove(self, letter: DeadLetter) -> None:
        self.kept.pop(letter.name, None)
