"""Drift: compare the whole archive with the catalog on demand; each recording fails on its own.

The comparison changes nothing. The report is JSON for machines and text for people. Media that could not be read is
listed as unread, with the reason; it is neither a difference nor verified.
"""

import json
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby

from recording.domain.archived import layout
from recording.domain.archived.drift import (
    BlobFacts,
    Drift,
    DriftKind,
    Sampled,
    compare,
    drift_of,
    is_digest_of,
    is_disposed,
    is_indexed_elsewhere,
    is_sampled,
    vouches_for_media,
)
from recording.domain.archived.integrity import Digest, Hasher
from recording.domain.counted import counted
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.records import stored_name
from recording.errors import (
    BlobLockedError,
    RecordingError,
    SourceError,
    SourceGoneError,
    StorageError,
    UnsafeLocationError,
)
from recording.errors.codes import Code
from recording.ports import Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT, Bulkhead
from recording.settings import Settings

ARCHIVE_TIER = "archive tier"
CATALOG, ARCHIVE = "the catalog", "the archive"  # of which a listing broke off
LISTINGS = (CATALOG, ARCHIVE)
FAILURES = (RecordingError, *ODD_CONTENT)


@dataclass(frozen=True)
class Unread:
    """Media that could not be read now, and the reason: `archive tier`, or the code of an error."""

    name: str
    reason: str
    recording_id: str | None = None


@dataclass(frozen=True)
class DriftReport:
    """What was compared, every difference, and what could not be read."""

    at: datetime
    recordings: int = 0
    chunks: int = 0
    sampled: int = 0
    complete: bool = True  # False: time ran out, or a listing broke off, before everything was compared
    drifts: tuple[Drift, ...] = field(default=())
    unread: tuple[Unread, ...] = field(default=())

    @property
    def failed(self) -> bool:
        """Return whether something could not be read that should be readable."""
        return any(unread.reason != ARCHIVE_TIER for unread in self.unread)

    def as_json(self) -> str:
        """Return the report for machines; names are stable."""
        facts = {
            "schema": 1,
            "at": self.at.isoformat(),
            "recordings": self.recordings,
            "chunks": self.chunks,
            "sampled": self.sampled,
            "complete": self.complete,
            "counts": dict(sorted(Counter(drift.kind.value for drift in self.drifts).items())),
            "drift": [
                {name: value for name, value in asdict(drift).items() if value is not None} for drift in self.drifts
            ],
            "unread": [asdict(unread) for unread in self.unread],
        }
        return json.dumps(facts, indent=2) + "\n"

    def as_text(self) -> str:
        """Return the report for people: a line for each difference, and a summary."""
        lines = [f"{drift.kind.value:<17} {drift.blob_name}" for drift in self.drifts]
        lines += [f"{'not read':<17} {unread.name}: {unread.reason}" for unread in self.unread]
        chunks = f"{counted(self.chunks, 'chunk')}, {self.sampled} of them read whole"
        looked = f"{counted(self.recordings, 'recording')}, {chunks}"
        found = counted(len(self.drifts), "difference") if self.drifts else "no difference"
        return "\n".join([*lines, f"{found} in {looked}{self.rest_in_words}"]) + "\n"

    @property
    def rest_in_words(self) -> str:
        """Return why not everything was compared; empty when it was."""
        if self.complete:
            return ""
        return " (a listing broke off)" if any(one.name in LISTINGS for one in self.unread) else " (time ran out)"


def look_for_drift(
    ports: Ports, settings: Settings, *, sample_percent: float = 1.0, since: datetime | None = None, seed: str = ""
) -> DriftReport:
    """Compare the whole archive with the whole catalog, and read a share of the media completely.

    Args:
        ports: catalog, archive and the customer's own storage are read; nothing is written.
        settings: for the names of blobs.
        sample_percent: how much of the media to read and hash, by chunk.
        since: chunks of older events are not compared; blobs of known recordings never count as strangers.
        seed: selects the share; the same seed selects the same one.

    Raises:
        StorageError: when the catalog does not answer, or not a single recording could be compared.
    """
    bulkhead, findings, folders = Bulkhead(), Findings(ports), set[str]()
    rows = _Rows(ports)
    for found in _by_recording(rows.readable()):
        chunks = found if rows.error is None else _all_of_it(found, ports)  # it broke off within this recording
        folders |= _folders_of(chunks)
        if chunks and (since is None or any(chunk.task.event_time >= since for chunk in chunks)):
            sample = [chunk for chunk in chunks if is_sampled(chunk, sample_percent, seed)]
            findings.try_to_add(chunks, partial(look_at, chunks, ports, settings, sample, rows.unreadable), bulkhead)
    failed = rows.error or bulkhead.outage
    if failed and (bulkhead.is_blind or not findings.recordings):
        raise failed
    for row in rows.unreadable:
        bulkhead.report("all_chunks", row.where, row.code)
        findings.unread.append(Unread(row.where, row.code))
    if rows.error is not None:
        findings.broke_off(CATALOG, rows.error)
    else:
        _add_strangers(findings, folders, rows.unreadable, ports)
    return findings.report()


def _all_of_it(found: list[ChunkRecord], ports: Ports) -> list[ChunkRecord]:
    """Return all chunks of the recording of which some were listed; none where the catalog does not answer for it."""
    try:
        return rows_of_recording(found[0].task.recording_id, ports)[0]
    except StorageError:
        return []


@dataclass
class _Rows:
    """The catalog's rows: those that cannot be read are kept, and so is what ends the listing early."""

    ports: Ports
    unreadable: list[Unreadable] = field(default_factory=list)
    error: StorageError | None = None

    def readable(self) -> Iterator[ChunkRecord]:
        """Yield the chunks, as far as they can be listed."""
        try:
            for row in self.ports.catalog.all_chunks():
                if isinstance(row, Unreadable):
                    self.unreadable.append(row)
                else:
                    yield row
        except StorageError as error:
            self.error = error


def _add_strangers(findings: "Findings", folders: set[str], unreadable: Sequence[Unreadable], ports: Ports) -> None:
    """Add the blobs outside of every folder; none as long as a listing cannot say which folders there are."""
    try:
        strangers = _outside(folders, unreadable, ports)
    except StorageError as error:
        findings.broke_off(ARCHIVE, error)
        return
    if strangers:
        rows = _Rows(ports)  # there may be more by now
        known_now = {folder for chunks in _by_recording(rows.readable()) for folder in _folders_of(chunks)}
        if rows.error is not None:
            findings.broke_off(CATALOG, rows.error)
            return
        findings.drifts += [drift for drift in strangers if _folder_of(drift.blob_name) not in known_now]


def compare_recording(
    recording_id: str, ports: Ports, settings: Settings, read: Container[ChunkKey] | None = None
) -> DriftReport:
    """Compare one recording and read its media completely; an empty report when the catalog does not have it.

    Args:
        recording_id: which one.
        ports: catalog, archive and the customer's own storage are read.
        settings: for the names of blobs.
        read: of which chunks to read the media; None: of all.

    Raises:
        StorageError: when catalog or archive do not answer.
    """
    findings = Findings(ports)
    chunks, unreadable = rows_of_recording(recording_id, ports)
    if chunks:
        wanted = [chunk for chunk in chunks if read is None or chunk.key in read]
        findings.add(look_at(chunks, ports, settings, wanted, unreadable))
    findings.unread += [Unread(row.where, row.code, recording_id) for row in unreadable]
    return findings.report()


def rows_of_recording(recording_id: str, ports: Ports) -> tuple[list[ChunkRecord], list[Unreadable]]:
    """Return the chunks of a recording, and the rows that cannot be read.

    Raises:
        StorageError: when the catalog does not answer.
    """
    rows = ports.catalog.chunk_rows_of(recording_id)
    unreadable = [row for row in rows if isinstance(row, Unreadable)]
    return [row for row in rows if isinstance(row, ChunkRecord)], unreadable


@dataclass
class Looked:
    """The result of comparing one recording.

    Attributes:
        read: the chunks whose media was read completely, whatever the result.
        sampled: how many of them yielded a digest.
        bytes_read: by access tier; the customer's own storage counts as `external`.
        requests: to storage, counting those made here; a read of media counts as one.
        offline: names of media in the archive tier.
        absent: names of media that the archive does not have.
    """

    recording_id: str
    chunks: int = 0
    sampled: int = 0
    read: list[ChunkRecord] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    bytes_read: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    offline: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    @property
    def failed(self) -> bool:
        """Return whether media differs, or could not be read that should be readable."""
        return bool(self.drifts) or any(unread.reason != ARCHIVE_TIER for unread in self.unread)


class Findings:
    """The comparison so far."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.recordings = self.chunks = self.sampled = self.requests = 0
        self.complete = True
        self.drifts: list[Drift] = []
        self.unread: list[Unread] = []
        self.bytes_read: Counter[str] = Counter()

    def broke_off(self, listing: str, error: StorageError) -> None:
        """Record that a listing ended early: not everything is compared."""
        self.complete = False
        self.unread.append(Unread(listing, error.code))

    def try_to_add(self, chunks: Sequence[ChunkRecord], look: Callable[[], Looked], bulkhead: Bulkhead) -> None:
        """Compare one recording on its own; a failure marks it as unread and affects no other."""
        try:
            self.add(look())
        except FAILURES as error:
            self.add_failure(chunks[0].task.recording_id, error, bulkhead)

    def add_failure(self, recording_id: str, error: Exception, bulkhead: Bulkhead) -> None:
        """Record a recording that could not be compared."""
        bulkhead.failed("drift", recording_id, error)
        code = error.code if isinstance(error, RecordingError) else Code.UNREADABLE_RECORD
        self.unread.append(Unread(recording_id, code, recording_id))

    def add(self, looked: Looked) -> None:
        """Add the result of one recording."""
        self.recordings += 1
        self.chunks += looked.chunks
        self.sampled += looked.sampled
        self.requests += looked.requests
        self.drifts += looked.drifts
        self.unread += looked.unread
        self.bytes_read += looked.bytes_read

    def report(self) -> DriftReport:
        """Return the report of the comparison."""
        drifts = tuple(sorted(self.drifts, key=lambda drift: (drift.blob_name, drift.kind)))
        at = self._ports.clock.now()
        return DriftReport(at, self.recordings, self.chunks, self.sampled, self.complete, drifts, tuple(self.unread))


def look_at(
    chunks: Sequence[ChunkRecord],
    ports: Ports,
    settings: Settings,
    wanted: Sequence[ChunkRecord],
    unreadable: Sequence[Unreadable] = (),
) -> Looked:
    """Compare one recording, and read the media of the wanted chunks completely.

    Args:
        chunks: all of the recording.
        ports: archive and the customer's own storage are read.
        settings: for the names of blobs, and for how long the archive keeps them.
        wanted: whose media to read.
        unreadable: rows that cannot be read; the files of their chunks are no strangers.

    Raises:
        StorageError: when the archive does not list its blobs; media that cannot be read counts as unread.
    """
    looked = Looked(chunks[0].task.recording_id, len(chunks))
    listed = [blob for folder in sorted(_folders_of(chunks)) for blob in ports.archive.list(f"{folder}/")]
    looked.requests += len(_folders_of(chunks))
    listed = [blob for blob in listed if not _is_of_any(blob.name, unreadable)]
    there = {blob.name: blob for blob in listed if blob.is_committed}
    ours = [chunk for chunk in wanted if vouches_for_media(chunk)]
    sampled = {
        stored_name(chunk): sample for chunk in ours if (sample := _read(chunk, there, ports, looked)) is not None
    }
    disposed = {chunk.key for chunk in chunks if is_disposed(chunk)}
    looked.drifts += compare(chunks, listed, settings.archive_path_template, sampled, disposed)
    for chunk in wanted:
        if is_indexed_elsewhere(chunk) and chunk.disposed_at is None:
            looked.drifts += _compare_external(chunk, ports, looked)
    return looked


def _is_of_any(name: str, rows: Sequence[Unreadable]) -> bool:
    """Return whether a blob is of a chunk whose row cannot be read: the row's key ends with the document's name."""
    documents = (row.where.rpartition("/")[2].partition("-")[2] for row in rows)
    return any(document and document in name.rpartition("/")[2] for document in documents)


def _read(chunk: ChunkRecord, there: Mapping[str, BlobFacts], ports: Ports, looked: Looked) -> Sampled | None:
    """Read a chunk's media and receipt; None, and recorded as unread, when that is impossible now."""
    name = stored_name(chunk)
    blob = there.get(name)
    if blob is not None and blob.is_offline:
        looked.offline.add(name)
        looked.unread.append(Unread(name, ARCHIVE_TIER, looked.recording_id))
        return None
    try:
        looked.requests += 2
        receipt, is_receipt_read = _receipt(layout.receipt_name(name), ports, looked)
        digest = _digest(chunk, ports.archive.read(name)) if blob is not None else None
    except StorageError as error:
        looked.unread.append(Unread(name, error.code, looked.recording_id))
        return None
    if blob is None:
        looked.absent.add(name)
    looked.bytes_read[(blob.tier if blob else None) or "unknown"] += digest.length_bytes if digest else 0
    looked.sampled += digest is not None
    looked.read.append(chunk)
    return Sampled(digest, receipt, is_receipt_read)


def _receipt(name: str, ports: Ports, looked: Looked) -> tuple[bytes | None, bool]:
    """Return a receipt, and whether it could be read; the media is read even if it is in the archive tier."""
    try:
        stored = ports.archive.get(name)
    except BlobLockedError:
        looked.unread.append(Unread(name, ARCHIVE_TIER, looked.recording_id))
        return None, False
    return (stored[0] if stored else None), True


def _compare_external(chunk: ChunkRecord, ports: Ports, looked: Looked) -> list[Drift]:
    """Read media in the customer's own storage in place; the report never contains a location."""
    name = chunk.blob_name or str(chunk.key)
    looked.requests += 1
    try:
        with ports.external.open_content(chunk.task.content_location) as content:
            digest = _digest(chunk, content.pieces())
    except SourceGoneError:
        looked.read.append(chunk)
        return [drift_of(chunk, name, DriftKind.MEDIA_MISSING)]
    except (SourceError, StorageError, UnsafeLocationError) as error:
        looked.unread.append(Unread(name, error.code, looked.recording_id))
        return []
    looked.sampled += 1
    looked.bytes_read["external"] += digest.length_bytes
    looked.read.append(chunk)
    if digest.length_bytes != chunk.length_bytes:
        return [drift_of(chunk, name, DriftKind.MEDIA_LENGTH)]
    return [] if is_digest_of(chunk, digest) else [drift_of(chunk, name, DriftKind.MEDIA_BYTES)]


def _digest(chunk: ChunkRecord, pieces: Iterable[bytes]) -> Digest:
    """Compute each digest that the catalog has for comparison."""
    hasher = Hasher(with_sha512=chunk.sha512 is not None)
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


def _by_recording(chunks: Iterable[ChunkRecord]) -> Iterator[list[ChunkRecord]]:
    for _, found in groupby(chunks, key=lambda chunk: chunk.task.recording_id):
        yield list(found)


def _folders_of(chunks: Sequence[ChunkRecord]) -> set[str]:
    """Return the folders of a recording: one, fixed by its first event."""
    return {chunk.task.folder for chunk in chunks}


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _outside(folders: set[str], unreadable: Sequence[Unreadable], ports: Ports) -> list[Drift]:
    """Return the blobs outside the folder of every recording, also of one whose rows cannot be read."""
    listed = [blob for blob in ports.archive.list("") if _folder_of(blob.name) not in folders]
    unread = {_folder_of(blob.name) for blob in listed if _is_of_any(blob.name, unreadable)}
    return [
        Drift(blob.name, DriftKind.UNKNOWN_BLOB if blob.is_committed else DriftKind.UNCOMMITTED)
        for blob in listed
        if _folder_of(blob.name) not in unread and not blob.name.startswith(layout.CERTIFICATES)
    ]
