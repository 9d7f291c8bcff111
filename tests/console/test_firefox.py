"""The ten tasks by keyboard in Firefox, where there is one; each format is heard, and nothing violates the policy."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from playwright.sync_api import Page

from dev.console.day import busy_day
from dev.console.firefox import Firefox, is_installed
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from tests.console.keyboard import Keyboard, until

WATCH = """
window.told = [];
addEventListener("securitypolicyviolation", (event) => window.told.push(event.violatedDirective));
addEventListener("error", (event) => window.told.push(event.message));
addEventListener("unhandledrejection", (event) => window.told.push(String(event.reason)));
"""
AT = "(document.querySelector('.player audio, .player video')?.currentTime ?? 0)"
HEARD_APART = "document.querySelector('.player .hint').textContent.includes('each is fetched')"


@pytest.fixture(scope="module")
def server() -> Iterator[ConsoleServer]:
    """The console over a day of today: Firefox has its own time."""
    if not is_installed():
        reason = "Firefox is not installed: apt-get install firefox-esr"
        if os.environ.get("CONSOLE_FIREFOX") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    day = busy_day(60, datetime.now(UTC).replace(microsecond=0))
    probe = FakeProbe()
    probe.time = day.now
    with ConsoleServer(day, lambda _: probe) as running:
        yield running


@pytest.fixture(scope="module")
def firefox(server: ConsoleServer) -> Iterator[Firefox]:
    with Firefox() as running:
        running.before_pages(WATCH)
        running.sign_in(server.origin, "admin")
        yield running


@pytest.fixture
def keys(firefox: Firefox, server: ConsoleServer) -> Iterator[Keyboard]:
    firefox.goto("about:blank")
    firefox.goto(server.url)
    walk = Keyboard(cast("Page", firefox))
    until(walk.page, "document.querySelector('h1')?.textContent === 'Now'")
    yield walk
    assert firefox.evaluate("window.told") == []


def has(text: str) -> str:
    return f"document.body.innerText.includes({text!r})"


def open_recording(keys: Keyboard, server: ConsoleServer, name: str) -> None:
    keys.page.evaluate(f"(() => {{ location.hash = '#/recording/{server.day.ids[name]}'; }})()")
    until(keys.page, "document.querySelector('section[aria-label=Facts]') && !document.querySelector('.loading')")


def play(keys: Keyboard) -> None:
    keys.to("Play")
    keys.press("Enter")
    until(keys.page, f"{AT} > 0.3")


def test_1_find_a_call_by_its_number(keys: Keyboard, server: ConsoleServer) -> None:
    keys.press("/")
    until(keys.page, "document.querySelector('h1').textContent === 'Search'")
    keys.press("/")
    keys.write("(555) 010-7788")
    keys.press("Enter")
    until(keys.page, "document.querySelector('.count').textContent === '4 recordings'")
    assert [target for _, target, _ in server.seen if "7788" in target] == []


@pytest.mark.parametrize("name", ["mp3", "wav", "unmixed", "five"])
def test_2_hear_it(name: str, keys: Keyboard, server: ConsoleServer) -> None:
    """Play, ahead, faster, pause; also several speakers of one file."""
    open_recording(keys, server, name)
    play(keys)
    keys.press("l", ">")
    until(keys.page, f"{AT} > 10.2")
    keys.press("k")
    until(keys.page, "document.querySelector('.player audio').paused")
    print(name, "apart" if keys.page.evaluate(HEARD_APART) else "from one file")


def test_3_is_all_of_it_there(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "long")
    until(keys.page, has("Chunk 2 is not in the archive"))
    until(keys.page, has("Paused for 10 seconds"))


def test_4_point_at_a_second(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "mp3")
    keys.to("Position")
    keys.press("Home", "PageUp", "l", "l", "ArrowLeft")
    until(keys.page, has("1:15 / 1:36"))
    keys.page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}?t=40")
    until(keys.page, has("0:40 / 1:36"))


def test_5_download(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "wav")
    keys.to("Download chunk 0")
    keys.press("Enter")
    until(keys.page, has("SHA-256 matches"))


def test_6_keep_it_for_a_case(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "mp3")
    keys.to("Hold for a case")
    keys.press("Enter")
    keys.write("C-7")
    keys.press("Tab")
    keys.write("court order")
    keys.to("Hold for a case")
    keys.press("Enter")
    until(keys.page, has("C-7"))
    keys.to("Release C-7")
    keys.press("Enter")
    keys.write("settled")
    keys.to("Release C-7")
    keys.press("Enter")
    until(keys.page, has("No case holds it."))


def test_7_hand_it_over(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "mp3")
    keys.to("Verify now")
    keys.press("Enter")
    until(keys.page, has("nothing differs"))
    keys.to("Bundle")
    keys.press("Enter")
    until(keys.page, "document.querySelector('h1').textContent === 'Requests'")
    keys.to("Make a bundle")
    keys.press("Enter")
    until(keys.page, has("Asked for: 1 recording."))


def test_8_erase_with_a_second_person(firefox: Firefox, keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "long")
    keys.to("Ask for erasure")
    keys.press("Enter")
    keys.to("Reason (kept)")
    keys.write("request of 3 May")
    keys.press("Enter")
    until(keys.page, has("Another person with the role has to approve it."))
    firefox.sign_in(server.origin, "approver")
    firefox.reload()
    keys.to("Approve")
    keys.press("Enter")
    until(keys.page, "document.querySelector('dialog[open]')")
    keys.to("Approve")
    keys.press("Enter")
    until(keys.page, "document.querySelector('progress')")
    firefox.sign_in(server.origin, "admin")


def test_9_who_heard_it(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "mp3")
    keys.to("Who did what")
    keys.press("Enter")
    until(keys.page, "document.querySelector('h1').textContent === 'Audit' && document.querySelector('tbody tr')")


def test_10_what_goes_when(keys: Keyboard, server: ConsoleServer) -> None:
    open_recording(keys, server, "wav")
    until(keys.page, has("Without an end: no rule asks for it."))
    keys.press("g", "k")
    until(keys.page, "document.querySelector('h1').textContent === 'Kept' && !document.querySelector('.loading')")


def test_every_screen_is_shown_and_none_is_wider_than_a_phone(
    firefox: Firefox, keys: Keyboard, server: ConsoleServer
) -> None:
    viewport: dict[str, Any] = {"width": 320, "height": 640}
    firefox.call("browsingContext.setViewport", context=firefox.context, viewport=viewport)
    for screen in ("now", "search?range=any", "kept", "requests", "held", "audit", "health"):
        firefox.evaluate(f"(() => {{ location.hash = '#/{screen}'; }})()")
        name = screen.partition("?")[0].capitalize()
        until(
            keys.page, f"document.querySelector('h1').textContent === '{name}' && !document.querySelector('.loading')"
        )
        assert firefox.evaluate("document.documentElement.scrollWidth") <= 320, screen
    firefox.call("browsingContext.setViewport", context=firefox.context, viewport=None)
