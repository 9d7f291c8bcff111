"""The console on the local world: somebody signs in, finds a call that was just archived, hears it, has it proved."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.acs_simulator.options import SimulatorOptions
from dev.azurite import is_installed
from dev.world import LocalWorld, WorldOptions
from tests.conftest import missing
from tests.console.keyboard import until
from tests.system.steps import PATIENCE_SECONDS, Steps


@pytest.fixture
def signed(browser: Browser) -> Iterator[Steps]:
    """A world in which made-up people sign in; none is started where there is no browser."""
    if not is_installed():
        missing("Azurite is not installed: run 'npm ci'")
    with LocalWorld(WorldOptions(host="builtin", simulator=SimulatorOptions(), sign_in=True)) as running:
        yield Steps(running)


def _search_until_found(page: Page) -> None:
    """Search again until the directory has the call: its follow-up waits while other chunks are in work."""
    end = time.monotonic() + 120
    while page.locator("tbody tr").count() == 0 and time.monotonic() < end:
        page.reload()
        until(page, "document.querySelector('tbody tr') || document.querySelector('.empty')")


def test_somebody_hears_a_call_that_was_just_archived(signed: Steps, browser: Browser) -> None:
    """Azurite, the host, the simulator, the routes, the page and a browser, all of them real."""
    call = signed.simulator.create_call(["Ann", "Ben", "Cem"])["serverCallId"]
    body = {"serverCallId": call, "content": "audio", "channel": "unmixed", "format": "wav", "tags": {"order": "1042"}}
    recording_id = signed.api.start(body)["recordingId"]
    signed.simulator.advance(25)
    signed.api.act(recording_id, "stop")
    signed.simulator.wait_until(lambda: signed.api.get(recording_id).get("complete") or None, PATIENCE_SECONDS)
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    page = context.new_page()
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    address = signed.world.console_url() or ""
    page.goto(f"{address}index.html#/search?range=any&tag=order:1042")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Tariq Team-Lead").click()
    _search_until_found(page)
    expect(page.locator("tbody tr")).to_have_count(1, timeout=30_000)
    page.locator("tbody tr a.open").click()
    expect(page.locator(".player.drawn .lane")).to_have_count(3, timeout=30_000)
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, "document.querySelector('audio').currentTime > 0.3")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("nothing differs")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Who did what").click()
    expect(page.locator("tbody")).to_contain_text("Listen")
    assert told == []
    context.close()
