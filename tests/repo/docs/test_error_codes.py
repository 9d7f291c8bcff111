"""docs/errors.md and docs/openapi.yaml against recording/errors/codes.py, and that file against the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.error_tables import DOCS, missing, pages, with_rows
from dev.policies.repository import ROOT
from recording import errors
from recording.errors import RecordingError
from recording.errors.codes import Code

CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RecordingError)]
# Words that are a code and something else: the outcome of a look, a counter, a setting.
OTHER_MEANINGS = {
    ("recording/reconcile/overdue.py", "expired"),
    ("recording/telemetry/__init__.py", "expired"),
    ("recording/operate/find_held.py", "expired"),
    ("recording/domain/outgoing/events.py", "expired"),
    ("recording/settings/__init__.py", "consent_required"),
    ("recording/domain/watched/attention.py", "pause_overdue"),
    ("recording/domain/watched/attention.py", "consent_missing"),
}


def test_the_pages_say_what_the_source_says() -> None:
    """A code is a promise: programs rely on it, and an operator who sees it looks here."""
    assert missing((DOCS / "errors.md").read_text("utf-8")) == [], "add a row, then: python -m dev error-tables"
    for path, text in pages().items():
        assert path.read_text("utf-8") == text, "write the pages anew: python -m dev error-tables"


def test_a_wrong_row_is_written_anew() -> None:
    """The comparison above must be able to fail."""
    right = (DOCS / "errors.md").read_text("utf-8")
    assert with_rows(right.replace("| `expired` | - | no |", "| `expired` | - | yes |")) == right
    assert with_rows(right + "| `no_such_code` | - |\n") == right


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_kind_of_error_agrees_with_its_code(kind: type[RecordingError]) -> None:
    """The error tree and the table must not contradict each other about trying again."""
    assert kind.code.is_retryable is kind.retryable


def test_every_code_is_raised_somewhere() -> None:
    """A code that nothing raises is a row that misleads."""
    used = set(re.findall(r"\bCode\.([A-Z_]+)\b", "".join(text for _, text in _sources())))
    by_standing = {"MEDIA_ALTERED", "MEDIA_TOUCHED", "DOCUMENTS_VANISHED"}  # Standing.code
    assert {code.name for code in Code} - used - by_standing == set()


def test_no_code_is_written_as_text() -> None:
    """One renamed in one place only would silently count, filter or compare nothing."""
    codes = set(Code)
    found = [
        (path, node.lineno, node.value)
        for path, text in _sources()
        if path != "recording/domain/state/stored.py"  # Standing: its values are names of facts of their own
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in codes
    ]
    assert [one for one in found if (one[0], one[2]) not in OTHER_MEANINGS] == []


def _sources() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "recording").rglob("*.py")):
        if path != ROOT / "recording" / "errors" / "codes.py":
            yield str(path.relative_to(ROOT)), Path(path).read_text("utf-8")
