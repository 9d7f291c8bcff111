"""Pause under guard: a pause has a reason and an end, both noted on the recording's row.

The order matters: the guard is enqueued, then the pause is noted, then ACS is asked. A worker that dies in between
leaves a guard that finds nothing to end, and never a pause without a guard. Where the queue refuses, reconcile guards
what is noted; where the catalog refuses, the guard notes the pause when its time is up.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from recording.control.acs_state import acs_state, is_paused, is_recording
from recording.control.findings import shown_pause
from recording.control.looks import look_later, pause_left_behind, state_before
from recording.control.notes import acs_id_of, check_recording_id, known_recording, note, policy_of
from recording.control.pause_notes import end_pause, finder_of_kind, guard_pause, note_paused, with_pause
from recording.domain.calls.guards import FEW_LOOKS, LOOK_AGAIN, LOOKS
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.requests import PauseRequest
from recording.domain.model import with_changes
from recording.domain.state.recording import LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.settings import Settings

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
    find_open = finder_of_kind(wanted)
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
        "pause": shown_pause(find_open(record.pauses) or pause),
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
        guard_pause(name, wanted, ports)
        if wanted.length is not None and known is not None and not (wanted.settled or guarded_pause(known.pauses)):
            look_later(name, wanted.id, LOOKS, ports)  # ACS may refuse, and record in a moment
    except StorageError as error:
        failed = error
    try:
        if known is not None:
            pause = _note_pause(name, wanted, ports, stale)
            if pause.id != wanted.id:
                guard_pause(name, pause, ports)  # the queue may have refused the first one
    except StorageError as error:
        failed = error
    return pause, failed


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
    find_open = finder_of_kind(wanted)

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        pause = find_open(row.pauses)
        if pause is not None and (pause.ends_by is None or stale not in (pause.id, ANY)):
            return None
        return with_pause(row, wanted, pause)

    try:
        return find_open(note(name, ports, decide).pauses) or wanted
    except StorageError:
        with suppress(StorageError):
            guard_pause(name, wanted, ports, is_noted=False)
        raise
