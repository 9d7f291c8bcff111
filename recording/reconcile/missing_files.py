"""Expecting: a recording whose files do not come in time is raised once, and looked at until nothing can come any more.

ACS tells nobody that it has lost an event. What was started here, or what a chunk's index implies, is the only hint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from recording.domain.chunk import ChunkRecord
from recording.domain.expectation import (
    Expectation,
    expectation,
    is_question_due,
    is_settled,
    over_since,
)
from recording.domain.receipt import gaps_in, gaps_in_words
from recording.domain.recording import RecordingRecord
from recording.domain.records import RecordingChanges, changed
from recording.errors import ClaimLostError, ControlError
from recording.ports import Ports
from recording.settings import Settings
from recording.telemetry import Event, emit

MOST_A_RUN = 2000  # recordings looked at
MOST_ASKED = 200  # questions to ACS; each takes some tens of milliseconds, and the longest unasked come first


@dataclass(frozen=True)
class Expected:
    """How many recordings stand in an alarm."""

    missing: int = 0
    incomplete: int = 0


def look_for_expected(ports: Ports, settings: Settings) -> Expected:
    """Raises each recording that is over and has no file in time, or not all of them; each one once.

    A recording that ACS still knows is not over. One that was started paused and never resumed has no file.

    Raises:
        StorageError: when the catalog does not answer; the next run tries again.
    """
    now = ports.clock.now()
    records = list(islice(ports.catalog.open_recordings(), MOST_A_RUN))
    old_enough = [record for record in records if _age_counts(record, now, settings)]
    seen = [(record, ports.catalog.chunks_of(record.recording_id)) for record in old_enough]
    asked = _to_ask(seen, now, settings)
    stands = [_look_at(record, chunks, ports, settings, ask=record.recording_id in asked) for record, chunks in seen]
    return Expected(stands.count(Expectation.MISSING), stands.count(Expectation.INCOMPLETE))


def _age_counts(record: RecordingRecord, now: datetime, settings: Settings) -> bool:
    """Nothing can be overdue that has begun a moment ago; this saves looking at its chunks."""
    begun = record.started_at or record.first_event_at
    return begun is None or now - begun >= settings.expected_after


def _to_ask(
    seen: Sequence[tuple[RecordingRecord, Sequence[ChunkRecord]]], now: datetime, settings: Settings
) -> set[str]:
    due = [
        record
        for record, chunks in seen
        if expectation(record, chunks, now, settings.expected_after) is not Expectation.MET
        and is_question_due(record, chunks, now, settings.expected_after)
    ]
    due.sort(key=lambda record: record.asked_at.timestamp() if record.asked_at else 0.0)
    return {record.recording_id for record in due[:MOST_ASKED]}


def _look_at(
    record: RecordingRecord, chunks: Sequence[ChunkRecord], ports: Ports, settings: Settings, *, ask: bool
) -> Expectation:
    now, after = ports.clock.now(), settings.expected_after
    changes = _answer(record, now, ports) if ask else RecordingChanges()
    known = changed(record, **changes)
    stands = expectation(known, chunks, now, after)
    is_newly_missing = stands is Expectation.MISSING and known.missing_since is None
    is_newly_incomplete = stands is Expectation.INCOMPLETE and known.incomplete_since is None
    if is_newly_missing:
        changes["missing_since"] = now
    if is_newly_incomplete:
        changes["incomplete_since"] = now
    if is_settled(known, chunks, now, after):
        changes["settled_at"] = now
    if is_newly_missing or is_newly_incomplete:  # before it is marked: in doubt it is raised twice, never not at all
        _raise(known, stands, chunks, now, settings)
    try:
        if changes:
            ports.catalog.save_recording(changed(record, **changes))
    except ClaimLostError:  # an event or a caller wrote it at this very moment; the next run looks again
        return Expectation.AWAITED
    return stands


def _answer(record: RecordingRecord, now: datetime, ports: Ports) -> RecordingChanges:
    """What ACS says to "do you still record this?". That it does not answer is no proof of either."""
    try:
        state = ports.control.state(record.recording_id)
    except ControlError:
        return {"asked_at": now, "unanswered_since": record.unanswered_since or now}
    if state is None:
        return {"asked_at": now, "unanswered_since": None, "ended_seen_at": record.ended_seen_at or now}
    return {"asked_at": now, "unanswered_since": None}


def _raise(
    record: RecordingRecord, stands: Expectation, chunks: Sequence[ChunkRecord], now: datetime, settings: Settings
) -> None:
    """The alarm, with the time that is left if ACS's clock began when the recording ended."""
    since = over_since(record, chunks) or now
    missing = gaps_in(chunks, record.least_count)
    emit(
        Event.MISSING if stands is Expectation.MISSING else Event.INCOMPLETE,
        recording_id=record.recording_id,
        call_id=record.call_id,
        chunks=len(chunks),
        detail=f"missing indexes: {gaps_in_words(missing)}" if missing else None,
        time_left_seconds=since + settings.retention - now,
    )
