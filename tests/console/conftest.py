"""A browser, and a console over a made-up day. Where there is no Chromium, these tests are skipped and say why."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.console.browser import chromium, is_installed, visit
from dev.console.day import Day, busy_day
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
expect.set_options(timeout=60_000)  # a machine may be busy; what is there at once is seen at once
Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium: it plays what ACS records.

    One for each file: while Playwright is open, the thread counts as one with a running event loop, so tests that start
    one of their own would fail behind it.
    """
    if not is_installed():
        reason = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("CONSOLE_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def day() -> Day:
    """A day with media, trouble, and 300 more recordings; it takes seconds to make."""
    return busy_day(300)


@pytest.fixture
def server(day: Day) -> Iterator[ConsoleServer]:
    """The console over that day; what a test breaks in it is whole for the next one."""
    probe, keeping = FakeProbe(), day.world.fakes.keeping
    probe.time = day.now
    rows, asked, listed = dict(keeping.rows), dict(keeping.requests), set(keeping.listed)
    with ConsoleServer(day, lambda _: probe) as running:
        yield running
    # an erasure that was approved hides its recordings, by its row and by theirs
    keeping.rows, keeping.requests, keeping.listed = rows, asked, listed


@pytest.fixture
def visits(browser: Browser, server: ConsoleServer) -> Visit:
    """Open the page as somebody; a policy violation or an error in it fails the test."""
    return partial(visit, browser, server)
