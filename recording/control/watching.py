"""Watch a call that must be recorded, or must rest: ask ACS about it while it runs, and report or undo what others do.

One message is under way for each such recording. It notes how far the watch has come, so that a message that is
delivered twice goes on once; and it ends with the recording.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from recording.control.acs_state import acs_state, is_recording
from recording.control.audit import act_by_policy
from recording.control.consents import carry_out, is_waiting
from recording.control.notes import note, policy_of
from recording.control.unrecorded import is_stopped_here, report_before_start, report_stopped, report_unrecorded
from recording.domain.calls import watch
from recording.domain.calls.guards import MOST_SECONDS, GuardKind, GuardTask
from recording.domain.calls.pauses import open_pause
from recording.domain.calls.policy import Withdrawal
from recording.domain.incoming.roles import Operation
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import RecordingChanges, changed
from recording.domain.watched.expectation import is_known_over
from recording.errors import ControlError
from recording.ports import Ports
from recording.ports.guards import Guards
from recording.settings import Settings

UNKNOWN = "unknown"  # instead of a state, when ACS does not answer


def watch_later(recording_id: str, seconds: int, mark: str, wait: timedelta, guards: Guards) -> None:
    """Enqueue the next look.

    Args:
        recording_id: the recording's id.
        seconds: how long the recording will have been watched by then.
        mark: what the watch has seen so far, in the words of `domain.calls.watch`.
        wait: until the message becomes visible.
        guards: the queue.

    Raises:
        StorageError: the queue does not answer.
    """
    watched = min(seconds, MOST_SECONDS)  # a row that says so is of a recording that is over
    task = GuardTask(version=watch.VERSION, recording_id=recording_id, kind=GuardKind.WATCH, mark=mark, seconds=watched)
    guards.send(task, wait)


def _watch_from_now(record: RecordingRecord, guards: Guards) -> None:
    """Enqueue the first look at a recording that runs already, further than any watch of it has come."""
    seconds = (record.watched_seconds or 0) + round(watch.EVERY.total_seconds())
    watch_later(record.recording_id, seconds, watch.FIRST, watch.EVERY, guards)


def follow_tags(before: RecordingRecord, after: RecordingRecord, ports: Ports, settings: Settings) -> RecordingRecord:
    """Judge a recording by the tags of each moment: watch it from now on, or let it off, before new tags are noted.

    Where a watch is under way already, only one of the two goes on.

    Args:
        before: the row with the old tags.
        after: the row with the new ones.
        ports: the queue of guards, and what an alarm needs.
        settings: for the policies.

    Returns:
        The row to save.

    Raises:
        StorageError: the queue, or what an alarm needs, does not answer; nothing is noted yet.
    """
    had_to, has_to = (policy_of(row, settings).must_be_recorded for row in (before, after))
    if had_to == has_to:
        return after
    if had_to:
        return _let_off(before, after, ports, settings)
    if _is_over_elsewhere(before):  # that was allowed, and stays so
        return changed(after, watched_seconds=MOST_SECONDS)
    if ports.guards is not None and not is_known_over(before):
        _watch_from_now(before, ports.guards)
    return after


def _let_off(before: RecordingRecord, after: RecordingRecord, ports: Ports, settings: Settings) -> RecordingRecord:
    """Report an end that no look has found yet, and make the message of the next look a late one.

    What ends the recording from now on is judged by the tags of that moment, whatever tags come after it. A stop or a
    withdrawal that a look has still to report stays with that look.
    """
    seconds = before.watched_seconds or 0
    if _is_over_elsewhere(before) and seconds < MOST_SECONDS:
        report_stopped(before, watch.STOPPED_ELSEWHERE, ports, settings)
    if is_stopped_here(before) or before.is_withdrawn:
        return after
    return changed(after, watched_seconds=min(seconds + round(watch.EVERY.total_seconds()), MOST_SECONDS))


def _is_over_elsewhere(record: RecordingRecord) -> bool:
    """Return whether ACS has said that it ended before its call, by nothing that was done here."""
    is_over = record.session_end_reason is not None and not watch.ended_with_its_call(record.session_end_reason)
    return is_over and not (is_stopped_here(record) or record.is_withdrawn)


def watch_withdrawn(record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Enqueue the first look at a recording that rests because consent is withdrawn; others may resume it.

    A recording that must be recorded is watched already. Where this watch is under way already, only one goes on.

    Raises:
        StorageError: the queue does not answer; the guard of the withdrawal comes again.
    """
    if ports.guards is None or policy_of(record, settings).must_be_recorded:
        return
    if _rests_without_consent(record, settings):
        _watch_from_now(record, ports.guards)


def look(task: GuardTask, record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Look at a recording that must run or rest, report what is wrong or put it right, and enqueue the next look.

    Raises:
        StorageError: queue or catalog do not answer; the host delivers the message again.
    """
    if _is_first_look_of_start(task, record):
        report_before_start(record, ports, settings)
    if ports.guards is None or _needs_no_look(record, settings):
        return
    seconds, is_about_end = task.seconds or 0, task.mark in (watch.ENDED, watch.OVER)
    if not is_about_end and seconds <= (record.watched_seconds or 0):
        return  # another delivery of this message has gone on, or tags have let the recording off
    if record.session_end_reason is not None or is_about_end:
        if not watch.ended_with_its_call(record.session_end_reason):
            report_stopped(record, watch.STOPPED_ELSEWHERE, ports, settings)
        return
    name, state = record.recording_id, _state(record, ports)
    if state == UNKNOWN and (record.missing_since or record.settled_at):
        return  # no answer, and the row says it is over; the row alone may be wrong, by a clock that was ahead
    if state is None and task.mark == watch.FIRST:
        return  # it may have been over before it had to be recorded; the event about its files decides
    if state is None:
        watch_later(name, seconds, watch.OVER, watch.DOUBT, ports.guards)
    else:
        mark = _mark_after(task, record, state, ports, settings)
        watch_later(name, seconds + round(watch.EVERY.total_seconds()), mark, watch.EVERY, ports.guards)
        if is_recording(state) and _rests_without_consent(record, settings):
            _rest_again(record, ports, settings)
    note(name, ports, lambda row: RecordingChanges(watched_seconds=max(seconds, row.watched_seconds or 0)))


def _is_first_look_of_start(task: GuardTask, record: RecordingRecord) -> bool:
    """Return whether this is the first look at a recording that had to be recorded from its start on.

    A stop or withdrawal that this look finds unreported was requested while the row did not show its policy: before the
    start was noted. A stop before the tag that brings a recording under its policy was allowed; that watch begins with
    `FIRST`.
    """
    return task.mark == "" and record.watched_seconds is None


def _needs_no_look(record: RecordingRecord, settings: Settings) -> bool:
    """Return whether a look could find out nothing more, or the recording may run or rest."""
    is_over = is_stopped_here(record) or record.disposed_at is not None
    return is_over or not (policy_of(record, settings).must_be_recorded or _rests_without_consent(record, settings))


def _rests_without_consent(record: RecordingRecord, settings: Settings) -> bool:
    """Return whether consent is withdrawn, and the policy pauses then; where it stops, there is nothing to watch."""
    return record.is_withdrawn and policy_of(record, settings).on_withdrawal is Withdrawal.PAUSE


def _rest_again(record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Pause a recording that another application has resumed; what fails is tried again at the next look."""

    def act() -> dict[str, Any]:
        carry_out(ports.catalog.get_recording(record.recording_id) or record, ports, settings)
        return {}

    with suppress(ControlError):
        act_by_policy(Operation.PAUSE, record.recording_id, "it records, and consent is withdrawn", ports, act)


def _state(record: RecordingRecord, ports: Ports) -> str | None:
    try:
        return acs_state(record.recording_id, record, ports)
    except ControlError:  # it proves nothing; the next look asks again
        return UNKNOWN


def _mark_after(task: GuardTask, record: RecordingRecord, state: str, ports: Ports, settings: Settings) -> str:
    """Return the mark of the next message; report a pause by another application once it has become too long."""
    policy = policy_of(record, settings)
    is_paused_here = open_pause(record.pauses) is not None or is_waiting(record, policy)
    longest = policy.longest_pause_seconds
    found = watch.seen(state, task.mark, task.seconds or 0, longest, is_paused_here=is_paused_here)
    if state == UNKNOWN:
        return task.mark
    if found.rested_since is not None:
        reason, now = watch.PAUSED_TOO_LONG, ports.clock.now()
        report_unrecorded(record, reason, now, ports, settings, found.rested_since)
    return found.mark
