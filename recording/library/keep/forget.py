"""Forget: empty the catalog of all that describes a destroyed recording; what says that it existed stays."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from recording.domain.find.placement import place_of
from recording.domain.keep.custody import Custody, later_than
from recording.domain.keep.rules import RetentionRule
from recording.domain.keep.subject import remembered_of
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.errors import ClaimLostError, StorageBusyError
from recording.ports import Ports
from recording.ports.changing import change_recording
from recording.ports.library.follow_ups import request_follow_up
from recording.ports.stored import all_chunks_of

_TRIES = 10  # of one change to a row that other writers change, too


def leave_the_directory(record: RecordingRecord | None, ports: Ports) -> None:
    """Remove the recording's rows from the directory, so that it is not found any more."""
    placement = record.placement if record else None
    if placement is None or ports.directory is None:
        return
    places = [place_of(name, placement.row_key) for name in placement.partitions]
    ports.directory.remove([*places, *placement.stale])


def forget(
    record: RecordingRecord | None,
    chunks: Sequence[ChunkRecord],
    certificate: str,
    row: Custody,
    ports: Ports,
    *,
    rules: Sequence[RetentionRule] | None,
) -> None:
    """Empty the catalog rows of all that describes the recording; what says that it existed stays.

    Args:
        record: as it was read; None when there is none.
        chunks: those that were destroyed.
        certificate: its name.
        row: its custody row.
        ports: the catalog.
        rules: those in force; what they ask of the recording is kept for a chunk that arrives later. None while there
            is a chunk that needs the record.

    Raises:
        StorageBusyError: other writers keep changing the rows; the next run continues.
    """
    now, why = ports.clock.now(), f"{row.mark.why if row.mark else 'decided'}; {certificate}"
    for chunk in chunks:
        if chunk.disposed_at is None:
            try:
                ports.catalog.save_chunk(_emptied(chunk, now, why))
            except ClaimLostError:
                raise StorageBusyError("a chunk's row changed while its recording was destroyed") from None
    if record is not None and rules is not None:
        _forget_recording(record, certificate, row, rules, ports)


def _emptied(chunk: ChunkRecord, now: datetime, why: str) -> ChunkRecord:
    return changed(chunk, disposed_at=now, disposed_why=why, facts=None, fallback=None, suspects=(), remarks=())


def _forget_recording(
    record: RecordingRecord, certificate: str, row: Custody, rules: Sequence[RetentionRule], ports: Ports
) -> None:
    """Empty the recording's row, unless a chunk that arrived after the decision needs it."""
    now = ports.clock.now()
    for _ in range(_TRIES):
        try:
            ports.catalog.save_recording(_emptied_record(record, certificate, rules, now))
        except ClaimLostError:
            found = ports.catalog.get_recording(record.recording_id)
            if found is None:
                return
            chunks, unread = all_chunks_of(record.recording_id, ports.catalog)
            if unread or later_than(row, chunks):
                _place_again(found, ports)
                return
            record = found
            continue
        return
    raise StorageBusyError("other writers keep changing the recording's row; the next run tries again")


def _place_again(record: RecordingRecord, ports: Ports) -> None:
    """Have the directory's rows written again: some were removed while the follow-up of a late chunk wrote them."""
    with suppress(ClaimLostError):
        ports.catalog.save_recording(changed(record, placement=None, settled_at=None, look_at=None))
    request_follow_up(record.recording_id, ports)


def remember(record: RecordingRecord, ports: Ports) -> RecordingRecord:
    """Note what rules ask of the recording while its documents exist; a chunk that arrives later is judged by it.

    Raises:
        StorageBusyError: other writers keep changing the row; the next run continues.
    """
    made = remembered_of(record, None)
    if made == record.remembered:
        return record

    def with_it(known: RecordingRecord | None) -> RecordingRecord:
        return changed(known or record, remembered=made)

    return change_recording(record.recording_id, with_it, ports.catalog)


def _emptied_record(
    record: RecordingRecord, certificate: str, rules: Sequence[RetentionRule], now: datetime
) -> RecordingRecord:
    return changed(
        record,
        request={},
        consent=None,
        consents=(),
        pauses=(),
        tags={},
        facts=None,
        placement=None,
        dismissed=None,
        call_dismissed=None,
        disposed_at=now,
        certificate=certificate,
        remembered=remembered_of(record, rules),
        settled_at=record.settled_at or now,
    )
