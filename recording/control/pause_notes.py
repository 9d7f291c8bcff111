"""Note what was done at ACS on the recording's row: a pause begins, goes on or is over, and each has its guard."""

from collections.abc import Callable, Collection, Sequence

from recording.control.looks import carry_out_later, look_later
from recording.control.notes import note, without_alarm
from recording.control.unrecorded import is_stopped_here
from recording.domain.calls.guards import LOOKS, GuardKind, GuardTask
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, open_withdrawal, with_end, with_room
from recording.domain.model import with_changes
from recording.domain.state.recording import MOST_PAUSES, LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.telemetry import Event, emit


def end_pause(recording_id: str, how: PauseEnd, ports: Ports, pause_id: str | None = None) -> RecordingRecord:
    """Note that a pause is over, and end its alarm; every open pause where no id is given.

    Raises:
        StorageError: the catalog does not answer, or the row keeps changing.
    """
    ends_alarm = False

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        nonlocal ends_alarm
        ended = with_end(row.pauses, ports.clock.now(), how, None if pause_id is None else {pause_id})
        is_over = ended != row.pauses and guarded_pause(ended) is None
        ends_alarm = is_over and row.call_alarm == Code.PAUSE_OVERDUE
        over = without_alarm(row, Code.PAUSE_OVERDUE) if is_over else RecordingChanges()
        return None if ended == row.pauses else {"pauses": ended, **over}

    made = note(recording_id, ports, decide)
    if ends_alarm:  # no resume or stop is reported here, so nothing else ends the alert
        emit(Event.PAUSE_ENDED, recording_id=recording_id, reason=how)
    return made


def note_paused(recording_id: str, wanted: CommandedPause, ports: Ports) -> tuple[RecordingRecord, bool]:
    """Note that ACS accepted a pause, and return the row, and whether another request has ended the pause meanwhile.

    Such a pause is noted anew, since whether it or the resume reached ACS last is not known; guards see to it.

    Raises:
        StorageError: the note failed; the same again completes it.
    """
    is_overtaken = False

    def reopened(row: RecordingRecord) -> RecordingChanges:
        nonlocal is_overtaken
        is_overtaken = finder_of_kind(wanted)(row.pauses) is None
        return with_pause(row, with_changes(wanted, {"settled": False}), None) if is_overtaken else {}

    record = note_action(recording_id, LastAction.PAUSED, Event.PAUSED, ports, also=reopened)
    is_overtaken = is_overtaken and record.last_action is LastAction.PAUSED
    if is_overtaken:
        guard_pause(recording_id, wanted, ports)  # the first one may have ended it
        look_at_pauses(record, ports)
    return record, is_overtaken


def with_pause(row: RecordingRecord, wanted: CommandedPause, over: CommandedPause | None) -> RecordingChanges:
    """Return the changes of a row that gains this pause.

    Args:
        row: as it is.
        wanted: the pause; an earlier note of the same one is replaced.
        over: a pause that the row has open, and that ACS has ended.
    """
    sooner = min(filter(None, (row.look_at, wanted.ends_by)), default=None)
    earlier = with_end(row.pauses, wanted.at, PauseEnd.ELSEWHERE, {over.id}) if over is not None else row.pauses
    others = [pause for pause in earlier if pause.id != wanted.id]
    kept = with_room((*others, wanted), MOST_PAUSES)
    more = row.more_pauses + len(others) + 1 - len(kept)
    return {"pauses": kept, "more_pauses": more, "look_at": sooner if row.look_at is not None else None}


def note_action(  # noqa: PLR0917 - what was done, and which pauses are over with it
    recording_id: str,
    action: LastAction,
    event: Event,
    ports: Ports,
    ends: PauseEnd | None = None,
    only: Collection[str] | None = None,
    *,
    is_gone: bool = False,
    also: Callable[[RecordingRecord], RecordingChanges] | None = None,
) -> RecordingRecord:
    """Note what was done at ACS, report it, and have directory and manifest follow.

    Args:
        recording_id: the recording's id.
        action: what was done.
        event: as it is logged.
        ports: the catalog, and the queue of follow-ups.
        ends: how open pauses end by it; None where they go on.
        only: the ids of the pauses that end; None for every one.
        is_gone: ACS did not know the recording any more.
        also: returns what else changes.
    """
    now = ports.clock.now()

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        if action is not LastAction.STOPPED and is_stopped_here(row):  # meanwhile: nothing follows a stop
            return None
        changes = RecordingChanges(last_action=action, last_action_at=now)
        if action in (LastAction.RESUMED, LastAction.PAUSED):  # what ACS pauses was recording
            changes["was_resumed"] = True
        if action is LastAction.RESUMED:  # a stop that was reported beforehand did not happen
            changes["stopped_alarm_at"] = None
        if is_gone:
            changes["ended_seen_at"] = row.ended_seen_at or now
        if ends is not None:
            changes["pauses"] = with_end(row.pauses, now, ends, only)
            if guarded_pause(changes["pauses"]) is None:
                changes |= without_alarm(row, Code.PAUSE_OVERDUE)
        return changes if also is None else {**changes, **also(row)}

    record = note(recording_id, ports, decide)
    emit(event, recording_id=recording_id)
    request_follow_up(recording_id, ports)
    return record


def look_at_pauses(record: RecordingRecord, ports: Ports) -> None:
    """Enqueue looks at a recording that rests, or must: for a caller's pause, and for what consent asks for.

    Raises:
        StorageError: the queue does not answer.
    """
    pause = guarded_pause(record.pauses)
    if pause is not None:
        look_later(record.recording_id, pause.id, LOOKS, ports)
    if record.consents:
        carry_out_later(record.recording_id, record.consents[-1].at.isoformat(), ports)


def guard_pause(recording_id: str, pause: CommandedPause, ports: Ports, *, is_noted: bool = True) -> None:
    """Enqueue the guard of a pause that has an end.

    Raises:
        StorageError: the queue does not answer.
    """
    if pause.length is not None and ports.guards is not None:
        seconds = None if is_noted else round(pause.length.total_seconds())
        task = GuardTask(recording_id=recording_id, kind=GuardKind.PAUSE, mark=pause.id, seconds=seconds)
        ports.guards.send(task, pause.length)


def finder_of_kind(wanted: CommandedPause) -> Callable[[Sequence[CommandedPause]], CommandedPause | None]:
    """Return the function that finds the open pause of the same kind: with an end, or without."""
    return open_withdrawal if wanted.length is None else guarded_pause


def open_ids(record: RecordingRecord) -> set[str]:
    """Return the ids of the pauses that are open."""
    return {pause.id for pause in record.pauses if pause.how is None}
