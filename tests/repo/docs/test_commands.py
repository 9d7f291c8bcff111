"""Commands that the pages name exist, with their options."""

import re
from typing import Any

import pytest
import typer.main

from dev.__main__ import app
from dev.policies.repository import ROOT, documents
from dev.terminal_screens import PAGE, screen, written
from recording.cli.__main__ import in_order
from recording.cli.app import app as operator_app

_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)\b(?=[`\s.,;):]|$)")
_DEV = re.compile(r"python -m dev ([a-z-]+)((?: +(?:--[a-z-]+|[^\s`#|-][^\s`#|]*|\[[^\]]*\]))*)")
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in documents())
# "make" is an English word, too: only what is written as code counts.
CODE = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", TEXT, re.DOTALL))


def test_every_make_target_that_is_named_exists() -> None:
    """The first thing a newcomer types must work."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(_MAKE.findall(CODE)) | set(_MAKE.findall((ROOT / ".ci" / "run").read_text(encoding="utf-8")))
    assert {"demo", "test", "up", "check"} <= named
    assert named - targets == set()


def test_every_make_target_is_explained() -> None:
    """What `make` lists, the local world's page explains."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"`make ([a-z]+)`", (ROOT / "docs" / "local-world.md").read_text(encoding="utf-8")))
    assert set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)) - {"help"} <= explained


def test_every_dev_command_that_is_named_exists_with_its_options() -> None:
    """A renamed option must not live on in a page."""
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    named = _DEV.findall(TEXT)
    assert named
    for name, rest in named:
        assert name in commands, name
        known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, f"python -m dev {name}{rest}"


@pytest.mark.parametrize("name", ["demo", "up", "host", "simulator", "azurite"])
def test_every_dev_command_is_explained(name: str) -> None:
    """The page of the local world is the manual."""
    assert f"python -m dev {name}" in (ROOT / "docs" / "local-world.md").read_text(encoding="utf-8")


# --- the operator's commands -----------------------------------------------------------------------------------------


def _operator_lines() -> list[list[str]]:
    """Return the commands of the pages that begin with the program's name, in words."""
    code = re.findall(r"```(?:bash|console)\n.*?```|`recordings [^`\n]+`", TEXT, re.DOTALL)
    lines = [line.strip().strip("`").removeprefix("$ ") for block in code for line in block.splitlines()]
    return [re.split(r" [#|] ", line)[0].split() for line in lines if line.startswith("recordings ")]


def test_every_command_of_the_operator_exists_with_its_options() -> None:
    """At night, what the page says is what is typed."""
    commands: dict[str, Any] = vars(typer.main.get_command(operator_app))["commands"]
    program = {option for parameter in typer.main.get_command(operator_app).params for option in parameter.opts}
    lines = _operator_lines()
    assert len(lines) > 20
    for _, *words in lines:
        given = {word.partition("=")[0] for word in in_order(words) if word.startswith("-")}
        verbs = [word for word in words if word in commands]
        if not verbs:
            assert given <= program | {"--help", "--install-completion", "--version"}, words
            continue
        meant = commands[verbs[0]]
        for word in words[words.index(verbs[0]) + 1 :]:  # of a group, the command in it
            meant = vars(meant).get("commands", {}).get(word, meant)
        known = {option for parameter in meant.params for option in parameter.opts}
        assert given <= program | known | {"--help"}, words


def test_every_command_of_the_operator_is_explained() -> None:
    """The page of commands is the manual."""
    commands: dict[str, Any] = vars(typer.main.get_command(operator_app))["commands"]
    explained = {word for _, *words in _operator_lines() for word in words}
    assert {name for name, command in commands.items() if not command.hidden} <= explained


def test_the_screens_are_what_the_commands_print() -> None:
    """A picture of yesterday's program misleads."""
    assert written(PAGE.read_text("utf-8")) == PAGE.read_text("utf-8"), "write it anew: python -m dev screens"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["status", "ls", "ls --attention", "trail", "drift --sample all", "doctor --help"])
def test_tables_fit_the_screen(command: str, columns: int) -> None:
    """A row that wraps is read wrongly."""
    assert max(map(len, screen(f"recordings {command}", columns).splitlines()), default=0) <= columns
