"""The analysts' row of a recording: facts that identify no person. Pure.

It has no participant, no hash of one, no number and no caller. Of the tags it has only those that the operator lists,
since people write names into tags.
"""

from collections.abc import Sequence
from typing import Any

from recording.domain.find.parquet import Column, Kind
from recording.domain.state.recording import RecordingRecord

FACTS = (
    Column("recording_id", Kind.TEXT),
    Column("call_id", Kind.TEXT),
    Column("started_at", Kind.TIME),
    Column("duration_ms", Kind.NUMBER),
    Column("length_bytes", Kind.WHOLE),
    Column("chunk_count", Kind.WHOLE),
    Column("archived_count", Kind.WHOLE),
    Column("formats", Kind.TEXT),
    Column("content", Kind.TEXT),
    Column("channel", Kind.TEXT),
    Column("sample_rate", Kind.WHOLE),
    Column("bit_rate", Kind.WHOLE),
    Column("audio_channels", Kind.WHOLE),
    Column("pause_count", Kind.WHOLE),
    Column("paused_ms", Kind.NUMBER),
    Column("participant_count", Kind.WHOLE),
    Column("phone_count", Kind.WHOLE),
    Column("session_end_reason", Kind.TEXT),
    Column("conditions", Kind.TEXT),
    Column("started_here", Kind.FLAG),
    Column("has_consent", Kind.FLAG),
)
_AS_THEY_ARE = (
    "started_at",
    "duration_ms",
    "length_bytes",
    "chunk_count",
    "archived_count",
    "sample_rate",
    "bit_rate",
    "audio_channels",
    "pause_count",
    "paused_ms",
    "session_end_reason",
)


def columns_for(tags: Sequence[str]) -> list[Column]:
    """Return the columns, with one for each listed tag."""
    return [*FACTS, *(Column(f"tag_{name}", Kind.TEXT) for name in tags)]


def row_of(record: RecordingRecord, tags: Sequence[str]) -> list[Any] | None:
    """Return a recording's row; None for one whose facts are not known or whose content is destroyed."""
    facts = record.facts
    if facts is None or record.disposed_at is not None:
        return None
    told = {name: getattr(facts, name) for name in _AS_THEY_ARE} | {
        "recording_id": record.recording_id,
        "call_id": record.call_id,
        "formats": ",".join(facts.formats),
        "content": facts.content and facts.content.value,
        "channel": facts.channel and facts.channel.value,
        "participant_count": len(facts.participants) + facts.more_participants,
        "phone_count": sum(one.number_key is not None for one in facts.participants),
        "conditions": ",".join(facts.conditions),
        "started_here": record.started_here,
        "has_consent": record.consent is not None,
    }
    return [*(told[column.name] for column in FACTS), *(record.current_tags.get(name) for name in tags)]
