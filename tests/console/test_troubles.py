"""What goes wrong while somebody works: answers that are none, and parts that do not come."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from dev.console.browser import visit
from dev.console.day import CALLER, LEILA, Call, Part, quiet_day, record_call, recording_id_of, spec
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.keep_world import attached, days_pass
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.http import console_data
from recording.library.keep.erasures import approve_erasure, request_erasure
from tests.console.conftest import Visit
from tests.console.keyboard import until
from tests.console.steps import AT, opened, playing

GO_TO = "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }"


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


def test_rows_that_cannot_be_read_are_named_where_they_lack(visits: Visit, server: ConsoleServer) -> None:
    """A page that leaves a chunk out in silence shows half a recording as a whole one."""
    catalog, name = server.day.world.fakes.catalog, server.day.ids["mp3"]
    row = next(key for key in catalog.chunks if key[0] == name)
    catalog.unreadable.add(row)
    try:
        with visits() as page:
            opened(page, server, "mp3")
            expect(page.get_by_role("note")).to_contain_text("cannot be read (unreadable record)")
            timeline = page.get_by_role("region", name="Timeline")
            expect(timeline).to_contain_text("This timeline is not whole:")
            expect(timeline).to_contain_text(row[1])
    finally:
        catalog.unreadable.discard(row)


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
        expect(page.locator(".player .problem")).to_have_text("The media has been destroyed.")
        assert server.sent.get("media", 0) - before < 2_000, "problem documents, and nothing of the media"


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
