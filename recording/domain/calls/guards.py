"""Guards: delayed checks of a call, each a queue message that becomes visible when it is due. Pure.

The time is the queue's own: a guard fires when its message becomes visible, so no instance's clock ends a pause early.
"""

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from recording.domain.model import with_changes

FIRST_TRY_AGAIN, LONGEST_TRY_AGAIN = timedelta(seconds=5), timedelta(minutes=1)
# Seconds after which a recording is looked at whose state is about to change.
LOOKS = (*range(1, 11), 12, 14, 16, 18, 20, 25, 30, 40, 50, 60)
LOOKS_AT_RESUME = (1, 3, 6)
FEW_LOOKS = (*LOOKS_AT_RESUME, LOOKS[-1])  # at a pause, while a resume may be on its way; the last one is repeated
LOOK_AGAIN = timedelta(seconds=1)  # as a caller is told
SETTLE_VERSION = 3  # of the messages of a look: a worker of an older version leaves them to a newer one
LONGEST_MARK = 512  # characters; no guard of this app has a longer one
MOST_SECONDS = 10**9  # thirty years; more is another writer's, and no time can be computed with it
RESUME_MARK = "resume"  # of a look after a resume, instead of a pause's id
VERSION = 3  # the newest that this app reads; a message says the oldest that understands it


class GuardKind(StrEnum):
    """What a guard does when its message becomes visible."""

    PAUSE = "pause"  # ends a pause whose time is up
    CONSENT = "consent"  # stops a recording whose consent was not given in time
    WITHDRAWAL = "withdrawal"  # pauses or stops a recording after a withdrawal; resumes it on new consent
    WARNING = "warning"  # announces the end of the longest recording that the policy allows
    LONGEST = "longest"  # stops a recording that has lasted as long as the policy allows
    SETTLE = "settle"  # looks at a recording that ACS refused to pause or resume, since its state was about to change
    WATCH = "watch"  # asks ACS about a call that must be recorded: other applications can stop or pause it


class GuardTask(BaseModel):
    """One message.

    Attributes:
        mark: what the guard belongs to: a pause's id, the time of a statement, or what a watch has seen so far.
        seconds: how long the recording has run, waited for consent, or had time to change its state, when the message
            becomes visible, or how long a pause was to last that could not be noted; None in messages of older
            versions, and where it does not matter.
    """

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    version: int = 1
    recording_id: str = Field(min_length=1)
    kind: GuardKind
    mark: str = Field("", max_length=LONGEST_MARK)
    seconds: int | None = Field(None, ge=0, le=MOST_SECONDS)
    attempt: int = Field(0, ge=0)

    def as_message(self) -> str:
        """Return the text of the message."""
        return self.model_dump_json(by_alias=True)

    def again(self) -> "GuardTask":
        """Return the message of the next try."""
        return with_changes(self, {"attempt": self.attempt + 1})


def read_guard(text: str) -> GuardTask | None:
    """Return the message; None when the text is not one."""
    try:
        return GuardTask.model_validate_json(text)
    except (ValidationError, RecursionError):
        return None


def wait_before(attempt: int) -> timedelta:
    """Return how long a guard waits before it repeats a command that ACS refused."""
    return min(FIRST_TRY_AGAIN * (1 << min(attempt, 8)), LONGEST_TRY_AGAIN)
