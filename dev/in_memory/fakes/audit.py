"""The audit trail and the counts of starts in memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Generic, TypeVar

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.incoming.running import RunningCount
from recording.domain.incoming.start_rate import StartCount
from recording.ports import AuditEntry

C = TypeVar("C", StartCount, RunningCount)


class FakeAudit(Scripted):
    """The audit trail: `written` holds its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[AuditEntry] = []

    @scripted
    def add(self, entry: AuditEntry) -> None:
        self.written.append(replace(entry, id=f"{entry.at.isoformat()}-{len(self.written)}"))

    @scripted
    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        return iter(sorted((entry for entry in self.written if entry.at >= since), key=lambda entry: entry.at))

    @scripted
    def withhold(
        self,
        without: Callable[[str], str],
        pseudonymous: Callable[[str], str] = str,
        may_change: Callable[[str | None], bool] = lambda _recording_id: True,
        after: str = "",
        reached: Callable[[str, int], object] = lambda _position, _changed: None,
    ) -> int:
        changed, ways = 0, {"note": without, "part": without, "caller": pseudonymous}
        for number, one in list(enumerate(self.written)):
            if f"{number:09d}" <= after:
                continue
            told = {name: text for name in ways if (text := getattr(one, name))}
            kept = {name: ways[name](text) for name, text in told.items()}
            if kept != told and may_change(one.recording_id):
                self.written[number] = replace(one, **kept)  # type: ignore[arg-type]
                changed += 1
            reached(f"{number:09d}", changed)
        return changed

    @scripted
    def entries_about(self, recording_id: str) -> Iterator[AuditEntry]:
        about = [entry for entry in self.written if entry.recording_id == recording_id]
        return iter(sorted(about, key=lambda entry: entry.at))


class _Counts(Scripted, Generic[C]):
    """One row a caller, each saved under its ETag: `rows` holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str | None, C] = {}
        self._etags = count(1)

    @scripted
    def get(self, caller: str | None) -> C | None:
        return self.rows.get(caller)

    @scripted
    def save(self, counted: C) -> bool:
        present = self.rows.get(counted.caller)
        if (present.etag if present else None) != counted.etag:
            return False
        self.rows[counted.caller] = replace(counted, etag=f'"{next(self._etags)}"')
        return True

    @scripted
    def forget(self, is_theirs: Callable[[str], bool]) -> int:
        theirs = [caller for caller in self.rows if caller is not None and is_theirs(caller)]
        for caller in theirs:
            del self.rows[caller]
        return len(theirs)


class FakeStartCounts(_Counts[StartCount]):
    """How many starts each caller has asked for."""


class FakeRunningCounts(_Counts[RunningCount]):
    """The places of each caller's running recordings."""
