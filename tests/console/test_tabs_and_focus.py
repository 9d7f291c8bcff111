"""Where one is: another tab, another session, the way back, and the focus that is never lost."""

from playwright.sync_api import Page, expect

from dev.console import server as servers
from dev.console.browser import sign_in
from dev.console.server import ConsoleServer
from tests.console.conftest import Visit
from tests.console.keyboard import until
from tests.console.steps import AT, FOCUSED, opened, playing

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
