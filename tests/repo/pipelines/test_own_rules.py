"""Our own semgrep rules: each has cases of both kinds, and `make check` holds the code against them."""

import re
from typing import Any

import pytest
import yaml

from dev.policies.repository import ROOT
from dev.rules import RULES

FILES = sorted(RULES.glob("*.yaml"))
PROMISED = {
    "unguarded-location",
    "request-that-follows-redirects",
    "environment-outside-settings",
    "account-sas",
    "secret-in-a-log",
    "source-deleted-elsewhere",
}


def rules() -> dict[str, dict[str, Any]]:
    """All rules by id, with the name of their file."""
    found = ((rule, path) for path in FILES for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"])
    return {rule["id"]: {**rule, "cases": path.with_suffix(".py").read_text(encoding="utf-8")} for rule, path in found}


def test_every_invariant_that_code_alone_can_break_has_a_rule() -> None:
    """I1 and I5, settings, logs: what a reviewer would have to remember."""
    assert rules().keys() >= PROMISED


@pytest.mark.parametrize("name", rules())
def test_a_rule_has_cases_that_must_match(name: str) -> None:
    """A rule that finds nothing looks exactly like code that is right."""
    assert re.search(rf"# ruleid: .*\b{name}\b", rules()[name]["cases"])


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_rule_has_cases_that_must_not_match(name: str) -> None:
    """A rule that finds everything is soon switched off."""
    assert re.search(rf"# ok: .*\b{name}\b", rules()[name]["cases"])


@pytest.mark.parametrize("name", rules())
def test_a_finding_is_an_error_and_says_what_to_do(name: str) -> None:
    """Warnings are not read."""
    assert rules()[name]["severity"] == "ERROR"
    assert rules()[name]["message"].endswith(".")


def test_nothing_in_the_code_switches_a_rule_off() -> None:
    """An exception belongs into the rule, with a reason."""
    mark = "nosem" + "grep"
    code = [path for folder in ("recording", "dev") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in [*code, ROOT / "function_app.py"] if mark in path.read_text(encoding="utf-8")] == []


def test_make_check_runs_the_rules_and_bandit() -> None:
    """A check that nobody runs keeps nothing."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\ncheck:")[1].split("\n\n")[0]
    assert "-m dev rules" in recipe
    assert "bin/bandit" in recipe.replace("$(BIN)", "bin")
