"""How the page behaves when all is not well, and for everybody: access, policy, network, sessions, tabs, width."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.console.browser import sign_in, visit
from dev.console.day import quiet_day
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from tests.conftest import missing
from tests.console.conftest import AXE, Visit
from tests.console.keyboard import until

SCREENS = (
    "now",
    "search?range=any",
    "kept",
    "requests",
    "held",
    "audit",
    "health",
    "recording/unmixed",
    "recording/long",
    "recording/at_risk",
)
CHECK = "axe.run(document, { resultTypes: ['violations'] })"


def address(server: ConsoleServer, screen: str) -> str:
    name, _, recording = screen.partition("/")
    return f"{server.url}#/{name}/{server.day.ids[recording]}" if recording else f"{server.url}#/{screen}"


def settled(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_no_screen_has_a_barrier(scheme: str, width: int, visits: Visit, server: ConsoleServer) -> None:
    """axe-core finds nothing: names, roles, contrast, order."""
    if not AXE.is_file():
        missing("axe-core is not installed: run 'npm ci'")
    with visits(scheme=scheme, width=width) as page:
        for screen in SCREENS:
            page.goto(address(server, screen))
            settled(page)
            page.evaluate(AXE.read_text(encoding="utf-8"))
            found: dict[str, Any] = page.evaluate(CHECK)
            told = [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]]
            assert told == [], f"{screen} in {scheme}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{screen} is wider than the window"


def no_barrier(page: Page, where: str) -> None:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(CHECK)
    told = [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]]
    assert told == [], where


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_state_of_a_screen_has_a_barrier(scheme: str, visits: Visit, server: ConsoleServer) -> None:
    """While it loads, where it is broken, in its dialogs, and for somebody who may do nothing."""
    if not AXE.is_file():
        missing("axe-core is not installed: run 'npm ci'")
    with visits(scheme=scheme) as page:
        server.delay = 5
        page.goto(address(server, "search?range=any"))
        expect(page.locator(".loading")).to_be_visible()
        no_barrier(page, "loading")
        server.delay = 0
        for screen in ("now", "kept", "requests", "held", "audit", "health", "recording/mp3"):
            page.goto(server.url)
            settled(page)
            server.broken[""] = 503
            page.goto(address(server, screen))
            page.wait_for_load_state("networkidle")
            no_barrier(page, f"{screen}, broken")
            server.broken.clear()
        page.reload()
        settled(page)
        page.get_by_role("button", name="Hold for a case").click()
        no_barrier(page, "dialog of a hold")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        no_barrier(page, "dialog of the account")
    for who in ("nobody", None):
        with visits(who, scheme=scheme) as page:
            page.goto(server.url)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            no_barrier(page, f"as {who}")


def test_no_screen_of_an_empty_day_has_a_barrier(browser: Browser) -> None:
    """The first day, before there is anything."""
    if not AXE.is_file():
        missing("axe-core is not installed: run 'npm ci'")
    with ConsoleServer(quiet_day(), lambda _: FakeProbe()) as server, visit(browser, server) as page:
        for screen in ("now", "search?range=any", "kept", "requests", "held", "audit"):
            page.goto(f"{server.url}#/{screen}")
            settled(page)
            no_barrier(page, f"{screen}, empty")


def test_nothing_violates_the_policy(visits: Visit, server: ConsoleServer) -> None:
    """Without bypass: no violation, no error, and nothing is asked of another host."""
    with visits() as page:
        told: list[str] = []
        page.on(
            "console",
            lambda message: (
                told.append(message.text) if message.type == "error" and "503" not in message.text else None
            ),
        )
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on(
            "request",
            lambda request: told.append(request.url) if not request.url.startswith((server.origin, "blob:")) else None,
        )
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective))"
        )
        for screen in SCREENS:
            page.goto(address(server, screen))
            settled(page)
        page.goto(address(server, "recording/mp4"))
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, "document.querySelector('video').currentTime > 0.2")
        page.keyboard.press("?")
        assert told == []
        answer = page.request.get(server.url)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy


def test_markup_from_a_string_is_refused_by_the_browser(visits: Visit, server: ConsoleServer) -> None:
    """Trusted Types are on: even our own code could not do it."""
    with visits() as page:
        page.goto(server.url)
        settled(page)
        thrown = page.evaluate(
            "() => { try { document.body.innerHTML = '<b>x</b>'; } catch (error) { return error.name; } }"
        )
        assert thrown == "TypeError"


def test_a_slow_network_shows_that_it_loads(visits: Visit, server: ConsoleServer) -> None:
    """Grey lines first, then what was asked for; the page can be used meanwhile."""
    server.delay = 0.6
    with visits() as page:
        page.goto(address(server, "search?range=any"))
        expect(page.get_by_text("Searching …")).to_be_visible()
        expect(page.locator(".loading")).to_be_visible()
        expect(page.locator("tbody tr").first).to_be_visible()


@pytest.mark.parametrize("screen", ["now", "search", "held", "audit", "health"])
def test_a_broken_server_is_said_and_tried_again(screen: str, visits: Visit, server: ConsoleServer) -> None:
    """What failed, and a button; pressed after the repair, all is there."""
    paths = {"search": "recordings/search"}
    server.broken[paths.get(screen, screen)] = 503
    with visits() as page:
        page.goto(address(server, screen))
        expect(page.get_by_role("alert")).to_contain_text("503")
        server.broken.clear()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_now_stays_fresh_without_a_reload(visits: Visit, server: ConsoleServer) -> None:
    """Unchanged answers are 304; a change is there within seconds."""
    with visits() as page:
        statuses: list[int] = []
        page.on("response", lambda answer: statuses.append(answer.status) if "/api/now" in answer.url else None)
        page.goto(server.url)
        settled(page)
        until(page, "document.querySelector('.fresh').textContent.startsWith('Updated')")
        with page.expect_response(lambda answer: "/api/now" in answer.url, timeout=20_000):
            pass
        assert 200 in statuses


def test_a_lost_session_leads_back_to_the_very_place(visits: Visit, server: ConsoleServer) -> None:
    """What is on the screen stays; after signing in one is where one was."""
    with visits() as page:
        page.goto(f"{address(server, 'recording/mp3')}?t=40")
        settled(page)
        sign_in(page.context, server, "")
        page.get_by_role("button", name="Verify now").click()
        expect(page.get_by_role("dialog")).to_contain_text("Your session has ended")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_role("link", name="admin").click()
        expect(page.get_by_text("0:40 / 1:36")).to_be_visible()
        assert page.url == f"{address(server, 'recording/mp3')}?t=40"


def test_two_tabs_do_not_overwrite_each_other(visits: Visit, server: ConsoleServer) -> None:
    """Tags are written under their ETag; the second writer sees what the first one wrote."""
    with visits() as first:
        first.goto(address(server, "recording/five"))
        settled(first)
        catalog = server.day.world.fakes.catalog
        first.evaluate("window.before = 1")
        second_context_tag = first.request.patch(
            f"{server.origin}/api/console/api/recordings/{server.day.ids['five']}",
            data={"tags": {"seen": "elsewhere"}},
            headers={"If-Match": "*", "X-Recordings-Console": "1", "Sec-Fetch-Site": "same-origin"},
        )
        assert second_context_tag.ok
        first.get_by_label("Tag name").fill("mine")
        first.get_by_role("button", name="Add tag").click()
        expect(first.get_by_text("The tags were changed meanwhile")).to_be_visible()
        expect(first.get_by_role("link", name="seen elsewhere")).to_be_visible()
        first.get_by_label("Tag name").fill("mine")
        first.get_by_role("button", name="Add tag").click()
        expect(first.get_by_text("Saved.")).to_be_visible()
        record = catalog.get_recording(server.day.ids["five"])
        assert record is not None
        assert {"seen", "mine"} <= record.current_tags.keys()


def test_text_from_the_right_stays_in_its_place(visits: Visit, server: ConsoleServer) -> None:
    """An Arabic name does not turn what stands beside it around."""
    with visits("listener") as page:
        page.goto(address(server, "recording/unmixed"))
        settled(page)
        tag = page.get_by_role("link", name="customer ليلى حدّاد")
        expect(tag).to_be_visible()
        box = tag.bounding_box()
        name = tag.locator("bdi").bounding_box()
        assert box
        assert name
        assert name["x"] > box["x"] + 20, "the tag's name stands before its value"
