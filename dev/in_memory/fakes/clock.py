"""A clock that only moves when a test moves it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that only moves when told."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **step: float) -> datetime:
        """Move on by e.g. `minutes=5` and return the new time."""
        self._now += timedelta(**step)
        return self._now
