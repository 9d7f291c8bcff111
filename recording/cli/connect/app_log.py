"""Lets the app log what a command decides: alerts read the app's log, and this program's own lines go nowhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from recording.errors import StorageError
from recording.ports import Ports
from recording.telemetry import FIELDS


class _Lines(logging.Handler):
    """Keeps the lines that are logged meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[tuple[str, dict[str, str | int | float | bool]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line by its event and fields."""
        told = vars(record)
        if "event" in told:
            self.kept.append((told["event"], {name: told[name] for name in sorted(FIELDS & told.keys())}))


@contextmanager
def logged_by_the_app(ports: Ports) -> Iterator[None]:
    """Send what is logged inside of the block to the app, also of a block that fails half-way.

    A line that cannot be sent is lost: its alert then ends when its window does, after two days.
    """
    log, lines = logging.getLogger("recording"), _Lines()
    level = log.level
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(lines)
        if ports.follow_ups is not None:
            with suppress(StorageError):
                for event, facts in lines.kept:
                    ports.follow_ups.log(event, facts)
