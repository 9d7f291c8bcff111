"""Chunks in trouble, for screens and pages: one with little time left, one whose bytes an operator must judge."""

from datetime import timedelta

from dev.in_memory.builders import document_id, record, task
from dev.in_memory.world import World
from recording.domain.state.chunk import ChunkRecord, ChunkState, Suspect


def at_risk(here: World, recording_id: str, left: timedelta) -> ChunkRecord:
    """Return a chunk that ACS refuses, with so much time left."""
    of = task(0, document_id(3), recording_id=recording_id, expires_at=here.now + left)
    return record(
        task=of,
        attempts=14,
        last_error="source_refused",
        at_risk_since=here.now - timedelta(hours=5),
        first_seen_at=here.now - timedelta(hours=23),
        next_attempt_at=here.now + timedelta(minutes=4),
    )


def suspect(here: World, recording_id: str) -> ChunkRecord:
    """Return a chunk that is held because its bytes do not open, with the bytes beside it."""
    of = task(0, document_id(4), recording_id=recording_id)
    name = f"{of.folder}/0000-{of.document_id}.suspect-9d21ab00.wav"
    bytes_ = Suspect(blob_name=name, sha256="9d" * 32, length_bytes=640_556, reason="media_truncated", at=here.now)
    return record(
        ChunkState.QUARANTINED,
        task=of,
        attempts=9,
        quarantine_reason="media_suspect",
        suspects=(bytes_,),
        changed_at=here.now - timedelta(hours=2),
    )
