"""docs/security.md against the tests that it names and the rules that there are."""

import re

import pytest
import yaml

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from dev.rules import RULES

PAGE = DOCS / "security.md"
THREATS = {row["#"]: row for row in rows_with(PAGE, "threat", "control", "proved by")}


def test_the_threats_are_numbered_one_after_the_other() -> None:
    """Other pages and issues refer to the numbers."""
    assert list(THREATS) == [f"S{number}" for number in range(1, len(THREATS) + 1)]


@pytest.mark.parametrize("number", THREATS)
def test_every_control_is_proved_by_tests_that_exist(number: str) -> None:
    """A renamed test must not leave a promise behind that nothing keeps."""
    proofs = spans(THREATS[number]["proved by"])
    assert proofs
    assert [proof for proof in proofs if not exists(proof)] == []


def exists(proof: str) -> bool:
    """Whether a file, or `file::function`, is there."""
    path, _, name = proof.partition("::")
    if not (ROOT / path).is_file():
        return False
    return not name or re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize("proof", ["tests/absent.py", "tests/repo/docs/test_security.py::test_absent", "tests/docs"])
def test_a_proof_that_is_not_there_is_noticed(proof: str) -> None:
    """The check itself can fail."""
    assert not exists(proof)


def test_the_page_lists_exactly_the_rules_there_are() -> None:
    """Somebody whose change is refused looks them up here."""
    rules = [
        rule["id"]
        for path in RULES.glob("*.yaml")
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
    ]
    assert sorted(spans(row["rule"])[0] for row in rows_with(PAGE, "rule", "what it forbids")) == sorted(rules)
