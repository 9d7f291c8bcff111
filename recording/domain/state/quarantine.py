"""Quarantine: where an entry came from, which reasons there are, and when the catalog already reports it. Pure."""

from datetime import datetime
from enum import StrEnum

from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.state.transitions import is_archived
from recording.errors.codes import Code

# The codes that a held thing may have as its reason: no caller is told those without a status, and 5xx are this side's.
REASONS = frozenset(code for code in Code if code.status is None or code.status >= 500)


class Origin(StrEnum):
    """Where a quarantine entry came from."""

    EVENT_GRID = "event_grid"
    EVENT_QUEUE = "event_queue"
    DEAD_LETTER = "dead_letter"
    CHUNK_QUEUE = "chunk_queue"
    CHUNK = "archive"  # the line gave a chunk up, or found other bytes under a finished chunk's ids
    FOREIGN = "foreign"  # not written by this app: a blob that another writer put into the container

    @classmethod
    def _missing_(cls, _value: object) -> "Origin":
        """Read a word that this version does not know as foreign: such an entry is shown, never hidden."""
        return cls.FOREIGN


def is_reported_by(record: ChunkRecord | None, task: ChunkTask, kept_at: datetime) -> bool:
    """Return whether the catalog's record of a chunk already reports what a quarantine entry about its task reports.

    It does when it is about the same object: the chunk is held, at work again, or was archived after the entry was
    kept. Other bytes under a finished chunk's ids are in no record.
    """
    if record is None or record.task.content_location != task.content_location:
        return False
    return not is_archived(record) or kept_at <= record.changed_at
