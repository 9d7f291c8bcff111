"""What the demo shows: it fits the terminal, and its marks are explained."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from dev.demo import CALLS, Proof
from dev.screen import Screen, tree_of

FOLDER = "2026/11/26/9667cf6a-616c-426c-96e5-f774035b44b6/h-b78d233af1cc448679bbf39ca32f2295"
NAME = f"{FOLDER}/0000-0-eus-d12-0123456789abcdef0123456789abcdef.mp4"


def screen_of(width: int) -> tuple[Screen, StringIO]:
    printed, screen = StringIO(), Screen()
    screen.console = Console(file=printed, width=width, force_terminal=True, color_system=None, highlight=False)
    return screen, printed


def proof_of(title: str, *faults: str) -> Proof:
    return Proof(title, 0, 2_335_628, 13_400, NAME, ("length equals the source's declared total",), faults)


def state_of(*states: str) -> dict[str, Any]:
    return {"chunks": [{"state": state, "lastError": None, "finished": state != "PENDING"} for state in states]}


@pytest.mark.parametrize("width", [60, 80, 92, 120])
def test_the_table_fits_and_cuts_no_figure(width: int) -> None:
    """Half a number is worse than a column less."""
    screen, printed = screen_of(width)
    screen.table([proof_of(call.title) for call in CALLS])
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in printed.getvalue()
    assert sum("byte-equal" in line for line in lines) == len(CALLS)


@pytest.mark.parametrize("width", [80, 120])
def test_progress_and_names_fit_a_terminal(width: int) -> None:
    """A path of 145 characters was broken in the middle of its digits."""
    screen, printed = screen_of(width)
    screen.legend()
    screen.progress([state_of(*["SOURCE_DELETED"] * call.chunks) for call in CALLS])
    failing = state_of(*["PENDING"] * 3)
    for chunk, error in zip(failing["chunks"], ("source_empty", "source_not_found", "media_unreadable"), strict=True):
        chunk["lastError"] = error
    screen.progress([failing, *(state_of(*["PENDING"] * call.chunks) for call in CALLS[1:])])
    screen.say("the video call and the 0-byte call were stopped; the unmixed call ended by itself, and nobody spoke")
    screen.places([proof_of(call.title) for call in CALLS])
    assert max(map(len, printed.getvalue().splitlines())) <= width


def test_each_square_has_a_name_and_a_meaning() -> None:
    """Nine squares say nothing about which call waits."""
    screen, printed = screen_of(120)
    screen.legend()
    states = [state_of("SOURCE_DELETED"), state_of("PENDING"), state_of(), state_of("QUARANTINED"), state_of()]
    screen.progress(states)
    screen.progress(states)
    legend, line = printed.getvalue().splitlines()
    assert "video ■ unmixed □ long · twice ✗ empty ·  1 of 9 proven" in line
    for mark in "·□■✗":
        assert mark in legend


def test_a_folder_is_named_once_with_its_files_under_it() -> None:
    """The day, the recording, the files."""
    names = [f"2026/11/26/a/h-1/{index}.mp3" for index in range(2)] + [
        "2026/11/26/b/h-2/0.wav",
        "2026/11/27/b/h-2/0.wav",
    ]
    assert tree_of(names) == [
        "2026/11/26/",
        "  a/h-1/",
        "    0.mp3",
        "    1.mp3",
        "  b/h-2/",
        "    0.wav",
        "2026/11/27/",
        "  b/h-2/",
        "    0.wav",
    ]


def test_what_failed_is_said_in_full_below_the_table() -> None:
    """In a cell it was cut after the first word."""
    screen, printed = screen_of(80)
    screen.table([proof_of("Video", "the source still holds it", "metadata or receipt is missing")])
    assert "the source still holds it" in printed.getvalue()
    assert "metadata or receipt is missing" in printed.getvalue()
