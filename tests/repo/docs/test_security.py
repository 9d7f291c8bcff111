"""docs/security.md against the tests that it names and the rules that there are."""

import re

import pytest
import yaml

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from dev.rules import RULES

PAGE = DOCS / "security.md"
THREATS = [row["#"] for row in rows_with(PAGE, "#", "threat", "control")]
TESTS = rows_with(PAGE, "threat", "test")
_LINK = re.compile(r"\[`(?P<name>[^`]+)`\]\(\.\./(?P<path>[^)]+)\)")


def test_the_threats_are_numbered_one_after_the_other() -> None:
    """Other pages and issues refer to the numbers."""
    assert [f"S{number}" for number in range(1, len(THREATS) + 1)] == THREATS


@pytest.mark.parametrize("number", THREATS)
def test_every_control_is_proved_by_tests_that_exist(number: str) -> None:
    """A renamed test must not leave a promise behind that nothing keeps."""
    proofs = [_LINK.fullmatch(row["test"]) for row in TESTS if row["threat"] == number]
    assert proofs
    assert [proof for proof in proofs if proof is None or not exists(proof["path"], proof["name"])] == []


def exists(path: str, name: str) -> bool:
    """Return whether a file has such a function; a file alone is named by its own path."""
    if not (ROOT / path).is_file():
        return False
    found = re.search(rf"^def {re.escape(name)}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return name == path or found is not None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tests/absent.py", "tests/absent.py"),
        ("tests/repo/docs/test_security.py", "test_absent"),
        ("tests/repo/docs", "tests/repo/docs"),
    ],
)
def test_a_proof_that_is_not_there_is_noticed(path: str, name: str) -> None:
    """The check itself can fail."""
    assert not exists(path, name)


def test_the_page_lists_exactly_the_rules_there_are() -> None:
    """Somebody whose change is refused looks them up here."""
    rules = [
        rule["id"]
        for path in RULES.glob("*.yaml")
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
    ]
    assert sorted(spans(row["rule"])[0] for row in rows_with(PAGE, "rule", "what it forbids")) == sorted(rules)
