"""The proof of templates and alerts as a command: it counts what it plants, and it is not always green."""

import pytest

from dev.policies.infra import structure
from dev.policies.infra.alert_cases import CASES
from dev.policies.infra.checks import CHECKS
from dev.policies.infra.planted import FAULTS, PROMISED
from dev.policies.infra.planted.files import ALERTS
from dev.policies.infra.template_mutants import Mutant, mutants
from dev.policies.infra.templates import load
from dev.policies.repository import DOCS
from dev.prove import templates as proof
from dev.prove.templates import Proof, left_by_rule, survivors, wrong_alerts


def test_a_planted_fault_that_no_check_finds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of the list is found; one that changes nothing of weight is not."""
    harmless = (structure.loaded_files, ALERTS, "severity: 0", "severity: 1")
    monkeypatch.setattr(proof, "FAULTS", [FAULTS[0], harmless])
    seen = Proof(0, len(CHECKS))
    (left,) = survivors(load(), seen)
    assert "loaded_files" in left
    assert seen.planted.total() == 2


def test_a_change_by_rule_that_no_check_finds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a text without a fault no check says anything; one that is on the list of exceptions is counted."""
    templates, path = load(), "infra/modules/function-app.bicep"
    same = Mutant(path, 1, "nothing", templates.texts[path])
    excused = Mutant(path, 15, "2 for 1 in '@minValue(1)'", templates.texts[path])
    monkeypatch.setattr(proof, "mutants", lambda _: [same, excused])
    seen = Proof(0, len(CHECKS))
    assert list(left_by_rule(templates, seen)) == [f"not caught: {path}:1 nothing"]
    assert (seen.by_rule, seen.harmless) == (2, 1)


def test_an_alert_that_nothing_sets_off_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calm day alone proves nothing of any alert."""
    monkeypatch.setattr(proof, "CASES", CASES[:1])
    found = list(wrong_alerts(Proof(0, 0)))
    assert any(each.startswith("nothing sets off chunk-at-risk") for each in found)
    assert any("is never played" in each for each in found)


def test_the_figures_are_those_of_the_page() -> None:
    """What is promised is more than a hundred and ten."""
    page = (DOCS / "reliability.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} planted faults" in page
    assert len(FAULTS) >= PROMISED > 110
    assert f"{len(CHECKS)} checks" in page
    assert f"{len(list(mutants(load())))} properties left out" in page
    assert f"over {len(CASES)} things that happen, {sum(not case.alerts for case in CASES)} of which" in page
