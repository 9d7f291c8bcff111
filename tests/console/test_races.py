"""Answers in another order than they were asked for, pages that are empty and go on, and what no form should hold."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from dev.console.server import ConsoleServer
from tests.console.conftest import Visit
from tests.console.keyboard import until
from tests.console.steps import AT, LINE, chunk, opened, playing

EMPTY_PAGES = 21  # that the page passes over by itself: the first, and twenty more


def told_by(page: Page) -> list[str]:
    """Return what the page throws from now on."""
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    return told


# --- pages that are empty and go on ----------------------------------------------------------------------------------


def test_an_empty_page_of_a_search_that_goes_on_is_no_end(visits: Visit, server: ConsoleServer) -> None:
    """A request looks through a bounded number of rows, and may find nothing among them."""
    asked: list[dict[str, Any]] = []

    def answer(route: Route) -> None:
        body: dict[str, Any] = route.request.post_data_json or {}
        asked.append(body)
        if len(asked) <= EMPTY_PAGES + 3:
            found = {"count": 0, "recordings": [], "next": f"page-{len(asked)}", "unreadable": []}
            route.fulfill(status=200, content_type="application/json", body=json.dumps(found))
        else:
            route.continue_(post_data=json.dumps({name: value for name, value in body.items() if name != "next"}))

    with visits() as page:
        told = told_by(page)
        page.route("**/recordings/search", answer)
        page.goto(f"{server.url}#/search?range=any")
        expect(page.get_by_text("There is more to look through.")).to_be_visible()
        assert [one.get("next") for one in asked] == [None, *(f"page-{n}" for n in range(1, EMPTY_PAGES))]
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("tbody tr").first).to_be_visible()
        expect(page.get_by_text("There is more to look through.")).to_have_count(0)
        expect(page.locator("tbody a.open").first).to_be_focused()
        assert told == []


def test_an_empty_page_of_the_trail_that_goes_on_is_no_end(visits: Visit, server: ConsoleServer) -> None:
    """A quiet month: a page of the trail goes back a month at most."""
    asked: list[str] = []

    row = {"at": "2026-10-01T08:00:00Z", "operation": "stop_recording", "outcome": "done", "recordingId": "r"}

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        is_there = len(asked) == 3
        found = {"entries": [row] if is_there else [], "next": None if is_there else f"p{len(asked)}"}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(found))

    with visits() as page:
        told = told_by(page)
        page.route("**/api/audit*", answer)
        page.goto(f"{server.url}#/audit")
        for _ in range(2):
            page.get_by_role("button", name="Look further back").click()
            expect(page.locator("[aria-disabled]")).to_have_count(0)
        expect(page.locator("tbody tr").first).to_be_visible()
        assert told == []


def test_a_page_of_the_trail_that_fails_leaves_what_is_shown(visits: Visit, server: ConsoleServer) -> None:
    """Whoever reads an audit for an hour must not begin again because one request failed."""
    rows = [{"at": "2026-11-23T08:00:00Z", "operation": "stop_recording", "outcome": "done", "recordingId": "r"}]
    answers = [
        {"status": 200, "body": json.dumps({"entries": rows, "next": "p"}), "content_type": "application/json"},
        {"status": 503, "body": ""},
        {"status": 200, "body": json.dumps({"entries": rows, "next": None}), "content_type": "application/json"},
    ]
    with visits() as page:
        page.route("**/api/audit*", lambda route: route.fulfill(**answers.pop(0)))
        page.goto(f"{server.url}#/audit")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("button", name="Look further back").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("tbody tr")).to_have_count(2)


# --- another order ---------------------------------------------------------------------------------------------------


def test_a_late_answer_does_not_take_the_place_of_a_newer_one(visits: Visit, server: ConsoleServer) -> None:
    """*Look again* while the first look is still on its way."""
    held: list[Route] = []

    def answer(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    with visits() as page:
        told = told_by(page)
        page.route("**/api/held", answer)
        page.goto(f"{server.url}#/held")
        until(page, "document.querySelector('.loading') !== null")
        page.get_by_role("button", name="Look again").click()
        expect(page.locator("li.item").first).to_be_visible()
        count = page.locator("li.item").count()
        held[0].fulfill(status=200, content_type="application/json", body=json.dumps({"held": [], "attention": []}))
        page.wait_for_timeout(300)
        assert page.locator("li.item").count() == count
        expect(page.locator("[aria-busy]")).to_have_count(0)
        assert told == []


def test_a_recording_that_cannot_be_read_again_goes_on_playing(visits: Visit, server: ConsoleServer) -> None:
    """Another tab changed it, and just then the server fails: what is heard and seen stays."""
    name = server.day.ids["mp3"]
    changed = "(id) => new BroadcastChannel('recordings').postMessage({ changed: id })"
    with visits() as first:
        playing(first, server, "mp3")
        second = first.context.new_page()
        second.goto(server.url)
        expect(second.get_by_role("heading", level=1)).to_be_visible()
        first.route(f"**/api/recordings/{name}", lambda route: route.fulfill(status=503, body=""))
        second.evaluate(changed, name)
        expect(first.get_by_role("alert").filter(has_text="503")).to_be_visible()
        before = first.evaluate(AT)
        until(first, f"{AT} > {before} + 0.2")
        expect(first.get_by_role("region", name="Facts")).to_be_visible()
        first.unroute_all()
        first.get_by_role("button", name="Try again").click()
        expect(first.get_by_role("alert").filter(has_text="503")).to_have_count(0)
        first.route(f"**/api/recordings/{name}", lambda route: route.fulfill(status=404, body="{}"))
        second.evaluate(changed, name)
        expect(first.get_by_text("There is no such recording.")).to_be_visible()
        assert first.locator("audio").count() == 0


def test_an_erasure_is_asked_for_once_however_often_enter_is_pressed(visits: Visit, server: ConsoleServer) -> None:
    """Two requests for one person would need two approvals, and look like two wishes."""
    server.delay = 0.5
    with visits("eraser") as page:
        page.goto(f"{server.url}#/requests?recording={server.day.ids['five']}")
        form = page.get_by_role("form", name="Erase")
        form.get_by_label("Reason (kept)").fill("asked once")
        for _ in range(3):
            form.get_by_label("Reason (kept)").press("Enter")
        expect(page.get_by_role("heading", name="Erasure", exact=True)).to_be_visible()
        assert len([1 for method, target, _ in server.seen if method == "POST" and target.endswith("/erasures")]) == 1


# --- what people type ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "\u2066(555)\u00a0010\u20117788\u2069",
        "\u202a0107788\u202c",
        "555\u2013010\u20137788",
        "\uff10\uff11\uff10\uff17\uff17\uff18\uff18",
        "tel:0107788",
        "\u0660\u0661\u0660\u0667\u0667\u0668\u0668",
        "+1 [555] 010\u00b77788",
    ],
)
def test_a_number_is_one_in_whatever_it_was_copied_with(typed: str, visits: Visit, server: ConsoleServer) -> None:
    """Address books put marks around numbers, and hyphens that do not break into them."""
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        page.get_by_label("Who").fill(typed)
        page.get_by_label("Who").press("Enter")
        expect(page.locator(".count")).to_have_text("4 recordings")


def test_an_hour_that_the_clock_shows_twice_is_the_one_of_the_address(visits: Visit, server: ConsoleServer) -> None:
    """A shared address means the same hour for whoever opens it, also when clocks were set back in between."""
    asked: list[Any] = []
    with visits() as page:
        page.on(
            "request",
            lambda request: asked.append(request.post_data_json) if request.url.endswith("/search") else None,
        )
        for since, until_ in (
            ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"),
            ("2026-10-25T01:30:12.345Z", "2026-10-25T02:00:00.000Z"),
        ):
            asked.clear()
            page.goto(server.url)
            query = f"range=own&from={since}" + (f"&to={until_}" if until_ else "")
            page.goto(f"{server.url}#/search?{query}")
            expect(page.locator(".count")).to_have_text("0 recordings")
            assert (asked[-1]["from"], asked[-1].get("to", "")) == (since, until_)
            page.get_by_role("button", name="Search", exact=True).click()
            expect(page.locator(".count")).to_have_text("0 recordings")
            assert asked[-1]["from"] == since


# --- much of it ------------------------------------------------------------------------------------------------------


def test_a_gap_of_a_million_files_is_said_in_a_line(visits: Visit, server: ConsoleServer) -> None:
    """An import may name any index."""
    with visits() as page:
        page.goto(server.url)
        found = page.evaluate(LINE, [[chunk(0, 0, 60), chunk(1_000_000, 70, 30)], []])
        assert found["notes"] == ["60 Chunks 1 to 999999 are not in the archive"]


def test_a_recording_of_a_thousand_files_can_be_heard_to_its_end(visits: Visit, server: ConsoleServer) -> None:
    """A call of days, in parts of minutes."""
    name = server.day.ids["mp3"]

    def many(route: Route) -> None:
        told = route.fetch().json()
        first = told["chunks"][0]
        told["chunks"] = [{**first, "index": index, "startsAt": None} for index in range(1000)]
        route.fulfill(status=200, content_type="application/json", body=json.dumps(told))

    with visits() as page:
        told = told_by(page)
        page.route(f"**/api/recordings/{name}", many)
        page.route("**/peaks", lambda route: route.fulfill(status=404, body="{}"))
        page.goto(f"{server.url}#/recording/{name}")
        expect(page.locator(".files > li")).to_have_count(1000)
        page.get_by_label("Position").press("End")
        until(page, "document.querySelector('.player').dataset.chunk === '999'")
        expect(page.get_by_text("Pauses, joints and gaps")).to_be_visible()
        assert told == []


def test_a_reason_of_ten_thousand_characters_stays_in_its_place(visits: Visit, server: ConsoleServer) -> None:
    """Without a space in it, on a phone: in what is held, what needs attention, and a recording's page."""
    long = "w" * 10_000

    def longer(route: Route) -> None:
        told = route.fetch().json()
        for one in [*told.get("held", []), *told.get("attention", [])]:
            one |= {"reason": long, "payload": json.dumps({"x": long}), "remedy": long}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(told))

    with visits(width=320) as page:
        page.route("**/api/held", longer)
        page.route("**/api/now*", longer)
        for screen in ("held", "now"):
            page.goto(f"{server.url}#/{screen}")
            expect(page.locator("li.item").first).to_contain_text(long)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, screen


def test_a_recording_without_anybody_in_it_is_shown(visits: Visit, server: ConsoleServer) -> None:
    """Metadata that names nobody, or none at all."""
    name = server.day.ids["mp3"]

    def nobody(route: Route) -> None:
        told = route.fetch().json()
        for at in (told, told.get("facts") or {}):
            at["participants"] = []
        route.fulfill(status=200, content_type="application/json", body=json.dumps(told))

    with visits() as page:
        told = told_by(page)
        page.route(f"**/api/recordings/{name}", nobody)
        opened(page, server, "mp3")
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
        assert told == []
