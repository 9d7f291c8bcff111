"""Commands that the pages name exist, with their options."""

import re
from typing import Any

import pytest
import typer.main

from dev.__main__ import app
from tests.repo.docs.repository import ROOT, documents

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
