"""Make the vCon of a recording from the catalog and the archive."""

import hashlib
from collections.abc import Iterator
from typing import Any

from recording.domain.archived import layout
from recording.domain.archived.vcon import ChunkPart, Sidecar, vcon_of
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.seal.leaves import sealed_number
from recording.domain.state.chunk import ChunkRecord, Home, MetadataOutcome
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived
from recording.errors import RequestError, SourceBrokenError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.settings import Settings

_PURPOSES = {".metadata.json": "acs-metadata", ".receipt.json": "receipt", ".after.json": "after-receipt"}


def make_vcon(recording_id: str, ports: Ports, settings: Settings) -> dict[str, Any]:
    """Return the vCon of a recording, with its media by reference and its documents inside.

    Raises:
        RequestError: `unknown_recording`, nothing of it is archived.
        StorageError: catalog or archive do not answer.
    """
    recording, chunks = recording_with_chunks(recording_id, ports)
    parts = [chunk_part(chunk, ports, settings) for chunk in chunks]
    return vcon_of(recording, parts, sidecars_of(chunks, ports), settings.archive_storage.blob_host)


def recording_with_chunks(recording_id: str, ports: Ports) -> tuple[RecordingRecord, list[ChunkRecord]]:
    """Return a recording and those of its chunks that are archived.

    Raises:
        RequestError: `unknown_recording`, nothing of it is archived.
    """
    chunks = [chunk for chunk in ports.catalog.chunks_of(recording_id) if is_archived(chunk) and chunk.blob_name]
    if not chunks:
        raise RequestError("nothing of this recording is archived", code=Code.UNKNOWN_RECORDING)
    task = chunks[0].task
    found = ports.catalog.get_recording(recording_id)
    return found or RecordingRecord(recording_id=recording_id, folder=task.folder, call_id=task.call_id), chunks


def chunk_part(chunk: ChunkRecord, ports: Ports, settings: Settings) -> ChunkPart:
    """Return what a vCon needs of a chunk; a copy without SHA-512 is read whole for it, once for each vCon."""
    is_here = chunk.task.home is Home.ACS
    url = f"https://{settings.archive_storage.blob_host}/{settings.archive_container}/{chunk.blob_name}"
    sha512 = chunk.sha512 or (_sha512(chunk.blob_name or "", ports) if is_here else None)
    return ChunkPart(chunk, metadata_of(chunk, ports), url if is_here else None, sha512)


def metadata_of(chunk: ChunkRecord, ports: Ports) -> ChunkMetadata | None:
    """Return what a chunk's metadata document says; None without a readable one."""
    if chunk.metadata is not MetadataOutcome.ARCHIVED:
        return None
    stored = ports.archive.get(layout.metadata_name(chunk.blob_name or ""))
    try:
        return read_metadata(stored[0]) if stored else None
    except SourceBrokenError:
        return None


def sidecars_of(chunks: list[ChunkRecord], ports: Ports) -> Iterator[Sidecar]:
    """Yield the documents of a recording's folders: of each chunk, then the manifest and the proofs."""
    indexes = {(chunk.blob_name or "").rpartition(".")[0]: chunk.task.index for chunk in chunks}
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        for blob in ports.archive.list(f"{folder}/"):
            purpose = _purpose(blob.name)
            stored = ports.archive.get(blob.name) if purpose and blob.is_committed else None
            if purpose and stored:
                stem = next((blob.name.removesuffix(end) for end in _PURPOSES if blob.name.endswith(end)), "")
                yield Sidecar(blob.name.rpartition("/")[2], stored[0], purpose, indexes.get(stem))


def _purpose(name: str) -> str | None:
    if layout.manifest_version(name):
        return "manifest"
    if sealed_number(name) is not None:
        return "seal-proof"
    return next((purpose for end, purpose in _PURPOSES.items() if name.endswith(end)), None)


def _sha512(name: str, ports: Ports) -> str:
    digest = hashlib.sha512()
    for piece in ports.archive.read(name):
        digest.update(piece)
    return digest.hexdigest()
