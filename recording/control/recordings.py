"""Control: start a recording, record what to expect from it, and report its state."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from recording.control.findings import findings_of, shown_finding, shown_pause
from recording.control.guards.enqueue import send_guards_of_start
from recording.control.notes import check_recording_id, note
from recording.control.running import give_back, take_place
from recording.control.unrecorded import report_before_start
from recording.domain.archived.receipt import UnreadRow, gap_facts, gaps_in, is_complete
from recording.domain.calls.consent import consent_state
from recording.domain.calls.policy import CallPolicy, ConsentRule
from recording.domain.formats import FormatType
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.requests import StartOptions, StartRequest, start_options
from recording.domain.incoming.tenants import owner_at_start
from recording.domain.outgoing.from_records import start_refused
from recording.domain.state.chunk import ChunkRecord, FallbackCopy
from recording.domain.state.recording import (
    WAITS_FOR_CONSENT,
    KnownState,
    LastAction,
    RecordingRecord,
    StartReservation,
    merged_state,
)
from recording.domain.state.records import RecordingChanges, changed, required
from recording.domain.state.transitions import is_archived, is_finished
from recording.domain.watched import deadline
from recording.domain.watched.expectation import Expectation, expectation
from recording.errors import ControlError, RecordingError, RequestError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.ports.outgoing.announce import announce_event
from recording.ports.stored import all_chunks_of
from recording.settings import Settings
from recording.telemetry import Event, emit

_NO_REFUSALS = (Code.START_NOT_NOTED, Code.IDEMPOTENCY_KEY_REUSED, Code.ALREADY_RECORDING)


def start_recording(
    body: Any, idempotency_key: str | None, caller: str | None, ports: Ports, settings: Settings
) -> dict[str, Any]:
    """Start a recording and record what to expect: caller, time, call, options and consent.

    With an `Idempotency-Key` the same request returns the same recording, however often it is sent.

    Raises:
        RequestError: the request is not valid, or its key was used for another one (409).
        ControlError: ACS refused.
        StorageError: the note could not be written; with a key, the same request completes it.
    """
    request, key = StartRequest.read(body), _key_of(idempotency_key, ports)
    policy = settings.policy(caller, request.tags)
    with refusals_told(policy, key, ports):
        options = _options(request, policy, settings)
        owner = owner_at_start(settings.tenants, ports.scope, request.tags)
        reservation = _reserve(request, key, ports)
        if reservation.recording_id is None:
            take_place(reservation.key, caller, settings.running_per_caller, ports)
            try:
                acs_id, acs_state = ports.control.start(options, reservation.repeatability_id, reservation.first_sent)
            except ControlError as error:
                reservation = _completed_meanwhile(reservation, error, caller, ports, settings)
            else:
                recording_id = canonical_id(acs_id)
                reservation = changed(reservation, recording_id=recording_id, acs_state=acs_state)
                emit(Event.STARTED, recording_id=recording_id, started_by=caller)
                _note_start(reservation, acs_id, request, options, caller, ports, policy, owner)
    record = ports.catalog.get_recording(required(reservation.recording_id, "recording_id"))
    if policy.must_be_recorded and record is not None:
        report_before_start(record, ports, settings)
    return {
        "recordingId": reservation.recording_id,
        "state": merged_state(reservation.acs_state, record),
        "acsState": reservation.acs_state,
        "startedAt": reservation.first_sent.isoformat(),
        "combination": str(options.combination),
    }


def get_recording(recording_id: str, ports: Ports, settings: Settings) -> dict[str, Any]:
    """Return ACS's state merged with the catalog's, and the chunks with their progress and time left.

    Raises:
        RequestError: `recording_not_found` (404) when neither ACS nor the catalog knows it.
        ControlError: ACS failed and the catalog knows nothing either.
    """
    return told_of(look_at(recording_id, ports), ports, settings)


@dataclass(frozen=True)
class Look:
    """A recording as known to catalog and ACS at one moment.

    Attributes:
        recording_id: in the spelling of the catalog.
        record: its row.
        chunks: those that can be read, by index.
        unread: the rows of chunks that cannot be read.
        acs_state: ACS's word; None when it knows no such recording.
        acs_fault: the code of ACS's failure.
    """

    recording_id: str
    record: RecordingRecord | None
    chunks: list[ChunkRecord]
    unread: list[UnreadRow]
    acs_state: str | None
    acs_fault: str | None


def look_at(recording_id: str, ports: Ports) -> Look:
    """Ask catalog and ACS, each once. Raises as `get_recording`."""
    check_recording_id(recording_id)
    asked_for, recording_id = recording_id, canonical_id(recording_id)
    record = ports.catalog.get_recording(recording_id)
    acs_state, acs_fault = _acs_state(asked_for, record, ports)
    if record is None and acs_state is None:
        raise RequestError("neither ACS nor the catalog knows this recording", code=Code.RECORDING_NOT_FOUND)
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    return Look(recording_id, record, chunks, unread, acs_state, acs_fault)


def told_of(seen: Look, ports: Ports, settings: Settings) -> dict[str, Any]:
    """Return the answer of `GET recordings/{id}`."""
    record, chunks = seen.record, seen.chunks
    state = KnownState.UNKNOWN if seen.acs_fault else merged_state(seen.acs_state, record)
    return {
        "recordingId": seen.recording_id,
        "state": KnownState.ENDED if (chunks or seen.unread) and seen.acs_state is None else state,
        "acsState": seen.acs_state,
        "acsFault": seen.acs_fault,
        **_shown_record(record),
        "complete": is_complete(chunks, record.least_count if record else None, seen.unread),
        **gap_facts(gaps_in(chunks, record.least_count if record else None, seen.unread)),
        "pauseFindings": [shown_finding(one) for one in findings_of(record, chunks, seen.unread)],
        **_shown_expectation(record, seen, ports.clock.now(), settings),
        "chunks": [_shown_chunk(chunk, ports.clock.now(), settings) for chunk in chunks],
        "unreadable": [row.facts() for row in seen.unread],
    }


@contextmanager
def refusals_told(policy: CallPolicy, key: str, ports: Ports) -> Iterator[None]:
    """Raise the alarm about a refused start, whatever the reason, before the caller is answered.

    A start that succeeded but could not be recorded is not a refusal, nor is another request under a key in use; and
    a call that ACS records already is recorded.
    """
    try:
        yield
    except RecordingError as error:
        if policy.must_be_recorded and error.code not in _NO_REFUSALS:
            emit(Event.UNRECORDED, code=error.code, fault=error.fault, reason="start_refused")
            with suppress(StorageError):  # neither queue nor outbox answers: the caller and the log know it
                announce_event(start_refused(key, error.code, ports.clock.now()), ports)
        raise


def start_in(body: Any) -> StartRequest | None:
    """Return the start request in a JSON body; None when the body is not a valid one."""
    try:
        return StartRequest.read(body)
    except RequestError:
        return None


@contextmanager
def early_refusals_told(
    asked: StartRequest | None, idempotency_key: str | None, caller: str | None, ports: Ports, settings: Settings
) -> Iterator[None]:
    """Raise the same alarm about what refuses a start before it begins; an unreadable body is skipped."""
    if asked is None:
        yield
        return
    with refusals_told(settings.policy(caller, asked.tags), _key_of(idempotency_key, ports), ports):
        yield


def _options(request: StartRequest, policy: CallPolicy, settings: Settings) -> StartOptions:
    is_consent_required = policy.consent is ConsentRule.AT_START
    options = start_options(request, settings.external_containers, consent_required=is_consent_required)
    if policy.consent is ConsentRule.FIRST and request.consent is None:
        return replace(options, pause_on_start=True)  # nothing is recorded before consent is given
    return options


def _key_of(idempotency_key: str | None, ports: Ports) -> str:
    told = idempotency_key or uuid4().hex
    if ports.scope is not None:  # the keys of one tenant are independent of another's
        told = f"{ports.scope.mark}\0{told}"
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()  # a refused key may not be text that has bytes


def _reserve(request: StartRequest, key: str, ports: Ports) -> StartReservation:
    """Write a reservation before ACS is called: a start whose answer is lost leaves a trace and can be repeated."""
    fingerprint = hashlib.sha256(json.dumps(request.as_noted(), sort_keys=True).encode()).hexdigest()
    fresh = StartReservation(
        key=key,
        fingerprint=fingerprint,
        repeatability_id=str(uuid5(NAMESPACE_URL, key)),
        first_sent=ports.clock.now(),
    )
    if ports.catalog.add_reservation(fresh):
        return fresh
    known = ports.catalog.get_reservation(key) or fresh
    if known.fingerprint != fingerprint:
        message = "this Idempotency-Key was used for another request"
        raise RequestError(message, code=Code.IDEMPOTENCY_KEY_REUSED)
    return known


def _completed_meanwhile(
    reservation: StartReservation, error: ControlError, caller: str | None, ports: Ports, settings: Settings
) -> StartReservation:
    """Return the reservation as the same request, sent before, has completed it; ACS refused this one for that reason.

    Raises:
        ControlError: there is none, and `error` is the answer; a permanent refusal releases the place.
    """
    with suppress(StorageError):
        known = ports.catalog.get_reservation(reservation.key)
        if known is not None and known.recording_id is not None:
            return known
    if not error.retryable:  # else it may be running: the answer was lost, and the same start finds it
        give_back(reservation.key, caller, settings.running_per_caller, ports)
    raise error


def _note_start(  # noqa: PLR0917 - what was asked, of whom, and under which policy
    reservation: StartReservation,
    acs_id: str,
    request: StartRequest,
    options: StartOptions,
    caller: str | None,
    ports: Ports,
    policy: CallPolicy,
    owner: str | None,
) -> None:
    recording_id = required(reservation.recording_id, "recording_id")
    started = RecordingChanges(
        acs_id=acs_id if acs_id != recording_id else None,
        started_here=True,
        started_at=reservation.first_sent,
        started_by=caller or (without_numbers(request.requested_by) if request.requested_by else None),
        is_vouched=caller is not None,
        request={**request.for_catalog(), **_how_it_rests(request, options, policy)},
        consent=request.consent.for_catalog() if request.consent else None,
        server_call_id=request.server_call_id,
        last_action=LastAction.STARTED_PAUSED if options.pause_on_start else LastAction.STARTED,
        last_action_at=reservation.first_sent,
    )
    whole = ports.beneath or ports  # an event may have made the row before, and it is nobody's then

    def decide(row: RecordingRecord) -> RecordingChanges:
        noted: RecordingChanges = {**started, "tenant": row.tenant or owner}
        if row.last_action is not None:  # it was paused or stopped before this note, which may come late
            noted |= {"last_action": row.last_action, "last_action_at": row.last_action_at}
        return noted

    try:
        send_guards_of_start(recording_id, policy, ports, has_consent=request.consent is not None)
        note(recording_id, whole, decide)
        ports.catalog.save_reservation(reservation)
        request_follow_up(recording_id, ports)
    except StorageError as error:
        message = f"recording {recording_id} was started, but could not be saved: {error}"
        raise StorageBusyError(message, code=Code.START_NOT_NOTED) from error


def _how_it_rests(request: StartRequest, options: StartOptions, policy: CallPolicy) -> dict[str, bool]:
    """Return that it was started paused, and whether for lack of consent, which no later policy changes."""
    if not options.pause_on_start:
        return {}
    return {
        "pauseOnStart": True,
        WAITS_FOR_CONSENT: policy.consent is ConsentRule.FIRST and request.consent is None,
    }


def _acs_state(recording_id: str, record: RecordingRecord | None, ports: Ports) -> tuple[str | None, str | None]:
    """Return ACS's state, or its fault if the catalog can answer alone: archiving never depends on this call."""
    try:
        return ports.control.state((record.acs_id if record else None) or recording_id), None
    except ControlError as error:
        if record is None:
            raise
        return None, error.code


def _shown_record(record: RecordingRecord | None) -> dict[str, Any]:
    if record is None:
        return {"startedHere": False}
    return {
        "startedHere": record.started_here,
        "callId": record.call_id,
        "serverCallId": record.server_call_id,
        "startedAt": record.started_at.isoformat() if record.started_at else None,
        "startedBy": record.started_by,
        "tags": record.current_tags or None,
        "consent": record.consent,
        "consentState": consent_state(record.consent, record.consents),
        "pauses": [shown_pause(pause) for pause in record.pauses],
        "morePauses": record.more_pauses,
        "moreConsents": record.more_consents,
        "folder": record.folder,
    }


def _shown_expectation(record: RecordingRecord | None, seen: Look, now: datetime, settings: Settings) -> dict[str, Any]:
    if record is None:
        return {"expectation": Expectation.RUNNING, "missingSince": None, "incompleteSince": None}
    return {
        "expectation": expectation(record, seen.chunks, now, settings.expected_after, seen.unread),
        "missingSince": record.missing_since.isoformat() if record.missing_since else None,
        "incompleteSince": record.incomplete_since.isoformat() if record.incomplete_since else None,
    }


def _shown_chunk(record: ChunkRecord, now: datetime, settings: Settings) -> dict[str, Any]:
    task = record.task
    left = deadline.time_left(task.expires_at, now)
    urgency = deadline.urgency(task.expires_at, now, settings.at_risk_below).value
    if record.fallback is not None:
        urgency = "in_fallback"
    if is_archived(record):
        urgency = "archived"
    return {
        "index": task.index,
        "documentId": task.document_id,
        "state": record.state,
        "finished": is_finished(record),
        "urgency": urgency,
        "expiresAt": task.expires_at.isoformat(),
        "timeLeftSeconds": max(0, int(left / timedelta(seconds=1))),
        "blobName": record.blob_name,
        "format": record.format.value if isinstance(record.format, FormatType) else None,
        "lengthBytes": record.length_bytes,
        "sha256": record.sha256,
        "sha512": record.sha512,
        "durationMs": record.duration_ms,
        "verifiedHow": list(record.verified_how),
        "remarks": list(record.remarks),
        "metadata": record.metadata,
        "source": record.source,
        "sourceReason": record.source_reason,
        "attempts": record.attempts,
        "lastError": record.last_error,
        "nextAttemptAt": record.next_attempt_at.isoformat() if record.next_attempt_at else None,
        "quarantineReason": record.quarantine_reason,
        "fallback": _shown_fallback(record.fallback) if record.fallback else None,
    }


def _shown_fallback(kept: FallbackCopy) -> dict[str, Any]:
    return {
        "blobName": kept.blob_name,
        "lengthBytes": kept.length_bytes,
        "sha256": kept.sha256,
        "keptAt": kept.kept_at.isoformat(),
    }
