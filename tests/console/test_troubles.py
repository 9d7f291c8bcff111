"""What goes wrong while somebody works: answers that are none, parts that do not come, tabs, sessions, lost focus."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from dev.console import server as servers
from dev.console.browser import sign_in, visit
from dev.console.day import CALLER, LEILA, Call, Part, quiet_day, record_call, recording_id_of, spec
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.keep_world import attached, days_pass
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.watched.attention import Attention
from recording.http import console_data
from recording.library.keep.erasures import approve_erasure, request_erasure
from tests.console.conftest import Visit
from tests.console.keyboard import until

AT = "document.querySelector('.player audio').currentTime"
GO_TO = "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }"
TAKEN = ("Retry", "Dismiss")
FOCUSED = """() => {
  const it = document.activeElement;
  return it === document.body ? "nowhere" : it.tagName;
}"""


def opened(page: Page, server: ConsoleServer, name: str) -> None:
    page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
    expect(page.get_by_role("region", name="Facts")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


def playing(page: Page, server: ConsoleServer, name: str) -> None:
    opened(page, server, name)
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, f"{AT} > 0.1")


# --- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("screen", "path"),
    [("now", "now"), ("search", "recordings/search"), ("held", "held"), ("audit", "audit"), ("health", "health")],
)
@pytest.mark.parametrize("body", ["<!doctype html><title>Log in to the guest network</title>", '{"recordings": [', ""])
def test_an_answer_that_is_none_is_told_and_asked_for_again(
    body: str, screen: str, path: str, visits: Visit, server: ConsoleServer
) -> None:
    """A page of something in between, half an answer, nothing: told in words, and never a page that loads for ever."""
    with visits() as page:
        told: list[str] = []
        page.on("pageerror", lambda error: told.append(str(error)))
        page.route(
            f"**/console/api/{path}*", lambda route: route.fulfill(status=200, body=body, content_type="text/html")
        )
        page.goto(f"{server.url}#/{screen}")
        expect(page.get_by_role("alert")).to_contain_text("The answer cannot be read")
        page.unroute_all()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        assert told == []


def test_now_is_asked_for_by_one_clock_however_often_somebody_tries_again(visits: Visit, server: ConsoleServer) -> None:
    """A wall of screens on a bad day must not ask more the longer it hangs there."""
    server.broken["now"] = 503
    with visits() as page:
        page.clock.install(time=server.day.now)
        page.goto(server.url)
        for _ in range(4):
            expect(page.get_by_role("alert")).to_be_visible()
            page.get_by_role("button", name="Try again").click()
        server.broken.clear()
        page.evaluate("for (let n = 0; n < 5; n += 1) document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator(".verdict .big")).to_be_visible()
        before = len([1 for _, target, _ in server.seen if "/api/now" in target])
        for _ in range(60):
            page.clock.run_for(1_000)
            page.evaluate("fetch('index.html')")  # a turn of the network between the seconds
        asked = len([1 for _, target, _ in server.seen if "/api/now" in target]) - before
        assert asked <= 60 / 5 + 1


@pytest.mark.parametrize("evidence", [{"recordedAt": "gestern"}, {"at": 7}, {"capturedAt": "2026-13-45T99:00:00Z"}, {}])
def test_a_time_that_is_none_does_not_take_the_page_away(
    evidence: dict[str, Any], visits: Visit, server: ConsoleServer
) -> None:
    """Evidence of consent is what a caller wrote; it is shown as it is."""
    catalog, name = server.day.world.fakes.catalog, server.day.ids["mp3"]
    before = catalog.get_recording(name)
    assert before is not None
    kept = catalog.save_recording(before.model_copy(update={"consent": evidence}))
    with visits() as page:
        opened(page, server, "mp3")
        for value in evidence.values():
            expect(page.get_by_role("region", name="Facts").get_by_text(str(value), exact=True)).to_be_visible()
    catalog.save_recording(kept.model_copy(update={"consent": before.consent}))


def test_a_consent_that_was_withdrawn_is_said(visits: Visit, server: ConsoleServer) -> None:
    """Not only what was given at the start: every step, and how it stands now."""
    catalog, name = server.day.world.fakes.catalog, server.day.ids["mp3"]
    before = catalog.get_recording(name)
    assert before is not None
    step = ConsentEntry(step=ConsentStep.WITHDRAWN, at=server.day.now, by="object-7", reference="call of today")
    kept = catalog.save_recording(before.model_copy(update={"consents": (step,)}))
    with visits() as page:
        opened(page, server, "mp3")
        facts = page.get_by_role("region", name="Facts")
        expect(facts.get_by_role("heading", name="Consent withdrawn")).to_be_visible()
        expect(facts.get_by_text("call of today")).to_be_visible()
    catalog.save_recording(kept.model_copy(update={"consents": before.consents}))


# --- parts that do not come ------------------------------------------------------------------------------------------


def test_a_part_that_does_not_come_ends_nothing(visits: Visit, server: ConsoleServer) -> None:
    """While storage is away the page says so; *Play* goes on where it broke off."""
    with visits("listener") as page:
        playing(page, server, "long")
        server.broken["recordings/"] = 503
        page.get_by_label("Position").evaluate(GO_TO, 70)
        expect(page.locator(".player .problem")).to_contain_text("503")
        server.broken.clear()
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, f"document.querySelector('.player').dataset.chunk === '1' && {AT} > 10.2")
        expect(page.locator(".player .problem")).to_be_empty()


def test_a_download_survives_a_part_that_fails(visits: Visit, server: ConsoleServer) -> None:
    """One of hundreds; the bytes are the archive's all the same."""
    failed: list[str] = []

    def once(route: Route) -> None:
        if route.request.resource_type == "fetch" and len(failed) < 2:
            failed.append(route.request.url)
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    with visits("listener") as page:
        opened(page, server, "wav")
        page.route("**/media", once)
        with page.expect_download(timeout=60_000) as waiting:
            page.get_by_role("button", name="Download chunk 0", exact=True).click()
        expect(page.get_by_text("SHA-256 matches")).to_be_visible()
        kept = waiting.value.path().read_bytes()
    assert len(failed) == 2
    chunk = server.day.world.fakes.catalog.chunks_of(server.day.ids["wav"])[0]
    assert kept == server.day.world.fakes.archive.blobs[chunk.blob_name or ""].data


@pytest.mark.parametrize(("most", "said"), [(256_000_000, "SHA-256 DIFFERS"), (10, "recordings get does")])
def test_bytes_that_are_not_the_catalogs_get_no_good_name(
    most: int, said: str, visits: Visit, server: ConsoleServer
) -> None:
    """They were saved as if they were the recording; and of a file too large to be compared nothing was said."""

    def other(route: Route) -> None:
        if route.request.resource_type == "fetch":
            route.fulfill(status=206, body=b"not the media", headers={"Content-Range": "bytes 0-12/13"})
        else:
            route.continue_()

    def smaller(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("256_000_000", str(most)))

    with visits("listener") as page:
        page.route("**/files.js", smaller)
        page.route("**/media", other)
        opened(page, server, "wav")
        with page.expect_download(timeout=60_000) as waiting:
            page.get_by_role("button", name="Download chunk 0", exact=True).click()
        expect(page.get_by_text(said)).to_be_visible()
        assert waiting.value.suggested_filename.endswith(".differs") is (most > 13)


def test_an_erased_recording_stops_with_the_next_part(browser: Browser) -> None:
    """Somebody listens while two people and the daily run end it; what was not given yet is not given any more."""
    day = quiet_day()
    here = day.world
    attached(here.fakes)
    chunks = (Part(spec("mixed", "mp3", 20)), Part(spec("mixed", "mp3", 20, seed=2), 20, index=1))
    record_call(here, Call("mp3", timedelta(hours=1), (CALLER, LEILA), chunks), 0)
    day.ids["mp3"] = recording_id_of("mp3")
    here.runs(hours=0.2, until_quiet=False)
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, "listener") as page:
        playing(page, server, "mp3")
        made = request_erasure({"recordings": [day.ids["mp3"]], "reason": "asked"}, "alice", here.ports, here.settings)
        approve_erasure(made.erasure_id, "bob", here.ports, here.settings)
        days_pass(here, 40)
        before = server.sent.get("media", 0)
        page.get_by_label("Position").evaluate(GO_TO, 30)
        expect(page.locator(".player .problem")).to_have_text("the media was disposed of")
        assert server.sent.get("media", 0) - before < 2_000, "problem documents, and nothing of the media"


# --- tabs and sessions -----------------------------------------------------------------------------------------------


def test_whoever_listens_is_not_interrupted_by_a_tag_in_another_tab(visits: Visit, server: ConsoleServer) -> None:
    """What changed is shown; the sound goes on."""
    with visits() as first:
        playing(first, server, "mp3")
        second = first.context.new_page()
        opened(second, server, "mp3")
        second.get_by_label("Tag name").fill("noted")
        second.get_by_role("button", name="Add tag").click()
        expect(second.get_by_text("Saved.")).to_be_visible()
        expect(first.get_by_role("region", name="Tags").get_by_text("noted")).to_be_visible()
        assert not first.evaluate("document.querySelector('.player audio').paused")
        before = first.evaluate(AT)
        until(first, f"{AT} > {before} + 0.2")
        second.get_by_role("button", name="Remove tag noted").click()
        expect(second.get_by_text("Saved.")).to_be_visible()


def test_a_session_that_goes_on_in_another_tab_goes_on_here(visits: Visit, server: ConsoleServer) -> None:
    """The message is shown once, not every five seconds; signed in elsewhere, the page works on."""
    with visits() as page:
        page.goto(server.url)
        expect(page.locator(".verdict .big")).to_be_visible()
        sign_in(page.context, server, "")
        expect(page.get_by_role("dialog")).to_contain_text("Your session has ended")
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Log in again")).to_be_visible()
        with page.expect_response(lambda answer: answer.status == 401, timeout=60_000):
            pass
        expect(page.get_by_role("dialog")).to_have_count(0)
        sign_in(page.context, server, "admin")
        expect(page.get_by_role("button", name="Account of Noa Lindqvist")).to_be_visible()
        expect(page.get_by_role("navigation").locator("[aria-current]")).to_have_text("Now")


def test_a_page_does_not_work_on_as_somebody_else(visits: Visit, server: ConsoleServer) -> None:
    """Somebody else signed in in another tab: the page begins anew as that person."""
    with visits() as page:
        page.goto(server.url)
        expect(page.get_by_role("button", name="Account of Noa Lindqvist")).to_be_visible()
        sign_in(page.context, server, "reader")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.get_by_role("button", name=f"Account of {servers.PEOPLE['reader'].name}")).to_be_visible()
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Now", "Search", "Kept"])


# --- where one is ----------------------------------------------------------------------------------------------------


def test_back_from_a_recording_is_where_one_was(visits: Visit, server: ConsoleServer) -> None:
    """The number that was searched for, its rows, and the focus; though the number stands in no address."""
    with visits() as page:
        page.goto(f"{server.url}#/search?range=any")
        page.get_by_label("Who").fill("+1 (555) 010-7788")
        page.keyboard.press("Enter")
        expect(page.locator(".count")).to_have_text("4 recordings")
        row = page.locator("tbody a.open").nth(1)
        address = row.get_attribute("href")
        row.click()
        expect(page.get_by_role("region", name="Facts")).to_be_visible()
        page.get_by_role("link", name="Back").click()
        expect(page.locator(".count")).to_have_text("4 recordings")
        expect(page.get_by_label("Who")).to_have_value("+1 (555) 010-7788")
        expect(page.locator(f'tbody a.open[href="{address}"]')).to_be_focused()
        page.get_by_role("link", name="Search", exact=True).click()
        expect(page.get_by_label("Who")).to_have_value("")


def test_a_screens_key_is_no_key_of_the_player(visits: Visit, server: ConsoleServer) -> None:
    """`g` and `k` lead to *Kept*, also from within the player, where `k` alone pauses."""
    with visits() as page:
        playing(page, server, "mp3")
        page.keyboard.press("k")
        until(page, "document.querySelector('.player audio').paused")
        page.keyboard.press("g")
        page.keyboard.press("k")
        expect(page.get_by_role("heading", name="Kept", exact=True)).to_be_visible()


def tag(page: Page) -> None:
    page.get_by_label("Tag name").fill("x")
    page.get_by_label("Tag value").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()


def untag(page: Page) -> None:
    page.get_by_role("button", name="Remove tag x").press("Enter")
    expect(page.get_by_role("button", name="Remove tag x")).to_have_count(0)


def verify(page: Page) -> None:
    page.get_by_role("button", name="Verify now").press("Enter")
    expect(page.get_by_text("nothing differs")).to_be_visible()


def hold(page: Page) -> None:
    page.get_by_role("button", name="Hold for a case").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Case").fill("C-1")
    dialog.get_by_label("Reason").fill("asked")
    dialog.get_by_role("button", name="Hold for a case").press("Enter")
    expect(page.get_by_role("button", name="Release C-1")).to_be_visible()


def release(page: Page) -> None:
    page.get_by_role("button", name="Release C-1").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("settled")
    dialog.get_by_role("button", name="Release C-1").press("Enter")
    expect(page.get_by_role("button", name="Release C-1")).to_have_count(0)


def download(page: Page) -> None:
    page.get_by_role("button", name="Download chunk 0", exact=True).press("Enter")
    expect(page.get_by_text("SHA-256 matches")).to_be_visible()


ACTS = (tag, untag, verify, hold, release, download)


def test_the_focus_is_never_lost(visits: Visit, server: ConsoleServer) -> None:
    """Whatever is done on a recording's page, whoever has no mouse and no eyes goes on from there."""
    with visits() as page:
        opened(page, server, "wav")
        for act in ACTS:
            act(page)
            until(page, "document.activeElement !== document.body")
        page.goto(f"{server.url}#/held")
        expect(page.locator(".item").first).to_be_visible()
        page.get_by_role("button", name="Look again").press("Enter")
        expect(page.locator(".item").first).to_be_visible()
        assert page.evaluate(FOCUSED) == "BUTTON"
        page.goto(f"{server.url}#/search?range=any")
        page.get_by_role("button", name="Show more").press("Enter")
        expect(page.locator("tbody tr")).to_have_count(100)
        assert page.evaluate(FOCUSED) == "A"


def test_a_long_recording_is_verified_in_parts(
    monkeypatch: pytest.MonkeyPatch, visits: Visit, server: ConsoleServer
) -> None:
    """The verdict is of all files, and whoever waits sees how far it is."""
    monkeypatch.setattr(console_data, "LARGEST_PART", 1)
    with visits() as page:
        opened(page, server, "long")
        held: list[Route] = []
        asked: list[Any] = []

        def second(route: Route) -> None:
            asked.append(route.request.post_data_json)
            if asked[-1] == {"first": 1}:
                held.append(route)
            else:
                route.continue_()

        page.route("**/verify", second)
        page.get_by_role("button", name="Verify now").click()
        proof = page.get_by_role("region", name="Proof")
        expect(proof.get_by_text("Read 1 of 3 files")).to_be_visible()
        held[0].continue_()
        expect(proof.get_by_text("3 of 3 read whole")).to_be_visible()
        expect(proof.get_by_text("chunk missing 2")).to_be_visible()
    assert asked == [{}, {"first": 1}, {"first": 2}]


# --- all of it -------------------------------------------------------------------------------------------------------


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


LINE = """async ([chunks, pauses]) => {
  const { lineOf, notesOf } = await import("/api/console/timeline.js");
  const line = lineOf(chunks, pauses, (chunk) => chunk.playable);
  return { length: line.length, notes: notesOf(line).map(([at, text]) => `${at} ${text}`) };
}"""


def chunk(index: int, begins: float, seconds: float, *, playable: bool = True) -> dict[str, Any]:
    stamp = f"2026-11-23T09:{int(begins) // 60:02d}:{begins % 60:06.3f}Z"
    return {"index": index, "startsAt": stamp, "durationSeconds": seconds, "playable": playable, "state": "x"}


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
