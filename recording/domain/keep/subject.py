"""Read the facts that retention depends on from a recording's row in the catalog. Pure."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from recording.domain.formats import FormatType
from recording.domain.ids import composed_tags
from recording.domain.incoming.facts import KnownParticipant, RecordingFacts, Remembered, TagAnswer
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.keep.rules import CallKind, KeptRecording, RetentionRule, has_tag
from recording.domain.state.recording import RecordingRecord

LONGEST = timedelta(days=31)  # a longer duration is not believed, and this one is used instead
_LOCATORS = {"roomId": CallKind.ROOM, "groupCallId": CallKind.GROUP}


def kept_recording(record: RecordingRecord) -> KeptRecording | None:
    """Return the facts that rules look at; None until the directory has gathered them, and nothing is due then."""
    facts, before = record.facts, record.remembered
    if facts is None:
        return None
    classes = [*(class_of(one) for one in facts.participants), *map(_class_named, facts.kinds)]
    found = KeptRecording(
        recording_id=record.recording_id,
        ended_at=_ended(facts),
        tags=composed_tags(record.current_tags),
        formats=_formats(facts.formats),
        participants=frozenset(kind for kind in classes if kind is not None),
        has_unknown_participants=None in classes or not classes or facts.unread,
        call=_call_kind(record),
        content=facts.content,
        channel=facts.channel,
    )
    if before is not None:
        return _with_what_was(found, before)
    is_forgotten = record.disposed_at is not None  # by a version that remembered nothing
    return replace(found, asked=(), has_unknown_participants=True) if is_forgotten else found


def class_of(participant: KnownParticipant) -> ParticipantClass | None:
    """Return the class of a participant; None where an older version did not note it."""
    return ParticipantClass.PHONE if participant.number_key is not None else _class_named(participant.kind)


def remembered_of(record: RecordingRecord, rules: Iterable[RetentionRule] | None) -> Remembered | None:
    """Return the facts to remember of a destroyed recording: rules must also apply to files that arrive later.

    Args:
        record: as it is before.
        rules: those in force; of the tags only the answers to these rules stay. None: the tags stay.
    """
    kept = kept_recording(record)
    if kept is None:
        return record.remembered
    before = record.remembered.tags if record.remembered else None
    return Remembered(
        ended_at=kept.ended_at,
        formats=None if kept.formats is None else tuple(sorted(kind.value for kind in kept.formats)),
        kinds=tuple(sorted(kind.value for kind in kept.participants)),
        has_unknown_kinds=kept.has_unknown_participants,
        call=kept.call.value,
        content=kept.content,
        channel=kept.channel,
        tags=before if rules is None else _answers(kept, rules, before or ()),
    )


def _answers(kept: KeptRecording, rules: Iterable[RetentionRule], before: Iterable[TagAnswer]) -> tuple[TagAnswer, ...]:
    """Return for each tag that rules name whether a recording has it, as far as that is known."""
    asked = dict.fromkeys((name, value) for rule in rules for name, value in rule.when.tags.items())
    answers = {(one.name, one.value): one.is_so for one in before}
    answers |= {(name, value): is_so for name, value in asked if (is_so := has_tag(kept, name, value)) is not None}
    return tuple(TagAnswer(name=name, value=value, is_so=is_so) for (name, value), is_so in answers.items())


def _with_what_was(found: KeptRecording, before: Remembered) -> KeptRecording:
    """Return the facts of what is left of a recording together with those of what was destroyed."""
    classes = [_class_named(kind) for kind in before.kinds]
    formats = None if before.formats is None else _formats(before.formats)
    return KeptRecording(
        recording_id=found.recording_id,
        ended_at=max(found.ended_at, before.ended_at),
        tags=found.tags,
        asked=before.tags,
        formats=None if formats is None or found.formats is None else formats | found.formats,
        participants=found.participants | {kind for kind in classes if kind is not None},
        has_unknown_participants=found.has_unknown_participants or before.has_unknown_kinds or None in classes,
        call=_call_named(before.call) or found.call,
        content=found.content or before.content,
        channel=found.channel or before.channel,
    )


def _class_named(kind: str | None) -> ParticipantClass | None:
    known = set(ParticipantClass)
    return ParticipantClass(kind) if kind in known else None


def _call_named(call: str) -> CallKind | None:
    return CallKind(call) if call in set(CallKind) else None


def _ended(facts: RecordingFacts) -> datetime:
    told = (facts.duration_ms or 0.0) + facts.paused_ms
    longest = LONGEST / timedelta(milliseconds=1)
    lasted = timedelta(milliseconds=max(0.0, min(told, longest) if math.isfinite(told) else longest))
    try:
        return facts.started_at + lasted
    except OverflowError:
        return facts.started_at


def _formats(told: tuple[str, ...]) -> frozenset[FormatType] | None:
    known = {FormatType.read(text) for text in told}
    return None if not told or None in known else frozenset(kind for kind in known if kind is not None)


def _call_kind(record: RecordingRecord) -> CallKind:
    if not record.started_here:
        return CallKind.ELSEWHERE
    return next((kind for name, kind in _LOCATORS.items() if record.request.get(name)), CallKind.CALL)
