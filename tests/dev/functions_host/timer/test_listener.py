"""Timers fire on time, one at a time, and once after what they missed."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from dev.azurite import Azurite
from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.threaded import run_in_thread
from dev.functions_host.timer.listener import TimerListener, TimerStatus, TimerStatusFile
from dev.functions_host.timer.schedule import parse_schedule
from tests.dev.functions_host.sample_world import new_world, wait_until

EACH_SECOND = parse_schedule("* * * * * *")
YEARLY = parse_schedule("0 0 0 1 1 *")


class Recorder:
    """Takes the place of the function: remembers what it got."""

    def __init__(self, seconds: float = 0, *, fails: bool = False) -> None:
        self.seen: list[dict[str, Any]] = []
        self.running = 0
        self.most = 0
        self.seconds = seconds
        self.fails = fails

    async def run(self, datum: Datum) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.seen.append(json.loads(datum.value))
        await asyncio.sleep(self.seconds)
        self.running -= 1
        if self.fails:
            raise FunctionFailedError("on purpose")

    @property
    def past_due(self) -> list[bool]:
        return [seen["IsPastDue"] for seen in self.seen]


def serve(listener: TimerListener, until: Callable[[], bool]) -> None:
    """Runs the listener until the condition holds, at most five seconds."""

    async def run() -> None:
        listener.start()
        async with asyncio.timeout(5):
            while not until():
                await asyncio.sleep(0.02)
        await listener.stop()

    asyncio.run(run())


def test_it_fires_again_and_again_and_goes_on_after_a_failure() -> None:
    """One failed reconcile must not be the last one."""
    recorder = Recorder(fails=True)
    listener = TimerListener(EACH_SECOND, recorder.run, None, run_on_startup=False)
    serve(listener, lambda: len(recorder.seen) == 2)
    assert recorder.past_due == [False, False]


def test_a_run_that_takes_longer_than_the_interval_never_overlaps_itself() -> None:
    """Two reconciles at a time would redrive twice."""
    recorder = Recorder(seconds=1.2)
    listener = TimerListener(EACH_SECOND, recorder.run, None, run_on_startup=True)
    serve(listener, lambda: len(recorder.seen) == 2)
    assert recorder.most == 1


def test_missed_occurrences_are_made_up_by_one_late_run(tmp_path: Path) -> None:
    """After a night without power the reconcile must run at once, and once."""
    status = TimerStatusFile(tmp_path / "timer.json")
    missed = datetime.now(UTC) - timedelta(days=3)
    status.write(TimerStatus(missed - timedelta(days=365), missed))
    recorder = Recorder()
    serve(TimerListener(YEARLY, recorder.run, status, run_on_startup=True), lambda: bool(recorder.seen))
    assert recorder.past_due == [True]
    kept = status.read()
    assert kept is not None
    assert kept.next > datetime.now(UTC)


def test_nothing_is_missed_at_the_first_start(tmp_path: Path) -> None:
    """A fresh deployment must not begin with a late run; its next occurrence is kept from then on."""
    recorder = Recorder()
    status = TimerStatusFile(tmp_path / "timer.json")
    serve(TimerListener(YEARLY, recorder.run, status, run_on_startup=False), lambda: status.read() is not None)
    assert recorder.seen == []


def test_a_schedule_that_has_changed_is_taken_up_at_once(tmp_path: Path) -> None:
    """The kept next occurrence of an old, rare schedule must not hold up the new one."""
    status = TimerStatusFile(tmp_path / "timer.json")
    status.write(TimerStatus(datetime.now(UTC), datetime.now(UTC) + timedelta(days=300)))
    recorder = Recorder()
    serve(TimerListener(EACH_SECOND, recorder.run, status, run_on_startup=False), lambda: bool(recorder.seen))
    assert recorder.past_due == [False]


def test_a_status_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    """A file cut short by a full disk must not end the timer."""
    (tmp_path / "timer.json").write_text('{"Last"')
    recorder = Recorder()
    listener = TimerListener(EACH_SECOND, recorder.run, TimerStatusFile(tmp_path / "timer.json"), run_on_startup=False)
    serve(listener, lambda: bool(recorder.seen))
    assert recorder.past_due == [False]


@pytest.mark.azurite
def test_the_app_sees_the_timer_and_its_status_is_kept_where_asked(azurite: Azurite, tmp_path: Path) -> None:
    """The whole way from host to function."""
    world = new_world(azurite.connection_string, tmp_path, TIMER_SCHEDULE="* * * * * *")
    with run_in_thread(world.options()):
        wait_until(lambda: world.traces(tick=False))
    assert not (tmp_path / "timers").exists()
    world = new_world(azurite.connection_string, tmp_path)
    with run_in_thread(world.options()):
        wait_until((tmp_path / "timers" / "tick.json").exists)
