"""The recording's row: an event adds to it, and changes nothing that is already known."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recording.domain.archived.layout import folder_of
from recording.domain.calls import watch
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.formats import MORE_TO_COME
from recording.domain.ids import are_same_id
from recording.domain.incoming.events import OddChunk, RecordingFileStatusUpdated
from recording.domain.incoming.tenants import owner_elsewhere
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.changing import change_recording
from recording.settings import Settings
from recording.telemetry import Event, emit

NOT_STORED = "not stored"  # the ETag of a record that stands for a row that cannot be read


def note_recording(
    event: RecordingFileStatusUpdated, odd: Sequence[OddChunk], ports: Ports, settings: Settings
) -> RecordingRecord:
    """Return the recording's record with its folder fixed; an event only adds to it.

    A row that cannot be read stays as it is and delays no file: ACS has it for a day. A newer version's row does, for
    a worker that can read it.
    """

    def complete(known: RecordingRecord | None) -> RecordingRecord:
        before = known or RecordingRecord(recording_id=event.recording_id)
        return _completed(before, event, odd, ports.clock.now(), settings)

    try:
        return change_recording(event.recording_id, complete, ports.catalog)
    except StorageError as error:
        if error.code != Code.UNREADABLE_RECORD:
            raise
        emit(Event.NEEDS_ATTENTION, reason="recordings", entry=event.recording_id, code=error.code)
    return complete(_as_its_chunks_say(event.recording_id, ports))


def _as_its_chunks_say(recording_id: str, ports: Ports) -> RecordingRecord:
    """Return a record in place of one that cannot be read, in the folder of the files that are known; not stored."""
    known = ports.catalog.chunks_of(recording_id)
    folder = known[0].task.folder if known else None
    return RecordingRecord(recording_id=recording_id, folder=folder, etag=NOT_STORED)


def _completed(
    known: RecordingRecord,
    event: RecordingFileStatusUpdated,
    odd: Sequence[OddChunk],
    now: datetime,
    settings: Settings,
) -> RecordingRecord:
    call_id = known.call_id or (event.call_id if _agrees(event, known) else None)
    started_at = known.started_at or event.recording_start_time
    return changed(
        known,
        folder=known.folder
        or folder_of(
            settings.archive_path_template,
            event.recording_id,
            call_id or known.server_call_id or event.call_id,
            started_at or min(event.event_time, now),
        ),
        acs_id=known.acs_id or event.acs_id,
        call_id=call_id,
        server_call_id=known.server_call_id or event.server_call_id,
        started_at=started_at,
        first_event_at=known.first_event_at or now,
        session_end_reason=known.session_end_reason or _end_reason(event),
        tenant=_owner(known, settings),
        settled_at=None,
        look_at=None,  # more of it may arrive after all
        announced_count=_announced_count(known, event, odd),
    )


def _owner(known: RecordingRecord, settings: Settings) -> str | None:
    """Return the recording's tenant, which a rule may assign at the first event of one that was started elsewhere."""
    is_known = known.started_here or known.first_event_at is not None
    return known.tenant if is_known else owner_elsewhere(settings.tenants, known.tenant)


def _agrees(event: RecordingFileStatusUpdated, known: RecordingRecord) -> bool:
    """Return whether the event's call may be the one that was started here, by the server call id of the start."""
    if not (known.started_here and known.server_call_id):
        return True
    return event.server_call_id is not None and are_same_id(event.server_call_id, known.server_call_id)


def report_end(recording: RecordingRecord, event: RecordingFileStatusUpdated, ports: Ports, settings: Settings) -> None:
    """Request a check of a call that must be recorded, when an event says that its recording has ended.

    No file waits for that: where the queue fails, the watch finds out some minutes later.
    """
    reason = _end_reason(event)
    if ports.guards is None or reason is None or watch.ended_with_its_call(reason):
        return
    policy = settings.policy(recording.known_caller, recording.current_tags)
    if not policy.must_be_recorded or recording.stopped_alarm_at is not None:
        return
    name = recording.recording_id
    try:
        task = GuardTask(version=watch.VERSION, recording_id=name, kind=GuardKind.WATCH, mark=watch.ENDED)
        ports.guards.send(task, timedelta())
    except StorageError as error:
        emit(Event.GUARD_FAILED, recording_id=name, action=GuardKind.WATCH, code=error.code, fault=error.fault)


def _end_reason(event: RecordingFileStatusUpdated) -> str | None:
    """Return why the recording has ended; None while its newest file is followed by another one."""
    newest = max(event.chunks, key=lambda chunk: chunk.index, default=None)
    is_going_on = newest is not None and newest.end_reason == MORE_TO_COME
    return None if is_going_on else event.data.session_end_reason


def note_announced(event: RecordingFileStatusUpdated, odd: Sequence[OddChunk], ports: Ports) -> RecordingRecord | None:
    """Mark a known recording as having held files, so that it counts as incomplete; an unknown one gets no row."""

    def count_more(known: RecordingRecord | None) -> RecordingRecord | None:
        count = _announced_count(known, event, odd) if known is not None else None
        if known is None or count == known.announced_count:
            return known
        return changed(known, announced_count=count, settled_at=None, look_at=None)

    return change_recording(event.recording_id, count_more, ports.catalog)


def _announced_count(known: RecordingRecord, event: RecordingFileStatusUpdated, odd: Sequence[OddChunk]) -> int | None:
    """Return the least number of files, now that one is held; one without a readable index counts as the last."""
    if not odd:
        return known.announced_count
    indexes = [chunk.index for chunk in event.chunks]
    indexes += [chunk.index for chunk in event.odd_chunks if chunk.index is not None]
    told = len(event.chunks) + len(event.odd_chunks)
    is_open = any(chunk.index is None for chunk in odd)
    least = max([index + 1 for index in indexes] + [min(indexes, default=0) + told if is_open else 0])
    return max(least, known.announced_count or 0)
