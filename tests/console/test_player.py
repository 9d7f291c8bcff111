"""What a player lives through: first parts that fail, parts that never come, clicks and answers in every order."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from dev.console.server import ConsoleServer
from tests.console.conftest import Visit
from tests.console.keyboard import until

AT = "document.querySelector('.player audio').currentTime"
PAUSED = "document.querySelector('.player audio').paused"
PROBLEM = ".player .problem"
GO_TO = "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }"
MEDIA = "**/chunks/*/media"


def opened(page: Page, server: ConsoleServer, name: str) -> None:
    page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
    expect(page.get_by_role("region", name="Facts")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def is_elements(request: Request) -> bool:
    """Return whether the media element asks, not the page that wants to know why it failed."""
    return request.headers.get("range") != "bytes=0-0"


def refuse(route: Route) -> None:
    route.fulfill(status=503, body="")


def hang_up(route: Route) -> None:
    route.abort("connectionreset")


def garble(route: Route) -> None:
    route.fulfill(status=200, body="<!doctype html><title>Log in to the guest network</title>")


FAILURES = [refuse, hang_up, garble]


class Enquiry:
    """Keeps the element's first request, and the page's own question why it failed, until a test lets them go."""

    def __init__(self, page: Page) -> None:
        self.first: list[Route] = []
        self.kept: list[Route] = []
        self._is_open = False
        page.route(MEDIA, self._answer)

    def _answer(self, route: Route) -> None:
        if is_elements(route.request) and not self.first:
            self.first.append(route)
        elif is_elements(route.request) or self._is_open:
            route.continue_()
        else:
            self.kept.append(route)

    def fail(self, page: Page, fail: Callable[[Route], None]) -> None:
        """Let the element's first request fail, and wait until the page asks why."""
        eventually(page, lambda: bool(self.first))
        fail(self.first[0])
        eventually(page, lambda: bool(self.kept))

    def let_through(self) -> None:
        """Let the page know that the server answers."""
        self._is_open = True
        for route in self.kept:
            route.continue_()


def eventually(page: Page, is_so: Callable[[], bool]) -> None:
    """Let the browser work until it asked for something."""
    for _ in range(1200):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError("never asked for")


class Gate:
    """Keeps requests to an address until it is opened."""

    def __init__(self, page: Page, address: str) -> None:
        self.kept: list[Route] = []
        self._is_open = False
        page.route(address, self._answer)

    def _answer(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self.kept.append(route)

    def open(self) -> None:
        self._is_open = True
        for route in self.kept:
            route.continue_()


@pytest.mark.parametrize("fail", FAILURES)
@pytest.mark.parametrize("when", ["before the failure", "while the page asks why", "after it"])
def test_a_first_part_that_fails_once_is_heard_whenever_play_is_pressed(
    when: str, fail: Callable[[Route], None], visits: Visit, server: ConsoleServer
) -> None:
    """One hiccup of network, storage or a proxy is nothing that a listener has to know of, whenever it was."""
    with visits("listener") as page:
        enquiry = Enquiry(page)
        opened(page, server, "long")
        if when == "before the failure":
            press(page, "Play")
        enquiry.fail(page, fail)
        if when == "while the page asks why":
            press(page, "Play")
        enquiry.let_through()
        if when == "after it":
            until(page, "document.querySelector('.player audio').readyState > 0")
            press(page, "Play")
        until(page, f"{AT} > 0.1 && !{PAUSED}")
        expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
        expect(page.locator(PROBLEM)).to_be_empty()


def test_an_answer_about_one_chunk_says_nothing_of_the_next(visits: Visit, server: ConsoleServer) -> None:
    """Chunk 0 failed; before the page knows why, somebody listens to chunk 1 already."""
    with visits("listener") as page:
        enquiry = Enquiry(page)
        opened(page, server, "long")
        enquiry.fail(page, refuse)
        page.get_by_label("Position").evaluate(GO_TO, 70)
        press(page, "Play")
        until(page, f"{AT} > 10.2")
        page.evaluate(
            "document.querySelector('.player audio').addEventListener('emptied', () => { window.begunAnew = 1; })"
        )
        with page.expect_response(lambda answer: answer.request.headers.get("range") == "bytes=0-0"):
            enquiry.let_through()
        before = page.evaluate(AT)
        until(page, f"{AT} > {before} + 0.2")
        assert not page.evaluate("window.begunAnew")
        expect(page.locator(PROBLEM)).to_be_empty()


@pytest.mark.parametrize("fail", FAILURES)
def test_what_never_comes_is_told_in_the_end(
    fail: Callable[[Route], None], visits: Visit, server: ConsoleServer
) -> None:
    """The page does not ask for ever, says that it cannot be played, and goes on when it is asked to."""
    with visits("listener") as page:
        asked: list[str] = []

        def answer(route: Route) -> None:
            if is_elements(route.request):
                asked.append(route.request.url)
                fail(route)
            else:
                route.continue_()

        page.route(MEDIA, answer)
        opened(page, server, "long")
        expect(page.locator(PROBLEM)).to_contain_text("cannot play chunk 0")
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
        assert len(asked) < 20
        page.unroute_all()
        press(page, "Play")
        until(page, f"{AT} > 0.1")
        expect(page.locator(PROBLEM)).to_be_empty()


def test_a_part_that_neither_comes_nor_fails_is_asked_for_again(visits: Visit, server: ConsoleServer) -> None:
    """A connection that is open and silent: browsers wait for ever, whoever listens does not."""
    with visits("listener") as page:
        silent: list[Route] = []

        def answer(route: Route) -> None:
            if is_elements(route.request) and not silent:
                silent.append(route)
            else:
                route.continue_()

        page.clock.install(time=server.day.now)
        page.route(MEDIA, answer)
        opened(page, server, "long")
        press(page, "Play")
        page.clock.run_for(31_000)
        until(page, f"{AT} > 0.1")
        expect(page.locator(PROBLEM)).to_be_empty()


def test_where_nothing_ever_comes_the_page_says_so(visits: Visit, server: ConsoleServer) -> None:
    """Three times it is asked for; then the reader is told, and the button says what is so."""
    with visits("listener") as page:
        page.clock.install(time=server.day.now)
        page.route(MEDIA, lambda _: None)
        opened(page, server, "long")
        press(page, "Play")
        page.clock.run_for(125_000)
        expect(page.locator(PROBLEM)).to_contain_text("Nothing comes")
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


# --- clicks in every order -------------------------------------------------------------------------------------------

HELD_SOUND = """
const resume = AudioContext.prototype.resume;
window.gates = [];
AudioContext.prototype.resume = function () {
  return new Promise((done) => window.gates.push(() => done(resume.call(this))));
};
"""


def test_pause_holds_though_the_loudspeaker_comes_late(visits: Visit, server: ConsoleServer) -> None:
    """Play, then Pause before the browser has its sound: nothing begins afterwards by itself."""
    with visits("listener") as page:
        page.add_init_script(HELD_SOUND)
        opened(page, server, "unmixed")
        press(page, "Play")
        press(page, "Pause")
        page.evaluate("window.gates.forEach((open) => open())")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate(PAUSED)
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_play_right_after_pause_goes_over_into_the_next_chunk(visits: Visit, server: ConsoleServer) -> None:
    """The browser reports a pause after it is over; the next chunk is heard all the same."""
    with visits("listener") as page:
        opened(page, server, "long")
        press(page, "Play")
        until(page, f"{AT} > 0.1")
        page.evaluate("{ const it = document.querySelector('.player .big'); it.click(); it.click(); }")
        before = page.evaluate(AT)
        until(page, f"{AT} > {before} + 0.1")
        page.get_by_label("Position").evaluate(GO_TO, 70)
        until(page, f"document.querySelector('.player').dataset.chunk === '1' && {AT} > 10.2")


def test_the_button_does_what_it_says_while_a_chunk_loads(visits: Visit, server: ConsoleServer) -> None:
    """Between two chunks it says *Pause*, and pressed it pauses."""
    with visits("listener") as page:
        opened(page, server, "long")
        press(page, "Play")
        until(page, f"{AT} > 0.1")
        gate = Gate(page, "**/chunks/1/media")
        page.get_by_label("Position").evaluate(GO_TO, 70)
        expect(page.locator(".player")).to_have_attribute("data-chunk", "1")
        press(page, "Pause")
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
        gate.open()
        until(page, "document.querySelector('.player audio').readyState > 0")
        assert page.evaluate(PAUSED)


# --- waveforms -------------------------------------------------------------------------------------------------------


def test_a_waveform_that_takes_long_holds_up_no_other(visits: Visit, server: ConsoleServer) -> None:
    """Chunk 0 is of hours and is drawn last; the others are drawn at once."""
    with visits("listener") as page:
        gate = Gate(page, "**/chunks/0/peaks")
        with (
            page.expect_response("**/chunks/1/peaks"),
            page.expect_response("**/chunks/3/peaks"),
        ):
            opened(page, server, "long")
        assert len(gate.kept) == 1
        gate.open()
        expect(page.locator(".player.drawn")).to_be_visible()


def test_a_busy_waveform_holds_up_no_other(visits: Visit, server: ConsoleServer) -> None:
    """Others are asked for before the busy one is asked for again."""
    with visits("listener") as page:
        asked: list[str] = []

        def busy(route: Route) -> None:
            asked.append(route.request.url.split("/")[-2])
            if asked.count("0") < 2 and asked[-1] == "0":
                route.fulfill(status=503, body='{"code": "waveform_busy"}', content_type="application/problem+json")
            else:
                route.continue_()

        page.clock.install(time=server.day.now)
        page.route("**/chunks/*/peaks", busy)
        with page.expect_response("**/chunks/3/peaks"):
            opened(page, server, "long")
        assert asked == ["0", "1", "3"]
        page.clock.run_for(3_100)
        expect(page.locator(".player.drawn")).to_be_visible()
        assert asked == ["0", "1", "3", "0"]
