"""Manifest: lists every chunk and gap of a recording, and is rewritten whenever one of its chunks is settled.

Where the container does not allow rewriting a blob (a retention policy, a legal hold, a lease), a numbered version is
added instead; the highest number counts (docs/adr/0016).
"""

import hashlib
from collections.abc import Callable

from recording.archive.claim import Work, ids_of
from recording.domain.archived import layout
from recording.domain.archived.layout import JSON
from recording.domain.archived.receipt import manifest_of
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.recording import RecordingRecord
from recording.errors import BlobLockedError, StorageBusyError
from recording.ports import Archive, Ports
from recording.ports.stored import divide_rows
from recording.telemetry import Event, emit

_TRIES = 20  # as many workers may finish a chunk of the same recording at the same moment


def keep_manifest(work: Work) -> None:
    """Write the manifest; one that may not be written is reported, and does not delay deleting the chunk's source.

    Raises:
        StorageError: the archive fails temporarily; try again.
    """
    try:
        rewrite_manifest(work.task, work.ports, work.keep_claim)
    except BlobLockedError as error:
        emit(Event.MANIFEST_BEHIND, code=error.code, detail=str(error), **ids_of(work.task))


def rewrite_manifest(task: ChunkTask, ports: Ports, between_tries: Callable[[], None] = lambda: None) -> None:
    """Write the manifest from the present catalog; the last writer has seen all that was saved before.

    Of a recording that was destroyed none is written: nothing of it stays in the archive.

    Raises:
        BlobLockedError: not even a new version may be written.
        StorageBusyError: other workers keep writing it; try again.
    """
    for _ in range(_TRIES):
        try:
            version, present = latest_manifest(task.folder, ports.archive)
        except BlobLockedError:  # in the archive tier: only its digest can be compared; another one is added
            content = _content(task, ports)
            if content is None or _is_newest(task.folder, content, ports.archive):
                return
            break
        content = _content(task, ports)
        if content is None or (present is not None and present[0] == content):
            return
        if _write(task.folder, version, content, present[1] if present else None, ports.archive):
            return
        between_tries()
    content = _content(task, ports)
    if content is None or _add(task.folder, content, ports.archive):  # it may not be rewritten, whatever the reason
        return
    raise StorageBusyError("the manifest keeps changing under this worker")


def latest_manifest(folder: str, archive: Archive) -> tuple[int, tuple[bytes, str] | None]:
    """Return the number of the current version, its content and ETag; version 1 and None when there is none.

    Raises:
        BlobLockedError: it is in the archive tier.
        StorageError: the archive does not answer.
    """
    try:
        first = archive.get(layout.manifest_name(folder))
    except BlobLockedError:
        if (version := _last_version(folder, archive)) == 1:
            raise
        return version, archive.get(layout.manifest_name(folder, version))
    version = _last_version(folder, archive) if first is not None else 1
    return version, first if version == 1 else archive.get(layout.manifest_name(folder, version))


def _last_version(folder: str, archive: Archive) -> int:
    listed = archive.list(f"{folder}/manifest.")
    return max((layout.manifest_version(blob.name) or 1 for blob in listed if blob.is_committed), default=1)


def _content(task: ChunkTask, ports: Ports) -> bytes | None:
    """Return the manifest; None when all of the recording was destroyed."""
    chunks, unread = divide_rows(ports.catalog.chunk_rows_of(task.recording_id))
    if chunks and not unread and all(chunk.disposed_at is not None for chunk in chunks):
        return None
    recording = ports.catalog.get_recording(task.recording_id) or RecordingRecord(
        recording_id=task.recording_id, call_id=task.call_id, server_call_id=task.server_call_id
    )
    return manifest_of(recording, chunks, unread)


def _write(folder: str, version: int, content: bytes, etag: str | None, archive: Archive) -> bool:
    if version > 1:
        return archive.put_once(layout.manifest_name(folder, version + 1), content, JSON)
    try:
        return archive.put_if_unchanged(layout.manifest_name(folder), content, JSON, etag)
    except BlobLockedError:
        return archive.put_once(layout.manifest_name(folder, 2), content, JSON)


def _is_newest(folder: str, content: bytes, archive: Archive) -> bool:
    """Return whether the newest version is this content, by length and digest; it cannot be read itself."""
    newest = archive.look_up(layout.manifest_name(folder, _last_version(folder, archive)))
    digest = hashlib.md5(content, usedforsecurity=False).digest()  # the only digest that the service takes itself
    return newest is not None and (newest.length_bytes, newest.md5) == (len(content), digest)


def _add(folder: str, content: bytes, archive: Archive) -> bool:
    return archive.put_once(layout.manifest_name(folder, _last_version(folder, archive) + 1), content, JSON)
