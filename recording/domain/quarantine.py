"""Quarantine: where an entry came from, which reasons there are, and when the catalog already reports it. Pure."""

from datetime import datetime
from enum import StrEnum

from recording.domain.chunk import ChunkRecord, ChunkTask
from recording.domain.transitions import is_archived

REASONS = frozenset(
    {
        "blob_locked",
        "blob_missing",
        "claim_held",
        "claim_lost",
        "content_conflict",
        "copy_paused",
        "delete_refused",
        "documents_altered",
        "documents_vanished",
        "duplicate_document",
        "event_too_large",
        "expired",
        "foreign_host",
        "impossible_transition",
        "incomplete_record",
        "index_out_of_range",
        "internal_error",
        "invalid_id",
        "media_altered",
        "media_suspect",
        "media_touched",
        "media_unreadable",
        "media_vanished",
        "metadata_mismatch",
        "metadata_short",
        "metadata_too_large",
        "metadata_unreadable",
        "name_taken",
        "never_tried",
        "newer_record",
        "other_event_type",
        "other_resource",
        "redirect_refused",
        "settings_invalid",
        "source_broken",
        "source_busy",
        "source_changed",
        "source_contradicts_itself",
        "source_empty",
        "source_error",
        "source_not_found",
        "source_refused",
        "source_short",
        "source_throttled",
        "source_without_length",
        "storage_busy",
        "storage_error",
        "storage_refused",
        "stored_differs",
        "stored_unproven",
        "token_unavailable",
        "unexpected_encoding",
        "unreadable_chunk",
        "unreadable_entry",
        "unreadable_event",
        "unreadable_record",
        "unreadable_subject",
        "unreadable_task",
        "unsafe_location",
    }
)  # the codes that a held thing may have as its reason; a test compares them with the source


class Origin(StrEnum):
    """Where a quarantine entry came from."""

    EVENT_GRID = "event_grid"
    EVENT_QUEUE = "event_queue"
    DEAD_LETTER = "dead_letter"
    CHUNK_QUEUE = "chunk_queue"
    CHUNK = "archive"  # the line gave a chunk up, or found other bytes under a finished chunk's ids
    FOREIGN = "foreign"  # not written by this app: a blob that somebody else put into the container

    @classmethod
    def _missing_(cls, _value: object) -> "Origin":
        """Read a word that this version does not know as foreign: such an entry is shown, never hidden."""
        return cls.FOREIGN


def is_reported_by(record: ChunkRecord | None, task: ChunkTask, kept_at: datetime) -> bool:
    """Tell whether the catalog's record of a chunk already says what a quarantine entry about its task says.

    It does when it is about the same object: the chunk is held, at work again, or was archived after the entry was
    kept. Other bytes under a finished chunk's ids are in no record.
    """
    if record is None or record.task.content_location != task.content_location:
        return False
    return not is_archived(record) or kept_at <= record.changed_at
