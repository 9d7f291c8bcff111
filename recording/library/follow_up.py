"""Follow-up: the directory is brought up to date about one recording, after it was cataloged and never by the line.

The order of writes makes every death harmless:

1. The record notes where the rows are going to be, and which earlier rows become stale. Its digest is empty.
2. The rows are written, each one whole.
3. The stale rows are removed, and the manifest is written again when tags have changed.
4. The record notes the digest of what the rows were made from.

Without the digest of the last step the recording counts as not followed up, and the same work is done again: by the
queue message that is delivered again, or by reconcile, which settles no recording before.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from recording.archive.manifest import rewrite_manifest
from recording.domain.archived import layout
from recording.domain.find.directory import (
    digest_of_sources,
    facts_kept,
    gathered_facts,
    intended,
    is_placed,
    place_of,
    rows_for,
)
from recording.domain.find.index_keys import IndexKey
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.facts import RecordingFacts
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.state.chunk import ChunkRecord, MetadataOutcome
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, ClaimLostError, RecordingError, SourceBrokenError, StorageBusyError
from recording.errors.codes import Code
from recording.library.seal.waiting import seal_recording
from recording.ports import Directory, IndexKeySource, Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.outgoing.announce import announce
from recording.telemetry import Event, emit, span

TRIES = 5  # others may write the recording's record meanwhile; five in a row never do
ATTEMPTS = 5  # messages; after that reconcile asks again
FIRST_DELAY = timedelta(seconds=5)


def follow_up_message(text: str, ports: Ports) -> None:
    """Bring the directory up to date about the recording that a message names; later, when storage fails now."""
    recording_id, attempt = _read(text)
    if recording_id is None or ports.follow_ups is None:
        emit(Event.FOLLOW_UP_FAILED, code=Code.UNREADABLE_RECORD, reason="dropped")
        return
    try:
        if attempt == 0:  # before the rows: a directory that fails keeps nobody from hearing what happened
            announce(recording_id, ports)
        with span("follow_up", recording_id=recording_id):
            follow_up(recording_id, ports)
    except (RecordingError, *ODD_CONTENT) as error:
        code = error.code if isinstance(error, RecordingError) else Code.UNREADABLE_RECORD
        emit(Event.FOLLOW_UP_FAILED, code=code, attempt=attempt + 1, recording_id=recording_id)
        if attempt + 1 < ATTEMPTS:
            ports.follow_ups.send(recording_id, attempt + 1, FIRST_DELAY * 4**attempt)


def follow_up(recording_id: str, ports: Ports, *, again: bool = False) -> bool:
    """Write the directory's rows of a recording; False when they were up to date.

    Args:
        recording_id: of a recording that the catalog knows; of any other nothing is written.
        ports: with directory and index keys.
        again: write them also when they are up to date.

    Raises:
        BlobLockedError: a metadata document is in the archive tier, and what it says has to be read again.
        StorageError: catalog, archive, directory or the key's place fail; the same again completes it.
    """
    _, source = library_of(ports)
    seal_recording(recording_id, ports)
    written: set[str] = set()
    for _ in range(TRIES):
        record, chunks = ports.catalog.get_recording(recording_id), ports.catalog.chunks_of(recording_id)
        if record is None and not (record := _record_of(chunks, ports)):
            return False
        if record.disposed_at is not None and all(chunk.disposed_at is not None for chunk in chunks):
            return False
        key = source.keys().current
        is_same_key = record.placement is not None and record.placement.key_id == key.id
        if is_placed(record, chunks) and is_same_key and not again and not written:
            return False
        try:
            _place(record, chunks, key, written, ports, may_keep=is_same_key and not again)
        except ClaimLostError:
            continue
        return True
    raise StorageBusyError("the recording's record keeps changing")


def _place(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    key: IndexKey,
    written: set[str],
    ports: Ports,
    *,
    may_keep: bool,
) -> None:
    """Take the four steps. `written` gains every row before it is written, so that a next try removes what is stale.

    `may_keep`: what documents in the archive tier say may be taken from the record, which has it under this key.
    """
    directory, _ = library_of(ports)
    facts = _facts(record, chunks, key, ports, may_keep=may_keep)
    note = intended(record, facts, key, written)
    record = ports.catalog.save_recording(changed(record, facts=facts, placement=note))
    rows = rows_for(record, facts, key)
    written.update(place_of(row.partition, row.row_key) for row in rows)
    directory.put(rows)
    directory.remove(note.stale)
    is_told_more = record.tags is not None or record.tenant is not None or record.consents or record.pauses
    if is_told_more:  # they may be younger than the manifest
        _list_tags(chunks, ports)
    done = {"stale": (), "digest": digest_of_sources(record, chunks), "at": ports.clock.now()}
    ports.catalog.save_recording(changed(record, placement=note.model_copy(update=done)))


def _facts(
    record: RecordingRecord, chunks: Sequence[ChunkRecord], key: IndexKey, ports: Ports, *, may_keep: bool
) -> RecordingFacts:
    """Return the recording's facts by its documents; an old recording is tagged while those are in the archive tier."""
    try:
        return gathered_facts(record, chunks, _documents(chunks, ports), key)
    except BlobLockedError:
        if record.facts is None or not may_keep:
            raise
        readable = _documents(chunks, ports, with_offline=False)
        return facts_kept(record.facts, gathered_facts(record, chunks, readable, key))


def _documents(chunks: Sequence[ChunkRecord], ports: Ports, *, with_offline: bool = True) -> Iterator[ChunkMetadata]:
    """Yield the metadata documents as archived; one that cannot be read names nobody.

    Raises:
        BlobLockedError: one is in the archive tier; `with_offline=False` passes it over.
    """
    for chunk in chunks:
        if is_archived(chunk) and chunk.metadata is MetadataOutcome.ARCHIVED and chunk.blob_name:
            try:
                found = ports.archive.get(layout.metadata_name(chunk.blob_name))
                if found is not None:
                    yield read_metadata(found[0])
            except SourceBrokenError:
                continue
            except BlobLockedError:
                if with_offline:
                    raise


def _list_tags(chunks: Sequence[ChunkRecord], ports: Ports) -> None:
    """Write what may be younger into the manifest, for a rebuild of the catalog; a locked one stays as it is."""
    archived = next((chunk for chunk in chunks if is_archived(chunk)), None)
    try:
        if archived is not None:
            rewrite_manifest(archived.task, ports)
    except BlobLockedError as error:
        emit(Event.MANIFEST_BEHIND, code=error.code, recording_id=archived.task.recording_id if archived else None)


def _record_of(chunks: Sequence[ChunkRecord], ports: Ports) -> RecordingRecord | None:
    """Return a record for chunks that have none: of a worker that died between the two writes of an older version."""
    if not chunks:
        return None
    task = chunks[0].task
    fresh = RecordingRecord(
        recording_id=task.recording_id,
        folder=task.folder,
        call_id=task.call_id,
        server_call_id=task.server_call_id,
        first_event_at=chunks[0].first_seen_at,
    )
    ports.catalog.add_recording(fresh)
    return ports.catalog.get_recording(task.recording_id)


def library_of(ports: Ports) -> tuple[Directory, IndexKeySource]:
    """Return the directory and the store of its keys.

    Raises:
        StorageBusyError: there is none in this world.
    """
    if ports.directory is None or ports.index_keys is None:
        raise StorageBusyError("there is no directory here")
    return ports.directory, ports.index_keys


def _read(text: str) -> tuple[str | None, int]:
    try:
        document = json.loads(text)
        recording_id, attempt = document["recordingId"], document.get("attempt", 0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, 0
    is_legal = isinstance(recording_id, str) and is_opaque_id(recording_id)
    return recording_id if is_legal else None, attempt if isinstance(attempt, int) else 0
