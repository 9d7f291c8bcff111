"""Chromium for the console's tests, screenshots and figures: Debian's, which plays mp3 and H.264."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dev.console.server import ConsoleServer

CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--autoplay-policy=document-user-activation-required", "--mute-audio")
ZONE, LOCALE = "Europe/Berlin", "en-GB"


def is_installed() -> bool:
    """Return whether there is a Chromium to start."""
    return Path(CHROMIUM).is_file()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser,
    server: ConsoleServer,
    who: str | None = "admin",
    *,
    width: int = 1280,
    height: int = 860,
    scheme: str = "light",
    now: datetime | None = None,
) -> Iterator[Page]:
    """Open a context of its own, signed in as one of the made-up people, at the time of the server's day."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id=ZONE,
        locale=LOCALE,
        reduced_motion="reduce",
    )
    if who:
        sign_in(context, server, who)
    page = context.new_page()
    page.clock.set_fixed_time(now or server.day.now)
    try:
        yield page
    finally:
        context.close()


def sign_in(context: BrowserContext, server: ConsoleServer, who: str) -> None:
    """Set the cookie of a made-up person; an empty name ends the session."""
    context.add_cookies([{"name": "who", "value": who, "url": server.origin}])
