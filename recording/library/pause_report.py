"""Report pauses for audits: number and duration by day, caller and reason, and where ACS reports others.

The rows come from the directory and the recordings themselves; they contain no phone number and no name.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from recording.control.findings import findings_of
from recording.domain.calls.pauses import CommandedPause, PauseEnd
from recording.domain.find.find_query import LARGEST_PAGE, FindQuery
from recording.domain.incoming.lenient import Time
from recording.domain.incoming.requests import Exact
from recording.domain.model import with_changes
from recording.domain.spreadsheet import safe_cell
from recording.errors import RequestError
from recording.library.directory import Found, find
from recording.ports import Ports
from recording.ports.stored import all_chunks_of
from recording.settings import Settings

MOST_RECORDINGS = 5_000  # of one report: more are asked for day by day
ELSEWHERE = "paused_elsewhere"  # the finding, and the reason in the line of pauses that nobody asked for here
COLUMNS = ("day", "caller", "reason", "pauses", "totalSeconds", "longestSeconds", "endedByGuard", "open", "findings")


class PauseQuery(Exact):
    """The query of `GET reports/pauses`: recordings that began in this period."""

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


Rows = dict[tuple[str, str | None, str | None], PauseRow]


@dataclass(frozen=True)
class PauseReport:
    """All lines, by day, caller and reason.

    `is_complete` is False when there were more recordings than are read, rows that cannot be read, or more pauses of a
    recording than its row keeps.
    """

    rows: tuple[PauseRow, ...]
    recordings: int
    is_complete: bool

    def shown(self) -> dict[str, Any]:
        """Return the report as JSON."""
        rows = [row.shown() for row in self.rows]
        return {"rows": rows, "recordings": self.recordings, "complete": self.is_complete}

    def as_csv(self) -> str:
        """Return the report as CSV with a header; text that a spreadsheet would take for a formula is quoted."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({name: safe_cell(value) for name, value in row.shown().items()} for row in self.rows)
        return text.getvalue()


def report_pauses(query: PauseQuery, ports: Ports, settings: Settings) -> PauseReport:
    """Report the pauses of recordings that began in a period.

    Raises:
        RequestError: the period ends before it begins.
        StorageError: directory or catalog do not answer.
    """
    if query.until <= query.since:
        raise RequestError("to must be later than from")
    rows: Rows = {}
    asked = FindQuery.model_validate({"from": query.since, "to": query.until, "limit": LARGEST_PAGE})
    seen, is_all = 0, True
    while True:
        page = find(asked, ports, settings)
        is_all = is_all and not page.unreadable
        for found in page.items:
            seen += 1
            is_all = _count(rows, found, ports) and is_all
        if page.next is None or seen >= MOST_RECORDINGS:
            return PauseReport(tuple(_in_order(rows)), seen, is_all and page.next is None)
        asked = with_changes(asked, {"next": page.next})


def _count(rows: Rows, found: Found, ports: Ports) -> bool:
    """Add a recording's pauses to their lines, and each finding to one line; return whether these are all of them."""
    record = found.recording
    is_paused = bool(record.pauses or found.facts.pause_count)
    chunks, unread = all_chunks_of(record.recording_id, ports.catalog) if is_paused else ([], [])
    findings = findings_of(record, chunks, unread) if is_paused else []
    asked = [pause for pause in record.pauses if pause.how is not PauseEnd.REFUSED]
    for pause in asked:
        _add(_row_of(rows, pause.at, pause), pause)
    for finding in findings:
        is_ours = finding.what != ELSEWHERE
        begun = max((one for one in asked if is_ours and one.at <= finding.at), key=lambda one: one.at, default=None)
        _row_of(rows, begun.at if begun else finding.at, begun).findings += 1
    return not (unread or found.facts.unread_rows or record.more_pauses)


def _row_of(rows: Rows, at: datetime, pause: CommandedPause | None) -> PauseRow:
    """Return the line of a pause; where it was not requested here, the day's line for such pauses."""
    key = (at.date().isoformat(), pause.by if pause else None, pause.reason if pause else ELSEWHERE)
    return rows.setdefault(key, PauseRow(*key))


def _add(row: PauseRow, pause: CommandedPause) -> None:
    if pause.ended_at is None:
        row.is_open += 1
    else:
        row.lengths.append(max((pause.ended_at - pause.at).total_seconds(), 0.0))  # clocks differ
    row.by_guard += pause.was_too_long


def _in_order(rows: Rows) -> Iterator[PauseRow]:
    yield from sorted(rows.values(), key=lambda row: (row.day, row.caller or "", row.reason or ""))
