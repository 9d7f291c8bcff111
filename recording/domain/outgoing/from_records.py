"""Derive events from the records as they are: the catalog itself is the first half of the outbox. Pure.

A state change and its event cannot come apart, because the event is derived from the state. An event that was lost is
derived again, with the same id.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from recording.domain.archived.exports import ExportRecord, ExportState
from recording.domain.archived.receipt import UnreadRow
from recording.domain.calls.watch import CALL_STOPPED, STOPPED_ELSEWHERE
from recording.domain.keep.custody import Custody
from recording.domain.outgoing.events import (
    ArchivedData,
    CallData,
    EndsSoonData,
    ErasedData,
    EventType,
    ExportData,
    HoldData,
    OutgoingEvent,
    RecordingData,
    Subject,
    SubjectKind,
    TroubledData,
    event_of,
)
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import RecordingRecord, Unrecorded
from recording.errors.codes import Code

ANNOUNCED_WITHIN = timedelta(days=14)  # older ones are history: an app that turns events on does not send years of them


def of_recording(
    record: RecordingRecord | None,
    chunks: Sequence[ChunkRecord],
    custody: Custody | None,
    now: datetime,
    unread: Sequence[UnreadRow],
) -> list[OutgoingEvent]:
    """Return the events of a recording within ANNOUNCED_WITHIN, in order; `unread` are the rows of its other chunks."""
    found = [
        *(event for chunk in chunks for event in _of_chunk(chunk)),
        *(_of_record(record, len(chunks) + len(unread)) if record is not None else ()),
        *(_of_holds(custody) if custody is not None else ()),
    ]
    return sorted((event for event in found if is_recent(event, now)), key=lambda event: (event.sequence, event.id))


def is_recent(event: OutgoingEvent, now: datetime) -> bool:
    """Return whether an event is still reported by itself."""
    return event.at >= now - ANNOUNCED_WITHIN


def of_export(export: ExportRecord) -> list[OutgoingEvent]:
    """Return the event of an export that is ready; empty before that."""
    if export.state is not ExportState.DONE or export.finished_at is None:
        return []
    data = ExportData(
        export_id=export.export_id,
        recordings=len(export.recordings),
        length_bytes=export.length_bytes,
        sha256=export.sha256,
        expires_at=export.expires_at,
    )
    subject = Subject(kind=SubjectKind.EXPORT, id=export.export_id)
    return [event_of(EventType.EXPORTED, subject, export.finished_at, data)]


def unrecorded(recording_id: str, alarm: Unrecorded) -> OutgoingEvent:
    """Return the event of a call that must be recorded and is not.

    A recording ends once: two workers may see the same stop, and both report the same event.
    """
    data = CallData(recording_id=recording_id, reason=alarm.reason)
    what = CALL_STOPPED if alarm.reason == STOPPED_ELSEWHERE else alarm.reason
    return event_of(EventType.UNRECORDED, _subject(recording_id), alarm.at, data, what, *alarm.marks)


def start_refused(request: str, code: str, at: datetime) -> OutgoingEvent:
    """Return the event of a refused start of a recording that must be; `request` names the request, not its caller."""
    subject = Subject(kind=SubjectKind.CALL, id=request)
    return event_of(EventType.UNRECORDED, subject, at, CallData(reason="start_refused", code=code), code)


def ends_soon(recording_id: str, seconds_left: int, at: datetime, *marks: object) -> OutgoingEvent:
    """Return the event of a recording that will be stopped; the marks say by which limit, so each is sent once."""
    data = EndsSoonData(recording_id=recording_id, seconds_left=seconds_left)
    return event_of(EventType.ENDS_SOON, _subject(recording_id), at, data, *marks)


def overdue(recording_id: str, since: datetime) -> OutgoingEvent:
    """Return that a pause is over and could not be ended, or waits for an operator."""
    data = CallData(recording_id=recording_id, reason="overdue", code=Code.PAUSE_OVERDUE.value)
    return event_of(EventType.PAUSED_TOO_LONG, _subject(recording_id), since, data, "overdue", since)


def _of_chunk(chunk: ChunkRecord) -> Iterator[OutgoingEvent]:
    subject, key = _subject(chunk.task.recording_id), str(chunk.key)
    if chunk.cataloged_at is not None:
        data = ArchivedData(**_facts(chunk), format=chunk.format, length_bytes=chunk.length_bytes, sha256=chunk.sha256)
        yield event_of(EventType.ARCHIVED, subject, chunk.cataloged_at, data, key, chunk.sha256)
    if chunk.at_risk_since is not None:
        yield _trouble(EventType.AT_RISK, chunk, chunk.at_risk_since, chunk.last_error, chunk.redrives)
    if chunk.state is ChunkState.QUARANTINED:
        code = chunk.quarantine_reason or chunk.last_error
        yield _trouble(EventType.QUARANTINED, chunk, chunk.changed_at, code, chunk.redrives)
    if chunk.state is ChunkState.EXPIRED:
        yield _trouble(EventType.EXPIRED, chunk, chunk.changed_at, chunk.last_error, chunk.redrives)


def _trouble(kind: EventType, chunk: ChunkRecord, at: datetime, code: str | None, round_number: int) -> OutgoingEvent:
    """Return an event about a chunk in trouble; each redrive begins another round, which may end the same way."""
    data = TroubledData(**_facts(chunk), code=code, expires_at=chunk.task.expires_at)
    return event_of(kind, _subject(chunk.task.recording_id), at, data, str(chunk.key), round_number)


def _facts(chunk: ChunkRecord) -> dict[str, object]:
    task = chunk.task
    return {
        "recording_id": task.recording_id,
        "index": task.index,
        "document_id": task.document_id,
        "state": chunk.state.lower(),
    }


def _of_record(record: RecordingRecord, announced: int) -> Iterator[OutgoingEvent]:
    subject, data = _subject(record.recording_id), RecordingData(recording_id=record.recording_id, chunks=announced)
    if record.missing_since is not None:
        yield event_of(EventType.MISSING, subject, record.missing_since, data, record.missing_since)
    if record.incomplete_since is not None:
        yield event_of(EventType.INCOMPLETE, subject, record.incomplete_since, data, record.incomplete_since)
    yield from _of_pauses(record)
    yield from (unrecorded(record.recording_id, alarm) for alarm in record.unrecorded)
    if record.disposed_at is not None:
        erased = ErasedData(recording_id=record.recording_id, certificate=record.certificate)
        yield event_of(EventType.ERASED, subject, record.disposed_at, erased, record.certificate)


def _of_pauses(record: RecordingRecord) -> Iterator[OutgoingEvent]:
    subject = _subject(record.recording_id)
    for pause in record.pauses:
        if pause.ended_at is not None and pause.was_too_long:
            data = CallData(recording_id=record.recording_id, reason="time_up")
            yield event_of(EventType.PAUSED_TOO_LONG, subject, pause.ended_at, data, "time_up", pause.id)
    alarms = {pause.overdue_since for pause in record.pauses}
    if record.call_alarm == Code.PAUSE_OVERDUE:  # an older version notes it here only
        alarms.add(record.call_alarm_since)
    yield from (overdue(record.recording_id, since) for since in sorted(filter(None, alarms)))


def _of_holds(custody: Custody) -> Iterator[OutgoingEvent]:
    """Yield holds and releases, each with the number of holds at its own time."""
    subject = _subject(custody.recording_id)
    for hold in custody.holds:
        yield event_of(EventType.HELD, subject, hold.since, _holding(custody, hold.since), hold.case, hold.since)
        if hold.released_at is not None:
            yield event_of(
                EventType.RELEASED,
                subject,
                hold.released_at,
                _holding(custody, hold.released_at),
                hold.case,
                hold.since,
                hold.released_at,
            )


def _holding(custody: Custody, at: datetime) -> HoldData:
    count = sum(hold.since <= at and (hold.released_at is None or hold.released_at > at) for hold in custody.holds)
    return HoldData(recording_id=custody.recording_id, holds=count)


def _subject(recording_id: str) -> Subject:
    return Subject(kind=SubjectKind.RECORDING, id=recording_id)
