"""Download a recording's files from the archive: media and sidecar documents, comparing each digest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from recording.domain.archived.derived import read_derived_receipt
from recording.domain.archived.drift import BlobFacts, is_disposed
from recording.domain.archived.exports import not_here
from recording.domain.archived.integrity import Hasher
from recording.domain.archived.layout import is_derived_receipt, metadata_name
from recording.domain.state.chunk import ChunkRecord, Home
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, RequestError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.ports import Ports
from recording.ports.stored import all_chunks_of, refuse_unread

Progress = Callable[[int], object]  # receives how many bytes were written


@dataclass(frozen=True)
class Offered:
    """A file of a recording in the archive, with the catalog's digests where it has them."""

    blob_name: str
    length_bytes: int
    sha256: str | None
    sha512: str | None = None

    @property
    def file_name(self) -> str:
        """Return its file name outside the archive."""
        return PurePosixPath(self.blob_name).name


@dataclass(frozen=True)
class Got:
    """One file as written; `proved` is None where the catalog has no digest to compare with."""

    path: Path
    blob_name: str
    length_bytes: int
    sha256: str
    proved: bool | None
    sha512: str | None = None


def files_of(recording_id: str, ports: Ports) -> list[Offered]:
    """Return the files that the archive has for a recording.

    Raises:
        RequestError: `unknown_recording` when no file of it was ever announced.
        StorageError: when catalog or archive do not answer, or the row of each of its chunks cannot be read.
    """
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    if not chunks:
        refuse_unread(unread)
        raise RequestError("no file of this recording is known; see `show`", code=Code.UNKNOWN_RECORDING)
    digests: dict[str, tuple[str | None, str | None]] = {}
    for chunk in chunks:
        if chunk.blob_name:
            digests[chunk.blob_name] = chunk.sha256, chunk.sha512
            digests[metadata_name(chunk.blob_name)] = chunk.metadata_sha256, None
    folders = sorted({chunk.task.folder for chunk in chunks})
    blobs = [blob for folder in folders for blob in ports.archive.list(f"{folder}/") if _is_kept(blob)]
    for blob in blobs:
        if is_derived_receipt(blob.name):
            digests.update(_of_derived(blob.name, ports))
    return [Offered(blob.name, blob.length_bytes, *digests.get(blob.name, (None, None))) for blob in blobs]


def not_had(recording_id: str, offered: Sequence[Offered], ports: Ports) -> list[dict[str, str]]:
    """Return what of a recording the archive cannot give now, each with its reason: its files are not all of it.

    Raises:
        StorageError: when the catalog does not answer.
    """
    try:
        record = ports.catalog.get_recording(recording_id)
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        record = None  # the files are there all the same
    (chunks, unread), there = all_chunks_of(recording_id, ports.catalog), {one.blob_name for one in offered}
    absent = [one for one in chunks if is_archived(one) and not is_disposed(one) and one.blob_name not in there]
    lacks = not_here(chunks, record.least_count if record else None, unread)
    return lacks + [{"what": f"chunk {one.task.index}", "why": _why_absent(one)} for one in absent if one.blob_name]


def _why_absent(chunk: ChunkRecord) -> str:
    is_ours = chunk.task.home is Home.ACS
    return "its file is not in the archive any more" if is_ours else "it stays in the customer's own storage"


def _of_derived(name: str, ports: Ports) -> dict[str, tuple[str | None, None]]:
    """Return the digest of a derived file from its receipt."""
    try:
        stored = ports.archive.get(name)
    except BlobLockedError:
        return {}
    receipt = read_derived_receipt(name, stored[0] if stored else None)
    return {str(receipt["blobName"]): (str(receipt["sha256"]), None)} if receipt else {}


def _is_kept(blob: BlobFacts) -> bool:
    """Return whether a blob is part of the recording; waveforms, which can be made again, and requests are not."""
    return blob.is_committed and not blob.name.endswith((".peaks.json", ".asked.json", ".failed.json"))


def get_file(offered: Offered, folder: Path, ports: Ports, progress: Progress) -> Got:
    """Write one file into a folder; it gets its name only when it is complete and matches the catalog.

    A file of that name is replaced. Bytes with another digest are kept beside it, ending in `.differs`.

    Raises:
        StorageError: when the archive does not answer; the partial file is removed, as after Ctrl-C.
        OSError: when the disk refuses.
    """
    target = folder / offered.file_name
    part = target.with_name(f"{target.name}.part")
    hasher = Hasher(with_sha512=offered.sha512 is not None)
    try:
        with part.open("wb") as file:
            for piece in ports.archive.read(offered.blob_name):
                file.write(piece)
                hasher.update(piece)
                progress(len(piece))
    except (StorageError, OSError, KeyboardInterrupt):
        part.unlink(missing_ok=True)
        raise
    found = hasher.digest()
    proved = None if offered.sha256 is None else (found.sha256, found.sha512) == (offered.sha256, offered.sha512)
    kept = target.with_name(f"{target.name}.differs") if proved is False else target
    part.replace(kept)
    return Got(kept, offered.blob_name, found.length_bytes, found.sha256, proved, found.sha512)
