"""A person without a mouse: every step is a key, and the walk is written down."""

import os
from pathlib import Path

from playwright.sync_api import Page

NAME_OF_FOCUS = """() => {
  const element = document.activeElement;
  const label = element.labels?.[0]?.textContent;
  const role = element.getAttribute("role") || element.type || element.tagName.toLowerCase();
  return [role, (element.getAttribute("aria-label") ?? label ?? element.textContent ?? "").trim()];
}"""
HOW_IT_STANDS = """() => [...document.querySelectorAll("audio, video")].map((it) => ({
  at: it.currentTime, paused: it.paused, ready: it.readyState, network: it.networkState, error: it.error?.message,
  says: document.querySelector(".player .problem")?.textContent,
}))"""


def until(page: Page, condition: str, seconds: float = 60) -> None:
    """Wait until an expression is true; asked from outside, for the page's policy allows no evaluation in it.

    Raises:
        AssertionError: when it never is.
    """
    for _ in range(round(seconds / 0.05)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {condition}; the media: {page.evaluate(HOW_IT_STANDS)}")


class Keyboard:
    """The keys of one walk."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log: list[str] = []

    def press(self, *keys: str) -> None:
        """Press one key after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.log.append(f"  {key}")

    def write(self, text: str) -> None:
        """Type a text."""
        self.page.keyboard.type(text)
        self.log.append(f'  "{text}"')

    def to(self, name: str, most: int = 120) -> None:
        """Press Tab until what has the focus has this in its name.

        Raises:
            AssertionError: when it cannot be reached.
        """
        seen = []
        for step in range(most):
            self.page.keyboard.press("Tab")
            role, found = self.page.evaluate(NAME_OF_FOCUS)
            seen.append(found[:30])
            if name in found:
                self.log.append(f"  Tab × {step + 1} → {role} “{found[:40]}”")
                return
        raise AssertionError(f"{name!r} is not reached by Tab; seen: {seen}")

    def keep(self) -> None:
        """Leave the log where `python -m dev walk` asks for it."""
        if (folder := os.environ.get("CONSOLE_WALK")) and self.log:
            number = int(self.log[0].partition(".")[0])
            Path(folder, f"{number:02d}.txt").write_text("\n".join(self.log) + "\n", encoding="utf-8")

    def task(self, number: int, what: str) -> None:
        """Begin a task of the walk."""
        self.log.append(f"{number}. {what}")
