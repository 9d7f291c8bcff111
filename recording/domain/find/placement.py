"""Placement: where a recording's rows in the directory are, and when they are up to date. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from recording.domain.archived.receipt import UnreadRow
from recording.domain.find.directory import calls_of, conditions_of, partitions_of, row_key, started_at
from recording.domain.find.index_keys import IndexKey
from recording.domain.incoming.facts import Placement, RecordingFacts
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived, is_held

VERSION = 1  # increased when the form of rows changes, so that all are made again


def digest_of_sources(record: RecordingRecord, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow]) -> str:
    """Return a digest of everything that rows and facts are made from, except the key."""
    sources = {
        "version": VERSION,
        "conditions": conditions_of(record, chunks, unread),
        "started": started_at(record, chunks).isoformat(),
        "calls": calls_of(record),
        "tags": record.current_tags,
        **({"tenant": record.tenant} if record.tenant is not None else {}),
        **(
            {"consents": len(record.consents) + record.more_consents} if record.consents else {}
        ),  # the manifest has them as well
        **({"pauses": [[pause.id, pause.how] for pause in record.pauses]} if record.pauses else {}),  # likewise
        "chunks": [_source_of(chunk) for chunk in chunks],
        **({"unread": sorted(row.key for row in unread)} if unread else {}),
    }
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()[:32]


def is_placed(record: RecordingRecord, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow]) -> bool:
    """Return whether the directory's rows of a recording are up to date."""
    placement = record.placement
    if placement is None or placement.stale:
        return False
    return placement.digest == digest_of_sources(record, chunks, unread)


def intended(record: RecordingRecord, facts: RecordingFacts, key: IndexKey, written: Iterable[str] = ()) -> Placement:
    """Return the placement to save before the rows are written; rows that are there already become stale.

    Args:
        record: as stored.
        facts: as gathered now.
        key: the current key.
        written: rows that this worker has written in an attempt that failed.
    """
    at, partitions = row_key(facts.started_at, record.recording_id), partitions_of(record, facts, key)
    wanted = {place_of(partition, at) for partition in partitions}
    before = record.placement
    there = [*before.stale, *(place_of(name, before.row_key) for name in before.partitions)] if before else []
    stale = tuple(sorted({*there, *written} - wanted))
    return Placement(row_key=at, partitions=partitions, stale=stale, digest=None, key_id=key.id)


def place_of(partition: str, at: str) -> str:
    """Return a row's place as one text."""
    return f"{partition}|{at}"


def _source_of(chunk: ChunkRecord) -> list[object]:
    return [
        chunk.key.index,
        chunk.key.document_id,
        is_archived(chunk),
        chunk.is_unsaved and chunk.task.expires_at.isoformat(" "),  # stored digests were made of this form
        is_held(chunk),
        chunk.format,
        chunk.length_bytes,
        chunk.duration_ms,
        chunk.metadata_sha256,
        chunk.task.session_end_reason,
    ]
