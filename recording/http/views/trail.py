"""The audit trail, as it is shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from recording.http.views import View
from recording.ports import AuditEntry


class TrailEntryView(View):
    """One row of the audit trail."""

    at: datetime
    operation: str
    recording_id: str | None
    caller: str | None
    outcome: str
    note: str | None = None
    part: str | None = None

    @classmethod
    def all_of(cls, entries: Iterable[AuditEntry]) -> tuple[Self, ...]:
        """Show rows."""
        return tuple(
            cls(
                at=entry.at,
                operation=entry.operation,
                recording_id=entry.recording_id,
                caller=entry.caller,
                outcome=entry.outcome,
                note=entry.note,
                part=entry.part,
            )
            for entry in entries
        )
