"""Compare the audit trail as it is now with its rows as they were sealed.

`seal verify` proves the journals. This compares the tables with them, in both places where a row is stored: by day, and
by recording, where a timeline reads it. Of a row that an erasure has pseudonymised, the journal keeps only the id;
while storage still protects the journal, the row differs in the person alone.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from recording.domain.keep.destroy import Place
from recording.domain.keep.traces import WITHHELD
from recording.domain.seal.checkpoint import SealFormatError
from recording.domain.seal.leaves import JOURNALS, Kind, Line, canonical, read_journal
from recording.library.seal.gather import OVERLAP, row_of
from recording.library.seal.log import head_of
from recording.ports import AuditEntry, Ports, Unreadable
from recording.ports.library.seal import SealPorts

UNDER_RECORDING = "under its recording"  # where a timeline reads the second copy of a row


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
    """The result of a comparison.

    Attributes:
        rows: how many rows of the trail are as they were sealed.
        newer: rows that no checkpoint covers yet.
        withdrawn: sealed rows that an erasure has withdrawn.
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
    """Compare every row of the audit trail from a time on with its sealed form.

    Raises:
        StorageError: the trail or the journals do not answer, or `seal_altered`.
    """
    done, head = Compared(), head_of(ports, seal)
    sealed = _sealed_rows(since, head.audit_until, done, ports, seal)
    seen = dict[str, str | None]()
    for entry in ports.audit.entries(since):
        seen[entry.row_id] = entry.recording_id
        _compare(entry, sealed, done)
    _compare_by_recording(since, seen, sealed, done, ports)
    for row_id in sorted(sealed.rows.keys() - seen.keys()):
        done.report(row_id, RowProblem.REMOVED, str(sealed.rows[row_id].get("operation")))
    done.differences.sort()
    return done


@dataclass(frozen=True)
class SealedRows:
    """Rows as they were sealed.

    Attributes:
        rows: by their ids.
        withdrawn: the ids of rows that were withdrawn.
        pseudonyms: given to people by erasures whose journals storage still protects.
        until: up to when the trail had been read when they were sealed.
    """

    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    pseudonyms: frozenset[str] = frozenset()
    until: datetime | None = None

    def by_recording(self) -> dict[str, set[str]]:
        """Return the ids of the rows that name a recording, by its id."""
        about = dict[str, set[str]]()
        for row_id, row in self.rows.items():
            if row.get("recordingId"):
                about.setdefault(str(row["recordingId"]), set()).add(row_id)
        return about

    def are_final(self, at: datetime) -> bool:
        """Return whether no later checkpoint covers a row of this time."""
        return self.until is not None and at < self.until - OVERLAP

    def changes(self, entry: AuditEntry) -> str:
        """Return the fields in which a row of the trail differs from its sealed form, comma-separated; "" for none."""
        now, before = row_of(entry), self.rows.get(entry.row_id, {})
        if canonical(now) == canonical(before) or is_pseudonymised(now, before, self.pseudonyms):
            return ""
        return _changes(now, before)


def is_pseudonymised(now: Mapping[str, Any], before: Mapping[str, Any], pseudonyms: Container[str]) -> bool:
    """Return whether a row differs only in the person, whom an erasure has replaced by one of these pseudonyms."""
    if not pseudonyms or {*now} != {*before}:
        return False
    changed = {name: str(now[name]) for name in now if now[name] != before[name]}
    return all(
        WITHHELD in text if name in ("note", "part") else name == "caller" and text in pseudonyms
        for name, text in changed.items()
    )


def pseudonyms_in(ports: Ports) -> frozenset[str]:
    """Return the pseudonyms of people who were erased from the trail, and not yet from every journal."""
    if ports.keeping is None:
        return frozenset()
    found = [one for one in ports.keeping.erasures() if not isinstance(one, Unreadable) and one.approved_at]
    return frozenset(
        one.pseudonym for one in found if one.swept_at is None or any(kept.place == Place.SEAL for kept in one.kept)
    )


def _sealed_rows(since: datetime, until: datetime | None, done: Compared, ports: Ports, seal: SealPorts) -> SealedRows:
    """Return the sealed rows from a time on; count the withdrawn ones of any time."""
    found = SealedRows(pseudonyms=pseudonyms_in(ports), until=until)
    for line in _lines(done, seal):
        done.withdrawn += line.row is None
        if line.row_id is not None:
            found.withdrawn.add(line.row_id)
        if line.row is not None and datetime.fromisoformat(str(line.row.get("at"))) >= since:
            found.rows[str(line.row.get("id"))] = line.row
    return found


def _lines(done: Compared, seal: SealPorts) -> Iterator[Line]:
    for blob in seal.store.list(JOURNALS):
        stored = seal.store.get(blob.name)
        try:
            lines = read_journal(stored[0]) if stored else []
        except SealFormatError:
            done.report(blob.name, RowProblem.JOURNAL_UNREADABLE)
            continue
        yield from (line for line in lines if line.kind is Kind.AUDIT)


def _compare(entry: AuditEntry, sealed: SealedRows, done: Compared) -> None:
    row_id = entry.row_id
    if row_id in sealed.rows:
        changes = sealed.changes(entry)
        done.rows += not changes
        if changes:
            done.report(row_id, RowProblem.CHANGED, changes)
    elif not sealed.are_final(entry.at):
        done.newer += 1
    elif row_id not in sealed.withdrawn:
        done.report(row_id, RowProblem.NOT_SEALED, str(entry.operation))


def _compare_by_recording(
    since: datetime, by_day: Mapping[str, str | None], sealed: SealedRows, done: Compared, ports: Ports
) -> None:
    """Compare the second copy of each row, under its recording, with the copy by day and with its sealed form."""
    about = sealed.by_recording()
    for recording_id in sorted({one for one in by_day.values() if one} | about.keys()):
        seen = set[str]()
        for entry in ports.audit.entries_about(recording_id):
            row_id = entry.row_id
            seen.add(row_id)
            if entry.at < since:
                continue
            if row_id in sealed.rows and (changes := sealed.changes(entry)):
                done.report(row_id, RowProblem.CHANGED, f"{UNDER_RECORDING}: {changes}")
            elif row_id not in by_day and sealed.are_final(entry.at):
                done.report(row_id, RowProblem.NOT_SEALED, f"{UNDER_RECORDING} alone")
        for row_id in sorted(about.get(recording_id, set()) - seen):
            done.report(row_id, RowProblem.REMOVED, UNDER_RECORDING)


def _changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return the names of the fields that differ; their values may be personal, and are not printed."""
    return ", ".join(sorted(name for name in {*now, *before} if now.get(name) != before.get(name)))
