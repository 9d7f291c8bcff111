"""What people write stays text; what a role loses ends at once; nothing of a person is in an address."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.console import server as servers
from dev.console.browser import sign_in, visit
from dev.console.day import Day, busy_day
from dev.console.server import ConsoleServer, Person
from dev.in_memory.fakes.probe import FakeProbe
from recording.library.handover.export import request_export
from recording.library.keep.erasures import request_erasure
from recording.library.keep.holds import place_hold
from recording.ports import AuditEntry
from tests.console.conftest import Visit
from tests.console.keyboard import until

MARKUP = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"\'>&#x27;javascript:window.hacked=1//'
WATCH = """
window.told = [];
addEventListener("securitypolicyviolation", (event) => window.told.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def hostile() -> Day:
    """A day on which everybody writes markup: tags, consent, callers, notes, cases, reasons, who started it."""
    day = busy_day()
    here = day.world
    catalog, name = here.fakes.catalog, day.ids["mp3"]
    record = catalog.get_recording(name)
    assert record is not None
    tags = {MARKUP[:100]: MARKUP, "plain": MARKUP}
    catalog.save_recording(record.model_copy(update={"tags": tags, "started_by": MARKUP, "consent": {"by": MARKUP}}))
    place_hold(name, "C-7", MARKUP, MARKUP, here.ports)
    request_erasure({"recordings": [name], "reason": MARKUP}, MARKUP, here.ports, here.settings)
    request_export({"recordings": [name], "note": MARKUP}, MARKUP, here.ports, here.settings)
    here.fakes.audit.add(AuditEntry(here.now, MARKUP, name, MARKUP, MARKUP, note=MARKUP, part=MARKUP))
    here.fakes.audit.add(AuditEntry(here.now, "start_recording", MARKUP, None, "done"))
    for key, entry in list(here.fakes.quarantine.kept.items()):
        here.fakes.quarantine.kept[key] = replace(entry, payload=MARKUP, detail=MARKUP)
    return day


@pytest.fixture
def hostile_server(hostile: Day) -> Iterator[ConsoleServer]:
    probe = FakeProbe()
    probe.time = hostile.now
    with ConsoleServer(hostile, lambda _: probe) as running:
        yield running


def test_markup_that_people_write_stays_text_on_every_screen(
    browser: Browser, hostile_server: ConsoleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tag's name and value, a case, a reason, a note, a caller, a payload, a person's own name."""
    monkeypatch.setitem(servers.PEOPLE, "hostile", Person(MARKUP, ("Recording.Admin",)))
    name = hostile_server.day.ids["mp3"]
    screens = ("now", "search?range=any", f"recording/{name}", "kept", "requests", "held", "audit", "health")
    with visit(browser, hostile_server, "hostile") as page:
        page.add_init_script(WATCH)
        for screen in screens:
            page.goto(f"{hostile_server.url}#/{screen}")
            page.reload()
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.locator(".loading")).to_have_count(0)
            assert page.evaluate("[window.hacked ?? null, window.told]") == [None, []], screen
            assert page.locator("main img, main script, main b").count() == 0, screen
        page.goto(f"{hostile_server.url}#/recording/{name}")
        expect(page.get_by_role("region", name="Tags").get_by_text(MARKUP).first).to_be_visible()


@pytest.mark.parametrize(
    "address",
    [
        "#/now/constructor?__proto__=1",
        f"#/recording/{MARKUP}",
        "#/recording/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E?t=%3Cb%3E",
        f"#/search?tag={MARKUP}&range={MARKUP}&from={MARKUP}&state={MARKUP}",
        f"#/audit?recording={MARKUP}&from={MARKUP}",
        f"#/requests/{MARKUP}",
        f"#/requests?recording={MARKUP}&person={MARKUP}",
        f"#/held?id={MARKUP}",
        "#/recording/%",
        "#/__proto__",
        "#/constructor?x=1",
        "#//",
        "#/recording/",
    ],
)
def test_no_address_breaks_the_page(address: str, visits: Visit, server: ConsoleServer) -> None:
    """What somebody sends as a link is shown as text, or nothing is there; the page stays usable."""
    with visits() as page:
        told: list[str] = []
        page.on("pageerror", lambda error: told.append(str(error)))
        page.add_init_script(WATCH)
        page.goto(f"{server.url}{address}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
        assert (told, page.evaluate("[window.hacked ?? null, window.told]")) == ([], [None, []])
        page.get_by_role("link", name="Now", exact=True).click()
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()


def playing(page: Page, server: ConsoleServer) -> None:
    """Play the first chunk of a recording that has more than one."""
    page.goto(f"{server.url}#/recording/{server.day.ids['long']}")
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, "document.querySelector('audio').currentTime > 0.1")


def jump(page: Page, seconds: int) -> None:
    page.get_by_label("Position").evaluate(
        "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }", seconds
    )


def test_a_session_that_ends_while_somebody_listens(visits: Visit, server: ConsoleServer) -> None:
    """The next part is not handed out, the page says why, and after the sign-in one is where one was."""
    with visits("listener") as page:
        playing(page, server)
        sign_in(page.context, server, "")
        jump(page, 70)
        expect(page.get_by_role("dialog")).to_contain_text("Your session has ended")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_role("link", name="listener").click()
        expect(page.get_by_role("region", name="Player")).to_be_visible()
        assert server.day.ids["long"] in page.url


def test_a_role_that_is_taken_away_ends_listening_with_the_next_part(
    visits: Visit, server: ConsoleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing outlives the role: there is no link to storage."""
    with visits("listener") as page:
        playing(page, server)
        monkeypatch.setitem(servers.PEOPLE, "listener", replace(servers.PEOPLE["listener"], roles=("Recording.Read",)))
        before = server.sent.get("media", 0)
        jump(page, 70)
        expect(page.get_by_text("Your role does not allow to listen any more.")).to_be_visible()
        assert server.sent.get("media", 0) - before < 2_000, "problem documents, and nothing of the media"


def test_the_trail_names_the_listener_and_the_seconds(visits: Visit, server: ConsoleServer) -> None:
    """Who heard which part, on the page of the trail of the recording."""
    with visits("listener") as page:
        playing(page, server)
    listener = servers.PEOPLE["listener"].object_id
    heard = [row for row in server.day.world.fakes.audit.written if row.caller == listener and row.part]
    assert {row.part for row in heard} >= {"chunk 0, 0-60 s"}
    with visits("reader") as page:
        page.goto(f"{server.url}#/audit?recording={server.day.ids['long']}")
        row = page.locator("tbody tr").filter(has_text="chunk 0, 0-60 s").filter(has_text=listener[-10:])
        expect(row.first).to_be_visible()


def test_a_thin_line_is_enough_to_hear(visits: Visit, server: ConsoleServer) -> None:
    """A mobile line of 400 kbit/s and 300 ms: lines that load, then rows, then sound."""
    with visits() as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        thin = {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
        session.send("Network.emulateNetworkConditions", thin)
        page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, "document.querySelector('audio').currentTime > 0.3")


def test_while_nothing_changes_now_is_asked_for_with_an_etag_and_answered_304(
    visits: Visit, server: ConsoleServer
) -> None:
    """An open page costs empty answers."""
    with visits() as page:
        statuses: list[tuple[int, bool]] = []
        page.on(
            "response",
            lambda answer: (
                statuses.append((answer.status, "if-none-match" in answer.request.headers))
                if "/api/now" in answer.url
                else None
            ),
        )
        page.goto(server.url)
        with page.expect_response(lambda answer: "/api/now" in answer.url and answer.status == 304, timeout=60_000):
            pass
        assert statuses[0] == (200, False)
        assert (304, True) in statuses


@pytest.mark.parametrize(
    ("now", "since", "until_"),
    [
        ("2026-10-26T09:00:00+00:00", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"),  # a day of 25 hours
        ("2026-03-30T09:00:00+00:00", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"),  # a day of 23
        ("2026-10-25T12:00:00+00:00", "2026-10-23T22:00:00.000Z", "2026-10-24T22:00:00.000Z"),
    ],
)
def test_yesterday_is_a_local_day_also_when_the_clocks_change(
    now: str, since: str, until_: str, browser: Browser, server: ConsoleServer
) -> None:
    """In Berlin a day has 23 or 25 hours twice a year, and none is cut off or doubled."""
    with visit(browser, server, now=datetime.fromisoformat(now).astimezone(UTC)) as page:
        with page.expect_request(lambda request: request.url.endswith("/recordings/search")) as waiting:
            page.goto(f"{server.url}#/search?range=yesterday")
        asked: dict[str, Any] = json.loads(waiting.value.post_data or "{}")
        assert (asked["from"], asked["to"]) == (since, until_)


def test_no_address_and_no_store_of_the_browser_has_anything_of_a_person(visits: Visit, server: ConsoleServer) -> None:
    """After a search by number and a look at what was found."""
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        page.get_by_label("Who").fill("+1 (555) 010-7788")
        page.keyboard.press("Enter")
        expect(page.locator(".count")).to_have_text("4 recordings")
        addresses = [page.url]
        page.locator("tbody a.open").first.click()
        expect(page.get_by_role("region", name="Facts")).to_be_visible()
        addresses.append(page.url)
        page.get_by_role("region", name="Facts").get_by_role("link").first.click()
        expect(page.locator(".count")).to_have_text("4 recordings")
        addresses.append(page.url)
        stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    for text in (*addresses, stored, *(target for _, target, _ in server.seen)):
        assert "0107788" not in text
        assert "7788" not in text


def test_what_has_the_focus_is_seen(visits: Visit, server: ConsoleServer) -> None:
    """Every stop of the Tab key has an outline of three pixels, on every screen, light and dark."""
    outline = """() => {
      const style = getComputedStyle(document.activeElement);
      return [document.activeElement.outerHTML.slice(0, 120), parseFloat(style.outlineWidth), style.outlineStyle];
    }"""
    for scheme in ("light", "dark"):
        with visits(scheme=scheme) as page:
            for screen in ("now", "search?range=any", f"recording/{server.day.ids['unmixed']}", "requests", "held"):
                page.goto(f"{server.url}#/{screen}")
                expect(page.get_by_role("heading", level=1)).to_be_visible()
                expect(page.locator(".loading")).to_have_count(0)
                for _ in range(25):
                    page.keyboard.press("Tab")
                    element, width, style = page.evaluate(outline)
                    if not element.startswith(("<body", "<html")):
                        assert (width >= 2, style != "none") == (True, True), element


def test_old_answers_of_a_page_that_was_left_do_not_come_back(visits: Visit, server: ConsoleServer) -> None:
    """Slow answers for a screen that is gone draw nothing over the one that is there."""
    server.delay = 0.5
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        expect(page.get_by_role("heading", name="Search")).to_be_visible()
        for key in ("h", "a", "k", "r", "n"):
            page.keyboard.press("g")
            page.keyboard.press(key)
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        expect(page.locator(".verdict .big")).to_be_visible()
        assert page.get_by_role("heading", level=1).all_inner_texts() == ["Now"]
