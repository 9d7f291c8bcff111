"""The append-only audit trail of control actions: who requested what, when, and with which outcome.

One entry is written before ACS is called, and one after. A recording is not started or resumed if the first cannot be
written; pausing and stopping proceed, because people must be able to end a recording (docs/adr/0011).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from recording.domain.incoming.roles import Operation
from recording.domain.incoming.start_rate import is_apart, one_more
from recording.errors import RecordingError, RequestError, StorageError
from recording.errors.codes import Code
from recording.ports import AuditEntry, Ports
from recording.ports.audit import ASKED, DONE
from recording.ports.clock import shared_now
from recording.telemetry import Event, emit, span

_MOST_RACES = 50  # each lost race is another start of the same caller at the same moment
_NEVER_HINDERED = (Operation.PAUSE, Operation.STOP)


def check_rate(caller: str | None, limit: int, ports: Ports) -> None:
    """Count a start of the caller, unless it would exceed `limit` within a minute, over all instances.

    All key holders without a sign-in are one caller. The cost does not depend on the number of starts (docs/adr/0031).

    Raises:
        RequestError: `too_many_starts` (429), with the time to wait.
        StorageError: the count cannot be read or written; nothing was done.
    """
    wait = timedelta(seconds=1)  # if the caller's own other starts keep winning the race
    for _ in range(_MOST_RACES):
        known, now = ports.start_counts.get(caller), ports.clock.now()
        if known is not None and is_apart(known, now):
            now = shared_now(ports)  # else instances whose clocks differ by minutes would reset each other's count
        counted = one_more(known, caller, limit, now)
        if isinstance(counted, timedelta):
            wait = counted
            break
        if ports.start_counts.save(counted):
            return
    raise RequestError(f"the limit is {limit} starts a minute", code=Code.TOO_MANY_STARTS, retry_after=wait)


def run_audited(
    operation: Operation,
    recording_id: str | None,
    caller: str | None,
    ports: Ports,
    act: Callable[[], dict[str, Any]],
    *,
    note: str | None = None,
    result: Callable[[dict[str, Any]], str] | None = None,
    before: AbstractContextManager[None] | None = None,
) -> dict[str, Any]:
    """Return the answer of `act`, with an entry before and after it.

    Args:
        operation: the requested operation.
        recording_id: None for a start; the entry after it has the new one.
        caller: the object id from the platform's sign-in; None when only a key was sent.
        ports: where the trail is.
        act: calls ACS, or does what was requested.
        note: the reason, in the caller's own words.
        result: describes the answer in the second entry, in place of the note.
        before: a context around the first entry, to notice that it could not be written.

    Raises:
        StorageError: the first entry could not be written, and nothing was done.
        RecordingError: as `act`.
    """

    def add(outcome: str, about: str | None = recording_id, said: str | None = note) -> None:
        ports.audit.add(AuditEntry(ports.clock.now(), operation, about, caller, outcome, said))

    try:
        with before or nullcontext():
            add(ASKED)
    except StorageError as error:
        if operation not in _NEVER_HINDERED:
            raise
        emit(Event.AUDIT_FAILED, code=error.code, action=operation, recording_id=recording_id)
    try:
        with span(operation, recording_id=recording_id):
            answer = act()
    except RecordingError as error:
        _note(add, error.code, operation, recording_id)
        raise
    said = result(answer) if result is not None else note
    _note(lambda outcome: add(outcome, answer.get("recordingId", recording_id), said), DONE, operation, recording_id)
    return answer


def act_by_policy(
    operation: Operation, recording_id: str, reason: str, ports: Ports, act: Callable[[], dict[str, Any]]
) -> None:
    """Act with an entry that names no caller and gives the reason.

    Raises:
        StorageError: a resume whose first entry could not be written; nothing was done.
        RecordingError: as `act`.
    """
    run_audited(operation, recording_id, None, ports, act, note=reason)
    emit(Event.GUARD_ACTED, recording_id=recording_id, action=operation)


def _note(note: Callable[[str], None], outcome: str, operation: Operation, recording_id: str | None) -> None:
    """Add the entry after the act: the act is done, so a trail that fails now is reported and stops nothing."""
    try:
        note(outcome)
    except StorageError as error:
        emit(Event.AUDIT_FAILED, code=error.code, action=operation, recording_id=recording_id)
