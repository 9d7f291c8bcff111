"""The deployed alerts as one more face: their queries are executed over the lines that the app logs in the story."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from dev.policies.infra.alarms import deployed
from dev.policies.infra.log_workspace import Workspace

# Which alert tells of which kind of the model; the others are of what happens elsewhere.
TELLS: Mapping[str, frozenset[str]] = {
    "lost": frozenset({"chunk-expired"}),
    "at_risk": frozenset({"chunk-at-risk"}),
    "missing": frozenset({"recording-missing"}),
    "incomplete": frozenset({"recording-incomplete"}),
    "pause_overdue": frozenset({"pause-overdue"}),
    "fallback_in_use": frozenset({"chunk-in-fallback"}),
    "stuck": frozenset({"chunk-stuck"}),
    "held": frozenset({"chunk-quarantined", "event-rejected"}),
}
ALSO = {"operator-fault": frozenset({"at_risk", "stuck"})}  # whose fault it is, beside what it endangers


class HeardLog(logging.Handler):
    """Keeps every line of the app with the time of the story."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.workspace = Workspace()
        self._lines: list[tuple[datetime, str]] = []
        self._now: Callable[[], datetime] | None = None

    def follows(self, now: Callable[[], datetime]) -> None:
        """Take the time from there."""
        self._now = now

    def add(self, at: datetime, text: str) -> None:
        """Keep a line that another process has logged."""
        self._lines.append((at, text))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        if self._now is not None:
            self._lines.append((self._now(), record.getMessage()))

    def firing(self, now: datetime) -> frozenset[str]:
        """Return the names of the alerts that fire at a time, once the lines have arrived."""
        self.workspace.traces(self._lines)
        self._lines = []
        rules = {name: rule for name, rule in deployed().items() if rule.is_about_lines}
        return frozenset(name for name, rule in rules.items() if rule.keys(self.workspace, now, timedelta()))


@contextmanager
def heard_log() -> Iterator[HeardLog]:
    """Listen to the app's log; nothing is printed meanwhile."""
    log, heard = logging.getLogger("recording"), HeardLog()
    kept = log.level, log.propagate
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield heard
    finally:
        log.removeHandler(heard)
        log.setLevel(kept[0])
        log.propagate = kept[1]


def disagreements(firing: frozenset[str], kinds: Mapping[str, int]) -> Iterator[str]:
    """Yield each kind of trouble that no alert tells of, and each alert of a trouble that is over."""
    for kind in kinds:
        if not TELLS.get(kind, frozenset()) & firing:
            yield f"no alert tells of {kind}"
    for name in sorted(firing):
        of = ALSO.get(name) or frozenset(kind for kind, names in TELLS.items() if name in names)
        if not of & kinds.keys():
            yield f"{name} still fires, and nothing of its kind needs attention"
