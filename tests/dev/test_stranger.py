"""The story of the stranger, as far as it needs no network."""

import shutil
from pathlib import Path

import pytest

from dev.story.stranger import BEGIN, END, PAGE, Stranger, programs_of, text_of, with_transcript

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_the_programs_and_the_place_of_the_transcript() -> None:
    """A heading that moves must not leave yesterday's transcript behind."""
    programs = programs_of(TEXT)
    assert "CallAutomationClient" in programs["first.py"]
    assert "CallAutomationClient" in programs["first.mjs"]
    assert "def test_it(acs_simulator)" in programs["test_it.py"]
    assert TEXT.count(BEGIN) == TEXT.count(END) == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_a_transcript_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """Also the second time."""
    stranger = Stranger(tmp_path, {"PATH": "/usr/bin:/bin"})
    assert stranger.types("echo one; echo two") == "one\ntwo\n"
    once = with_transcript(TEXT, text_of(stranger))
    assert "$ echo one; echo two\none\ntwo\n```" in once
    assert with_transcript(once, text_of(stranger)) == once
    assert once.partition(BEGIN)[0] == TEXT.partition(BEGIN)[0]
    assert once.partition(END)[2] == TEXT.partition(END)[2]


def test_a_line_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    """The story must not end well because nobody looked."""
    stranger = Stranger(tmp_path, {"PATH": "/usr/bin:/bin"})
    stranger.types("echo why >&2; exit 3")
    assert stranger.failed == ["echo why >&2; exit 3: exit code 3\nwhy\n"]
