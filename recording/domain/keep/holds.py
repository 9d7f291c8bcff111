"""Holds and erasure claims: the parts of a recording's custody that its disposition depends on. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from recording.domain.times import UtcTime


class Stored(BaseModel):
    """A part of a stored row; fields of other versions are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Hold(Stored):
    """One case that keeps a recording from being destroyed; a released one stays, for the record."""

    case: str
    reason: str
    by: str | None = None
    since: UtcTime
    released_at: UtcTime | None = None
    released_by: str | None = None
    release_reason: str | None = None

    @property
    def is_active(self) -> bool:
        """Return whether it still holds."""
        return self.released_at is None


@dataclass(frozen=True)
class ErasureClaim:
    """An approved request for erasure that covers a recording."""

    request_id: str
    approved_at: datetime


def last_release(holds: tuple[Hold, ...]) -> datetime | None:
    """Return when the last case was released; None while one holds, and when there was none."""
    if any(hold.is_active for hold in holds):
        return None
    return max((hold.released_at for hold in holds if hold.released_at is not None), default=None)


def grace_ends(holds: tuple[Hold, ...], grace: timedelta) -> datetime | None:
    """Return until when the last release still keeps the recording."""
    released_at = last_release(holds)
    return released_at + grace if released_at is not None else None
