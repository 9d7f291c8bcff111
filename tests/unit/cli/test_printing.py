"""Printing: no character that came from outside can command a terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, event, task
from dev.in_memory.world import world
from recording.cli.__main__ import main
from recording.cli.output.printing import printable, say, say_json

BAD = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _commands(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in BAD and character != "\n"}


@given(st.text())
def test_what_is_printed_has_no_character_that_commands(text: str) -> None:
    """C0, C1, bidirectional controls, surrogates and line separators are escaped; a line stays one line."""
    told: list[str] = []
    say(told.append, [text])
    assert _commands("".join(told)) == set()
    assert "".join(told).count("\n") == 1


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "M", "Zs"))))
def test_visible_text_is_printed_as_it_is(text: str) -> None:
    """Names in any script stay readable."""
    assert printable(text) == text


@given(st.text())
def test_json_is_plain_and_says_the_same(text: str) -> None:
    """A pipe reads it back; a terminal is not commanded by it."""
    told: list[str] = []
    say_json(told.append, {"id": text})
    assert _commands("".join(told)) == set()
    assert "".join(told).isascii()
    assert "\x7f" not in "".join(told)
    assert json.loads("".join(told)) == {"id": text}


@pytest.mark.parametrize("command", [("show", RECORDING_ID), ("list",), ("status",), ("verify", RECORDING_ID)])
@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_an_event_id_cannot_command_the_operators_terminal(command: tuple[str, ...], json_too: tuple[str, ...]) -> None:
    """An id of an event is written by its sender: escape, bell, C1 and a right-to-left override are shown, not sent."""
    here = world()
    here.holds(task())
    here.announces(event(id="\x1b]0;owned\x07\x9b31m\u202eevil\r\n"))
    here.announces(event(id="\x1b[2J", subject="/recording/\x07call/x"))
    told: list[str] = []
    main([*command, *json_too], lambda: (here.ports, here.settings), told.append)
    assert _commands("".join(told)) == set()
