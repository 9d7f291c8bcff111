"""Guards fire: they end pauses, stop recordings that lack consent or last too long, and watch what must be recorded.

Each guard reads the recording's row and does only what is still to be done, so a message may be delivered twice.
"""

from collections.abc import Callable
from datetime import timedelta

from recording.control.acs_state import acs_state
from recording.control.consents import carry_out, carry_out_for_good, is_waiting
from recording.control.guards.fired import Fired, report_unrecorded_call, stop_by_policy
from recording.control.guards.length import stop_at_longest, warn_of_end
from recording.control.guards.pause import end_long_pause, raise_overdue
from recording.control.settling import look_again, settle
from recording.control.watching import look, watch_withdrawn
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.guards import LOOKS, VERSION, GuardKind, GuardTask, read_guard, wait_before
from recording.domain.calls.pauses import open_withdrawal
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.schema import is_newer_message
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.errors import ControlError, RecordingError
from recording.ports import Ports
from recording.ports.unread import keep_unread
from recording.settings import Settings
from recording.telemetry import Event, emit

NEWER_AFTER = timedelta(minutes=1)  # a message of a newer version, until another worker is offered it


def guard_message(text: str, ports: Ports, settings: Settings) -> None:
    """Carry out one message of `recording-guards`; quarantine one that cannot be read.

    Raises:
        StorageError: catalog or quarantine do not answer; the host delivers the message again.
    """
    if is_newer_message(text, VERSION) and ports.guards is not None:
        ports.guards.send_again(text, NEWER_AFTER)
        return
    task = read_guard(text)
    if task is None:
        keep_unread(text, Origin.GUARDS_QUEUE, ports)
        return
    record = ports.catalog.get_recording(task.recording_id)
    if record is None:
        return
    try:
        _ACTS[task.kind](Fired(task, record, ports, settings))
    except ControlError as error:
        _try_again(task, record, error, ports)


def _stop_without_consent(fired: Fired) -> None:
    """Stop a recording that has waited for consent since its start; carry out any step that was noted meanwhile."""
    policy, record = fired.policy, fired.record
    state = consent_state(record.consent, record.consents)
    if state is ConsentState.GIVEN or not is_waiting(record, policy):
        carry_out_for_good(record, fired.ports, fired.settings)
        return
    seconds = policy.consent_within_seconds if fired.task.seconds is None else fired.task.seconds
    was_known = report_unrecorded_call(fired, CALL_STOPPED)
    stop_by_policy(record, f"no consent within {seconds} s; policy {policy.name}", fired.ports, was_known=was_known)


def _carry_out_consent(fired: Fired) -> None:
    """Carry out a noted step; even if the row says paused, since a resume whose worker died may have reached ACS."""
    if fired.task.seconds is None:
        watch_withdrawn(carry_out_for_good(fired.record, fired.ports, fired.settings), fired.ports, fired.settings)
        return
    pause, record = open_withdrawal(fired.record.pauses), fired.record
    if pause is not None and fired.task.seconds == LOOKS[-1]:
        record = settle(pause, record, fired.ports)
    carry_out(record, fired.ports, fired.settings)


def _settle(fired: Fired) -> None:
    look_again(fired.task, fired.record, fired.ports, fired.settings)


def _watch(fired: Fired) -> None:
    look(fired.task, fired.record, fired.ports, fired.settings)


def _try_again(task: GuardTask, record: RecordingRecord, error: ControlError, ports: Ports) -> None:
    """Report a refusal of ACS, and enqueue the guard again while ACS may know the recording.

    The alarm about a pause is raised at the first refusal.
    """
    emit(
        Event.GUARD_FAILED,
        recording_id=task.recording_id,
        action=task.kind,
        code=error.code,
        fault=error.fault,
        attempt=task.attempt,
    )
    if task.kind is GuardKind.PAUSE:
        raise_overdue(record, task.mark, ports)
    if ports.guards is not None and _may_be_known(record, ports):
        ports.guards.send(task.again(), wait_before(task.attempt))


def _may_be_known(record: RecordingRecord, ports: Ports) -> bool:
    """Return whether ACS may still know the recording; without an answer, it may."""
    try:
        return acs_state(record.recording_id, record, ports) is not None
    except RecordingError:
        return True


_ACTS: dict[GuardKind, Callable[[Fired], None]] = {
    GuardKind.PAUSE: end_long_pause,
    GuardKind.CONSENT: _stop_without_consent,
    GuardKind.WITHDRAWAL: _carry_out_consent,
    GuardKind.WARNING: warn_of_end,
    GuardKind.LONGEST: stop_at_longest,
    GuardKind.SETTLE: _settle,
    GuardKind.WATCH: _watch,
}
