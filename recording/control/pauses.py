"""Pause and resume under guard: a pause has a reason and an end, and what it was asked for is on the recording's row.

The order matters: the guard is enqueued, then the pause is noted, then ACS is asked. A worker that dies in between
leaves a guard that finds nothing to end; no pause is left without a guard.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from recording.control.findings import pause_facts
from recording.control.notes import acs_id_of, check_recording_id, known_recording, note, policy_of, without_alarm
from recording.control.unrecorded import tell_stopped
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, open_withdrawal, with_end
from recording.domain.calls.policy import ConsentRule
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.requests import PauseRequest
from recording.domain.state.recording import LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings
from recording.telemetry import Event, emit

ANY_PAUSE = PauseRequest()
ANY = "*"  # instead of a pause's id


def pause_recording(
    recording_id: str, ports: Ports, settings: Settings, asked: PauseRequest = ANY_PAUSE, caller: str | None = None
) -> dict[str, Any]:
    """Pause a recording for a while; a second pause joins the first and does not extend it.

    Raises:
        RequestError: `pause_too_long`: more than the policy allows.
        ControlError: ACS refused.
        StorageError: ACS has paused, and guard or note failed; sending the same again completes them.
    """
    check_recording_id(recording_id)
    known = known_recording(recording_id, ports)
    policy = policy_of(known, settings)
    seconds, now = asked.max_seconds or policy.longest_pause_seconds, ports.clock.now()
    if seconds > policy.longest_pause_seconds:
        message = f"the policy {policy.name!r} lets a pause last {policy.longest_pause_seconds} s at most"
        raise RequestError(message, code=Code.PAUSE_TOO_LONG)
    wanted = CommandedPause(
        id=uuid4().hex,
        at=now,
        ends_by=now + timedelta(seconds=seconds),
        reason=without_numbers(asked.reason) if asked.reason else None,
        by=caller,
    )
    return begin_pause(recording_id, known, wanted, ports)


def begin_pause(
    recording_id: str, known: RecordingRecord | None, wanted: CommandedPause, ports: Ports
) -> dict[str, Any]:
    """Enqueue the guard of a pause where it has an end, note the pause, and ask ACS for it.

    Args:
        recording_id: as it was asked for.
        known: what the catalog knows; one that nobody knows leaves no row unless ACS knows it.
        wanted: the pause; an open one of the same kind, with or without an end, is joined instead.
        ports: what the use case touches.

    Raises:
        ControlError: ACS refused.
        StorageError: ACS has paused, and guard or note failed; sending the same again completes them.
    """
    name, failed, pause = canonical_id(recording_id), None, wanted
    standing = _standing(wanted)
    stale = _left_behind(recording_id, known, ports) if wanted.length is not None else ""
    try:
        if wanted.length is not None and ports.guards is not None:
            ports.guards.send(GuardTask(recording_id=name, kind=GuardKind.PAUSE, mark=wanted.id), wanted.length)
        if known is not None:
            pause = _noted(name, wanted, ports, stale)
    except StorageError as error:  # people must be able to pause, whatever storage does
        failed = error
    is_joined = pause.id != wanted.id or (known is not None and not stale and standing(known.pauses) is not None)
    try:
        ports.control.pause(acs_id_of(recording_id, known))
        stale = ANY if is_joined or known is None else ""  # it recorded until now: what it would join is over
    except ControlError as error:
        # Since its start it rests: there is no pause to join, whatever is noted.
        rests = known is not None and known.last_action is LastAction.STARTED_PAUSED
        is_paused = (is_joined and not rests) or _is_paused_all_the_same(
            recording_id, known or ports.catalog.get_recording(name), ports
        )
        if not is_paused and known is not None:
            with suppress(StorageError):
                end_pause(name, PauseEnd.REFUSED, ports, pause_id=pause.id)
        is_refused = error.code == Code.PAUSE_RESUME_NOT_ALLOWED  # it is paused already, as was asked
        if not (is_paused and is_refused):
            raise
        if is_joined and known is not None and known.last_action is not LastAction.PAUSED:
            stale = ANY  # nobody knows when the pause that it would join reached ACS: it may end too early
    if failed is not None:
        raise failed
    if known is None or stale == ANY:
        pause = _noted(name, wanted, ports, stale)
    record = _acted(name, LastAction.PAUSED, Event.PAUSED, ports)
    return {
        "recordingId": name,
        "state": merged_state("inactive", record),
        "pause": pause_facts(standing(record.pauses) or pause),
    }


def _is_paused_all_the_same(recording_id: str, known: RecordingRecord | None, ports: Ports) -> bool:
    """Return whether ACS has paused although it said otherwise: the answer was lost, now or at an earlier request.

    Where it cannot be asked, the pause stays noted, and its guard finds out.

    Raises:
        ControlError: ACS does not answer.
    """
    if known is None or known.last_action not in (LastAction.STARTED, LastAction.RESUMED, LastAction.PAUSED):
        return False  # it may rest since its start, and the end of a pause must not begin it
    state = ports.control.state(acs_id_of(recording_id, known))
    return state is not None and state.lower() == "inactive"


def _left_behind(recording_id: str, known: RecordingRecord | None, ports: Ports) -> str:
    """Return the id of a pause that is noted as open and over at ACS: a resume got there, and its note did not.

    A pause that joined it would end with it, too early.

    Raises:
        ControlError: ACS does not answer; it would hardly pause.
    """
    pause = guarded_pause(known.pauses) if known is not None else None
    if pause is None:
        return ""
    state = ports.control.state(acs_id_of(recording_id, known))
    return pause.id if state is not None and state.lower() == "active" else ""


def _standing(wanted: CommandedPause) -> Callable[[Sequence[CommandedPause]], CommandedPause | None]:
    """Return what finds the open pause of the same kind, with or without an end."""
    return open_withdrawal if wanted.length is None else guarded_pause


def _noted(name: str, wanted: CommandedPause, ports: Ports, stale: str) -> CommandedPause:
    """Note a pause, and return the one of its kind that is open: this one, or another that it joins."""
    standing = _standing(wanted)

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        pause = standing(row.pauses)
        if pause is not None and (pause.ends_by is None or stale not in (pause.id, ANY)):
            return None
        return _with_pause(row, wanted, pause)

    return standing(note(name, ports, decide).pauses) or wanted


def resume_recording(
    recording_id: str,
    ports: Ports,
    how: PauseEnd = PauseEnd.RESUMED,
    settings: Settings | None = None,
    pause_id: str | None = None,
) -> dict[str, Any]:
    """Resume a recording; one that was resumed here and goes on counts as resumed: an answer may have been lost.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: what the use case touches.
        how: what ends the pause.
        settings: None for the app's own resumes, which the policy has asked for; a caller needs consent.
        pause_id: of the only pause that ends; None: every one.

    Raises:
        RequestError: `consent_required`: its policy wants consent first, or consent was withdrawn.
        ControlError: ACS refused.
        StorageError: nobody knows whether there is consent, or the note failed.
    """
    check_recording_id(recording_id)
    if settings is None:
        known = known_recording(recording_id, ports)
    else:
        known = ports.catalog.get_recording(canonical_id(recording_id))
        _check_consent(known, settings)
    try:
        ports.control.resume(acs_id_of(recording_id, known))
    except ControlError as error:
        is_by_caller = how is PauseEnd.RESUMED  # a guard must learn that it was done already
        if error.code != Code.PAUSE_RESUME_NOT_ALLOWED or not (is_by_caller and _goes_on(recording_id, known, ports)):
            raise
    name = canonical_id(recording_id)
    record = _acted(name, LastAction.RESUMED, Event.RESUMED, ports, how, pause_id)
    return {"recordingId": name, "state": merged_state("active", record)}


def _check_consent(known: RecordingRecord | None, settings: Settings) -> None:
    """Refuse where consent is withdrawn, or required first and missing."""
    state = consent_state(known.consent, known.consents) if known else ConsentState.NONE
    is_first = policy_of(known, settings).consent is ConsentRule.FIRST or (
        known is not None and known.waits_for_consent
    )
    if state is ConsentState.WITHDRAWN or (is_first and state is not ConsentState.GIVEN):
        raise RequestError("there is no consent to this recording", code=Code.CONSENT_REQUIRED)


def _goes_on(recording_id: str, known: RecordingRecord | None, ports: Ports) -> bool:
    """Return whether ACS records after a pause made here: then this resume, or one before it, has been done."""
    if known is None or not (known.pauses or known.last_action is LastAction.RESUMED):
        return False
    return ports.control.state(acs_id_of(recording_id, known)) == "active"


def stop_recording(
    recording_id: str, ports: Ports, settings: Settings | None = None, *, was_there: bool = False
) -> dict[str, Any]:
    """Stop a recording; one that is known here and has ended by itself counts as stopped.

    ACS may answer 404 to a stop although the files are on their way (the service's known issues). Then nobody knows
    here what has ended it, and the watch finds that out.

    The alarm about a call that must be recorded is raised before the stop is noted: where a worker dies in between,
    the watch raises the same one.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: what the use case touches.
        settings: None for the app's own stops, which the policy has asked for.
        was_there: ACS knew it just now, so that none but this stop has ended it.
    """
    check_recording_id(recording_id)
    name, is_gone, known = canonical_id(recording_id), False, known_recording(recording_id, ports)
    try:
        ports.control.stop(acs_id_of(recording_id, known))
    except ControlError as error:
        if error.code != Code.RECORDING_NOT_FOUND or ports.catalog.get_recording(name) is None:
            raise
        is_gone = not was_there
    if settings is not None and not is_gone:
        known = known or ports.catalog.get_recording(name) or RecordingRecord(recording_id=name)
        tell_stopped(known, CALL_STOPPED, ports, settings)
    record = _acted(name, LastAction.STOPPED, Event.STOPPED, ports, PauseEnd.STOPPED, is_gone=is_gone)
    return {"recordingId": name, "state": merged_state(None, record)}


def end_pause(recording_id: str, how: PauseEnd, ports: Ports, pause_id: str | None = None) -> RecordingRecord:
    """Note that a pause is over; every open one, where no id is given."""
    alarmed = False

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        nonlocal alarmed
        ended = with_end(row.pauses, ports.clock.now(), how, pause_id)
        is_over = ended != row.pauses and guarded_pause(ended) is None
        alarmed = is_over and row.call_alarm == Code.PAUSE_OVERDUE
        over = without_alarm(row, Code.PAUSE_OVERDUE) if is_over else RecordingChanges()
        return None if ended == row.pauses else {"pauses": ended, **over}

    made = note(recording_id, ports, decide)
    if alarmed:  # nobody resumes or stops it here, so no other line ends the alert
        emit(Event.PAUSE_ENDED, recording_id=recording_id, reason=how)
    return made


def _with_pause(row: RecordingRecord, wanted: CommandedPause, over: CommandedPause | None) -> RecordingChanges:
    sooner = min(filter(None, (row.look_at, wanted.ends_by)), default=None)
    earlier = with_end(row.pauses, wanted.at, PauseEnd.ELSEWHERE, over.id) if over is not None else row.pauses
    return {"pauses": (*earlier, wanted), "look_at": sooner if row.look_at is not None else None}


def _acted(  # noqa: PLR0917 - what was done, and which pauses are over with it
    recording_id: str,
    action: LastAction,
    event: Event,
    ports: Ports,
    ends: PauseEnd | None = None,
    pause_id: str | None = None,
    *,
    is_gone: bool = False,
) -> RecordingRecord:
    now = ports.clock.now()

    def decide(row: RecordingRecord) -> RecordingChanges:
        changes = RecordingChanges(last_action=action, last_action_at=now)
        if action in (LastAction.RESUMED, LastAction.PAUSED):  # what ACS pauses has been recording
            changes["was_resumed"] = True
        if action is LastAction.RESUMED:  # a stop that was reported beforehand did not come about
            changes["stopped_alarm_at"] = None
        if is_gone:
            changes["ended_seen_at"] = row.ended_seen_at or now
        if ends is not None:
            changes["pauses"] = with_end(row.pauses, now, ends, pause_id)
            if guarded_pause(changes["pauses"]) is None:
                changes |= without_alarm(row, Code.PAUSE_OVERDUE)
        return changes

    record = note(recording_id, ports, decide)
    emit(event, recording_id=recording_id)
    request_follow_up(recording_id, ports)
    return record
