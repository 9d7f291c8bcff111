"""The README: short enough to be read, and its picture is what the demo prints."""

import re

from dev.policies.repository import ROOT
from dev.terminal_picture import svg_of

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_read_in_three_minutes() -> None:
    """What does not fit belongs on a page of its own."""
    assert len(README.split()) <= 700


def test_the_first_screen_leads_to_the_limits() -> None:
    """Who relies on this must find what was never verified without a search."""
    assert "docs/limits.md" in README


def test_the_first_screen_says_how_far_it_is_and_how_to_get_it() -> None:
    """Who evaluates it asks: what, for whom, has it run in Azure, what do I type?"""
    first = "\n".join(README.splitlines()[:40])
    for wanted in ("**Status:**", "never run on real Azure", "git clone", "make demo", "docs/demo.svg", "WSL"):
        assert wanted in first, wanted
    assert first.index("git clone") < first.index("make demo ")


def test_no_page_is_named_twice_in_the_list_of_documents() -> None:
    """Two rows for one reader were left by a merge."""
    listed = re.findall(r"\]\((docs/[^)#]+|[A-Z]+\.md)\)", README.partition("## Documents")[2])
    assert len(listed) > 20
    assert sorted(listed) == sorted(set(listed))


def test_the_picture_shows_a_demo_that_succeeded() -> None:
    """A picture of another version, or of a failure, would be a false promise."""
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", picture).replace("&#160;", " ")
    assert "9 of 9 proven" in text
    assert "ACS holds none" in text


def test_a_picture_fetches_nothing() -> None:
    """A reader's browser must not ask another host for fonts."""
    picture = svg_of("\x1b[32mgreen\x1b[0m and a line that is longer than the terminal " + "x" * 200, "make demo")
    assert "url(" not in picture.replace("url(#", "")
    assert "green" in picture
