"""Steps that many stories on the console share: a recording is open, and it plays."""

from typing import Any

from playwright.sync_api import Page, expect

from dev.console.server import ConsoleServer
from tests.console.keyboard import until

AT = "document.querySelector('.player audio').currentTime"
FOCUSED = """() => {
  const it = document.activeElement;
  return it === document.body ? "nowhere" : it.tagName;
}"""
LINE = """async ([chunks, pauses]) => {
  const { lineOf, notesOf } = await import("/api/console/timeline.js");
  const line = lineOf(chunks, pauses, (chunk) => chunk.playable);
  return { length: line.length, notes: notesOf(line).map(([at, text]) => `${at} ${text}`) };
}"""


def opened(page: Page, server: ConsoleServer, name: str) -> None:
    """Open a recording's page, and wait until all of it is there."""
    page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
    expect(page.get_by_role("region", name="Facts")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


def playing(page: Page, server: ConsoleServer, name: str) -> None:
    """Open a recording's page, and play it."""
    opened(page, server, name)
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, f"{AT} > 0.1")


def chunk(index: int, begins: float, seconds: float, *, playable: bool = True) -> dict[str, Any]:
    """Return a chunk as the player gets it."""
    stamp = f"2026-11-23T09:{int(begins) // 60:02d}:{begins % 60:06.3f}Z"
    return {"index": index, "startsAt": stamp, "durationSeconds": seconds, "playable": playable, "state": "x"}
