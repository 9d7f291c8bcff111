"""Drift: compare the whole archive with the catalog on demand; each recording fails on its own.

The comparison changes nothing. The report is JSON for machines and text for people. Media that could not be read is
listed as unread, with the reason; it is neither a difference nor verified.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby

from recording.domain.archived import layout
from recording.domain.archived.drift import (
    Drift,
    DriftKind,
    is_sampled,
)
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.errors import (
    StorageError,
)
from recording.operate.drift.findings import ARCHIVE, CATALOG, DriftReport, Findings, Unread
from recording.operate.drift.look import folders_of, is_of_any, look_at
from recording.ports import Ports, Unreadable
from recording.ports.bulkhead import Bulkhead
from recording.settings import Settings


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
        folders |= folders_of(chunks)
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


def _add_strangers(findings: Findings, folders: set[str], unreadable: Sequence[Unreadable], ports: Ports) -> None:
    """Add the blobs outside of every folder; none as long as a listing cannot say which folders there are."""
    try:
        strangers = _outside(folders, unreadable, ports)
    except StorageError as error:
        findings.broke_off(ARCHIVE, error)
        return
    if strangers:
        rows = _Rows(ports)  # there may be more by now
        known_now = {folder for chunks in _by_recording(rows.readable()) for folder in folders_of(chunks)}
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


def _by_recording(chunks: Iterable[ChunkRecord]) -> Iterator[list[ChunkRecord]]:
    for _, found in groupby(chunks, key=lambda chunk: chunk.task.recording_id):
        yield list(found)


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _outside(folders: set[str], unreadable: Sequence[Unreadable], ports: Ports) -> list[Drift]:
    """Return the blobs outside the folder of every recording, also of one whose rows cannot be read."""
    listed = [blob for blob in ports.archive.list("") if _folder_of(blob.name) not in folders]
    unread = {_folder_of(blob.name) for blob in listed if is_of_any(blob.name, unreadable)}
    return [
        Drift(blob.name, DriftKind.UNKNOWN_BLOB if blob.is_committed else DriftKind.UNCOMMITTED)
        for blob in listed
        if _folder_of(blob.name) not in unread and not blob.name.startswith(layout.CERTIFICATES)
    ]
