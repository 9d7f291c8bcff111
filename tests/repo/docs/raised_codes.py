"""Finds every error code that the shipped code can raise, by walking its source."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.repo.docs.repository import ROOT

_CODE_NAMES = {"code", "quarantine_reason", "last_error"}
_FIRST_ARGUMENT = {"Refusal", "QuarantineEntry"}


@cache
def raised_codes() -> frozenset[str]:
    """Every code: defaults of error classes, `code=` of raised errors, refusals of ACS, reasons of quarantine."""
    return frozenset(code for tree in _trees() for node in ast.walk(tree) for code in _codes_in(node))


@cache
def http_statuses() -> dict[str, int]:
    """The HTTP status of each RequestError and each refusal of ACS, by code."""
    calls = [node for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    requests = [_request_status(call) for call in calls if _name(call) == "RequestError"]
    refusals = [(_texts(call.args[0])[0], _number(call.args[1], 0)) for call in calls if _name(call) == "Refusal"]
    return dict(requests + refusals)


def _request_status(call: ast.Call) -> tuple[str, int]:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    codes = _texts(keywords.get("code")) or ["invalid_request"]
    return codes[0], _number(keywords.get("status"), 400)


def _number(value: ast.expr | None, default: int) -> int:
    return int(value.value) if isinstance(value, ast.Constant) and isinstance(value.value, int) else default


def _trees() -> Iterator[ast.Module]:
    for path in sorted((ROOT / "recording").rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _codes_in(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ClassDef) and node.name == "Standing":  # how the archive stands, when it is not as proved
        values = [part.value for part in node.body if isinstance(part, ast.Assign)]
        return [code for value in values for code in _texts(value) if code != "as_proved"]
    if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in _CODE_NAMES for t in node.targets):
        return _texts(node.value)
    if not isinstance(node, ast.Call) or _name(node) == "emit":
        return []
    codes = [code for keyword in node.keywords if keyword.arg in _CODE_NAMES for code in _texts(keyword.value)]
    if _name(node) == "QuarantineEntry":
        codes += [code for keyword in node.keywords if keyword.arg == "reason" for code in _texts(keyword.value)]
    if _name(node) == "copy_anew":
        codes += _texts(node.args[1])
    if _name(node) in _FIRST_ARGUMENT and node.args:
        codes += _texts(node.args[0])
    if _name(node) == "OddChunk":
        codes += _texts(node.args[2])
    return codes


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _texts(value: ast.expr | None) -> list[str]:
    """The texts a value may have: a constant, or the constants of `a or "b"`."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    return [text for part in value.values for text in _texts(part)] if isinstance(value, ast.BoolOp) else []
