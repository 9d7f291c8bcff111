"""The message in the queue `recording-outbox`: a subject to look at, or an event that no record keeps. Pure."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recording.domain.model import with_changes
from recording.domain.outgoing.events import OutgoingEvent, Subject

VERSION = 1
FIRST_AGAIN, LONGEST_AGAIN = timedelta(seconds=5), timedelta(minutes=10)


class NotifyTask(BaseModel):
    """One message.

    Attributes:
        subject: whose events are derived from the records and sent.
        event: one that no record keeps, such as a start that was refused; None for all others.
        attempt: how often storage failed while it was worked on.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    version: int = VERSION
    subject: Subject
    event: OutgoingEvent | None = None
    attempt: int = Field(0, ge=0)

    def as_message(self) -> str:
        """Return the text of the message."""
        return self.model_dump_json(exclude_none=True)

    def again(self) -> "NotifyTask":
        """Return the message of the next try."""
        return with_changes(self, {"attempt": self.attempt + 1})

    def wait(self) -> timedelta:
        """Return how long the next try waits."""
        return min(FIRST_AGAIN * (1 << min(self.attempt, 10)), LONGEST_AGAIN)


def read_task(text: str) -> NotifyTask | None:
    """Return the message; None when the text is not one."""
    try:
        return NotifyTask.model_validate_json(text)
    except (ValidationError, ValueError, RecursionError):
        return None
