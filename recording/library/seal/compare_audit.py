"""Compare the audit trail as it is now with its rows as they were sealed.

The journals are proved by `seal verify`. This compares the tables with them, in both places where a row is stored: by
day, and by recording, where a timeline reads it. A row that an erasure has pseudonymised has no sealed row any more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import JOURNALS, Kind, Line, canonical, read_journal
from recording.library.seal.gather import OVERLAP, row_of
from recording.library.seal.log import head_of
from recording.ports import AuditEntry, Ports
from recording.ports.library.seal import SealPorts


class RowProblem(StrEnum):
    """A way in which the trail is not as it was sealed."""

    CHANGED = "row_changed"
    REMOVED = "row_removed"
    NOT_SEALED = "row_not_sealed"
    JOURNAL_UNREADABLE = "journal_unreadable"


@dataclass(frozen=True, order=True)
class RowDifference:
    """One row that differs: its id, where, and how."""

    row: str
    problem: RowProblem
    detail: str = ""


@dataclass
class Compared:
    """What was compared.

    Attributes:
        rows: of the trail that are as they were sealed.
        newer: rows that no checkpoint covers yet.
        withdrawn: sealed rows that an erasure has withdrawn; as many rows of the trail have no sealed row.
        differences: empty when all is as it was sealed.
    """

    rows: int = 0
    newer: int = 0
    withdrawn: int = 0
    differences: list[RowDifference] = field(default_factory=list)

    def report(self, row: str, problem: RowProblem, detail: str = "") -> None:
        """Note a difference."""
        self.differences.append(RowDifference(row, problem, detail))


def compare_audit(since: datetime, ports: Ports, seal: SealPorts) -> Compared:
    """Compare every row from a time on.

    Raises:
        StorageError: the trail or the journals do not answer, or `seal_altered`.
    """
    done, head = Compared(), head_of(ports, seal)
    sealed, gone = _sealed_rows(since, done, seal)
    until = head.audit_until
    seen, recordings = set[str](), set[str]()
    for entry in ports.audit.entries(since):
        seen.add(entry.id or "")
        recordings |= {entry.recording_id} if entry.recording_id else set()
        _compare(entry, sealed, until, done)
    _compare_by_recording(since, recordings, sealed, done, ports)
    for row_id in sorted(sealed.keys() - seen):
        done.report(row_id, RowProblem.REMOVED, str(sealed[row_id].get("operation")))
    done.withdrawn = gone
    done.differences.sort()
    return done


def _sealed_rows(since: datetime, done: Compared, seal: SealPorts) -> tuple[dict[str, Mapping[str, Any]], int]:
    """Return the sealed rows from a time on, by their ids, and how many were withdrawn at any time."""
    found, gone = dict[str, Mapping[str, Any]](), 0
    for line in _lines(done, seal):
        gone += line.row is None
        if line.row is not None and datetime.fromisoformat(str(line.row.get("at"))) >= since:
            found[str(line.row.get("id"))] = line.row
    return found, gone


def _lines(done: Compared, seal: SealPorts) -> Iterator[Line]:
    for blob in seal.store.list(JOURNALS):
        stored = seal.store.get(blob.name)
        try:
            lines = read_journal(stored[0]) if stored else []
        except SealFormatError:
            done.report(blob.name, RowProblem.JOURNAL_UNREADABLE)
            continue
        yield from (line for line in lines if line.kind is Kind.AUDIT)


def _compare(
    entry: AuditEntry, sealed: Mapping[str, Mapping[str, Any]], until: datetime | None, done: Compared
) -> None:
    row = sealed.get(entry.id or "")
    if row is not None:
        is_same = canonical(row_of(entry)) == canonical(row)
        done.rows += is_same
        if not is_same:
            done.report(entry.id or "", RowProblem.CHANGED, _changes(row_of(entry), row))
    elif until is None or entry.at > until - OVERLAP:
        done.newer += 1
    else:
        done.report(entry.id or "", RowProblem.NOT_SEALED, str(entry.operation))


def _compare_by_recording(
    since: datetime, recordings: set[str], sealed: Mapping[str, Mapping[str, Any]], done: Compared, ports: Ports
) -> None:
    """Compare the second copy of each row, under its recording."""
    about = dict[str, set[str]]()
    for row_id, row in sealed.items():
        if row.get("recordingId"):
            about.setdefault(str(row["recordingId"]), set()).add(row_id)
    for recording_id in sorted(recordings | about.keys()):
        seen = set[str]()
        for entry in ports.audit.entries_about(recording_id):
            known = sealed.get(entry.id or "")
            seen.add(entry.id or "")
            if known is not None and entry.at >= since and canonical(row_of(entry)) != canonical(known):
                detail = f"under its recording: {_changes(row_of(entry), known)}"
                done.report(entry.id or "", RowProblem.CHANGED, detail)
        for row_id in sorted(about.get(recording_id, set()) - seen):
            done.report(row_id, RowProblem.REMOVED, "under its recording")


def _changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return which fields differ; their values stay out of what is printed."""
    return ", ".join(sorted(name for name in {*now, *before} if now.get(name) != before.get(name)))
