"""docs/api.md: its tables of routes, roles, combinations and filters, and what it says of the audit trail."""

import ast
import re
from collections.abc import Iterator

import pytest

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from recording.domain.find.find_query import FindQuery, FindState
from recording.domain.formats import LEGAL_COMBINATIONS, FormatType
from recording.domain.incoming.roles import NEEDED, Operation, Role
from tests.repo.docs.openapi import API

PAGE = DOCS / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONTRACT = {
    (method.upper(), path): operation
    for path, item in API["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
AUDITING = ("run_audited", "_switch", "_decide")  # each notes what it is asked for, before and after


def _routes(cell: str) -> Iterator[tuple[str, str]]:
    """Yield method and path of a cell such as "`PUT`, `DELETE /api/…`"."""
    methods: list[str] = []
    for span in spans(cell):
        method, _, path = span.partition(" ")
        methods.append(method)
        if path:
            yield from ((each, path.removeprefix("/api").partition("?")[0]) for each in methods)
            methods = []


def test_its_routes_are_those_of_the_contract() -> None:
    """Nothing is listed that is not there, and nothing is there that is not listed."""
    listed = [route for row in rows_with(PAGE, "what", "request", "answer") for route in _routes(row["request"])]
    assert sorted(listed) == sorted(CONTRACT)


def test_the_status_of_success_is_the_contracts() -> None:
    """A caller's `if` is written from this table."""
    for row in rows_with(PAGE, "what", "request", "answer"):
        told = re.findall(r"\b[2-5]\d\d\b", row["answer"])
        for route in _routes(row["request"]):
            answers = CONTRACT[route]["responses"]
            assert [status for status in told if status not in answers] == [], route
            assert [status for status in answers if status.startswith("2") and status not in told] == [], route


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_the_table_says(role: Role) -> None:
    """Who assigns roles reads this table and nothing else."""
    (row,) = [row for row in rows_with(PAGE, "app role", "opens", "functions") if spans(row["app role"]) == [role]]
    assert set(spans(row["functions"])) == {operation for operation, needed in NEEDED.items() if needed is role}


def test_the_combinations_are_those_that_acs_records() -> None:
    """A row too many would be refused, and a row too few would never be tried."""
    listed = [tuple(spans(row[name])[0] for name in ("content", "channel", "format")) for row in _combinations()]
    legal = [(one.content.value, one.channel.value, one.format.value) for one in LEGAL_COMBINATIONS]
    assert sorted(listed) == sorted(legal)


def _combinations() -> list[dict[str, str]]:
    return rows_with(PAGE, "content", "channel", "format")


def test_the_filters_of_find_are_those_that_are_read() -> None:
    """Pages apart: they are told below the table."""
    rows = rows_with(PAGE, "filter", "finds")
    fields = {field.alias or name for name, field in FindQuery.model_fields.items()}
    assert {span for row in rows for span in spans(row["filter"])} == fields - {"limit", "next"}
    words = {spans(row["filter"])[0]: spans(row["finds"]) for row in rows}
    assert set(words["state"]) == set(FindState)
    assert set(words["format"]) == {kind.value for kind in FormatType}


def test_the_calls_that_leave_rows_in_the_audit_trail_are_named() -> None:
    """By the code: whoever asks for these is noted before and after, and whoever asks for others is not."""
    (sentence,) = re.findall(r"Each call that changes something \((.*?)\)\s+leaves two rows", TEXT, re.DOTALL)
    assert set(spans(sentence)) == {operation.value for operation in _audited()}


def _audited() -> set[Operation]:
    found = set()
    for folder in ("http", "operate"):
        for path in (ROOT / "recording" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in AUDITING:
                    found |= {Operation[name] for name in map(_operation, node.args) if name}
    return found


def _operation(node: ast.expr) -> str | None:
    is_one = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Operation"
    return node.attr if is_one and isinstance(node, ast.Attribute) else None
