"""Delete source: the only place that deletes one, behind a guard that checks the archive right before (I1)."""

from typing import NoReturn

from recording.archive.claim import Work, ids_of
from recording.archive.manifest import keep_manifest
from recording.archive.recopy import copy_anew, leave_name
from recording.domain.archived import layout
from recording.domain.archived.integrity import PROOF_EVENT, PROOF_METADATA, plays_to_its_end
from recording.domain.incoming.locations import checked_location
from recording.domain.media import mp3, mp4, wav
from recording.domain.state import patience
from recording.domain.state.chunk import ChunkRecord, ChunkState, Home, MetadataOutcome, SourceOutcome
from recording.domain.state.records import required
from recording.domain.state.stored import Standing, StoredChunk, standing
from recording.domain.state.transitions import (
    may_delete_source,
    metadata_is_settled,
    moved,
    names_the_same_object,
)
from recording.errors import (
    BlobLockedError,
    CopyPausedError,
    RecordingError,
    SourceBrokenError,
    SourceGoneError,
    StorageBusyError,
    UnsafeLocationError,
)
from recording.errors.codes import Code
from recording.settings.values import MediaCheck
from recording.telemetry import Event, emit

# Remarks about bytes that lie behind the end which the file states.
_BEYOND_ITS_END = frozenset(
    {
        wav.REMARK_BYTES_AFTER,
        wav.REMARK_RIFF_SIZE,
        mp4.REMARK_BYTES_AFTER,
        mp4.REMARK_CUT_TAIL,
        mp3.REMARK_AFTER,
        mp3.REMARK_MORE_FRAMES,
    }
)
_HAD_GROWN = "the source's file had grown since"


def settle_source(work: Work) -> None:
    """Write the manifest, then delete the source if the guard allows it, or record why it is left to expire.

    Raises:
        SourceError: ACS did not delete it, or the archive lost the media; there is time to try again.
        StorageError: the archive does not answer, or its files were touched; they are verified again.
    """
    keep_manifest(work)
    outcome, reason = _source_outcome(work)
    if outcome in (SourceOutcome.DELETED, SourceOutcome.ALREADY_GONE):
        work.move(ChunkState.SOURCE_DELETED, source=outcome, source_deleted_at=work.now())
        emit(Event.SOURCE_DELETED, reason=outcome, **ids_of(work.task))
    else:
        work.release(source=outcome, source_reason=reason)
        emit(Event.SOURCE_LEFT, reason=reason, **ids_of(work.task))


def _source_outcome(work: Work) -> tuple[SourceOutcome, str | None]:
    """Return what becomes of the source; the archive is asked first, for either outcome is final."""
    if work.task.home is Home.EXTERNAL:
        return SourceOutcome.NOT_OURS, "the media is in the customer's own storage"
    why_left = _why_left(work) or _why_not_called(work)
    stored = _proved_once_more(work, is_left=why_left is not None)
    if why_left is not None or stored is None:
        return SourceOutcome.LEFT_TO_EXPIRE, why_left
    try:
        return _delete_source(work, stored), None
    except UnsafeLocationError as error:
        return SourceOutcome.LEFT_TO_EXPIRE, f"the delete location was refused: {error.code}"


def _why_not_called(work: Work) -> str | None:
    """Return why the delete location must not be called."""
    task, hosts = work.task, work.settings.acs.content_hosts
    try:
        delete = checked_location(required(task.delete_location, "delete_location"), hosts)
        is_ours = names_the_same_object(delete, checked_location(task.content_location, hosts), task.document_id)
    except UnsafeLocationError as error:
        return f"the delete location was refused: {error.code}"
    return None if is_ours else "the delete location names another object"


def _why_left(work: Work) -> str | None:
    if work.record.source_reason is not None:  # it was left before, and a document in the archive may say so
        return work.record.source_reason
    if work.task.delete_refused is not None:
        return f"the delete location was refused: {work.task.delete_refused}"
    if work.task.delete_location is None:
        return "the event names no delete location"
    if work.is_past_deadline():
        return "the deadline has passed"
    if work.record.accepted is not None:
        return "an operator accepted suspect bytes"
    if work.record.taken_from is not None:
        return "the file was deleted with the chunk from which its bytes were taken"
    if _is_copied_again(work.record):
        return "ACS tells another length of the file than it has"
    return None if metadata_is_settled(work.record) else "the metadata is not archived"


def _proved_once_more(work: Work, *, is_left: bool) -> StoredChunk | None:
    """Ask ACS whether its file has grown, where nothing else tells its end, and then the archive, under a valid claim.

    Returns:
        What the archive has now; None where the source is left, and the archive's documents cannot be read now.

    Raises:
        SourceError: the file has grown, or the archive has lost what was proved; it is copied anew.
        StorageError: the archive does not answer, or its files were touched.
    """
    is_as_fetched = work.record.accepted is None and work.record.taken_from is None
    may_have_grown = is_as_fetched and not work.is_past_deadline() and not _is_copied_again(work.record)
    if work.settings.media_check is MediaCheck.REQUIRE and may_have_grown and not is_length_proved(work.record):
        _check_has_not_grown(work)
    work.keep_claim()
    try:
        stored = _look_up_stored(work)
    except BlobLockedError:
        if is_left:
            return None
        raise
    if (found := standing(work.record, stored)) is not Standing.AS_PROVED:
        _go_back(work, found)
    return stored


def _delete_source(work: Work, stored: StoredChunk) -> SourceOutcome:
    """Delete what the guard allows, right after the archive was asked."""
    if not may_delete_source(work.record, stored):
        raise RecordingError("the guard refused to delete the source", code=Code.DELETE_REFUSED)
    try:
        was_there = work.ports.source.delete(required(work.task.delete_location, "delete_location"))
    except SourceGoneError:
        was_there = False
    return SourceOutcome.DELETED if was_there else SourceOutcome.ALREADY_GONE


def _is_copied_again(record: ChunkRecord) -> bool:
    """Return whether a file that was said to have grown was copied again with the same bytes."""
    return any(one.reason == _HAD_GROWN and one.sha256 == record.sha256 for one in record.suspects)


def is_length_proved(record: ChunkRecord) -> bool:
    """Return whether the file states its own end, or plays up to the end that metadata or event give.

    Bytes behind that end are harmless, and may be another's: one answer may have had more than ACS's file.
    """
    is_within_its_end = not _BEYOND_ITS_END & set(record.remarks)
    return is_within_its_end and (_tells_its_end(record) or _plays_as_told(record))


def _plays_as_told(record: ChunkRecord) -> bool:
    """Return whether the file plays up to the end that metadata or event give."""
    told = _told_ms(record)
    return told is not None and record.duration_ms is not None and plays_to_its_end(record.duration_ms, told)


def _told_ms(record: ChunkRecord) -> float | None:
    """Return how long the file is said to play, where that was compared; None where a pause has no length."""
    facts = record.facts
    if PROOF_METADATA in record.verified_how and facts is not None and facts.duration_ms:
        lengths = [pause.duration_ms for pause in facts.pauses if pause.duration_ms is not None]
        return facts.duration_ms - sum(lengths) if len(lengths) == len(facts.pauses) else None
    return record.task.recording_duration_ms if PROOF_EVENT in record.verified_how else None


def _tells_its_end(record: ChunkRecord) -> bool:
    """Return whether a part of the file could not pass for the whole: its header or index states where it ends."""
    if record.container in ("RIFF", "RF64", "BW64"):
        return wav.REMARK_SOUND_SIZE not in record.remarks
    return record.container == "mp4" and mp4.REMARK_TOO_LARGE not in record.remarks  # not in fragments


def _check_has_not_grown(work: Work) -> None:
    """Ask ACS for its file's length again, some minutes after the copy, where nothing else proves where it ends.

    A part of a growing file opens and plays like a complete one, and so does one with other bytes behind it.

    Raises:
        CopyPausedError: `length_unproven`; it is too soon.
        SourceBrokenError: `length_unproven`; it has grown, and the next attempt copies it again under another name.
            Or `source_without_length`; it is asked again later.
    """
    if wait := patience.still_grows_for(work.record, work.now()):
        raise CopyPausedError(
            "ACS is asked for the length again before the source is deleted",
            code=Code.LENGTH_UNPROVEN,
            retry_after=wait,
        )
    try:
        with work.ports.source.open_content(work.task.content_location, 0, 1) as content:
            total = content.declared_total
    except SourceGoneError:
        return
    if total is None:  # says nothing either way
        raise SourceBrokenError("the source declared no length", code=Code.SOURCE_WITHOUT_LENGTH)
    if total == work.record.length_bytes:
        return
    leave_name(work, _HAD_GROWN)
    work.save(last_error=Code.LENGTH_UNPROVEN)
    raise SourceBrokenError(
        "the source's file has another length now than when it was copied", code=Code.LENGTH_UNPROVEN
    )


def _look_up_stored(work: Work) -> StoredChunk:
    """Look up everything that would remain after the delete; the media last."""
    name, archive = required(work.record.blob_name, "blob_name"), work.ports.archive
    receipt = archive.get(layout.receipt_name(name))
    has_metadata = work.record.metadata is MetadataOutcome.ARCHIVED
    metadata = archive.get(layout.metadata_name(name)) if has_metadata else None
    media = archive.look_up(name)
    return StoredChunk(media, receipt[0] if receipt else None, metadata[0] if metadata else None)


def _go_back(work: Work, found: Standing) -> NoReturn:
    """Return to the step whose result is gone; the next attempt continues from it."""
    if found in (Standing.VANISHED, Standing.ALTERED, Standing.DOCUMENTS_ALTERED):
        is_taken = found is not Standing.VANISHED
        copy_anew(work, found.code, "the archive does not hold what was proved", is_name_taken=is_taken)
    state = ChunkState.COPIED if found is Standing.TOUCHED else ChunkState.VERIFIED
    work.record = moved(work.record, state)
    work.save(last_error=found.code)
    raise StorageBusyError("the archive's files were touched since they were proved", code=found.code)
