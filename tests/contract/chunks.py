"""A chunk as the contract suites of the catalog store it."""

from datetime import UTC, datetime, timedelta

from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.ports import Catalog

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def chunk(
    index: int = 0, document_id: str = "0-eus-d1-aa", *, recording_id: str = "rec-1", hours: int = 24
) -> ChunkRecord:
    task = ChunkTask(
        recording_id=recording_id,
        call_id="call-1",
        document_id=document_id,
        index=index,
        content_location=f"https://storage.asm.skype.com/v1/objects/{document_id}/content/audio",
        event_id="event-1",
        event_time=NOW,
        expires_at=NOW + timedelta(hours=hours),
        folder="2026/11/23/call-1/rec-1",
    )
    return ChunkRecord(task=task, first_seen_at=NOW, changed_at=NOW)


def stored(catalog: Catalog, record: ChunkRecord) -> ChunkRecord:
    found = catalog.get_chunk(record.key)
    assert found is not None
    return found


def added(catalog: Catalog, record: ChunkRecord) -> ChunkRecord:
    assert catalog.add_chunk(record)
    return stored(catalog, record)
