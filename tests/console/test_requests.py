"""Bundles and erasures on the page: made, followed, taken and certified; what is meant is in no address."""

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.console.browser import visit
from dev.console.day import CALLER, LEILA, Call, Day, Part, quiet_day, record_call, recording_id_of, spec
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.keep_world import attached, days_pass, put_rule
from recording.library.handover.export import export_message
from recording.library.keep.erasures import MOST_LISTED, request_erasure
from tests.console.conftest import Visit


def works(server: ConsoleServer) -> None:
    """The host hands out the messages of exports until there are none."""
    here = server.day.world
    while messages := here.fakes.export_queue.take():
        for export_id in messages:
            export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


def kept_day() -> Day:
    """A day with one recording, and a custodian who may destroy it."""
    day = quiet_day()
    attached(day.world.fakes)
    part = Part(spec("mixed", "mp3", 2))
    record_call(day.world, Call("mp3", timedelta(hours=1), (CALLER, LEILA), (part,)), 0)
    day.ids["mp3"] = recording_id_of("mp3")
    day.world.runs(hours=0.2, until_quiet=False)
    return day


def test_a_bundle_is_asked_for_followed_and_taken(visits: Visit, server: ConsoleServer) -> None:
    """From the recording to a ZIP file that opens; the page sees by itself when it is ready."""
    with visits("exporter") as page:
        page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
        page.get_by_role("link", name="Bundle").click()
        expect(page.get_by_label("Which")).to_have_value(server.day.ids["mp3"])
        page.get_by_label("Note").fill("for the lawyer")
        page.get_by_role("button", name="Make a bundle").click()
        exports = page.get_by_role("list", name="Exports")
        expect(exports.get_by_text("Requested")).to_be_visible()
        works(server)
        expect(exports.get_by_text("Done")).to_be_visible()
        with page.expect_download() as waiting:
            exports.get_by_role("button", name="Download").click()
        with zipfile.ZipFile(waiting.value.path()) as opened:
            assert opened.testzip() is None
        assert waiting.value.suggested_filename.startswith("export-")
        expect(page.get_by_role("heading", name="Erase", exact=True)).to_have_count(0)


def test_all_recordings_of_a_person_are_asked_for_without_naming_them_in_an_address(
    visits: Visit, server: ConsoleServer
) -> None:
    """The number goes in a body only."""
    with visits("exporter") as page:
        page.goto(f"{server.url}#/requests")
        page.get_by_label("What").select_option("person")
        page.get_by_label("Which").fill("+1 555 010 7788")
        page.get_by_label("Only this person's voice").check()
        page.get_by_role("button", name="Make a bundle").click()
        expect(page.get_by_text("Asked for: ")).to_be_visible()
        assert "7788" not in page.url
    assert [target for _, target, _ in server.seen if "7788" in target] == []


def test_an_erasure_that_is_carried_out_ends_with_its_certificate(browser: Browser) -> None:
    """Two people, the daily run, a certificate to keep; the recording's page says what became of it."""
    day = kept_day()
    with ConsoleServer(day, lambda _: FakeProbe()) as server:
        as_person(browser, server, "eraser", lambda page: ask_for_it(page, server))
        as_person(browser, server, "approver", lambda page: approve_it(page, server))
        days_pass(day.world, 40)
        as_person(browser, server, "eraser", lambda page: keep_the_certificate(page, server))


def as_person(browser: Browser, server: ConsoleServer, who: str, does: Callable[[Page], None]) -> None:
    with visit(browser, server, who) as page:
        does(page)


def ask_for_it(page: Page, server: ConsoleServer) -> None:
    page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
    page.get_by_role("link", name="Ask for erasure").click()
    page.get_by_label("Reason (kept)").fill("request of 3 May")
    page.get_by_role("button", name="Ask for erasure").click()
    expect(page.get_by_text("Another person with the role has to approve it.")).to_be_visible()


def approve_it(page: Page, server: ConsoleServer) -> None:
    page.goto(f"{server.url}#/requests")
    page.get_by_role("link", name="request of 3 May").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_role("progressbar")).to_be_visible()


def keep_the_certificate(page: Page, server: ConsoleServer) -> None:
    page.goto(f"{server.url}#/requests")
    page.get_by_role("link", name="request of 3 May").click()
    request = page.get_by_role("region", name="Request", exact=True)
    expect(request.get_by_text("Erased", exact=True)).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Certificate").click()
    certificate = json.loads(waiting.value.path().read_text(encoding="utf-8"))
    assert certificate["erasures"] == [page.url.rpartition("/")[2]]
    page.get_by_role("link", name="Recording …").click()
    kept = page.get_by_role("region", name="Kept")
    expect(kept.get_by_text("Its content was destroyed")).to_be_visible()
    expect(kept.get_by_role("button", name="Certificate")).to_be_visible()


def test_an_erasure_of_a_voice_names_the_person_in_every_way_they_are_known(browser: Browser) -> None:
    """Other ids, numbers and names, and how much of a recording goes: all that the API takes, in a body only."""
    day = kept_day()
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, "eraser") as page:
        page.goto(f"{server.url}#/requests")
        form = page.get_by_role("form", name="Erase")
        expect(form.get_by_label("What goes")).to_be_hidden()
        form.get_by_label("What", exact=True).select_option("person")
        form.get_by_label("Which").fill("+1 555 010 7788")
        form.get_by_label("Other ids, numbers and names").fill("Leila Haddad\n\n +1 555 010 7799 ")
        form.get_by_label("What goes").select_option("speaker_else_recording")
        form.get_by_label("Reason (kept)").fill("request of 4 May")
        form.get_by_role("button", name="Ask for erasure").click()
        expect(page.get_by_text("Another person with the role has to approve it.")).to_be_visible()
        assert [target for _, target, _ in server.seen if "7799" in target or "Leila" in target] == []
    (asked,) = day.world.fakes.keeping.requests.values()
    assert (asked.scope.value, len(asked.words)) == ("speaker_else_recording", 1)
    assert len(asked.participant) == 3


def test_a_list_that_goes_on_has_a_button_for_it(browser: Browser) -> None:
    """A page that just ended would be read as all that was asked for."""
    day = kept_day()
    here = day.world
    for _ in range(MOST_LISTED + 3):
        body = {"recordings": [day.ids["mp3"]], "reason": "letter"}
        request_erasure(body, "alice", here.ports, here.settings)
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, "eraser") as page:
        page.goto(f"{server.url}#/requests")
        rows = page.get_by_role("list", name="Erasures").get_by_role("listitem")
        expect(rows).to_have_count(MOST_LISTED)
        page.get_by_role("button", name="Show older ones").click()
        expect(rows).to_have_count(MOST_LISTED + 3)
        expect(page.get_by_role("button", name="Show older ones")).to_have_count(0)


def test_what_is_kept_and_why_is_one_screen(browser: Browser) -> None:
    """Cases, rules, and what goes within the next weeks; for everybody who may read."""
    day = kept_day()
    with ConsoleServer(day, lambda _: FakeProbe()) as server:
        as_person(browser, server, "reader", lambda page: nothing_is_decided(page, server))
        as_person(browser, server, "admin", lambda page: hold_it(page, server))
        put_rule(day.world, "delete", 20)
        as_person(browser, server, "reader", lambda page: all_is_shown(page, server))


def nothing_is_decided(page: Page, server: ConsoleServer) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("k")
    for text in ("Nothing goes.", "No case holds anything.", "No rule."):
        expect(page.get_by_text(text)).to_be_visible()


def hold_it(page: Page, server: ConsoleServer) -> None:
    page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}")
    page.get_by_role("button", name="Hold for a case").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Case").fill("C-9")
    dialog.get_by_label("Reason").fill("a complaint")
    dialog.get_by_role("button", name="Hold for a case").click()
    expect(page.get_by_role("region", name="Kept").get_by_text("C-9")).to_be_visible()


def all_is_shown(page: Page, server: ConsoleServer) -> None:
    page.goto(f"{server.url}#/kept")
    expect(page.get_by_role("list", name="Cases").get_by_text("C-9")).to_be_visible()
    expect(page.get_by_role("list", name="Rules").get_by_text("after 20 days")).to_be_visible()


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("retain", "keep for 20 days"),
        ("delete", "delete after 20 days"),
        ("retain_and_delete", "keep for 20 days, then delete"),
    ],
)
@pytest.mark.parametrize("legal", [True, False])
def test_a_rule_says_what_it_asks_for_and_whether_it_outweighs_a_request(
    action: str, said: str, legal: bool, browser: Browser
) -> None:
    """`retain after 20 days` is the opposite of what it does; and that a rule is the law's was shown of none."""
    day = kept_day()
    put_rule(day.world, action, 20, legal=legal)
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server, "reader") as page:
        page.goto(f"{server.url}#/kept")
        shown = page.get_by_role("list", name="Rules")
        expect(shown.get_by_text(said, exact=False)).to_be_visible()
        stands = shown.get_by_text("stands against a request for erasure")
        expect(stands).to_have_count(int(legal and action != "delete"))
