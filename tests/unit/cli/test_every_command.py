"""Every command there is, found by asking the program: its JSON, its narrowest screen, what it does not know."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dev.in_memory.builders import RECORDING_ID, chunk, event, record, task
from dev.in_memory.world import World, intercept, leave_alone
from dev.terminal_screens import terminal
from recording.cli import INTERRUPTED
from recording.cli.__main__ import main
from recording.cli.app import app
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkState
from recording.errors import StorageBusyError, StorageError, StorageRefusedError
from tests.unit.cli.every_command import (
    CALLS,
    COMMANDS,
    FILE,
    HELD,
    MOST_CALLS,
    NOTE,
    SHORT,
    UNKNOWN,
    run_command,
    troubled,
    words_of,
)


@pytest.fixture
def here() -> World:
    """The world of these tests."""
    return troubled()


def test_no_command_is_left_out_here() -> None:
    """A new one is tried like all others."""
    assert set(COMMANDS) == set(CALLS)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("spelling", [("-o", "json"), ("--output=json",), ("--json",)])
def test_json_is_json(here: World, tmp_path: Path, command: str, spelling: tuple[str, ...]) -> None:
    """A program reads it, whether the command was carried out or refused: one document, one dialect."""
    code, text = run_command(here, *words_of(command, tmp_path), *spelling)
    told = json.loads(text)
    assert isinstance(told, dict)
    assert text.isascii()
    assert "\x1b" not in text
    assert code in (0, 1, 2)
    if code == 2 and "verify" not in command:
        assert {"code", "detail", "status"} <= told.keys()
    assert re.findall(r'"\d{4}-\d\d-\d\d \d\d:[^"]*"', text) == []  # ISO 8601 has a T


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("columns", [1, 2, 13, 80])
def test_any_terminal_is_wide_enough(here: World, tmp_path: Path, command: str, columns: int) -> None:
    """A pane of a terminal may have one column: nothing is raised, no control character comes through."""
    with terminal(columns):
        code, text = run_command(here, *words_of(command, tmp_path))
    assert code in (0, 1, 2)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "this is a bug" not in text


@pytest.mark.parametrize("typed", UNKNOWN, ids=" ".join)
def test_what_nobody_knows_is_an_error(here: World, tmp_path: Path, typed: tuple[str, ...]) -> None:
    """Exit code 2 and a sentence; an empty list would be read as good news, and a traceback by nobody."""
    del tmp_path
    code, text = run_command(here, *typed)
    assert code == 2
    assert "Traceback" not in text
    assert "this is a bug" not in text


def _leaf(command: str) -> Any:
    leaf: Any = typer.main.get_command(app)
    for name in command.split():
        leaf = leaf.commands[name]
    return leaf


def _options(command: str) -> list[str]:
    """Return the options of a command that take a value."""
    taken = (one for one in _leaf(command).params if one.param_type_name == "option")
    return [one.opts[0] for one in taken if not getattr(one, "is_flag", False)]


def _emptied(command: str, folder: Path) -> Iterator[list[str]]:
    """Yield each way to call a command in which one value is empty."""
    call, options = words_of(command, folder), _options(command)
    first = len(command.split())
    yield from ([*call[:at], "", *call[at + 1 :]] for at in range(first, len(call)) if not call[at].startswith("-"))
    yield from ([*call, option, ""] for option in options)
    yield from ([*call, f"{option}="] for option in options if option.startswith("--"))
    yield from ([*call, option, " "] for option in ("--env", "--app", "--settings"))
    yield [*call, "--app", "", "-g", ""]
    yield [*call, "--env"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_value_is_refused_and_chooses_nothing(here: World, tmp_path: Path, command: str) -> None:
    """`dismiss "$ID" --yes` without an ID dismissed all there was; an empty `--env` was another app."""
    before = len(here.fakes.audit.written)
    for typed in _emptied(command, tmp_path):
        code, text = run_command(here, *typed)
        assert (code, "is empty" in text) == (2, True), typed
    assert len(here.fakes.audit.written) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_option_is_refused(here: World, tmp_path: Path, command: str) -> None:
    """And nothing is done."""
    before = len(here.fakes.audit.written)
    assert run_command(here, *words_of(command, tmp_path), "--nonsense")[0] == 2
    assert len(here.fakes.audit.written) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bug_is_not_an_answer(here: World, tmp_path: Path, command: str) -> None:
    """Exit code 1 means that something needs attention: what falls over says so, without what it fell over."""

    def broken() -> Any:
        raise KeyError("8:acs:secret")

    told: list[str] = []
    code = main(words_of(command, tmp_path), broken, told.append)
    text = "".join(told)
    assert (code, "KeyError in" in text, "8:acs" in text) in ((2, True, False), (2, False, False))
    assert command == "seal verify" or "this is a bug" in text
    del here


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_a_command_without_a_word(here: World, tmp_path: Path, command: str) -> None:
    """130, as of any program: 1 would say that something needs attention, and 2 that it could not be found out."""

    def interrupted() -> Any:
        raise KeyboardInterrupt

    told: list[str] = []
    code = main(words_of(command, tmp_path), interrupted, told.append)
    assert (code, "".join(told)) == (INTERRUPTED, "") or command == "seal verify"  # asks no storage
    del here


# What changes something or hands something out leaves rows in the audit trail; what only looks leaves none.
LOOKS = {
    *("approve", "derived list", "doctor", "drift", "events status", "explain", "export show", "find", "holds", "list"),
    *("ls", "rules", "seal audit", "seal get", "seal status", "seal verify", "show", "status", "trail", "verify"),
}
NOT_HERE = {  # need what this world has not; each has a test of its own
    *("events enable", "events replay", "export get", "seal accept-differences", "seal accept-end", "seal catch-up"),
}


def _is_storage(port: str) -> bool:
    return not any(other in port for other in ("Source", "Control", "Clock", "Key", "Log", "Probe", "Stamp"))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("error", [StorageBusyError("no answer"), StorageRefusedError("403")], ids=["busy", "refused"])
def test_storage_that_fails_at_any_call_is_told_and_never_called_fine(
    tmp_path: Path, command: str, error: StorageError
) -> None:
    """A night's outage begins in the middle of a command: no traceback, and no good news of what was not seen."""
    for number in range(1, MOST_CALLS):
        here, calls = troubled(), 0

        def decide(port: str, method: str, number: int = number) -> tuple[Exception | None, bool]:
            nonlocal calls
            calls += _is_storage(port)
            return (error, False) if calls == number and _is_storage(port) else (None, False)

        intercept(here, decide)
        code, text = run_command(here, *words_of(command, tmp_path / str(number)))
        leave_alone(here)
        if calls < number:
            return
        assert code in (0, 1, 2), number
        assert "Traceback" not in text, number
        assert "this is a bug" not in text, (number, text)
        assert code != 0 or command not in LOOKS, (number, text)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - NOT_HERE))
def test_what_is_done_or_handed_out_is_in_the_trail(here: World, tmp_path: Path, command: str) -> None:
    """As over HTTP: whoever looks a year later finds who did it, whichever way it was done."""
    call = [part for part in words_of(command, tmp_path) if part != "--dry-run"]
    run_command(here, *call, *(["--yes"] if command == "redrive" else []))
    assert bool(here.fakes.audit.written) is (command not in LOOKS)


def test_several_recordings_are_verified_in_one_document(here: World) -> None:
    """Two documents one after the other are no JSON."""
    told = json.loads(run_command(here, "verify", SHORT, HELD, "-o", "json")[1])
    assert [one["recordingId"] for one in told["verified"]] == [RECORDING_ID, HELD]


def test_a_recording_with_two_troubles_is_found_by_both(here: World) -> None:
    """`ls --state lost` found nothing when another file of the recording was at risk: good news that is none."""
    here.fakes.catalog.add_chunk(record(ChunkState.EXPIRED, task=task(1)))
    soon = here.now + timedelta(minutes=30)
    here.fakes.catalog.add_chunk(record(ChunkState.PENDING, task=task(2, expires_at=soon)))
    for state in ("lost", "at_risk"):
        assert SHORT in run_command(here, "ls", "--state", state)[1], state


def test_a_recording_that_only_a_refused_event_names_is_held(here: World) -> None:
    """The catalog has never heard of it, and the list of what needs attention has."""
    subject = f"/recording/call/x/serverCallId/x/recordingId/{RECORDING_ID[:-4]}b25s"
    here.announces(event(chunk(0, contentLocation="https://evil.example/x"), id="forged", subject=subject))
    only = short_id(f"{RECORDING_ID[:-4]}b25s")
    assert only in run_command(here, "ls", "--state", "held")[1]
    assert only not in run_command(here, "ls")[1]


def test_what_was_dismissed_is_not_open(here: World) -> None:
    """`open` and a status without anything open contradict each other."""
    assert run_command(here, "dismiss", FILE, *NOTE)[0] == 0
    assert "dismissed" in next(
        line for line in run_command(here, "ls")[1].splitlines() if line.startswith(short_id(HELD))
    )


# What a shell hands over when a script goes wrong; none of it leads out of the folder of the test.
ODD = {
    "not text": "\udcff",
    "controls": "\x1b[2J\x07\u202e",
    "long": "x" * 5_000,
    "huge": "9" * 40,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_value_is_answered_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, odd: str
) -> None:
    """A value may be anything: no traceback, no "bug", nothing that moves the cursor."""
    monkeypatch.chdir(tmp_path)
    here, call, first = troubled(), words_of(command, tmp_path), len(command.split())
    typed = [[*call[:at], odd, *call[at + 1 :]] for at in range(first, len(call)) if not call[at].startswith("-")]
    typed += [[*call, option, odd] for option in _options(command) if option != "--watch"]
    for each in typed:
        code, text = run_command(here, *each)
        assert code in (0, 1, 2), each
        assert "this is a bug" not in text, (each[-2:], text)
        assert not {"\x1b", "\x07", "\u202e"} & set(text + capsys.readouterr().err), each[-2:]


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--note" in _options(command)])
@pytest.mark.parametrize("note", ["x" * 1001, "two\nlines", "\udcff"], ids=["long", "lines", "not text"])
def test_a_note_that_cannot_be_kept_is_refused_before_anything_is_done(
    here: World, tmp_path: Path, command: str, note: str
) -> None:
    """It is evidence for years: over HTTP it was refused, and here it was a storage error half-way."""
    before = len(here.fakes.audit.written)
    code, text = run_command(here, *words_of(command, tmp_path), "--note", note)
    assert (code, "1 to 1000" in text or "not text" in text) == (2, True), text
    assert len(here.fakes.audit.written) == before


@pytest.mark.parametrize("command", ["show", "ls", "status"])
def test_a_look_again_in_a_thousand_years_is_refused(here: World, tmp_path: Path, command: str) -> None:
    """`sleep` raised OverflowError, which was told as a bug of this program."""
    code, text = run_command(here, *words_of(command, tmp_path), "--watch", "9" * 20)
    assert (code, "this is a bug" in text) == (2, False)


# What the parser refuses, before a command has begun.
MISUSED = (
    *(("nonsense",), ("seal", "nonsense"), ("ls", "--nonsense"), ("ls", "--limit", "x"), ("ls", "--limit", "0")),
    *(("ls", "-o", "yaml"), ("verify",), ("hold", SHORT), ("drift", "--sample", "most"), ("ls", "--since", "soon")),
    *(("seal", "verify", "/no/such/folder"), ("explain", "--within", "1" * 9), ("rules", *NOTE), ("show", "a", "b")),
)


@pytest.mark.parametrize("typed", [*MISUSED, *UNKNOWN], ids=" ".join)
def test_a_program_is_answered_in_json_also_when_it_is_refused(here: World, typed: tuple[str, ...]) -> None:
    """The page promises a problem document; what the parser refused left the output empty, and `jq` said nothing."""
    code, text = run_command(here, *typed, "--json")
    told = json.loads(text)
    assert code == 2
    assert {"code", "detail", "status"} <= told.keys()
    assert told["detail"]


@pytest.mark.parametrize("typed", MISUSED, ids=" ".join)
def test_a_person_is_answered_by_the_parser(
    here: World, typed: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """On the standard error, with the usage; and nothing that was typed moves the cursor."""
    code, text = run_command(here, *typed, "--\x1b[2J\x07")
    told = capsys.readouterr().err
    assert (code, text, "Usage: recordings" in told) == (2, "", True)
    assert not {"\x1b", "\x07"} & set(told)


@pytest.mark.parametrize("command", ["status", "show", "ls", "get", "verify"])
def test_storage_that_refuses_is_told_with_what_to_do(here: World, tmp_path: Path, command: str) -> None:
    """`403 AuthorizationFailure` at three in the morning, and nothing of roles, firewalls and keys."""
    intercept(here, lambda port, _: (StorageRefusedError("403"), False) if _is_storage(port) else (None, False))
    code, text = run_command(here, *words_of(command, tmp_path))
    leave_alone(here)
    assert (code, text.splitlines()) == (
        2,
        ["storage_refused: 403", "  → Check roles, firewall and key of the account."],
    )
