"""The tasks that people come for, each by keyboard alone; `pytest -rP` shows the walk."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dev.console.browser import sign_in
from dev.console.day import CALLER
from dev.console.server import ConsoleServer
from recording.domain.keep.erasure import Erasure
from tests.console.conftest import Visit
from tests.console.keyboard import Keyboard, until


@pytest.fixture
def page(visits: Visit, server: ConsoleServer) -> Iterator[Page]:
    with visits() as opened:
        opened.goto(server.url)
        expect(opened.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        yield opened


@pytest.fixture
def keys(page: Page) -> Iterator[Keyboard]:
    walk = Keyboard(page)
    yield walk
    print("\n".join(walk.log))
    walk.keep()


def found(page: Page) -> list[str]:
    """The rows of a search, once it has ended."""
    expect(page.locator(".count")).to_have_text(re.compile(r"recordings?"))
    return page.locator("tbody tr").all_inner_texts()


def opened(page: Page, keys: Keyboard, server: ConsoleServer, name: str) -> None:
    """Open a recording by its address, as a link from a colleague does."""
    page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
    expect(page.get_by_role("region", name="Facts")).to_be_visible()


def test_1_find_a_call_by_a_number_in_any_spelling(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """The number is in the body of a request, and neither in the address nor in any URL."""
    keys.task(1, "find a call by its number")
    keys.press("/")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    keys.press("/")
    keys.write("(555) 010-7788")
    keys.press("Enter")
    expect(page.locator(".count")).to_have_text("4 recordings")
    assert "7788" not in page.url
    assert [target for _, target, _ in server.seen if "7788" in target or CALLER[2:] in target] == []


def test_2_hear_it(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """Play, ahead, faster, pause; the position is told to a screen reader, too."""
    keys.task(2, "hear it")
    keys.press("/")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    page.goto(f"{server.url}#/search?range=any&tag=order:1042")
    assert len(found(page)) == 1
    keys.to("Today 09:16")
    keys.press("Enter")
    expect(page.get_by_role("region", name="Player")).to_be_visible()
    keys.to("Play")
    keys.press("Enter")
    until(page, "document.querySelector('audio').currentTime > 0.2")
    keys.press("l", ">", "k")
    until(page, "document.querySelector('audio').paused && document.querySelector('audio').currentTime > 10")
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    assert "of 1 minute 36 seconds" in (page.get_by_label("Position").get_attribute("aria-valuetext") or "")


def test_3_was_it_recorded_and_is_all_of_it_there(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """A recording of which no file was announced is found, and a missing chunk is said in words."""
    keys.task(3, "was it recorded, is all of it there?")
    keys.press("g", "s")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()  # a Tab before it is one of the page before
    keys.to("When")
    keys.press("End", "ArrowUp")
    keys.to("More filters")
    keys.press("Enter")
    keys.to("State")
    keys.write("missing")
    expect(page.locator(".count")).to_have_text("1 recording")
    keys.to("Today 01:15")
    keys.press("Enter")
    expect(page.get_by_text("No file of this recording was announced.")).to_be_visible()
    opened(page, keys, server, "long")
    expect(page.get_by_text("Chunk 2 is not in the archive")).to_be_visible()
    expect(page.get_by_text("Paused for 10 seconds")).to_be_visible()


def test_4_point_a_colleague_at_a_second(page: Page, keys: Keyboard, server: ConsoleServer, visits: Visit) -> None:
    """The link opens at the second for whom the role allows it, and asks the others to sign in first."""
    keys.task(4, "point a colleague at second 83")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.origin)
    opened(page, keys, server, "mp3")
    keys.to("Position")
    keys.press("Home", *["PageUp"], *["l"] * 2, *["ArrowLeft"], "c")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.url}#/recording/{server.day.ids['mp3']}?t=75"
    with visits(None) as other:
        other.goto(link)
        expect(other.get_by_role("link", name="Sign in")).to_be_visible()
        other.keyboard.press("Tab")
        other.keyboard.press("Tab")
        other.keyboard.press("Enter")
        other.get_by_role("link", name="listener").click()
        expect(other.get_by_text("1:15 / 1:36")).to_be_visible()


def test_5_download_a_file_under_a_sane_name(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """The bytes are the archive's, and the page compares their digest."""
    keys.task(5, "download for a complaint")
    opened(page, keys, server, "unmixed")
    keys.to("Download chunk 0")
    with page.expect_download() as waiting:
        keys.press("Enter")
    assert waiting.value.suggested_filename == "2026-11-23 08-25 case-C-7731 0.wav"
    catalog = server.day.world.fakes.catalog
    name = catalog.chunks_of(server.day.ids["unmixed"])[0].blob_name or ""
    assert waiting.value.path().read_bytes() == server.day.world.fakes.archive.blobs[name].data
    expect(page.get_by_text("SHA-256 matches")).to_be_visible()


def test_6_keep_it_for_a_case_and_release_it(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """Each asks for a reason, which stays in the trail."""
    keys.task(6, "keep it for a case")
    opened(page, keys, server, "mp4")
    keys.to("Hold for a case")
    keys.press("Enter")
    keys.write("C-2026-17")
    keys.press("Tab")
    keys.write("court order of today")
    keys.to("Hold for a case")
    keys.press("Enter")
    kept = page.get_by_role("region", name="Kept")
    expect(kept.get_by_text("C-2026-17")).to_be_visible()
    keys.to("Release C-2026-17")
    keys.press("Enter")
    keys.write("settled")
    keys.to("Release C-2026-17")
    keys.press("Enter")
    expect(kept.get_by_text("No case holds it.")).to_be_visible()
    notes = [row.note for row in server.day.world.fakes.audit.written if row.note]
    assert any("court order of today" in note for note in notes)


def test_7_the_evidence_sheet(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """Printed, the page has the whole digests and ids, and no buttons."""
    keys.task(7, "hand it over: the evidence sheet, with a fresh proof")
    opened(page, keys, server, "mp3")
    keys.to("Verify now")
    keys.press("Enter")
    expect(page.get_by_text("nothing differs")).to_be_visible()
    page.emulate_media(media="print")
    digest = server.day.world.fakes.catalog.chunks_of(server.day.ids["mp3"])[0].sha256 or ""
    expect(page.get_by_text(digest, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Verify now")).to_have_count(0)
    expect(page.get_by_text("nothing differs")).to_be_visible()
    page.emulate_media(media="screen")
    keys.to("Bundle")
    keys.press("Enter")
    expect(page.get_by_role("form", name="Hand over").get_by_label("Which")).to_have_value(server.day.ids["mp3"])
    keys.to("Make a bundle")
    keys.press("Enter")
    expect(page.get_by_text("Asked for: 1 recording.")).to_be_visible()


def test_8_ask_for_an_erasure_and_have_another_person_approve_it(
    page: Page, keys: Keyboard, server: ConsoleServer, visits: Visit
) -> None:
    """Nothing on a page destroys at once: one asks, with a reason; another one approves; neither can do both."""
    keys.task(8, "erase on request, with a second person")
    opened(page, keys, server, "long")
    keys.to("Ask for erasure")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Requests", exact=True)).to_be_visible()
    form = page.get_by_role("form", name="Erase")
    expect(form.get_by_label("Which")).to_have_value(server.day.ids["long"])
    keys.to("Reason (kept)")
    keys.write("request of 3 May")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Erasure", exact=True)).to_be_visible()
    expect(page.get_by_text("Another person with the role has to approve it.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    with visits("approver") as second:
        walk = Keyboard(second)
        second.goto(f"{server.url}#/requests")
        expect(second.get_by_role("heading", name="Erase", exact=True)).to_be_visible()
        walk.to("request of 3 May")
        walk.press("Enter")
        expect(second.get_by_role("button", name="Approve")).to_be_visible()
        walk.to("Approve")
        walk.press("Enter")
        walk.to("Approve")
        walk.press("Enter")
        expect(second.get_by_role("region", name="Request").get_by_text("Approved").first).to_be_visible()
        keys.log += ["  the second person:", *walk.log]
    (made,) = server.day.world.fakes.keeping.erasures()
    assert isinstance(made, Erasure)
    assert made.approved_by not in (None, made.requested_by)


def test_10_until_when_is_it_kept_and_why(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """In words, also when nothing asks for its end."""
    keys.task(10, "what goes when?")
    opened(page, keys, server, "wav")
    expect(page.get_by_text("Without an end: no rule asks for it.")).to_be_visible()
    keys.press("g", "k")
    expect(page.get_by_role("heading", name="Kept", exact=True)).to_be_visible()
    keys.to("Within")
    keys.press("End")
    expect(page.get_by_role("heading", name="Rules")).to_be_visible()


def test_see_what_is_at_risk_and_decide(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """From the first screen to a decision with a note, without a mouse."""
    keys.task(12, "see what is at risk, and decide")
    expect(page.locator(".verdict .big")).to_have_text("2 recording files are lost, missing or at risk")
    expect(page.get_by_text("42 min left")).to_be_visible()
    keys.press("g", "h")
    expect(page.get_by_role("heading", name="Held", exact=True)).to_be_visible()
    expect(page.get_by_text("media suspect")).to_be_visible()
    page.get_by_role("listitem").filter(has_text="foreign host").get_by_text("Payload").focus()
    keys.to("Dismiss")
    keys.press("Enter")
    keys.write("forged; reported")
    keys.to("Dismiss")
    keys.press("Enter")
    expect(page.get_by_text("foreign host")).to_have_count(0)
    assert server.day.world.fakes.audit.written[-1].note == "forged; reported"


def test_9_who_heard_it(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """Each act leaves a row that one finds from the recording."""
    keys.task(9, "who heard it, who changed it?")
    opened(page, keys, server, "mp3")
    keys.to("Who did what")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
    expect(page.locator(".results")).to_contain_text(re.compile("When|No entries"))


def test_is_everything_healthy(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """Every check of the doctor with its remedy."""
    keys.task(13, "is the app healthy?")
    keys.press("g", "e")
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    expect(page.locator(".checks li").first).to_be_visible()


def test_a_role_sees_only_what_it_may(visits: Visit, server: ConsoleServer) -> None:
    """Somebody who may read hears nothing, tags nothing, and has no door to decisions."""
    with visits("reader") as page:
        page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
        expect(page.get_by_text("Your role may see this recording, not hear it.")).to_be_visible()
        for name in ("Download chunk 0", "Add tag", "Play"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Now", "Search", "Kept"])
        page.goto(f"{server.url}#/held")
        expect(page.get_by_text("Your role does not open this page.")).to_be_visible()
        sign_in(page.context, server, "listener")
        page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
        page.reload()
        expect(page.get_by_role("button", name="Play")).to_be_visible()
        expect(page.get_by_role("button", name="Add tag")).to_have_count(0)


MENUS = {
    "nobody": [],
    "reader": ["Now", "Search", "Kept"],
    "listener": ["Now", "Search", "Kept"],
    "eraser": ["Now", "Search", "Kept", "Requests"],
    "exporter": ["Now", "Search", "Kept", "Requests"],
    "admin": ["Now", "Search", "Kept", "Requests", "Held", "Audit", "Health"],
}
ACTS = {  # on the page of a recording
    "reader": set[str](),
    "listener": {"Play", "Download"},
    "eraser": {"Ask for erasure"},
    "exporter": {"Bundle", "vCon"},
    "admin": {"Play", "Download", "Ask for erasure", "Bundle", "vCon", "Add tag", "Hold for a case"},
}


@pytest.mark.parametrize("who", MENUS)
def test_each_role_is_shown_what_it_opens_and_nothing_else(who: str, visits: Visit, server: ConsoleServer) -> None:
    """Menu, addresses typed by hand, and what one can do with a recording."""
    with visits(who) as page:
        page.goto(server.url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(MENUS[who])
        for screen in {"Requests", "Held", "Health", "Search"} - set(MENUS[who]):
            page.goto(f"{server.url}#/{screen.lower()}")
            expect(page.get_by_text("Your role does not open this page.")).to_be_visible()
        if who not in ACTS:
            return
        page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
        expect(page.get_by_role("region", name="Kept")).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
        shown = " | ".join(page.locator("main a, main button").all_inner_texts())
        labels = shown + " | ".join(one.get_attribute("aria-label") or "" for one in page.locator("main button").all())
        assert {act for act in ACTS["admin"] if act in labels} == ACTS[who]


def test_tag_it(page: Page, keys: Keyboard, server: ConsoleServer) -> None:
    """A tag is set and removed, and found by."""
    keys.task(11, "tag it")
    opened(page, keys, server, "wav")
    keys.to("Tag name")
    keys.write("complaint")
    keys.press("Tab")
    keys.write("שלום 77")
    keys.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    record = server.day.world.fakes.catalog.get_recording(server.day.ids["wav"])
    assert record is not None
    assert record.current_tags["complaint"] == "שלום 77"
    keys.to("Remove tag complaint")
    keys.press("Enter")
    expect(page.get_by_role("link", name="complaint")).to_have_count(0)
