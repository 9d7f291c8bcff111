"""Gather the files and rows that no checkpoint covers yet, a bounded number in each turn."""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from recording.domain.archived.after import after_name, after_of, may_be_told
from recording.domain.archived.layout import JSON, metadata_name, receipt_name
from recording.domain.keep.destroy import folders_of
from recording.domain.seal.checkpoint import SealFormatError, read_checkpoint
from recording.domain.seal.leaves import (
    SALT_BYTES,
    Kind,
    Leaf,
    Line,
    Proved,
    checkpoint_name,
    is_written_once,
    kind_of,
    leaf_of,
    read_proofs,
    salt_for,
    salt_of_file,
    sealed_number,
)
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.records import stored_name
from recording.domain.state.stored import is_receipt_of, sha256_of
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.library.seal.log import Head
from recording.ports import AuditEntry, Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.seal import SealPorts, SealStore, ToSeal, Waiting
from recording.telemetry import Event, emit

MOST_ITEMS = 500  # of a turn: each takes about five requests, so the turn ends well inside its five minutes
MOST_ROWS = 2000  # new audit rows of a turn
MOST_FAILURES = 5  # each costs time-outs: after so many, storage is asked whether it answers at all
OVERLAP = timedelta(minutes=15)  # a row that another instance writes late, or with a slow clock, is still found
FIRST_LOOK = timedelta(days=400)  # how far back a new log reads the audit trail
MARK_CHARACTERS = 16
OFFLINE = "archive_tier"  # the reason in the log; `seal catch-up` examines the document again once it is brought back
_OF_CHUNKS = (Kind.RECEIPT, Kind.METADATA, Kind.AFTER)  # whether this app wrote them, the catalog knows


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
        done: items that were examined; they leave the list once the checkpoint is written.
        failed: items that could not be read; where the list is longer than a turn they go to its end.
        audit_until: up to when the audit trail has been read.
        recent: the marks of sealed rows near that time.
        is_all: whether the list and the audit trail have nothing more.
    """

    files: list[NewFile] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    done: list[ToSeal] = field(default_factory=list)
    failed: list[ToSeal] = field(default_factory=list)
    audit_until: datetime | None = None
    recent: tuple[str, ...] = ()
    is_all: bool = True

    def add(self, files: Iterable[NewFile]) -> None:
        """Add files to be sealed, each once: the same item may be on the list twice."""
        known = {(one.folder, one.name) for one in self.files}
        self.files += [one for one in files if (one.folder, one.name) not in known]


def gather(head: Head, ports: Ports, seal: SealPorts) -> Gathered:
    """Return what is to be sealed next.

    Raises:
        StorageError: the list or the audit trail cannot be read, or items failed and storage does not answer.
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
        except BlobLockedError as error:  # not an outage; the next turn could not read it either, so it leaves the list
            emit(Event.SEAL_FAILED, code=error.code, reason=OFFLINE, detail=item.what)
        except StorageError as error:
            emit(Event.SEAL_FAILED, code=error.code, reason="not_read", detail=item.what)
            found.failed.append(item)
            failures += error.code not in OF_ONE_ROW  # that is not an outage, and the others must be sealed
            if failures >= MOST_FAILURES:
                ports.catalog.time()
                failures = 0
            continue
        found.done.append(item)
    _read_audit(head, found, ports)
    return found


class LogLook:
    """Looks up checkpoints, each once: proofs of a checkpoint that the log lost in a failover prove nothing."""

    def __init__(self, store: SealStore) -> None:
        self._store = store
        self._seen: dict[int, bytes | None] = {}

    def has(self, raw: bytes) -> bool:
        """Return whether the log has this checkpoint, byte for byte."""
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
        chunks = ports.catalog.chunks_of(item.name)
        for folder in folders_of(ports.catalog.get_recording(item.name), chunks):
            ours = [one for one in chunks if one.task.folder == folder]
            found.add(_of_folder(folder, ours, item, ports, log))
    elif item.what is Waiting.FILE:
        folder, _, name = item.name.rpartition("/")
        beside = [blob.name for blob in ports.archive.list(f"{folder}/seal." if folder else "seal.")]
        stored = ports.archive.get(item.name)
        documents = [(name, Kind.DOCUMENT, stored[0])] if stored else []
        found.add(_fresh(folder, documents, list(_proofs(beside, ports, log)), item))
    else:
        row = {"certificate": item.name, **item.facts}
        line = Line(-1, Kind.WITHDRAWAL, b"", row)
        found.lines.append(Line(-1, line.kind, salt_for(item.secret, item.name, line.content), row))


def _of_folder(
    folder: str, chunks: Sequence[ChunkRecord], item: ToSeal, ports: Ports, log: LogLook
) -> Iterator[NewFile]:
    """Yield what is to be sealed of a recording's folder."""
    listed = [blob for blob in ports.archive.list(f"{folder}/") if blob.is_committed]
    names = [blob.name for blob in listed if not blob.is_offline]
    offline = {blob.name for blob in listed if blob.is_offline}
    if any(kind_of(name) or sealed_number(name) is not None for name in offline):
        emit(Event.SEAL_FAILED, code=Code.BLOB_LOCKED, reason=OFFLINE, recording_id=item.name)
    proofs = list(_proofs(names, ports, log))
    there = {name: stored[0] for name in names if kind_of(name) and (stored := ports.archive.get(name)) is not None}
    there = _as_written(there, offline, chunks, {f"{folder}/{one.name}" for one in proofs}, ports)
    documents = [(name.removeprefix(f"{folder}/"), kind, raw) for name, raw in there.items() if (kind := kind_of(name))]
    yield from _fresh(folder, documents, proofs, item)


def _as_written(
    there: dict[str, bytes],
    offline: Collection[str],
    chunks: Sequence[ChunkRecord],
    sealed: Collection[str],
    ports: Ports,
) -> dict[str, bytes]:
    """Return the documents without those that this app did not write, which no proof may vouch for.

    Beside each receipt, the document about its source (`.after.json`) is written once that is settled. When the receipt
    is in the archive tier, whether this app wrote the document beside it cannot be decided now.
    """
    ours, undecided = dict[str, bytes](), set[str]()
    for chunk in [one for one in chunks if one.blob_name]:
        media = stored_name(chunk)
        name, metadata, after = receipt_name(media), metadata_name(media), after_name(media)
        if metadata in there and chunk.metadata_sha256 in (None, sha256_of(there[metadata])):
            ours[metadata] = there[metadata]
        receipt = there.get(name)
        if name in offline:
            undecided.add(after)
        if receipt is None or not is_receipt_of(chunk, receipt):
            continue
        ours[name] = receipt
        if after in there and after in sealed:
            ours[after] = there[after]
        elif is_archived(chunk) and may_be_told(chunk):
            document = after_of(chunk, receipt)
            if there.get(after) == document or _write_after(after, document, ports):
                ours[after] = document
    strange = [name for name in there if kind_of(name) in _OF_CHUNKS and name not in ours and name not in sealed]
    for name in strange:
        if name not in undecided:
            emit(Event.SEAL_FAILED, reason="not_ours", blob_name=name)
    return {name: raw for name, raw in {**there, **ours}.items() if name not in strange}


def _write_after(name: str, document: bytes, ports: Ports) -> bool:
    """Write the document, in place of another writer's where storage allows that; return whether it is stored."""
    if ports.archive.put_once(name, document, JSON):
        return True
    try:
        stored = ports.archive.get(name)
        return stored is not None and (
            stored[0] == document or ports.archive.put_if_unchanged(name, document, JSON, stored[1])
        )
    except BlobLockedError:
        return False


def _fresh(
    folder: str, documents: Iterable[tuple[str, Kind, bytes]], proofs: Sequence[Proved], item: ToSeal
) -> Iterator[NewFile]:
    """Yield the documents whose present content is not covered by a proof beside them."""
    for name, kind, content in documents:
        blob = f"{folder}/{name}" if folder else name
        if _is_altered(name, kind, blob, content, proofs):
            emit(Event.SEAL_FAILED, reason="altered", blob_name=blob)  # its proof stays, so `seal verify` reports it
        elif not _is_sealed(name, blob, content, proofs):
            salt = salt_of_file(item.secret, blob, content)
            yield NewFile(folder, name, salt, leaf_of(kind, salt, content))


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


def _is_altered(name: str, kind: Kind, blob: str, content: bytes, proofs: Sequence[Proved]) -> bool:
    """Return whether a document that is written only once was sealed in this place with other content."""
    if not is_written_once(name, kind):
        return False
    return any(one.name == name and one.blob_name == blob and not one.matches(content) for one in proofs)


def _is_sealed(name: str, blob: str, content: bytes, proofs: Sequence[Proved]) -> bool:
    """Return whether the newest proof of this file covers its present content in this place."""
    about = [proof for proof in proofs if proof.name == name]
    newest = max(about, key=lambda proof: proof.leaf, default=None)
    return newest is not None and newest.blob_name == blob and newest.matches(content)


# --- the audit trail -------------------------------------------------------------------------------------------------


def _read_audit(head: Head, found: Gathered, ports: Ports) -> None:
    """Add the rows of the audit trail that are not sealed yet, and note how far it has been read."""
    now = ports.clock.now()
    until = head.audit_until or now - FIRST_LOOK
    until = now if until > now + OVERLAP else until  # an instance whose clock was wrong wrote a time in the future
    known, seen, fresh, is_end = head.recent, dict[str, datetime](), 0, True
    for entry in ports.audit.entries(until - OVERLAP):
        mark = mark_of(entry)
        if mark not in known:
            if fresh == MOST_ROWS:
                is_end = False
                break
            fresh += 1
            found.lines.append(Line(-1, Kind.AUDIT, secrets.token_bytes(SALT_BYTES), row_of(entry)))
        seen[mark] = entry.at
    found.audit_until = max(until, now if is_end else max(seen.values()))  # never back: no marks are kept of older rows
    found.is_all = found.is_all and is_end
    near = {mark for mark, at in seen.items() if at >= found.audit_until - OVERLAP}
    found.recent = tuple(sorted(near if is_end else near | (known - seen.keys())))  # rows not read this time are sealed


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
