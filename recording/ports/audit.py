"""The audit trail: who did what, when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

ASKED, DONE = "asked", "done"  # outcomes; every other one is the code of a refusal
UNREADABLE = "unreadable"  # the operation or the outcome of a row that does not say it


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit trail; holds no name, no number and no address.

    Attributes:
        at: when, aware UTC.
        operation: by the function's name.
        recording_id: None where it is not known yet.
        caller: the object id from the platform's sign-in; None when only a key was sent.
        outcome: `asked`, `done`, or the code of the refusal.
        note: the reason in the caller's own words, without phone numbers; of operators' decisions only.
        id: the row's name in the trail; None before it was read from there.
        part: the part of the recording that was played: `chunk 0, 60-120 s`.
    """

    at: datetime
    operation: str
    recording_id: str | None
    caller: str | None
    outcome: str
    note: str | None = None
    id: str | None = field(default=None, compare=False)
    part: str | None = None

    @property
    def row_id(self) -> str:
        """Return the row's name in the trail, which every entry has that was read from there.

        Raises:
            ValueError: it was not.
        """
        if self.id is None:
            raise ValueError("the entry was not read from the trail")
        return self.id

    @property
    def is_readable(self) -> bool:
        """Return whether the row says at least what was asked for and what came of it."""
        return UNREADABLE not in (self.operation, self.outcome)


class AuditTrail(Protocol):
    """The append-only record of who requested what. Every method raises StorageError."""

    def add(self, entry: AuditEntry) -> None:
        """Add an entry, durable when this returns."""
        ...

    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        """Yield all entries from that time on, the earliest first."""
        ...

    def entries_about(self, recording_id: str) -> Iterator[AuditEntry]:
        """Yield all entries that name this recording, the earliest first."""
        ...
