"""Warn of the end of a recording that may last only so long, and stop it then."""

from datetime import timedelta

from recording.control.guards.enqueue import stop_later, warn_later
from recording.control.guards.fired import Fired, report_unrecorded_call, stop_by_policy
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.outgoing.from_records import ends_soon
from recording.domain.state.recording import LastAction
from recording.ports.outgoing.announce import announce_event
from recording.telemetry import Event, emit


def warn_of_end(fired: Fired) -> None:
    """Warn that the recording will be stopped, by the policy that covers it now.

    Where that policy lets it last longer than the one at its start, the warning is put off; where shorter, the policy
    applies at once.
    """
    policy, record, guards = fired.policy, fired.record, fired.ports.guards
    longest = policy.longest_recording_seconds
    if record.last_action is LastAction.STOPPED or longest is None or guards is None:
        return
    lasted = longest - policy.warn_before_seconds if fired.task.seconds is None else fired.task.seconds
    if lasted < longest - policy.warn_before_seconds:
        warn_later(record.recording_id, longest, policy, lasted, guards)
        return
    left = max(longest - lasted, 0)
    if left < policy.warn_before_seconds:  # the stop that is enqueued already may be for a later time
        stop_later(record.recording_id, longest, lasted, guards)
    emit(Event.ENDS_SOON, recording_id=record.recording_id, time_left_seconds=timedelta(seconds=left))
    event = ends_soon(record.recording_id, left, fired.ports.clock.now(), lasted + left)
    announce_event(event.of_tenant(record.tenant), fired.ports)  # until it is safe, this message comes again


def stop_at_longest(fired: Fired) -> None:
    """Stop the recording, unless the policy that covers it now lets it last longer than it has."""
    policy, record, guards = fired.policy, fired.record, fired.ports.guards
    longest = policy.longest_recording_seconds
    if record.last_action is LastAction.STOPPED or longest is None or guards is None:
        return
    lasted = longest if fired.task.seconds is None else fired.task.seconds
    if lasted < longest:
        warn_later(record.recording_id, longest, policy, lasted, guards)
        stop_later(record.recording_id, longest, lasted, guards)
        return
    was_known = report_unrecorded_call(fired, CALL_STOPPED)
    reason = f"it has lasted {lasted} s, as long as it may; policy {policy.name}"
    stop_by_policy(record, reason, fired.ports, was_known=was_known)
