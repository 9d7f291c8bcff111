"""Decide: an operator resolves what needs attention, each time with a note in the audit trail.

`accept` makes suspect media the recording; `dismiss` states that nothing more is to be done; `retry` tries at once
instead of at the next attempt. A filter with an id, a reason or a recording that does not exist is an error.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from recording.control.audit import run_audited
from recording.domain.ids import without_numbers
from recording.domain.incoming.requests import HeldFilter
from recording.domain.incoming.roles import Operation
from recording.domain.state.chunk import ChunkKey, ChunkRecord, Dismissal
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_finished, is_held
from recording.domain.watched.attention import FAILED_ONCE, OF_CALLS, STUCK_AFTER, Attention, AttentionItem
from recording.domain.watched.expectation import ALARMS
from recording.errors import ClaimLostError, RequestError
from recording.errors.codes import Code
from recording.operate.accept import accept_suspect, check_note
from recording.operate.attention import needs_attention
from recording.operate.held import raise_outage, redrive_these
from recording.ports import Ports
from recording.ports.bulkhead import Bulkhead
from recording.settings import Settings
from recording.telemetry import Event, emit


@dataclass(frozen=True)
class Decided:
    """The outcome of a decision, by ids of attention items; it does not apply to those in `skipped`, or failed."""

    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The chunk whose suspect media is the recording now, and its name in storage."""

    id: str
    recording_id: str
    blob_name: str


def accept(id: str, blob_name: str | None, note: str, caller: str | None, ports: Ports) -> Accepted:  # noqa: A002
    """Accept a held chunk's suspect media as the recording.

    Args:
        id: of the chunk, as listed: `{recordingId}/{index}-{document}`.
        blob_name: which of its suspects; None when it has one only.
        note: why; for the receipt and the audit trail.
        caller: the caller, as authenticated by the platform.
        ports: what the use case touches.

    Raises:
        RequestError: `unknown_id` (404), or `invalid_request`: no note, not held, or without such media.
        StorageError: storage does not answer; nothing was accepted, or the same request completes it.
    """
    check_note(note)
    record = chunk_of_id(id, ports)
    if record is None:
        raise RequestError("unknown id: there is no such chunk", code=Code.UNKNOWN_ID)
    names = [suspect.blob_name for suspect in record.suspects]
    if blob_name is None and len(names) != 1:
        raise RequestError(f"the chunk has {len(names)} suspects: name the one to accept")
    chosen = blob_name or names[0]
    accept_suspect(record.key, chosen, note, caller, ports)
    return Accepted(id, record.task.recording_id, chosen)


def dismiss(chosen: HeldFilter, note: str, caller: str | None, ports: Ports, settings: Settings) -> Decided:
    """Decide that nothing more is to be done: held chunks and entries, and alarms about recordings and calls.

    Items that the app still works on (at risk, stuck, poisoned, dead letters) are skipped.

    Raises:
        RequestError: no note, nothing chosen, or `unknown_id`, `unknown_reason`, `unknown_recording`.
        StorageError: storage does not answer; what was dismissed until then stays dismissed.
    """
    return _decide(Operation.DISMISS_HELD, chosen, note, caller, ports, settings, _dismiss_and_log)


def retry(chosen: HeldFilter, note: str, caller: str | None, ports: Ports, settings: Settings) -> Decided:
    """Try again now: failing chunks at once, held items as by a redrive, missing recordings in the next run.

    Raises:
        RequestError: no note, nothing chosen, or `unknown_id`, `unknown_reason`, `unknown_recording`.
        StorageError: storage does not answer; what was retried until then is queued.
    """
    return _decide(
        Operation.RETRY_HELD, chosen, note, caller, ports, settings, _retry, FAILED_ONCE, then=_redrive_the_rest
    )


Act = Callable[[AttentionItem, Dismissal, Ports, Settings], bool]


def _decide(  # noqa: PLR0917 - the two decisions differ in what they do, and in nothing else
    operation: Operation,
    chosen: HeldFilter,
    note: str,
    caller: str | None,
    ports: Ports,
    settings: Settings,
    act: Act,
    stuck_after: int = STUCK_AFTER,
    then: Callable[[Set[str], Ports, Settings], Set[str]] = lambda *_: frozenset(),
) -> Decided:
    check_note(note)
    if chosen.matches_all:
        raise RequestError("select items by id, reason or recording", code=Code.NOTHING_CHOSEN)
    items = needs_attention(ports, settings, chosen, stuck_after).items
    decision = Dismissal(by=caller, note=without_numbers(note), at=ports.clock.now())
    done: list[str] = []

    def each() -> dict[str, Any]:
        bulkhead = Bulkhead()
        made = bulkhead.each(
            items, lambda item: (item.id, act(item, decision, ports, settings)), "held", lambda item: item.id
        )
        done.extend(name for name, is_done in made if is_done)
        done.extend(then({name for name, is_done in made if not is_done}, ports, settings))
        raise_outage(bulkhead, done)
        return {}

    about = {item.recording_id for item in items}
    run_audited(operation, about.pop() if len(about) == 1 else None, caller, ports, each, note=decision.note)
    settled = set(done)
    return Decided(tuple(done), tuple(item.id for item in items if item.id not in settled))


def _dismiss_and_log(item: AttentionItem, decision: Dismissal, ports: Ports, settings: Settings) -> bool:
    """Dismiss an item and log that, which ends its alert."""
    if not _dismiss(item, decision, ports, settings):
        return False
    for entry in item.entries or (None,):
        emit(
            Event.DISMISSED,
            action=item.kind,
            reason=item.reason,
            recording_id=item.recording_id,
            document_id=item.document_id,
            index=item.index,
            entry=entry,
        )
    return True


def _dismiss(item: AttentionItem, decision: Dismissal, ports: Ports, _settings: Settings) -> bool:
    if item.entries:
        for name in item.entries:
            ports.quarantine.mark_dismissed(name, decision.at, decision.note)
        return True
    record = _chunk(item, ports)
    if record is not None:
        return is_held(record) and _save(lambda: ports.catalog.save_chunk(changed(record, dismissed=decision)))
    recording = _recording(item, ports)
    if recording is None:
        return False
    decided = _with_decision(recording, item.kind, decision)
    return _save(lambda: ports.catalog.save_recording(decided))


def _with_decision(recording: RecordingRecord, kind: Attention, decision: Dismissal) -> RecordingRecord:
    """Return a recording with one alarm dismissed; its other alarms remain."""
    if kind in OF_CALLS:
        left = None if recording.stands == kind else recording.stands
        return changed(recording, call_dismissed=decision, stands=left, look_at=None)
    alarm = recording.open_call_alarm
    return changed(recording, dismissed=decision, stands=alarm, settled_at=decision.at if alarm is None else None)


def _retry(item: AttentionItem, decision: Dismissal, ports: Ports, _settings: Settings) -> bool:
    record = None if item.entries else _chunk(item, ports)
    if record is not None and not is_finished(record):
        now = changed(record, next_attempt_at=decision.at)
        if not _save(lambda: ports.catalog.save_chunk(now)):
            return False
        ports.queue.send(record.task)
        return True
    recording = None if item.entries or record is not None else _recording(item, ports)
    if recording is not None:
        again = changed(recording, look_at=None, asked_at=None)
        return _save(lambda: ports.catalog.save_recording(again))
    return False  # the redrive may know it


def _redrive_the_rest(ids: Set[str], ports: Ports, settings: Settings) -> Set[str]:
    """Redrive held items, all of them after one look: each look reads everything that is held."""
    return frozenset(redrive_these(ids, ports, settings).sent) if ids else frozenset()


def chunk_of_id(id: str, ports: Ports) -> ChunkRecord | None:  # noqa: A002 - the word of docs/api.md
    """Return the chunk that a listed item names; None when it names none."""
    recording_id, _, key = id.rpartition("/")
    known = ports.catalog.chunks_of(recording_id) if recording_id else []
    return next((record for record in known if str(record.key) == key), None)


def _chunk(item: AttentionItem, ports: Ports) -> ChunkRecord | None:
    """Return an item's chunk, by its key: a recording may have thousands of them that are held."""
    if item.recording_id is None or item.index is None or item.document_id is None:
        return chunk_of_id(item.id, ports)
    key = ChunkKey(recording_id=item.recording_id, index=item.index, document_id=item.document_id)
    is_its_own = item.id == f"{item.recording_id}/{key}"
    return ports.catalog.get_chunk(key) if is_its_own else chunk_of_id(item.id, ports)


def _recording(item: AttentionItem, ports: Ports) -> RecordingRecord | None:
    is_of_one = item.kind.value in ALARMS or item.kind in OF_CALLS
    return ports.catalog.get_recording(item.id) if is_of_one else None


def _save(save: Callable[[], object]) -> bool:
    try:
        save()
    except ClaimLostError:  # a worker wrote it at the same moment; it may no longer need the decision
        return False
    return True
