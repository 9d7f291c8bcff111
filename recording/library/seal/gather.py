"""Gather: the files and rows that no checkpoint covers yet, a bounded number a turn."""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from recording.domain.archived.after import after_name, after_of
from recording.domain.archived.layout import receipt_name
from recording.domain.seal.checkpoint import SealFormatError, read_checkpoint
from recording.domain.seal.leaves import (
    SALT_BYTES,
    Kind,
    Leaf,
    Line,
    Proved,
    checkpoint_name,
    kind_of,
    leaf_of,
    read_proofs,
    salt_for,
    salt_of_file,
    sealed_number,
)
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, StorageError
from recording.errors.codes import Code
from recording.library.seal.log import Head
from recording.ports import AuditEntry, Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.seal import SealPorts, SealStore, ToSeal, Waiting
from recording.telemetry import Event, emit

MOST_ITEMS = 500  # of a turn: each is some five requests, so the turn ends well inside its five minutes
MOST_ROWS = 2000
MOST_FAILURES = 5  # then storage fails, and not the items
OVERLAP = timedelta(minutes=15)  # a row that another instance writes late, or with a slower clock, is still found
FIRST_LOOK = timedelta(days=400)  # how far back the audit trail is read by a log that begins
MARK_CHARACTERS = 16
OFFLINE = "archive_tier"  # `seal catch-up` looks again, once it is brought back


@dataclass(frozen=True)
class NewFile:
    """A file to be sealed: its place and the leaf of its content."""

    folder: str
    name: str
    salt: bytes
    leaf: Leaf


@dataclass
class Gathered:
    """What a turn found.

    Attributes:
        files: to be sealed, each once.
        lines: rows to be sealed; their leaf numbers are not set yet.
        done: items that were examined, and may leave the list when the checkpoint is there.
        audit_until: up to when the audit trail is read now.
        recent: the marks of sealed rows near that time.
        is_all: whether nothing is left that waits.
    """

    files: list[NewFile] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    done: list[ToSeal] = field(default_factory=list)
    audit_until: datetime | None = None
    recent: tuple[str, ...] = ()
    is_all: bool = True


def gather(head: Head, ports: Ports, seal: SealPorts) -> Gathered:
    """Return what is to be sealed next.

    Raises:
        StorageError: the list or the audit trail cannot be read, or many items in a row failed.
    """
    found = Gathered()
    waiting = seal.waiting.first(MOST_ITEMS)
    found.is_all = len(waiting) < MOST_ITEMS
    failures, log = 0, LogLook(seal.store)
    for item in waiting:
        try:
            _examine(item, found, ports, log)
        except ODD_CONTENT as error:
            emit(Event.SEAL_FAILED, reason=type(error).__name__, detail=item.what)
        except BlobLockedError as error:  # no outage, and no next turn could read it: it leaves the list
            emit(Event.SEAL_FAILED, code=error.code, reason=OFFLINE, detail=item.what)
        except StorageError as error:
            emit(Event.SEAL_FAILED, code=error.code, reason="not_read", detail=item.what)
            failures += 1
            if failures >= MOST_FAILURES:
                raise
            continue
        found.done.append(item)
    _read_audit(head, found, ports)
    return found


class LogLook:
    """Looks up checkpoints, each once: proofs of one that the log has not, after a failover, prove nothing."""

    def __init__(self, store: SealStore) -> None:
        self._store = store
        self._seen: dict[int, bytes | None] = {}

    def has(self, raw: bytes) -> bool:
        """Return whether a checkpoint is, byte for byte, the log's."""
        try:
            number = read_checkpoint(raw).checkpoint.number
        except SealFormatError:
            return False
        if number not in self._seen:
            found = self._store.get(checkpoint_name(number))
            self._seen[number] = found[0] if found else None
        return self._seen[number] == raw


def _examine(item: ToSeal, found: Gathered, ports: Ports, log: LogLook) -> None:
    if item.what is Waiting.RECORDING:
        _tell_what_came_after(item.name, ports)
        for folder in _folders(item.name, ports):
            _examine_folder(folder, item, found, ports, log)
    elif item.what is Waiting.FILE:
        folder, _, name = item.name.rpartition("/")
        beside = [blob.name for blob in ports.archive.list(f"{folder}/seal." if folder else "seal.")]
        documents = [(name, Kind.DOCUMENT)]
        found.files += _fresh(folder, documents, list(_proofs(beside, ports, log)), item, ports)
    else:
        row = {"certificate": item.name, **item.facts}
        line = Line(-1, Kind.WITHDRAWAL, b"", row)
        found.lines.append(Line(-1, line.kind, salt_for(item.secret, item.name, line.content), row))


def _tell_what_came_after(recording_id: str, ports: Ports) -> None:
    """Write beside each receipt what became of the source, once that is settled."""
    for chunk in ports.catalog.chunks_of(recording_id):
        if chunk.source is None or not chunk.blob_name or not is_archived(chunk):
            continue
        name = after_name(chunk.blob_name)
        if ports.archive.look_up(name) is None:
            with suppress(BlobLockedError):  # the receipt is in the archive tier, and the folder reports it
                receipt = ports.archive.get(receipt_name(chunk.blob_name))
                if receipt is not None:
                    ports.archive.put_once(name, after_of(chunk, receipt[0]), "application/json")


def _folders(recording_id: str, ports: Ports) -> list[str]:
    folders = {chunk.task.folder for chunk in ports.catalog.chunks_of(recording_id)}
    record = ports.catalog.get_recording(recording_id)
    return sorted(folders | ({record.folder} if record and record.folder else set()))


def _examine_folder(folder: str, item: ToSeal, found: Gathered, ports: Ports, log: LogLook) -> None:
    listed = [blob for blob in ports.archive.list(f"{folder}/") if blob.is_committed]
    names = [blob.name for blob in listed if not blob.is_offline]
    if any(blob.is_offline and (kind_of(blob.name) or sealed_number(blob.name) is not None) for blob in listed):
        emit(Event.SEAL_FAILED, code=Code.BLOB_LOCKED, reason=OFFLINE, recording_id=item.name)
    documents = [(name.removeprefix(f"{folder}/"), kind) for name in names if (kind := kind_of(name))]
    known = {one.name for one in found.files if one.folder == folder}  # the same recording may wait twice
    fresh = _fresh(folder, documents, list(_proofs(names, ports, log)), item, ports)
    found.files += [one for one in fresh if one.name not in known]


def _fresh(
    folder: str, documents: Sequence[tuple[str, Kind]], proofs: Sequence[Proved], item: ToSeal, ports: Ports
) -> Iterator[NewFile]:
    """Yield the documents whose present content no proof beside them covers."""
    for name, kind in documents:
        blob = f"{folder}/{name}" if folder else name
        stored = ports.archive.get(blob)
        if stored is not None and not _is_sealed(name, blob, stored[0], proofs):
            salt = salt_of_file(item.secret, blob, stored[0])
            yield NewFile(folder, name, salt, leaf_of(kind, salt, stored[0]))


def _proofs(names: Sequence[str], ports: Ports, log: LogLook) -> Iterator[Proved]:
    for name in names:
        if sealed_number(name) is None:
            continue
        stored = ports.archive.get(name)
        try:
            checkpoint, proofs = read_proofs(stored[0]) if stored else (b"", [])
        except SealFormatError:  # `seal verify` reports it; here the files count as not sealed
            continue
        if proofs and log.has(checkpoint):
            yield from proofs


def _is_sealed(name: str, blob: str, content: bytes, proofs: Sequence[Proved]) -> bool:
    """Return whether the newest proof about this file is about its present content in this place."""
    about = [proof for proof in proofs if proof.name == name]
    newest = max(about, key=lambda proof: proof.leaf, default=None)
    return newest is not None and newest.blob_name == blob and newest.matches(content)


# --- the audit trail -------------------------------------------------------------------------------------------------


def _read_audit(head: Head, found: Gathered, ports: Ports) -> None:
    now = ports.clock.now()
    until = head.audit_until or now - FIRST_LOOK
    known, seen = head.recent, dict[str, datetime]()
    unread = (entry for entry in ports.audit.entries(until - OVERLAP))
    for entry in islice(unread, MOST_ROWS):
        mark = mark_of(entry)
        seen[mark] = entry.at
        if mark not in known:
            found.lines.append(Line(-1, Kind.AUDIT, secrets.token_bytes(SALT_BYTES), row_of(entry)))
    is_end = len(seen) < MOST_ROWS
    found.audit_until = now if is_end else max(seen.values())
    found.is_all = found.is_all and is_end
    found.recent = tuple(sorted(mark for mark, at in seen.items() if at >= found.audit_until - OVERLAP))


def mark_of(entry: AuditEntry) -> str:
    """Return a short name for a row of the audit trail."""
    said = entry.id or repr(sorted(row_of(entry).items()))
    return hashlib.sha256(said.encode()).hexdigest()[:MARK_CHARACTERS]


def row_of(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry of the audit trail as it is sealed."""
    row = {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "operation": str(entry.operation),
        "recordingId": entry.recording_id,
        "caller": entry.caller,
        "outcome": str(entry.outcome),
        "note": entry.note,
        "part": entry.part,
    }
    return {name: value for name, value in row.items() if value is not None}
