"""Enqueue the guards of a call: at its start, and again where the first message may be lost."""

from datetime import timedelta

from recording.control.watching import watch_later
from recording.domain.calls import watch
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.calls.pauses import guarded_pause
from recording.domain.calls.policy import CallPolicy, ConsentRule
from recording.domain.state.recording import RecordingRecord
from recording.ports import Ports
from recording.ports.guards import Guards


def send_guards_of_start(name: str, policy: CallPolicy, ports: Ports, *, has_consent: bool) -> None:
    """Enqueue the guards of a recording that starts, before its start is noted: no note is left without its guards.

    Raises:
        StorageError: nothing is noted yet, and the same start completes it.
    """
    if ports.guards is None:
        return
    if policy.consent is ConsentRule.FIRST and not has_consent:
        within = policy.consent_within_seconds
        task = GuardTask(recording_id=name, kind=GuardKind.CONSENT, seconds=within)
        ports.guards.send(task, timedelta(seconds=within))
    if policy.must_be_recorded:
        watch_later(name, round(watch.EVERY.total_seconds()), "", watch.EVERY, ports.guards)
    if policy.longest_recording_seconds is not None:
        warn_later(name, policy.longest_recording_seconds, policy, 0, ports.guards)
        stop_later(name, policy.longest_recording_seconds, 0, ports.guards)


def warn_later(name: str, longest: int, policy: CallPolicy, lasted: int, guards: Guards) -> None:
    """Enqueue the warning before a recording is stopped; visible at once where its time has passed already.

    Args:
        name: the recording's id.
        longest: seconds that it may last.
        policy: says how many seconds before that the warning is due.
        lasted: seconds that it has lasted.
        guards: the queue.
    """
    if 0 < policy.warn_before_seconds < longest:
        at = max(longest - policy.warn_before_seconds, lasted)
        task = GuardTask(recording_id=name, kind=GuardKind.WARNING, seconds=at)
        guards.send(task, timedelta(seconds=at - lasted))


def stop_later(name: str, longest: int, lasted: int, guards: Guards) -> None:
    """Enqueue the end of a recording that lasts too long; visible at once where its time has passed already."""
    at = max(longest, lasted)
    task = GuardTask(recording_id=name, kind=GuardKind.LONGEST, seconds=at)
    guards.send(task, timedelta(seconds=at - lasted))


def send_guard_again(record: RecordingRecord, ports: Ports) -> None:
    """Enqueue another guard of a pause that should be over; the first message may have been lost with a worker.

    It waits as long as the pause was requested for, counted from now: even a fast clock of this instance ends no pause
    early.
    """
    pause = guarded_pause(record.pauses)
    if pause is None or pause.length is None or pause.at + pause.length > ports.clock.now() or ports.guards is None:
        return
    task = GuardTask(recording_id=record.recording_id, kind=GuardKind.PAUSE, mark=pause.id)
    ports.guards.send(task, pause.length)
