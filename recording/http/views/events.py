"""The JSON of the receivers of events, and of a replay."""

from datetime import datetime
from typing import Self

from recording.domain.outgoing.delivery import WayHealth
from recording.http.views import View
from recording.library.notify.operate import Replayed


class ReceiverView(View):
    """One receiver of events."""

    name: str
    state: str
    failing_since: datetime | None
    disabled_at: datetime | None
    code: str | None
    given_up: int

    @classmethod
    def of(cls, health: WayHealth) -> Self:
        """Show the health of a way."""
        return cls(
            name=health.way,
            state="disabled" if health.is_disabled else "failing" if health.failing_since else "well",
            failing_since=health.failing_since,
            disabled_at=health.disabled_at,
            code=health.code,
            given_up=health.given_up,
        )


class ReplayedView(View):
    """What a replay did; `next` is the `since` for the following one, where there is more."""

    events: int
    subjects: int
    unreadable: int
    left_out: tuple[str, ...]
    next: datetime | None

    @classmethod
    def of(cls, done: Replayed) -> Self:
        """Show a replay."""
        return cls(**{name: getattr(done, name) for name in cls.model_fields})
