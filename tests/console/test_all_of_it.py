"""All of it: every row, tag, pause, gap and decision is on the page, for every reader and on every screen."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from dev.console.browser import visit
from dev.console.day import CALLER, LEILA, Call, Part, quiet_day, record_call, recording_id_of, spec
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from recording.domain.watched.attention import Attention
from tests.console.conftest import Visit
from tests.console.keyboard import until
from tests.console.steps import FOCUSED, LINE, chunk, opened, playing

TAKEN = ("Retry", "Dismiss")


def test_a_page_that_does_not_come_takes_nothing_away(visits: Visit, server: ConsoleServer) -> None:
    """The rows that are shown stay, the focus is not lost, and trying again goes on behind them."""
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        expect(page.locator("tbody tr")).to_have_count(50)
        server.broken["recordings/search"] = 503
        page.get_by_role("button", name="Show more").press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("tbody tr")).to_have_count(50)
        assert page.evaluate(FOCUSED) != "nowhere"
        server.broken.clear()
        page.get_by_role("button", name="Try again").press("Enter")
        expect(page.locator("tbody tr")).to_have_count(100)
        expect(page.get_by_role("alert")).to_have_count(0)
        assert page.evaluate(FOCUSED) == "A"


def test_tags_that_somebody_changed_and_that_do_not_come_are_told(visits: Visit, server: ConsoleServer) -> None:
    """The refusal of a tag is followed by reading the others' tags, which may fail as well."""

    def refuse(route: Route) -> None:
        status = 412 if route.request.method == "PATCH" else 503
        route.fulfill(status=status, body='{"detail": "not now"}', content_type="application/problem+json")

    with visits() as page:
        opened(page, server, "mp3")
        page.route(f"**/console/api/recordings/{server.day.ids['mp3']}", refuse)
        page.get_by_label("Tag name").fill("order")
        page.get_by_label("Tag value").fill("7")
        page.get_by_role("button", name="Add tag").click()
        expect(page.get_by_role("alert").filter(has_text="not now")).to_be_visible()


def test_the_table_has_all_rows_that_are_shown(visits: Visit, server: ConsoleServer) -> None:
    """The server gives two hundred at once; nobody counts them by hand."""
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        for count in (50, 100, 150, 200, 250):
            expect(page.locator("tbody tr")).to_have_count(count)
            if count < 250:
                page.get_by_role("button", name="Show more").click()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="CSV").click()
        text = waiting.value.path().read_text(encoding="utf-8-sig")
        links = [one.get_attribute("href") or "" for one in page.locator("tbody a.open").all()]
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 250
    assert [f"#/recording/{row['recordingId']}" for row in rows] == links


@pytest.mark.parametrize("leaves", [True, False], ids=["leaves", "asks for something else"])
def test_a_table_that_nobody_waits_for_any_more_is_not_made(leaves: bool, visits: Visit, server: ConsoleServer) -> None:
    """Whoever goes elsewhere meanwhile finds no file of it in the downloads, and the server is not asked on."""
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        expect(page.locator("tbody tr")).to_have_count(50)
        page.route("**/recordings/csv", lambda _: None)
        with page.expect_request("**/recordings/csv"):
            page.get_by_role("button", name="CSV").click()
        with page.expect_event("requestfailed", lambda it: it.url.endswith("/csv")):
            if leaves:
                page.get_by_role("link", name="Now", exact=True).click()
            else:
                page.get_by_label("When").select_option("month")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_paper_and_those_who_hear_nothing_are_told_of_pauses_and_gaps(visits: Visit, server: ConsoleServer) -> None:
    """An evidence sheet without what is missing would be none."""
    with visits() as page:
        opened(page, server, "long")
        page.emulate_media(media="print")
        for text in ("Chunk 2 is not in the archive", "Paused for 10 seconds", "Chunk 1 begins"):
            expect(page.get_by_text(text).first).to_be_visible()
        for name in ("Play", "Copy link"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
    with visits("reader") as page:
        opened(page, server, "long")
        gaps = page.get_by_role("region", name="Pauses and gaps")
        for text in ("Chunk 2 is not in the archive", "Paused for 10 seconds", "Chunk 1 begins"):
            expect(gaps.get_by_text(text)).to_be_visible()


LINES: dict[str, tuple[list[dict[str, Any]], float, list[str]]] = {
    "behind each other": ([chunk(0, 0, 60), chunk(1, 60, 30)], 90, ["60 Chunk 1 begins"]),
    "time between": ([chunk(0, 0, 60), chunk(1, 70, 30)], 100, ["60 Nothing was recorded for 10 seconds"]),
    "time twice": (
        [chunk(0, 0, 60), chunk(1, 57, 30)],
        90,
        ["60 Chunk 1 begins 3 seconds before the one before it ends"],
    ),
    "two with one index": (
        [chunk(0, 0, 60, playable=False), chunk(0, 0, 60), chunk(1, 60, 30)],
        90,
        ["60 Chunk 1 begins"],
    ),
    "the first is missing": ([chunk(1, 60, 30)], 35, ["0 Chunk 0 is not in the archive"]),
    "held": ([chunk(0, 0, 60, playable=False)], 60, ["0 Chunk 0 is not in the archive"]),
    "in no order": ([chunk(1, 60, 30), chunk(0, 0, 60)], 90, ["60 Chunk 1 begins"]),
    "nothing": ([], 0, []),
}


def test_gaps_and_overlaps_are_said_as_they_are(visits: Visit, server: ConsoleServer) -> None:
    """Chunks behind each other, apart, over each other, twice, missing, in no order."""
    with visits() as page:
        page.goto(server.url)
        for name, (chunks, length, notes) in LINES.items():
            found = page.evaluate(LINE, [chunks, []])
            assert (found["length"], found["notes"]) == (length, notes), name


def test_names_without_an_end_stay_in_their_place(browser: Browser) -> None:
    """Tags of the longest kind, ids of hundreds of characters, Arabic beside Latin: on a phone nothing sticks out."""
    day = quiet_day()
    long = "W" * 256
    tags = {long: long, "א" * 250: "م" * 250, "a": "x" * 256}
    name = recording_id_of("long")
    call = Call("long", timedelta(hours=1), (CALLER, LEILA), (Part(spec("mixed", "mp3", 2)),), tags)
    record_call(day.world, call, 0)
    day.world.runs(hours=0.2, until_quiet=False)
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, width=320) as page:
        for screen in ("search?range=any", f"recording/{name}", f"recording/{'y' * 600}", f"audit?recording={name}"):
            page.goto(f"{server.url}#/{screen}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.locator(".loading")).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, screen


def test_nothing_moves_for_those_who_asked_for_that(visits: Visit, server: ConsoleServer) -> None:
    """While it loads and while it plays."""
    server.delay = 1
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        expect(page.locator(".loading").first).to_be_visible()
        assert page.evaluate("document.getAnimations().length") == 0
        server.delay = 0
        playing(page, server, "mp3")
        assert page.evaluate("document.getAnimations().length") == 0


def test_whoever_decides_hears_what_is_held_first(visits: Visit, server: ConsoleServer) -> None:
    """The bytes that the media check refused, from the list, before they are accepted."""
    with visits() as page:
        page.goto(f"{server.url}#/held")
        item = page.get_by_role("listitem").filter(has_text="media suspect")
        item.get_by_role("button", name="Listen").click()
        until(page, "document.querySelector('.item audio').currentTime > 0.2")
    assert any(row.operation == "chunk_media" and row.part for row in server.day.world.fakes.audit.written)


# What an operator may decide about each kind, as `recordings retry` and `dismiss` take it (docs/api.md).
RETRIED = {"lost", "at_risk", "stuck", "held", "fallback_in_use", "poisoned", "dead_letter"}
DISMISSED = {"lost", "held", "missing", "incomplete", "pause_overdue", "consent_missing"}


def test_whatever_can_be_decided_is_decided_on_the_page(visits: Visit, server: ConsoleServer) -> None:
    """A lost file could not be tried once more here, nor an overdue pause be dismissed: it stood there for good."""
    items = [
        {"id": kind.value, "kind": kind.value, "reason": "expired", "at": server.day.now.isoformat()}
        for kind in Attention
    ]
    answer = json.dumps({"held": [], "attention": items, "attentionCount": len(items), "attentionComplete": True})
    with visits() as page:
        page.route("**/console/api/held", lambda route: route.fulfill(body=answer, content_type="application/json"))
        page.goto(f"{server.url}#/held")
        shown = page.locator(".item")
        expect(shown).to_have_count(len(items))
        for at, item in enumerate(items):
            offered = {name for name in shown.nth(at).get_by_role("button").all_inner_texts() if name in TAKEN}
            expected = {"Retry"} if item["kind"] in RETRIED else set()
            expected |= {"Dismiss"} if item["kind"] in DISMISSED else set()
            assert offered == expected, item["kind"]
