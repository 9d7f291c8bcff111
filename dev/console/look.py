"""Serves the console over a made-up day, for people to look at: full, empty, slow or broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from dev.console import DayState
from dev.console.day import busy_day, quiet_day
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from dev.stopping import wait_for_stop

SLOW = 2.5  # seconds for each answer
ALL_BUT_WHO_ONE_IS = ("now", "recordings", "held", "audit", "health", "holds", "disposition", "exports", "erasures")


@contextmanager
def served(state: DayState, recordings: int, port: int = 0) -> Iterator[ConsoleServer]:
    """Run the console over a day of today in this state."""
    day = quiet_day() if state is DayState.EMPTY else busy_day(recordings, datetime.now(UTC).replace(microsecond=0))
    probe = FakeProbe()
    probe.time = day.now
    with ConsoleServer(day, lambda _: probe, port, SLOW if state is DayState.SLOW else 0.0) as server:
        if state is DayState.BROKEN:
            server.broken |= dict.fromkeys((*ALL_BUT_WHO_ONE_IS, "retention"), 503)
        yield server


def main(state: DayState, recordings: int, port: int) -> int:
    """Serve until somebody has seen enough."""
    with served(state, recordings, port) as server:
        print(f"the console over a {state} day: {server.url}\nsign in as anybody; Ctrl+C ends it", flush=True)
        wait_for_stop()
    return 0
