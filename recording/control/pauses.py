"""Pause, resume and stop under guard: a pause has a reason and an end, both noted on the recording's row.

The order matters: the guard is enqueued, then the pause is noted, then ACS is asked. A worker that dies in between
leaves a guard that finds nothing to end, and never a pause without a guard. Where the queue refuses, reconcile guards
what is noted; where the catalog refuses, the guard notes the pause when its time is up.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from recording.control.acs_state import acs_state, is_paused, is_recording
from recording.control.findings import pause_facts
from recording.control.looks import carry_out_later, look_later, pause_left_behind, state_before
from recording.control.notes import acs_id_of, check_recording_id, known_recording, note, policy_of, without_alarm
from recording.control.unrecorded import is_stopped_here, report_stopped
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.guards import (
    FEW_LOOKS,
    LOOK_AGAIN,
    LOOKS,
    LOOKS_AT_RESUME,
    RESUME_MARK,
    GuardKind,
    GuardTask,
)
from recording.domain.calls.pauses import (
    CommandedPause,
    PauseEnd,
    guarded_pause,
    open_pause,
    open_withdrawal,
    with_end,
    with_room,
)
from recording.domain.calls.policy import ConsentRule
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.requests import PauseRequest
from recording.domain.model import with_changes
from recording.domain.state.recording import MOST_PAUSES, LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings
from recording.telemetry import Event, emit

ANY_PAUSE = PauseRequest()
_UNANSWERED = (Code.ACS_UNAVAILABLE, Code.ACS_UNREACHABLE)  # it may have been carried out
ANY = "*"  # instead of a pause's id: whichever pause is open


def pause_recording(
    recording_id: str, ports: Ports, settings: Settings, asked: PauseRequest = ANY_PAUSE, caller: str | None = None
) -> dict[str, Any]:
    """Pause a recording for some seconds; a second pause joins the first and does not extend it.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: catalog, ACS, and the queue of guards.
        settings: for the policy, whose longest pause is the default.
        asked: reason and seconds.
        caller: the object id of the caller; None for a key holder.

    Raises:
        RequestError: `pause_too_long`: more seconds than the policy allows.
        ControlError: ACS refused.
        StorageError: ACS has paused, and guard or note failed; sending the same again completes them.
    """
    check_recording_id(recording_id)
    known = known_recording(recording_id, ports)
    policy = policy_of(known, settings)
    seconds, now = asked.max_seconds or policy.longest_pause_seconds, ports.clock.now()
    if seconds > policy.longest_pause_seconds:
        message = f"the policy {policy.name!r} lets a pause last {policy.longest_pause_seconds} s at most; ask for less"
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
    """Enqueue the guard of a pause that has an end, note the pause, and ask ACS for it.

    Args:
        recording_id: as ACS or as this app spells it.
        known: the row; None leaves no row behind unless ACS knows the recording.
        wanted: the pause; an open one of the same kind, with or without an end, is joined instead.
        ports: catalog, ACS, and the queue of guards.

    Raises:
        ControlError: ACS refused; `not_yet_paused`: it will pause as soon as it records.
        StorageError: ACS has paused, and guard or note failed; sending the same again completes them.
    """
    name = canonical_id(recording_id)
    find_open = _finder_of_kind(wanted)
    before = state_before(recording_id, known, wanted, ports)
    wanted = with_changes(wanted, {"settled": is_recording(before)})
    stale = pause_left_behind(known, wanted, before)
    pause, failed = _note_beforehand(name, known, wanted, ports, stale)
    is_joined = pause.id != wanted.id or (known is not None and not stale and find_open(known.pauses) is not None)
    try:
        ports.control.pause(acs_id_of(recording_id, known))
        stale = ANY if is_joined or known is None else ""  # ACS recorded until now: the pause to join was over
    except ControlError as error:
        if is_joined and is_recording(before) and error.code in _UNANSWERED:  # the pause to join was over
            with suppress(StorageError):
                _note_pause(name, wanted, ports, ANY)
        _check_it_rests(recording_id, known, pause, error, ports, is_joined=is_joined, failed=failed)
        if is_joined and known is not None and known.last_action is not LastAction.PAUSED:
            stale = ANY  # when the pause to join reached ACS is not known: it may end too early
            wanted = with_changes(wanted, {"settled": True})
    if failed is not None:
        raise failed
    if known is None or stale == ANY:
        pause = _note_pause(name, wanted, ports, stale)
    if known is None:
        look_later(name, pause.id, FEW_LOOKS, ports)  # a guard that did not find it may have resumed the recording
    record, is_overtaken = note_paused(name, wanted, ports)
    if is_overtaken:
        message = "another request resumed the recording at the same moment; it is paused within seconds"
        raise ControlError(message, code=Code.NOT_YET_PAUSED, retry_after=LOOK_AGAIN)
    return {
        "recordingId": name,
        "state": merged_state("inactive", record),
        "pause": pause_facts(find_open(record.pauses) or pause),
    }


def _note_beforehand(
    name: str, known: RecordingRecord | None, wanted: CommandedPause, ports: Ports, stale: str
) -> tuple[CommandedPause, StorageError | None]:
    """Enqueue the guard and note the pause, as far as storage allows: a caller must be able to pause all the same.

    Returns:
        The open pause of its kind, this or the one that it joins; and what failed.
    """
    pause, failed = wanted, None
    try:
        _guard(name, wanted, ports)
        if wanted.length is not None and known is not None and not (wanted.settled or guarded_pause(known.pauses)):
            look_later(name, wanted.id, LOOKS, ports)  # ACS may refuse, and record in a moment
    except StorageError as error:
        failed = error
    try:
        if known is not None:
            pause = _note_pause(name, wanted, ports, stale)
            if pause.id != wanted.id:
                _guard(name, pause, ports)  # the queue may have refused the first one
    except StorageError as error:
        failed = error
    return pause, failed


def _guard(recording_id: str, pause: CommandedPause, ports: Ports, *, is_noted: bool = True) -> None:
    """Enqueue the guard of a pause that has an end.

    Raises:
        StorageError: the queue does not answer.
    """
    if pause.length is not None and ports.guards is not None:
        seconds = None if is_noted else round(pause.length.total_seconds())
        task = GuardTask(recording_id=recording_id, kind=GuardKind.PAUSE, mark=pause.id, seconds=seconds)
        ports.guards.send(task, pause.length)


def _check_it_rests(
    recording_id: str,
    known: RecordingRecord | None,
    pause: CommandedPause,
    error: ControlError,
    ports: Ports,
    *,
    is_joined: bool,
    failed: StorageError | None,
) -> None:
    """Check that ACS pauses the recording although it refused to, or its answer was lost, now or earlier.

    ACS has one word for a recording that is paused and one that has not begun, and refuses to pause either. It is
    paused where it recorded just before this pause was asked for, or has not recorded for a while since; otherwise it
    may record in a moment, and is paused then. Where ACS does not answer, the pause stays noted; its guard finds out.

    Raises:
        ControlError: `not_yet_paused`; or as ACS said: it is not paused, or whether it is cannot be known.
        StorageError: guard or note failed, so that nothing would pause it later.
    """
    name, row = canonical_id(recording_id), known or ports.catalog.get_recording(canonical_id(recording_id))
    action, is_refused = row.last_action if row is not None else None, error.code == Code.PAUSE_RESUME_NOT_ALLOWED
    if is_joined and not is_refused and action is not LastAction.STARTED_PAUSED:
        raise error
    if is_joined and action is LastAction.PAUSED:
        with suppress(StorageError):
            look_later(name, pause.id, FEW_LOOKS, ports)  # a resume may be on its way
        return
    # Where it may be paused since its start, there is no pause to join: the end of one must not begin the recording.
    is_begun = action not in (None, LastAction.STARTED_PAUSED) or (action is None and is_joined)
    state = acs_state(recording_id, row, ports) if is_begun or pause.settled else None
    if is_refused and is_recording(state) and _is_paused_now(acs_id_of(recording_id, row), ports):
        return
    # ACS may have accepted this pause, or one that nobody could note, and still say that it records.
    was_refused = row is not None and bool(row.pauses) and row.pauses[-1].how is PauseEnd.REFUSED
    may_show = is_recording(state) and ((is_refused and not was_refused) or error.code in _UNANSWERED)
    if not is_paused(state) and not may_show and known is not None:
        with suppress(StorageError):
            end_pause(name, PauseEnd.REFUSED, ports, pause_id=pause.id)
    if not is_refused or not (is_paused(state) or may_show):
        raise error
    if may_show or (action is not LastAction.PAUSED and not pause.settled):
        if failed is not None:
            raise failed from error
        if known is None:
            pause = _note_pause(name, pause, ports, "")
        if may_show or known is None:
            look_later(name, pause.id, LOOKS, ports)
        message = "ACS has not begun to record, and refuses to pause it before; it is paused as soon as it records"
        raise ControlError(message, code=Code.NOT_YET_PAUSED, retry_after=LOOK_AGAIN) from error


def _is_paused_now(acs_id: str, ports: Ports) -> bool:
    """Pause a recording that has begun since ACS refused; return whether ACS has accepted.

    Raises:
        ControlError: the answer was lost; the pause stays noted.
    """
    try:
        ports.control.pause(acs_id)
    except ControlError as error:
        if error.code != Code.PAUSE_RESUME_NOT_ALLOWED:
            raise
        return False
    return True


def _finder_of_kind(wanted: CommandedPause) -> Callable[[Sequence[CommandedPause]], CommandedPause | None]:
    """Return the function that finds the open pause of the same kind: with an end, or without."""
    return open_withdrawal if wanted.length is None else guarded_pause


def _note_pause(name: str, wanted: CommandedPause, ports: Ports, stale: str) -> CommandedPause:
    """Note a pause, and return the open one of its kind: this pause, or the one that it joins.

    Args:
        name: the recording's id.
        wanted: the pause.
        ports: the catalog.
        stale: the id of a pause that is not joined because it is over at ACS; `ANY` for whichever is open, "" for none.

    Raises:
        StorageError: the catalog does not answer; a guard of its own notes the pause when its time is up.
    """
    find_open = _finder_of_kind(wanted)

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        pause = find_open(row.pauses)
        if pause is not None and (pause.ends_by is None or stale not in (pause.id, ANY)):
            return None
        return _with_pause(row, wanted, pause)

    try:
        return find_open(note(name, ports, decide).pauses) or wanted
    except StorageError:
        with suppress(StorageError):
            _guard(name, wanted, ports, is_noted=False)
        raise


def resume_recording(
    recording_id: str,
    ports: Ports,
    how: PauseEnd = PauseEnd.RESUMED,
    settings: Settings | None = None,
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """Resume a recording; a caller's second resume succeeds as well, since the first answer may have been lost.

    It ends the pauses that were open when it began. What a caller or a withdrawal of consent has paused meanwhile is
    paused again: of two requests at the same moment, the pause wins.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: catalog and ACS.
        how: what ends the pause.
        settings: for the consent that a caller needs; None for the app's own resumes, which a policy asks for.
        only: the ids of the pauses that end; None for every one that is open now.

    Raises:
        RequestError: `consent_required`: consent is required first and missing, or was withdrawn.
        ControlError: ACS refused.
        StorageError: whether there is consent could not be read, or the note failed.
    """
    check_recording_id(recording_id)
    if settings is None:
        known = known_recording(recording_id, ports)
    else:
        known = ports.catalog.get_recording(canonical_id(recording_id))
        if lacks_consent(known, settings):
            message = "there is no consent to this recording; send the step `given` once there is"
            raise RequestError(message, code=Code.CONSENT_REQUIRED)
    name = canonical_id(recording_id)
    if only is None and known is not None:
        only = open_ids(known)
    try:
        ports.control.resume(acs_id_of(recording_id, known))
    except ControlError as error:
        is_by_caller = how is PauseEnd.RESUMED  # a guard notes instead that the pause was over
        is_refused = error.code == Code.PAUSE_RESUME_NOT_ALLOWED
        if not (is_refused and is_by_caller and _goes_on(recording_id, known, ports)):
            raise
        look_later(name, RESUME_MARK, LOOKS_AT_RESUME, ports)  # the pause to end may not show yet
    record = _note_action(name, LastAction.RESUMED, Event.RESUMED, ports, how, only)
    if record.last_action is LastAction.RESUMED and _must_rest(record):
        record = _pause_again(record, ports)
    rests = record.last_action is LastAction.PAUSED
    return {"recordingId": name, "state": merged_state("inactive" if rests else "active", record)}


def open_ids(record: RecordingRecord) -> set[str]:
    """Return the ids of the pauses that are open."""
    return {pause.id for pause in record.pauses if pause.how is None}


def _must_rest(record: RecordingRecord) -> bool:
    """Return whether a caller's pause is open, or consent is withdrawn."""
    is_withdrawn = consent_state(record.consent, record.consents) is ConsentState.WITHDRAWN
    return is_withdrawn or guarded_pause(record.pauses) is not None


def _pause_again(record: RecordingRecord, ports: Ports) -> RecordingRecord:
    """Pause a recording that a caller or a withdrawal paused while it was being resumed; guards repeat it.

    Raises:
        StorageError: nothing was enqueued, or the note failed.
    """
    name = record.recording_id
    look_at_pauses(record, ports)
    try:
        ports.control.pause(acs_id_of(name, record))
    except ControlError:  # the resume does not show yet, or ACS does not answer
        return record
    pause = open_pause(record.pauses)
    if pause is None:  # the withdrawal is noted, and its pause will be
        return _note_action(name, LastAction.PAUSED, Event.PAUSED, ports)
    return note_paused(name, pause, ports)[0]


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


def lacks_consent(known: RecordingRecord | None, settings: Settings) -> bool:
    """Return whether nothing may be recorded now: consent is withdrawn, or required first and missing."""
    state = consent_state(known.consent, known.consents) if known else ConsentState.NONE
    is_first = policy_of(known, settings).consent is ConsentRule.FIRST or (
        known is not None and known.waits_for_consent
    )
    return state is ConsentState.WITHDRAWN or (is_first and state is not ConsentState.GIVEN)


def _goes_on(recording_id: str, known: RecordingRecord | None, ports: Ports) -> bool:
    """Return whether ACS records after a pause made here, so that this resume, or an earlier one, succeeded."""
    if known is None or not (known.pauses or known.last_action is LastAction.RESUMED):
        return False
    return is_recording(acs_state(recording_id, known, ports))


def stop_recording(
    recording_id: str, ports: Ports, settings: Settings | None = None, *, was_known: bool = False
) -> dict[str, Any]:
    """Stop a recording; one that is in the catalog and that ACS does not know any more counts as stopped.

    ACS may answer 404 to a stop although the files will follow (known issues of the service). What ended the recording
    is not known then; the watch finds it out.

    The alarm about a call that must be recorded is raised before the stop is noted: when a worker dies in between,
    the watch raises the same one.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: catalog and ACS.
        settings: for the alarm about a caller's stop; None for the app's own stops, which a policy asks for.
        was_known: ACS knew it just now, so that a 404 means that this very stop ended it.

    Raises:
        ControlError: ACS refused.
        StorageError: ACS has stopped, and alarm or note failed; sending the same again completes them.
    """
    check_recording_id(recording_id)
    name, is_gone, known = canonical_id(recording_id), False, known_recording(recording_id, ports)
    try:
        ports.control.stop(acs_id_of(recording_id, known))
    except ControlError as error:
        if error.code != Code.RECORDING_NOT_FOUND or ports.catalog.get_recording(name) is None:
            raise
        is_gone = not was_known
    if settings is not None and not is_gone:
        known = known or ports.catalog.get_recording(name) or RecordingRecord(recording_id=name)
        report_stopped(known, CALL_STOPPED, ports, settings)
    record = _note_action(name, LastAction.STOPPED, Event.STOPPED, ports, PauseEnd.STOPPED, is_gone=is_gone)
    return {"recordingId": name, "state": merged_state(None, record)}


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
        is_overtaken = _finder_of_kind(wanted)(row.pauses) is None
        return _with_pause(row, with_changes(wanted, {"settled": False}), None) if is_overtaken else {}

    record = _note_action(recording_id, LastAction.PAUSED, Event.PAUSED, ports, also=reopened)
    is_overtaken = is_overtaken and record.last_action is LastAction.PAUSED
    if is_overtaken:
        _guard(recording_id, wanted, ports)  # the first one may have ended it
        look_at_pauses(record, ports)
    return record, is_overtaken


def _with_pause(row: RecordingRecord, wanted: CommandedPause, over: CommandedPause | None) -> RecordingChanges:
    sooner = min(filter(None, (row.look_at, wanted.ends_by)), default=None)
    earlier = with_end(row.pauses, wanted.at, PauseEnd.ELSEWHERE, {over.id}) if over is not None else row.pauses
    others = [pause for pause in earlier if pause.id != wanted.id]
    kept = with_room((*others, wanted), MOST_PAUSES)
    more = row.more_pauses + len(others) + 1 - len(kept)
    return {"pauses": kept, "more_pauses": more, "look_at": sooner if row.look_at is not None else None}


def _note_action(  # noqa: PLR0917 - what was done, and which pauses are over with it
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
