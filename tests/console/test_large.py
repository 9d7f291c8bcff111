"""A hundred thousand recordings behind the search: the first row comes at once, the last page is reached."""

import re

from playwright.sync_api import Browser, expect

from dev.console.browser import visit
from dev.console.day import crowd, quiet_day
from dev.console.server import ConsoleServer
from dev.contact_centre import caller
from dev.in_memory.fakes.probe import FakeProbe

MANY = 100_000


def test_a_hundred_thousand_recordings(browser: Browser) -> None:
    """Neither the first page nor a rare tag takes longer because there are many."""
    day = quiet_day()
    crowd(day.world, MANY)
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server) as page:
        page.goto(f"{server.url}#/search?range=any")
        expect(page.locator("tbody tr")).to_have_count(50)
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("tbody tr")).to_have_count(100)
        page.get_by_label("Who").fill(caller(17).removeprefix("4:"))
        page.keyboard.press("Enter")
        expect(page.locator(".count")).to_have_text(re.compile("recordings"))
        assert page.locator("tbody tr").count() >= 50
        page.goto(f"{server.url}#/now")
        expect(page.locator(".verdict .big")).to_have_text("Nothing needs attention")
