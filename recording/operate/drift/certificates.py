"""Tell what was destroyed by decision from what is merely gone: by custody row and certificate."""

import hashlib
from collections.abc import Iterator, Sequence

from recording.domain.archived.drift import Drift, DriftKind, drift_of, is_disposed
from recording.domain.foreign_json import read_json
from recording.domain.keep.custody import Custody, CustodyState
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.errors import BlobLockedError
from recording.library.keep.assess import custody_of
from recording.operate.drift.findings import ARCHIVE_TIER, Looked, Unread
from recording.ports import Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT


def lawfully_gone(chunks: Sequence[ChunkRecord], ports: Ports, looked: Looked) -> set[ChunkKey]:
    """Return the chunks whose files may be gone; a chunk's own row does not suffice, since it can be written alone.

    Adds to `looked` what lacks its certificate, and what cannot be read.

    Raises:
        StorageError: custody rows or archive do not answer.
    """
    disposed = [chunk for chunk in chunks if is_disposed(chunk)]
    if not disposed:
        return set()
    everything = {chunk.key for chunk in disposed}
    row = custody_of(looked.recording_id, ports)
    looked.requests += 1
    if isinstance(row, Unreadable):
        looked.unread.append(Unread(row.where, row.code, looked.recording_id))
        return everything
    if row is not None and row.state is CustodyState.DESTROYING:  # the certificate is written at the end
        return everything
    listed, is_all_read = _listed(row, ports, looked)
    unlisted = [chunk for chunk in disposed if (chunk.task.index, chunk.sha256) not in listed]
    if not is_all_read:
        return everything
    looked.drifts += [
        drift_of(chunk, chunk.blob_name or str(chunk.key), DriftKind.CERTIFICATE_MISSING) for chunk in unlisted
    ]
    return everything - {chunk.key for chunk in unlisted}


def _listed(row: Custody | None, ports: Ports, looked: Looked) -> tuple[set[tuple[int, str | None]], bool]:
    """Return the files that a recording's certificates list, by index and digest, and whether all could be read."""
    listed, is_all_read = set[tuple[int, str | None]](), True
    for name in dict.fromkeys((*row.certificates, row.certificate)) if row else ():
        if name is None:
            continue
        looked.requests += 1
        try:
            stored = ports.archive.get(name)
        except BlobLockedError:
            looked.unread.append(Unread(name, ARCHIVE_TIER, looked.recording_id))
            is_all_read = False
            continue
        if stored is None:
            looked.drifts.append(Drift(name, DriftKind.CERTIFICATE_MISSING, looked.recording_id))
            is_all_read = False
        else:
            listed |= set(_files_in(stored[0], looked.recording_id))
    return listed, is_all_read


def _files_in(raw: bytes, recording_id: str) -> Iterator[tuple[int, str | None]]:
    """Yield index and digest of each file in a certificate of this recording; none where it cannot be read."""
    try:
        told = read_json(raw)
        if told["recording"] == hashlib.sha256(recording_id.encode()).hexdigest() and "destroyedAt" in told:
            yield from [(int(file["index"]), _text(file["sha256"])) for file in told["files"]]
    except ODD_CONTENT:
        return


def _text(value: object) -> str | None:
    return None if value is None else str(value)
