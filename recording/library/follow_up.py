"""Follow-up: update the directory about one recording, after it was cataloged, outside the line.

The order of writes makes the death of a worker harmless at any point:

1. The record stores where the rows are going to be, and which earlier rows become stale. Its digest is empty.
2. The rows are written, each one completely.
3. The stale rows are removed, and the manifest is rewritten if tags have changed.
4. The record stores the digest of the facts that the rows were made from.

Without the digest of the last step the recording counts as not followed up, and the same work is done again: by the
redelivered queue message, or by reconcile, which settles no recording before.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from recording.archive.manifest import latest_manifest, rewrite_manifest
from recording.domain.archived import layout
from recording.domain.archived.receipt import UnreadRow, gaps_in
from recording.domain.find.directory import facts_kept, gathered_facts, rows_for
from recording.domain.find.index_keys import IndexKey
from recording.domain.find.placement import digest_of_sources, intended, is_placed, place_of
from recording.domain.foreign_json import read_json
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.facts import RecordingFacts
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, MetadataOutcome
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_archived, is_held
from recording.errors import BlobLockedError, ClaimLostError, RecordingError, SourceBrokenError, StorageBusyError
from recording.errors.codes import Code
from recording.library.seal.waiting import seal_recording
from recording.ports import Directory, IndexKeySource, Ports
from recording.ports.bulkhead import ODD_CONTENT, code_of
from recording.ports.outgoing.announce import announce
from recording.ports.stored import all_chunks_of, refuse_unread
from recording.ports.unread import keep_unread
from recording.telemetry import Event, emit, span

TRIES = 5  # others may write the recording's record meanwhile, but not five times in a row
ATTEMPTS = 5  # messages; after that reconcile requests it again
FIRST_DELAY = timedelta(seconds=5)


def follow_up_message(text: str, ports: Ports) -> None:
    """Update the directory about the recording that a message names; later, if storage fails now.

    A message may instead hold a line for the log, about what was decided on a command line. One that cannot be read is
    quarantined.
    """
    if _logged(text):
        return
    recording_id, attempt = _read(text)
    if recording_id is None:
        keep_unread(text, Origin.FOLLOW_UPS_QUEUE, ports)
        return
    if ports.follow_ups is None:
        emit(Event.FOLLOW_UP_FAILED, code=Code.UNREADABLE_RECORD, reason="dropped")
        return
    try:
        if attempt == 0:  # before the rows: a failing directory must not delay events to receivers
            announce(recording_id, ports)
        with span("follow_up", recording_id=recording_id):
            follow_up(recording_id, ports)
    except (RecordingError, *ODD_CONTENT) as error:
        code = code_of(error)
        emit(Event.FOLLOW_UP_FAILED, code=code, attempt=attempt + 1, recording_id=recording_id)
        if attempt + 1 < ATTEMPTS:
            ports.follow_ups.send(recording_id, attempt + 1, FIRST_DELAY * 4**attempt)


def follow_up(recording_id: str, ports: Ports, *, again: bool = False) -> bool:
    """Write the directory's rows of a recording; False when they were up to date.

    Args:
        recording_id: of a recording in the catalog; for any other nothing is written.
        ports: with directory and index keys.
        again: write them even if they are up to date.

    Raises:
        BlobLockedError: a metadata document is in the archive tier, and must be read again.
        StorageError: the row of a chunk cannot be read, and the facts that the directory has of the recording are
            under an earlier key; or catalog, archive, directory or the store of keys fail. The same call again
            completes it.
    """
    _, source = library_of(ports)
    seal_recording(recording_id, ports)
    written: set[str] = set()
    for _ in range(TRIES):
        record, (chunks, unread) = ports.catalog.get_recording(recording_id), all_chunks_of(recording_id, ports.catalog)
        if record is None and not (record := _record_of(chunks, ports)):
            return False
        if record.disposed_at is not None and all(chunk.disposed_at is not None for chunk in chunks):
            return False
        key = source.keys().current
        is_same_key = record.placement is not None and record.placement.key_id == key.id
        if is_placed(record, chunks, unread) and is_same_key and not again and not written:
            return False
        sources = _Sources(chunks, unread, key, is_same_key=is_same_key)
        try:
            _place(record, sources, written, ports, may_keep=is_same_key and not again)
        except ClaimLostError:
            continue
        return True
    raise StorageBusyError("the recording's record keeps changing")


@dataclass(frozen=True)
class _Sources:
    """What a recording's rows are made from; `is_same_key`: the facts in its record are under this key as well."""

    chunks: Sequence[ChunkRecord]
    unread: Sequence[UnreadRow]
    key: IndexKey
    is_same_key: bool


def _place(record: RecordingRecord, sources: _Sources, written: set[str], ports: Ports, *, may_keep: bool) -> None:
    """Take the four steps. Each row is added to `written` before it is written, so that a retry removes stale ones.

    `may_keep`: facts of documents in the archive tier may be taken from the record, which has them under this key.
    """
    directory, _ = library_of(ports)
    chunks, unread, key = sources.chunks, sources.unread, sources.key
    facts = _facts(record, sources, ports, may_keep=may_keep)
    note = intended(record, facts, key, written)
    record = ports.catalog.save_recording(changed(record, facts=facts, placement=note))
    rows = rows_for(record, facts, key)
    written.update(place_of(row.partition, row.row_key) for row in rows)
    directory.put(rows)
    directory.remove(note.stale)
    is_told_more = record.tags is not None or record.tenant is not None or record.consents or record.pauses
    if is_told_more or _lacks_files(record, chunks, unread, ports):  # they may be younger than the manifest
        _list_in_manifest(chunks, ports)
    done = {"stale": (), "digest": digest_of_sources(record, chunks, unread), "at": ports.clock.now()}
    ports.catalog.save_recording(changed(record, placement=with_changes(note, done)))


def _facts(record: RecordingRecord, sources: _Sources, ports: Ports, *, may_keep: bool) -> RecordingFacts:
    """Return the recording's facts from its documents; those in the archive tier do not prevent tagging.

    What is known from chunks whose rows cannot be read now is kept: the recording is found by it as before.
    """
    chunks, unread, key, known = sources.chunks, sources.unread, sources.key, record.facts
    if known is not None and not sources.is_same_key:
        refuse_unread(unread)
    try:
        fresh = gathered_facts(record, chunks, _documents(chunks, ports), key, unread)
        return fresh if known is None or not unread else facts_kept(known, fresh)
    except BlobLockedError:
        if known is None or not may_keep:
            raise
        readable = _documents(chunks, ports, with_offline=False)
        return facts_kept(known, gathered_facts(record, chunks, readable, key, unread))


def _documents(chunks: Sequence[ChunkRecord], ports: Ports, *, with_offline: bool = True) -> Iterator[ChunkMetadata]:
    """Yield the metadata documents as archived; an unreadable one yields no participants.

    Raises:
        BlobLockedError: one is in the archive tier; `with_offline=False` skips it.
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


def _lacks_files(
    record: RecordingRecord, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow], ports: Ports
) -> bool:
    """Return whether files are lost, held or missing: no file that is archived later rewrites the manifest then.

    Of a missing one the manifest may tell what the catalog does not, after a rebuild; it stays unless it is complete.
    """
    is_missing = bool(gaps_in(chunks, record.least_count, unread))
    return any(map(is_held, chunks)) or (is_missing and _is_called_complete(chunks, ports))


def _is_called_complete(chunks: Sequence[ChunkRecord], ports: Ports) -> bool:
    try:
        kept = latest_manifest(chunks[0].task.folder, ports.archive)[1] if chunks else None
    except BlobLockedError:
        return False
    try:
        return kept is not None and read_json(kept[0]).get("complete") is True
    except (ValueError, AttributeError):  # not a manifest
        return True


def _list_in_manifest(chunks: Sequence[ChunkRecord], ports: Ports) -> None:
    """Rewrite the manifest with newer facts, for a rebuild of the catalog; a locked one stays as it is."""
    archived = next((chunk for chunk in chunks if is_archived(chunk)), None)
    try:
        if archived is not None:
            rewrite_manifest(archived.task, ports)
    except BlobLockedError as error:
        emit(Event.MANIFEST_BEHIND, code=error.code, recording_id=archived.task.recording_id if archived else None)


def _record_of(chunks: Sequence[ChunkRecord], ports: Ports) -> RecordingRecord | None:
    """Return a record for chunks without one: a worker of an older version died between its two writes."""
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
        StorageBusyError: there is none, as in some tests.
    """
    if ports.directory is None or ports.index_keys is None:
        raise StorageBusyError("this app has no directory")
    return ports.directory, ports.index_keys


def _logged(text: str) -> bool:
    """Log the line that a message holds, and return whether it holds one."""
    try:
        fields = dict(json.loads(text)["log"])
        event = Event(fields.pop("event"))
        if not all(isinstance(value, str | int | float) for value in fields.values()):
            return False
        emit(event, **fields)
    except (ValueError, LookupError, TypeError, RecursionError):  # ValueError: no event or field of ours
        return False
    return True


def _read(text: str) -> tuple[str | None, int]:
    try:
        document = json.loads(text)
        recording_id, attempt = document["recordingId"], document.get("attempt", 0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, 0
    is_legal = isinstance(recording_id, str) and is_opaque_id(recording_id)
    return recording_id if is_legal else None, attempt if isinstance(attempt, int) else 0
