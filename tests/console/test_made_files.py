"""Files that are made of a recording, and links to storage: asked for, followed, heard and kept, each by its role."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from dev.console.browser import visit
from dev.console.day import CALLER, LEILA, OMAR, Call, Day, Part, quiet_day, record_call, recording_id_of, spec
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.links import FakeLinks
from dev.in_memory.fakes.probe import FakeProbe
from recording.library.derived.make import derive_message
from tests.console.keyboard import until

HEARD = "document.querySelector('.files audio').currentTime"


def made_day(**changes: object) -> Day:
    """A day with a call of two chunks and one of three speakers."""
    day = quiet_day()
    here = day.world
    if changes:
        here.settings = here.settings.model_copy(update=changes)
        here.fakes = replace(here.fakes, links=FakeLinks(here.fakes.clock, here.fakes.archive))
    chunks = (Part(spec("mixed", "mp3", 4)), Part(spec("mixed", "mp3", 3, seed=2), 4, index=1))
    record_call(here, Call("two", timedelta(hours=1), (CALLER, LEILA), chunks), 0)
    speakers = Part(spec("unmixed", "wav", 3, 3, seed=5))
    record_call(here, Call("three", timedelta(hours=2), (CALLER, LEILA, OMAR), (speakers,)), 1)
    here.runs(hours=0.2, until_quiet=False)
    day.ids |= {name: recording_id_of(name) for name in ("two", "three")}
    return day


@pytest.fixture
def server() -> Iterator[ConsoleServer]:
    """The console over such a day."""
    with ConsoleServer(made_day(), lambda _: FakeProbe()) as running:
        yield running


def works(server: ConsoleServer) -> None:
    """The host hands out the messages of derived files until there are none."""
    here = server.day.world
    while messages := here.fakes.derived.take():
        for message in messages:
            derive_message(message, here.ports)


def shown(page: Page, server: ConsoleServer, name: str) -> None:
    page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
    expect(page.get_by_role("region", name="Files", exact=True)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


def test_one_file_of_all_is_made_followed_heard_and_kept(browser: Browser, server: ConsoleServer) -> None:
    """Both chunks in one file, its digest compared, and the trail has who heard which seconds of it."""
    with visit(browser, server, "listener") as page:
        shown(page, server, "two")
        made = page.get_by_role("region", name="Derived files")
        made.get_by_role("button", name="One file of all").click()
        expect(made.get_by_text("Requested")).to_be_visible()
        works(server)
        expect(made.get_by_text("Made", exact=True).first).to_be_visible()
        made.get_by_role("button", name="Play All of it").click()
        until(page, f"{HEARD} > 0.3")
        with page.expect_download() as waiting:
            made.get_by_role("button", name="Download All of it").click()
        assert waiting.value.suggested_filename.endswith(" All of it.mp3")
        expect(made.get_by_text("SHA-256 matches")).to_be_visible()
        kept = waiting.value.path().read_bytes()
    blobs = server.day.world.fakes.archive.blobs
    (name,) = [name for name in blobs if "derived.joined" in name and name.endswith(".mp3")]
    assert kept == blobs[name].data
    heard = [row for row in server.day.world.fakes.audit.written if row.operation == "derived_media"]
    assert {(row.part or "").rpartition(" ")[0].rpartition(", ")[2] for row in heard} == {"0-7"}


def test_each_speaker_gets_a_file(browser: Browser, server: ConsoleServer) -> None:
    """Three of them; one voice at a time sounds."""
    with visit(browser, server, "listener") as page:
        shown(page, server, "three")
        made = page.get_by_role("region", name="Derived files")
        expect(made.get_by_role("button", name="One file of all")).to_have_count(0)
        made.get_by_role("button", name="One for each speaker").click()
        expect(made.get_by_text("Requested")).to_have_count(3)
        works(server)
        for speaker in (1, 2, 3):
            expect(made.get_by_text(f"Speaker {speaker}", exact=True)).to_be_visible()
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, "document.querySelector('.player audio').currentTime > 0.1")
        made.get_by_role("button", name="Play Speaker 2").click()
        until(page, f"{HEARD} > 0.1")
        until(page, "document.querySelector('.player audio').paused")
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_who_may_read_sees_which_files_there_are_and_hears_none(browser: Browser, server: ConsoleServer) -> None:
    """Listed by role; making, hearing and keeping are a listener's."""
    with visit(browser, server, "listener") as page:
        shown(page, server, "two")
        page.get_by_role("button", name="One file of all").click()
        expect(page.get_by_text("Requested")).to_be_visible()
    works(server)
    with visit(browser, server, "reader") as page:
        shown(page, server, "two")
        made = page.get_by_role("region", name="Derived files")
        expect(made.get_by_text("All of it")).to_be_visible()
        expect(made.get_by_role("button", name=re.compile("Play|Download|One file"))).to_have_count(0)


def test_a_link_to_storage_is_offered_only_where_a_setting_allows_it(browser: Browser, server: ConsoleServer) -> None:
    """Off by default: nothing of it is shown."""
    with visit(browser, server) as page:
        shown(page, server, "two")
        expect(page.get_by_role("button", name="Download chunk 0", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="by a link to storage")).to_have_count(0)


def test_a_link_is_fetched_by_the_browser_from_storage_itself(browser: Browser) -> None:
    """Where it is allowed; the address stands nowhere on the page and is noted in the trail."""
    day = made_day(download_links_for=timedelta(minutes=10))
    links = day.world.fakes.links
    assert links is not None
    asked: list[tuple[str, str | None]] = []

    def storage(route: Route) -> None:
        asked.append((route.request.url, route.request.headers.get("referer")))
        found = links.open(route.request.url)
        headers = {"Content-Disposition": "attachment; filename=chunk.mp3", "Content-Type": "audio/mpeg"}
        route.fulfill(status=200 if found else 403, body=found or b"", headers=headers)

    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, "listener") as page:
        page.context.route("https://archive1.blob.core.windows.net/**", storage)
        shown(page, server, "two")
        page.get_by_role("button", name="Download chunk 0 by a link to storage").click()
        expect(page.get_by_text("The link opens until")).to_be_visible()
        assert "sig=" not in page.content()
        for _ in range(1200):
            if asked:
                break
            page.wait_for_timeout(50)
    ((url, referer),) = asked
    assert links.open(url) is not None
    assert referer is None
    assert [row.part for row in day.world.fakes.audit.written if row.operation == "download_link"]


def test_an_account_that_refuses_is_told_and_the_app_goes_on(browser: Browser) -> None:
    """What to do stands there; the download through the app is beside it."""
    day = made_day(download_links_for=timedelta(minutes=10))
    assert day.world.fakes.links is not None
    day.world.fakes.links.allows = False
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, "listener") as page:
        shown(page, server, "two")
        page.get_by_role("button", name="Download chunk 0 by a link to storage").click()
        expect(page.get_by_text("the archive's account signs no links for this app")).to_be_visible()
        with page.expect_download():
            page.get_by_role("button", name="Download chunk 0", exact=True).click()
