"""A timer trigger: runs its function at each occurrence, never twice at a time, and once after missed ones."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.functions.meta import Datum

from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.timer.schedule import Schedule

log = logging.getLogger("host.timer")

_NEVER = datetime.min.replace(tzinfo=UTC)
_LONGEST_SLEEP_SECONDS = 30.0  # looks at the clock again, so a laptop that slept is not late by hours

Run = Callable[[Datum], Awaitable[object]]


@dataclass(frozen=True)
class TimerStatus:
    """When the timer last fired and when it fires next, both aware UTC."""

    last: datetime
    next: datetime

    def as_json(self) -> dict[str, str]:
        """Return the form that functions see as `schedule_status` and that is kept on disk."""
        return {"Last": self.last.isoformat(), "Next": self.next.isoformat(), "LastUpdated": self.last.isoformat()}


class TimerStatusFile:
    """Keeps the status of one timer on disk, so that a missed occurrence is noticed at the next start."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> TimerStatus | None:
        """Return the kept status; None before the first start, and when the file cannot be read."""
        if not self._path.exists():
            return None
        try:
            content: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            return TimerStatus(datetime.fromisoformat(content["Last"]), datetime.fromisoformat(content["Next"]))
        except (ValueError, KeyError) as error:
            log.warning("timer status %s is not readable, missed runs are not made up: %r", self._path, error)
            return None

    def write(self, status: TimerStatus) -> None:
        """Replace the kept status in one step."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(status.as_json()), encoding="utf-8")
        partial.replace(self._path)


class TimerListener:
    """Serves one timer function from `start` to `stop`."""

    def __init__(self, schedule: Schedule, run: Run, status: TimerStatusFile | None, *, run_on_startup: bool) -> None:
        self._schedule = schedule
        self._run = run
        self._status = status
        self._run_on_startup = run_on_startup
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wait for the next occurrence. Do nothing when it does so already."""
        self._stopping.clear()
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """Fire no more and return when the run in progress has ended."""
        self._stopping.set()
        if self._loop is not None:
            await self._loop

    async def _serve(self) -> None:
        status = await self._catch_up(self._known_status())
        while await self._wait_until(status.next):
            status = await self._fire(TimerStatus(status.next, status.next), is_past_due=False)

    def _known_status(self) -> TimerStatus:
        kept = self._status.read() if self._status else None
        return kept or TimerStatus(_NEVER, self._schedule.next_after(_now()))

    async def _catch_up(self, status: TimerStatus) -> TimerStatus:
        is_past_due = status.next <= _now()
        if is_past_due or self._run_on_startup:
            return await self._fire(TimerStatus(status.last, status.next), is_past_due=is_past_due)
        return self._keep(TimerStatus(status.last, self._schedule.next_after(_now())))

    async def _fire(self, status: TimerStatus, *, is_past_due: bool) -> TimerStatus:
        started = _now()
        try:
            await self._run(timer_datum(status, is_past_due=is_past_due))
        except FunctionFailedError:
            log.debug("the timer goes on after a failed run")  # the invocation itself has been logged as failed
        return self._keep(TimerStatus(started, self._schedule.next_after(_now())))

    def _keep(self, status: TimerStatus) -> TimerStatus:
        if self._status:
            self._status.write(status)
        return status

    async def _wait_until(self, moment: datetime) -> bool:
        """True when the moment has come, False when stopped before."""
        while (left := (moment - _now()).total_seconds()) > 0 and not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), min(left, _LONGEST_SLEEP_SECONDS))
            except TimeoutError:
                continue
        return not self._stopping.is_set()


def timer_datum(status: TimerStatus, *, is_past_due: bool) -> Datum:
    """Return what a timer function receives."""
    content = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status.as_json(), "IsPastDue": is_past_due}
    return Datum(json.dumps(content), "json")


def manual_timer_datum() -> Datum:
    """Return what a timer function receives when it is run by hand."""
    now = _now()
    return timer_datum(TimerStatus(now, now), is_past_due=False)


def _now() -> datetime:
    return datetime.now(UTC)
