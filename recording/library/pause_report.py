"""Report pauses for audits: by day, caller and reason, how many, how long, and where ACS reports others.

The rows come from the directory and the recordings themselves; no number and no name is in them.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from recording.control.pauses import findings_of
from recording.domain.calls.pauses import CommandedPause, PauseEnd
from recording.domain.find.find_query import LARGEST_PAGE, FindQuery
from recording.domain.incoming.events import Time
from recording.domain.incoming.requests import Exact
from recording.domain.spreadsheet import safe_cell
from recording.errors import RequestError
from recording.library.directory import find
from recording.ports import Ports
from recording.settings import Settings

MOST_RECORDINGS = 5_000  # of one report: more are asked for day by day
COLUMNS = ("day", "caller", "reason", "pauses", "totalSeconds", "longestSeconds", "endedByGuard", "open", "findings")


class PauseQuery(Exact):
    """The query of `GET reports/pauses`: recordings that began in this time."""

    since: Time = Field(alias="from")
    until: Time = Field(alias="to")
    format: Annotated[str, Field(pattern="^(json|csv)$")] = "json"


@dataclass
class PauseRow:
    """One line of the report."""

    day: str
    caller: str | None
    reason: str | None
    lengths: list[float] = field(default_factory=list)
    by_guard: int = 0
    is_open: int = 0
    findings: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the line by its columns."""
        return {
            "day": self.day,
            "caller": self.caller,
            "reason": self.reason,
            "pauses": len(self.lengths) + self.is_open,
            "totalSeconds": round(sum(self.lengths), 3),
            "longestSeconds": round(max(self.lengths, default=0.0), 3),
            "endedByGuard": self.by_guard,
            "open": self.is_open,
            "findings": self.findings,
        }


@dataclass(frozen=True)
class PauseReport:
    """All lines, by day, caller and reason. `is_complete` is False when there were more recordings than are read."""

    rows: tuple[PauseRow, ...]
    recordings: int
    is_complete: bool

    def shown(self) -> dict[str, Any]:
        """Return the report as JSON."""
        rows = [row.shown() for row in self.rows]
        return {"rows": rows, "recordings": self.recordings, "complete": self.is_complete}

    def as_csv(self) -> str:
        """Return the report as CSV with a header; a text that a spreadsheet would take for a formula is quoted."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({name: safe_cell(value) for name, value in row.shown().items()} for row in self.rows)
        return text.getvalue()


def report_pauses(query: PauseQuery, ports: Ports, settings: Settings) -> PauseReport:
    """Report the pauses of recordings that began in a time.

    Raises:
        RequestError: the time ends before it begins.
        StorageError: directory or catalog do not answer.
    """
    if query.until <= query.since:
        raise RequestError("to must be later than from")
    rows: dict[tuple[str, str | None, str | None], PauseRow] = {}
    asked = FindQuery.model_validate({"from": query.since, "to": query.until, "limit": LARGEST_PAGE})
    seen = 0
    while True:
        page = find(asked, ports, settings)
        for found in page.items:
            seen += 1
            chunks = ports.catalog.chunks_of(found.recording.recording_id) if found.recording.pauses else []
            findings = findings_of(found.recording, chunks)
            for pause in found.recording.pauses:
                _add(rows, pause, sum(one.at == pause.at for one in findings))
        if page.next is None or seen >= MOST_RECORDINGS:
            return PauseReport(tuple(_in_order(rows)), seen, page.next is None)
        asked = asked.model_copy(update={"next": page.next})


def _add(rows: dict[tuple[str, str | None, str | None], PauseRow], pause: CommandedPause, findings: int) -> None:
    if pause.how is PauseEnd.REFUSED:
        return
    key = (pause.at.date().isoformat(), pause.by, pause.reason)
    row = rows.setdefault(key, PauseRow(*key))
    if pause.ended_at is None:
        row.is_open += 1
    else:
        row.lengths.append((pause.ended_at - pause.at).total_seconds())
    row.by_guard += pause.how is PauseEnd.TIME_UP
    row.findings += findings


def _in_order(rows: dict[tuple[str, str | None, str | None], PauseRow]) -> Iterator[PauseRow]:
    yield from sorted(rows.values(), key=lambda row: (row.day, row.caller or "", row.reason or ""))
