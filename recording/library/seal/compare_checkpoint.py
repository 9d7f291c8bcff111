"""Compare each checkpoint with the one before it, with its leaves and rows, and with the audit trail of its time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from recording.domain.keep.traces import WITHHELD
from recording.domain.seal.checkpoint import SealFormatError, key_id_of
from recording.domain.seal.leaves import (
    OF_ROWS,
    Kind,
    Line,
    checkpoint_name,
    journal_name,
    key_name,
    leaf_of,
    read_journal,
    withdrawn_by,
)
from recording.domain.seal.merkle import Tree
from recording.domain.seal.signature import is_signed, key_of_pem
from recording.domain.times import EARLIEST
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.library.seal.compare_audit import UNDER_RECORDING, RowProblem, SealedRows, pseudonyms_in
from recording.library.seal.gather import FIRST_LOOK, OVERLAP, mark_of
from recording.library.seal.log import Head, head_at
from recording.library.seal.verdict import ProblemKind
from recording.ports import AuditEntry, Ports
from recording.ports.library.seal import SealPorts

_STRAGGLERS = 2 * OVERLAP  # how long the walk remembers rows that it has read


@dataclass(frozen=True)
class Difference:
    """A row, by its id, or a file of the log that is not as it was sealed."""

    name: str
    problem: str
    detail: str = ""


class Walk:
    """A walk along the log from a checkpoint on, which reads the audit trail beside it.

    Attributes:
        rows: how many rows of the trail are as they were sealed.
        owed: leaves whose rows were withdrawn from the journals: each needs a sealed statement.
        stated: leaves that sealed statements declare void.
    """

    def __init__(self, first: int, ports: Ports, seal: SealPorts) -> None:
        self.rows = 0
        self.owed, self.stated = set[int](), set[int]()
        self._ports, self._seal = ports, seal
        self._found: list[Difference] = []
        self._last = self._before(first)
        self._keys: dict[bytes, bytes | None] = {}
        self._trail: Iterator[AuditEntry] | None = None
        self._known = frozenset[str]()  # the marks of rows that were sealed before the walk began
        self._ahead: AuditEntry | None = None  # read already, and too late for the present checkpoint
        self._unmatched: dict[str, AuditEntry] = {}  # rows of the trail whose leaf has not been met yet
        self._read: dict[str, datetime] = {}  # all rows that were read, while others of their time may follow
        self._withdrawn: dict[int, str | None] = {}
        self._unnamed = 0  # withdrawn rows whose ids an earlier version did not keep

    def look_at(self, number: int) -> list[Difference]:
        """Return the differences of a checkpoint, of its rows, and of the trail up to its time.

        Raises:
            StorageError: storage does not answer.
        """
        try:
            head = head_at(number, self._seal)
        except StorageError as error:
            if error.code is not Code.SEAL_ALTERED:
                raise
            self._last = None
            self._report(checkpoint_name(number), ProblemKind.CHECKPOINT_ALTERED, "it, or its list of leaves")
            return self._take_found()
        self._check_checkpoint(head)
        self._compare_trail(head, self._check_journal(head))
        self._last = head
        return self._take_found()

    def _report(self, name: str, problem: str, detail: str = "") -> None:
        self._found.append(Difference(name, problem, detail))

    def _take_found(self) -> list[Difference]:
        found, self._found = self._found, []
        return found

    def _before(self, first: int) -> Head | None:
        try:
            return head_at(first - 1, self._seal) if first else Head()
        except StorageError as error:
            if error.code is not Code.SEAL_ALTERED:
                raise
            return None  # an earlier turn has reported it

    # --- the log -----------------------------------------------------------------------------------------------------

    def _check_checkpoint(self, head: Head) -> None:
        """Report a wrong key or signature, and whatever does not continue the checkpoint before."""
        signed, batch, last = head.signed, head.batch, self._last
        if signed is None or batch is None:
            return
        name = checkpoint_name(head.number)
        key = self._key_of(signed.key_id)
        if key is None:
            self._report(key_name(signed.key_id), ProblemKind.KEY_ALTERED)
        elif not is_signed(key, signed.signature, signed.checkpoint.text):
            self._report(name, ProblemKind.SIGNATURE_WRONG)
        if last is None:
            return
        before, begun = last.tree.settled(), Tree(batch.first, batch.frontier)
        if signed.checkpoint.previous != (last.signed.digest if last.signed else None):
            self._report(name, ProblemKind.CHECKPOINT_OUT_OF_ORDER, "it was made after another one")
        elif last.at is not None and signed.checkpoint.at < last.at:
            self._report(name, ProblemKind.CHECKPOINT_OUT_OF_ORDER, "it is earlier than the one before")
        if (before.first, before.frontier) != (begun.first, begun.frontier):
            self._report(name, ProblemKind.LEAVES_ALTERED, "they do not go on from those before")

    def _key_of(self, key_id: bytes) -> bytes | None:
        """Return the stored public key of this id; None when it is missing, or is not the key of this id."""
        if key_id not in self._keys:
            found = self._seal.store.get(key_name(key_id))
            try:
                key = key_of_pem(found[0] if found else b"")
            except ValueError:
                key = b""
            self._keys[key_id] = key if key and key_id_of(key) == key_id else None
        return self._keys[key_id]

    def _check_journal(self, head: Head) -> list[Line]:
        """Check each row against its leaf; return the rows that are as they were sealed, and the withdrawn ones."""
        batch, lines = head.batch, list[Line]()
        if batch is None:
            return lines
        expected = {at: leaf for at, leaf in enumerate(batch.leaves, start=batch.first) if leaf.kind in OF_ROWS}
        name = journal_name(batch.number, batch.journal or "")
        stored = self._seal.store.get(name) if batch.journal else None
        try:
            found = read_journal(stored[0]) if stored else []
        except SealFormatError:
            self._report(name, RowProblem.JOURNAL_UNREADABLE)
            found = []
        for line in found:
            leaf = expected.pop(line.leaf, None)
            if leaf is None or (line.row is not None and leaf_of(line.kind, line.salt, line.content) != leaf):
                self._report(name, ProblemKind.ROW_ALTERED, f"leaf {line.leaf}")
                continue
            lines.append(line)
            if line.row is None:
                self.owed.add(line.leaf)
                self._withdrawn[line.leaf] = line.row_id
                self._unnamed += line.row_id is None and line.kind is Kind.AUDIT
            elif line.kind is Kind.WITHDRAWAL:
                self._take_statement(line, name)
        if expected:
            self._report(name, ProblemKind.ROW_MISSING, f"leaves {', '.join(map(str, sorted(expected)[:10]))}")
        return lines

    def _take_statement(self, line: Line, name: str) -> None:
        for leaf, row_id in withdrawn_by(line).items():
            self.stated.add(leaf)
            if leaf in self._withdrawn and self._withdrawn[leaf] != row_id:
                self._report(name, ProblemKind.ROW_ALTERED, f"leaf {leaf} stood for another row")

    # --- the trail ---------------------------------------------------------------------------------------------------

    def _compare_trail(self, head: Head, lines: Sequence[Line]) -> None:
        """Compare the rows of a checkpoint with the trail, in both places where a row is stored."""
        rows = {str(line.row.get("id")): line.row for line in lines if line.row and line.kind is Kind.AUDIT}
        withdrawn = {line.row_id for line in lines if line.row_id}
        until = head.audit_until
        sealed = SealedRows(rows, withdrawn, self._pseudonyms, until)
        since, times = self._begin_of(head), [_time_of(row) for row in rows.values()]
        self._read_up_to(min([since, *times]), max([*([until] if until else []), *times], default=None))
        for row_id in [*rows, *sorted(withdrawn)]:
            self._compare_row(row_id, sealed)
        self._compare_copies(sealed, since)
        self._report_unsealed(sealed, since)

    @cached_property
    def _pseudonyms(self) -> frozenset[str]:
        return pseudonyms_in(self._ports)

    def _begin_of(self, head: Head) -> datetime:
        """Return from when on this checkpoint must cover all rows; earlier ones are unknown behind a gap in the log."""
        last = self._last
        if last is None:
            return head.audit_until or EARLIEST
        if last.audit_until is not None:
            return last.audit_until - OVERLAP
        return (head.at or EARLIEST + FIRST_LOOK) - FIRST_LOOK

    def _read_up_to(self, since: datetime, until: datetime | None) -> None:
        """Read on in the trail up to a time, without the rows that were sealed before the walk began."""
        if self._trail is None:
            self._trail = self._ports.audit.entries(since)
            self._known = self._last.recent if self._last else frozenset()
        while until is not None:
            entry = self._ahead or next(self._trail, None)
            self._ahead = entry
            if entry is None or entry.at > until:
                return
            self._ahead, row_id = None, entry.row_id
            self._read[row_id] = entry.at
            if mark_of(entry) not in self._known:
                self._unmatched[row_id] = entry

    def _compare_row(self, row_id: str, sealed: SealedRows) -> None:
        entry = self._unmatched.pop(row_id, None)
        if entry is None:
            if row_id not in self._read:
                operation = sealed.rows.get(row_id, {}).get("operation")
                self._report(row_id, RowProblem.REMOVED, str(operation) if operation else "an erased person's")
            return
        changes = sealed.changes(entry) if row_id in sealed.rows else ""
        self.rows += not changes
        if changes:
            self._report(row_id, RowProblem.CHANGED, changes)

    def _compare_copies(self, sealed: SealedRows, since: datetime) -> None:
        """Compare the second copy of each row, under the recording that it names."""
        for recording_id, expected in sorted(sealed.by_recording().items()):
            for entry in self._ports.audit.entries_about(recording_id):
                row_id = entry.row_id
                if row_id in expected and (changes := sealed.changes(entry)):
                    self._report(row_id, RowProblem.CHANGED, f"{UNDER_RECORDING}: {changes}")
                elif since <= entry.at and sealed.are_final(entry.at) and row_id not in self._read:
                    self._report(row_id, RowProblem.NOT_SEALED, f"{UNDER_RECORDING} alone")
                expected.discard(row_id)
            for row_id in sorted(expected):
                self._report(row_id, RowProblem.REMOVED, UNDER_RECORDING)

    def _report_unsealed(self, sealed: SealedRows, since: datetime) -> None:
        """Report the rows that no later checkpoint will cover, and forget those that are long past."""
        for row_id, entry in list(self._unmatched.items()):
            if sealed.are_final(entry.at):
                del self._unmatched[row_id]
                if self._unnamed and _is_of_the_erased(entry):
                    self._unnamed -= 1
                elif entry.at >= since:
                    self._report(row_id, RowProblem.NOT_SEALED, str(entry.operation))
        past = (sealed.until or EARLIEST + _STRAGGLERS) - _STRAGGLERS
        self._read = {row_id: at for row_id, at in self._read.items() if at >= past}


def _is_of_the_erased(entry: AuditEntry) -> bool:
    return (entry.caller or "").startswith("erased-") or any(
        WITHHELD in (text or "") for text in (entry.note, entry.part)
    )


def _time_of(row: Mapping[str, object]) -> datetime:
    return datetime.fromisoformat(str(row.get("at")))
