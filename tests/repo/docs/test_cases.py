"""The table of cases from outside names tests that exist, where it says."""

import ast

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT

LEAST = 40  # cases that were handed in and have a test of their kind


def test_each_case_has_a_test_of_its_kind() -> None:
    """A case whose test was renamed or removed would be forgotten."""
    rows = rows_with(DOCS / "reliability.md", "case", "test")
    assert len(rows) >= LEAST
    for row in rows:
        (name,) = spans(row["test"])
        path = ROOT / row["test"].rpartition("](../")[2].rstrip(")")
        defined = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert name in defined, row["case"]
