"""Every screen that the page has: while it loads, broken and mended, and for every role no more than it opens."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Response, expect

from dev.console.server import PEOPLE, ConsoleServer, Person
from recording.domain.incoming.roles import Role
from recording.http.console_files import FOLDER
from tests.console.conftest import Visit

SCREENS = re.findall(r"^  (\w+): \{ title:", Path(FOLDER, "app.js").read_text("utf-8"), re.MULTILINE)
ADDRESS = {"search": "search?range=any"}


def address(server: ConsoleServer, screen: str) -> str:
    if screen == "recording":
        return f"{server.url}#/recording/{server.day.ids['mp3']}"
    return f"{server.url}#/{ADDRESS.get(screen, screen)}"


def test_the_screens_are_those_of_the_page() -> None:
    """A pattern that finds none would let all of the following pass."""
    assert {"now", "search", "recording", "kept", "requests", "held", "audit", "health"} <= set(SCREENS)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_says_that_it_loads_and_then_is_there(screen: str, visits: Visit, server: ConsoleServer) -> None:
    """Grey lines, and words for those who see none."""
    server.delay = 1.5
    with visits() as page:
        page.goto(address(server, screen))
        expect(page.locator(".loading").first).to_be_visible()
        expect(page.locator(".loading").first).to_contain_text("Loading")
        server.delay = 0
        expect(page.locator(".loading")).to_have_count(0)
        expect(page.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(0)


@pytest.mark.parametrize("screen", SCREENS)
def test_what_says_nothing_takes_no_room(screen: str, visits: Visit, server: ConsoleServer) -> None:
    """A region for what may be said later left a gap that looked like something missing."""
    gaps = """(node) => [...node.children].filter((one) => getComputedStyle(one).position !== 'absolute')
        .map((one) => one.getBoundingClientRect()).filter((box) => box.height)
        .filter((box, at, all) => at && box.top - all[at - 1].bottom > 24)"""
    with visits() as page:
        page.goto(address(server, screen))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
        assert page.locator(".screen").evaluate(gaps) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_that_is_broken_says_so_and_is_mended_by_its_own_buttons(
    screen: str, visits: Visit, server: ConsoleServer
) -> None:
    """Whatever of it fails has a button of its own, and after it nothing is left of the trouble."""
    with visits() as page:
        told: list[str] = []
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(f"{server.url}#/nowhere")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        server.broken[""] = 503
        page.goto(address(server, screen))
        expect(page.get_by_role("alert").first).to_contain_text("503")
        server.broken.clear()
        again = page.get_by_role("button", name="Try again")
        for _ in range(5):
            if not again.count():
                break
            again.first.click()
            page.wait_for_timeout(100)
            page.wait_for_load_state("networkidle")
        expect(page.get_by_role("alert").filter(has_text="503")).to_have_count(0)
        expect(page.locator(".loading")).to_have_count(0)
        assert told == []


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_shown_nothing_that_it_is_refused(
    role: Role, visits: Visit, server: ConsoleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every screen that its menu leads to, and a recording: nothing that the page asks for by itself is refused."""
    monkeypatch.setitem(PEOPLE, "someone", Person("Some One", (role.value,)))
    refused: list[str] = []

    def heard(answer: Response) -> None:
        if answer.status in (401, 403):
            refused.append(answer.url)

    with visits("someone") as page:
        page.on("response", heard)
        page.goto(server.url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        links = [link.get_attribute("href") or "" for link in page.get_by_role("navigation").get_by_role("link").all()]
        for place in [*links, f"#/recording/{server.day.ids['unmixed']}", f"#/recording/{server.day.ids['at_risk']}"]:
            page.goto(f"{server.url}{place}")
            expect(page.get_by_role("heading", level=1).first).to_be_visible()
            expect(page.locator(".loading")).to_have_count(0)
            page.wait_for_load_state("networkidle")
    assert refused == []
