"""A clock that runs with the wall clock and can be moved forward, with sleepers that notice."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta


class MovableClock:
    """Simulated time: wall clock plus an offset that only grows. All methods belong to one event loop.

    Retention, call states, event delays and delivery retries follow this clock, so a test can let 24 hours pass at
    once. Signatures are checked against the wall clock, as the real service does.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Return the simulated time, aware UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> datetime:
        """Move time forward, wake every sleeper, and return the new time. Never moves back."""
        if by < timedelta():
            msg = f"the clock only moves forward, not by {by}"
            raise ValueError(msg)
        self._offset += by
        self._moved.set()
        self._moved = asyncio.Event()
        return self.now()

    async def sleep_until(self, when: datetime) -> None:
        """Return once the simulated time has reached `when`."""
        while (left := (when - self.now()).total_seconds()) > 0:
            moved = self._moved
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):  # not wait_for: on 3.11 it loses a cancellation that comes at once
                    await moved.wait()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of simulated time."""
        await self.sleep_until(self.now() + timedelta(seconds=seconds))
