"""Which facts of a recording its keeping depends on, from the catalog's row. Pure."""

from datetime import timedelta

from recording.domain.formats import FormatType
from recording.domain.incoming.facts import KnownParticipant, RecordingFacts
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.keep.rules import CallKind, KeptRecording
from recording.domain.state.recording import RecordingRecord

_LOCATORS = {"roomId": CallKind.ROOM, "groupCallId": CallKind.GROUP}


def kept_recording(record: RecordingRecord) -> KeptRecording | None:
    """Return what rules look at; None while the directory has not gathered the facts, and then nothing is due."""
    facts = record.facts
    if facts is None:
        return None
    classes = [class_of(one) for one in facts.participants]
    return KeptRecording(
        recording_id=record.recording_id,
        ended_at=facts.started_at + _lasted(facts),
        tags=record.current_tags,
        formats=_formats(facts.formats),
        participants=frozenset(kind for kind in classes if kind is not None),
        has_unknown_participants=None in classes or not facts.participants,
        call=_call_kind(record),
        content=facts.content,
        channel=facts.channel,
    )


def class_of(participant: KnownParticipant) -> ParticipantClass | None:
    """Return the class of a participant; None where an older version did not note it."""
    if participant.number_key is not None:
        return ParticipantClass.PHONE
    known = set(ParticipantClass)
    return ParticipantClass(participant.kind) if participant.kind in known else None


def _lasted(facts: RecordingFacts) -> timedelta:
    return timedelta(milliseconds=(facts.duration_ms or 0.0) + facts.paused_ms)


def _formats(told: tuple[str, ...]) -> frozenset[FormatType] | None:
    known = {FormatType.read(text) for text in told}
    return None if not told or None in known else frozenset(kind for kind in known if kind is not None)


def _call_kind(record: RecordingRecord) -> CallKind:
    if not record.started_here:
        return CallKind.ELSEWHERE
    return next((kind for name, kind in _LOCATORS.items() if record.request.get(name)), CallKind.CALL)
