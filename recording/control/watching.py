"""Watching: a call that must be recorded is looked at while it runs, and what others do to its recording is reported.

One message is under way for each such recording. It notes how far the watch has come, so that a message that is
delivered twice goes on once; and it ends with the recording.
"""

from datetime import timedelta

from recording.control.consents import is_waiting
from recording.control.notes import acs_id_of, note, policy_of
from recording.control.unrecorded import tell_stopped, tell_unrecorded
from recording.domain.calls import watch
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.calls.pauses import open_pause
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.domain.watched.expectation import is_known_over
from recording.errors import ControlError
from recording.ports import Ports
from recording.ports.guards import Guards
from recording.settings import Settings

PAUSED_TOO_LONG = "paused_too_long"
UNKNOWN = "unknown"  # ACS does not answer


def watch_later(recording_id: str, seconds: int, mark: str, wait: timedelta, guards: Guards) -> None:
    """Enqueue the next look.

    Raises:
        StorageError: the queue does not answer.
    """
    task = GuardTask(version=watch.VERSION, recording_id=recording_id, kind=GuardKind.WATCH, mark=mark, seconds=seconds)
    guards.send(task, wait)


def watch_from_now(before: RecordingRecord, after: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Enqueue the first look at a recording that new tags bring under a policy; before they are noted.

    What is known to be over is skipped. A watch that is under way already goes on once.

    Raises:
        StorageError: the queue does not answer; nothing is noted yet.
    """
    if ports.guards is None or is_known_over(before) or policy_of(before, settings).must_be_recorded:
        return
    if policy_of(after, settings).must_be_recorded:
        seconds = (before.watched_seconds or 0) + round(watch.EVERY.total_seconds())
        watch_later(before.recording_id, seconds, watch.FIRST, watch.EVERY, ports.guards)


def look(task: GuardTask, record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Look at a recording that must run, and see to it that it is looked at again.

    Raises:
        StorageError: queue or catalog do not answer; the host delivers the message again.
    """
    if ports.guards is None or _needs_no_look(record, settings):
        return
    if record.session_end_reason is not None or task.mark in (watch.ENDED, watch.OVER):
        if not watch.ended_with_its_call(record.session_end_reason):
            tell_stopped(record, watch.STOPPED_ELSEWHERE, ports, settings)
        return
    seconds = task.seconds or 0
    if seconds <= (record.watched_seconds or 0):
        return  # another delivery of this message has gone on
    name, state = record.recording_id, _state(record, ports)
    if state == UNKNOWN and (record.missing_since or record.settled_at):
        return  # ACS answers no more; by a clock that is ahead alone nothing ends that can still be found out
    if state is None and task.mark == watch.FIRST:
        return  # as far as anybody knows, it was over before it had to be recorded; its event decides
    if state is None:
        watch_later(name, seconds, watch.OVER, watch.DOUBT, ports.guards)
    else:
        mark = _rests(task, record, state, ports, settings)
        watch_later(name, seconds + round(watch.EVERY.total_seconds()), mark, watch.EVERY, ports.guards)
    note(name, ports, lambda row: RecordingChanges(watched_seconds=max(seconds, row.watched_seconds or 0)))


def _needs_no_look(record: RecordingRecord, settings: Settings) -> bool:
    """Return whether nothing can be found out any more, or nobody wants to know."""
    is_stopped_here = record.last_action is LastAction.STOPPED and record.ended_seen_at is None
    return is_stopped_here or record.disposed_at is not None or not policy_of(record, settings).must_be_recorded


def _state(record: RecordingRecord, ports: Ports) -> str | None:
    try:
        return ports.control.state(acs_id_of(record.recording_id, record))
    except ControlError:  # no proof of anything; the next look asks again
        return UNKNOWN


def _rests(task: GuardTask, record: RecordingRecord, state: str, ports: Ports, settings: Settings) -> str:
    """Return the mark of the next message; raise the alarm about a pause of others when it becomes too long."""
    policy = policy_of(record, settings)
    is_paused_here = open_pause(record.pauses) is not None or is_waiting(record, policy)
    longest = policy.longest_pause_seconds
    found = watch.seen(state, task.mark, task.seconds or 0, longest, is_paused_here=is_paused_here)
    if state == UNKNOWN:
        return task.mark
    if found.rested_since is not None:
        tell_unrecorded(record, PAUSED_TOO_LONG, ports.clock.now(), ports, settings, found.rested_since)
    return found.mark
