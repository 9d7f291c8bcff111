"""Quarantine: the origin of an entry, the possible reasons, and when the catalog already reports it. Pure."""

from datetime import datetime
from enum import StrEnum

from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.state.transitions import is_archived
from recording.errors.codes import Code

# The possible reasons of a held item: codes without a status reach no caller, and 5xx are this side's.
REASONS = frozenset(code for code in Code if code.status is None or code.status >= 500)


class Origin(StrEnum):
    """The origin of a quarantine entry."""

    EVENT_GRID = "event_grid"
    EVENT_QUEUE = "event_queue"
    DEAD_LETTER = "dead_letter"
    CHUNK_QUEUE = "chunk_queue"
    GUARDS_QUEUE = "guards_queue"
    OUTBOX_QUEUE = "outbox_queue"
    FOLLOW_UPS_QUEUE = "follow_ups_queue"
    EXPORTS_QUEUE = "exports_queue"
    DERIVED_QUEUE = "derived_queue"
    CHUNK = "archive"  # the line gave a chunk up, or found other bytes under a finished chunk's ids
    FOREIGN = "foreign"  # not written by this app: a blob that another writer put into the container

    @property
    def is_beside_the_line(self) -> bool:
        """Return whether it is a queue whose messages are about no file that ACS may forget."""
        return self in _BESIDE_THE_LINE

    @classmethod
    def _missing_(cls, _value: object) -> "Origin":
        """Read an unknown value as foreign: such an entry is shown, never hidden."""
        return cls.FOREIGN


_BESIDE_THE_LINE = frozenset(
    {Origin.GUARDS_QUEUE, Origin.OUTBOX_QUEUE, Origin.FOLLOW_UPS_QUEUE, Origin.EXPORTS_QUEUE, Origin.DERIVED_QUEUE}
)


def is_reported_by(record: ChunkRecord | None, task: ChunkTask, kept_at: datetime) -> bool:
    """Return whether a chunk's record in the catalog already reports the same as a quarantine entry.

    It does if it is about the same object: the chunk is held, in progress again, or was archived after the entry was
    made. Other bytes under a finished chunk's ids are in no record.
    """
    if record is None or record.task.content_location != task.content_location:
        return False
    return not is_archived(record) or kept_at <= record.changed_at
