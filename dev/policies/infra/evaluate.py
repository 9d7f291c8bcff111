"""Evaluates the expressions of a Bicep file for given parameters: what would be deployed, and what would be refused.

Only the operators and functions that the templates' decisions use. An expression with anything else raises, so that a
decision is never tested with a guess.
"""

import base64
import json
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from tree_sitter import Node

from dev.policies.infra.bicep import BicepFile, syntax_tree, text_of
from dev.policies.infra.templates import MAIN, Templates, target

_LITERALS: dict[str, Callable[[str], Any]] = {
    "number": int,
    "boolean": lambda text: text == "true",
    "null": lambda _text: None,
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
}


class RefusedError(Exception):
    """The template's own `fail()`: what Azure Resource Manager answers before anything is made."""


@lru_cache(maxsize=8)  # a decision is evaluated for many parameters, and a mutant of it once for each
def _declared_in(text: str) -> dict[str, Node]:
    """Return the expression of each variable, and the default of each parameter."""
    return {
        text_of(child.named_children[0]): child.named_children[-1]
        for child in syntax_tree(text).named_children
        if child.type in ("variable_declaration", "parameter_declaration")
    }


class Evaluation:
    """One file with values for its parameters; those that are not given have their defaults."""

    def __init__(self, templates: Templates, path: str = MAIN, **given: Any) -> None:
        self._templates, self._path, self._given = templates, path, given
        self._file: BicepFile = templates.files[path]
        self._nodes = _declared_in(templates.texts[path])

    def value(self, name: str) -> Any:
        """Return the value of a variable or parameter.

        Raises:
            RefusedError: the template refuses these parameters.
        """
        if name in self._given:
            return self._given[name]
        if name in self._file.parameters and self._file.parameters[name].is_required:
            raise KeyError(name)
        return self._of(self._nodes[name], {})

    def _of(self, node: Node, local: Mapping[str, Any]) -> Any:
        kids = [kid for kid in node.named_children if kid.type != "comment"]
        if node.type in _LITERALS:
            return _LITERALS[node.type](text_of(node))
        match node.type:
            case "identifier":
                name = text_of(node)
                return local[name] if name in local else self.value(name)
            case "string" if not any(kid.type == "interpolation" for kid in kids):
                return text_of(node)[1:-1]  # the reader gives blanks no node of their own
            case "string" | "array" | "object":
                return self._collected(node.type, kids, local)
            case "parenthesized_expression":
                return self._of(kids[0], local)
            case "ternary_expression":
                return self._of(kids[1] if self._of(kids[0], local) else kids[2], local)
            case "unary_expression" if text_of(node).startswith("!"):
                return not self._of(kids[0], local)
            case "member_expression":
                return self._of(kids[0], local)[text_of(kids[1])]
            case "subscript_expression":
                return self._of(kids[0], local)[self._of(kids[1], local)]
            case "binary_expression":
                return self._binary(node, kids, local)
            case "lambda_expression":
                return self._lambda(node, local)
            case "call_expression":
                return self._call(text_of(kids[0]), list(kids[1].named_children), local)
        raise NotImplementedError(f"{node.type}: {text_of(node)}")

    def _collected(self, kind: str, kids: list[Node], local: Mapping[str, Any]) -> Any:
        if kind == "array":
            return [self._of(kid, local) for kid in kids]
        if kind == "object":
            return {text_of(kid.named_children[0]).strip("'"): self._of(kid.named_children[-1], local) for kid in kids}
        parts = (kid.named_children[0] if kid.type == "interpolation" else kid for kid in kids)
        return "".join(text_of(kid) if kid.type == "string_content" else str(self._of(kid, local)) for kid in parts)

    def _binary(self, node: Node, kids: list[Node], local: Mapping[str, Any]) -> Any:
        sign = next(text_of(child) for child in node.children if not child.is_named)
        left = self._of(kids[0], local)
        if sign == "&&":
            return left and self._of(kids[1], local)
        if sign == "||":
            return left or self._of(kids[1], local)
        return _BINARY[sign](left, self._of(kids[1], local))

    def _call(self, name: str, arguments: list[Node], local: Mapping[str, Any]) -> Any:
        given = [self._of(argument, local) for argument in arguments]
        if name == "fail":
            raise RefusedError(given[0])
        if name == "loadJsonContent":
            return json.loads(self._templates.texts[target(self._path, str(PurePosixPath(given[0])))])
        return _FUNCTIONS[name](*given)

    def _lambda(self, node: Node, local: Mapping[str, Any]) -> Callable[..., Any]:
        names, body = [text_of(kid) for kid in node.named_children[:-1]], node.named_children[-1]
        return lambda *values: self._of(body, {**local, **dict(zip(names, values, strict=True))})


def _union(*values: Any) -> Any:
    if isinstance(values[0], dict):
        return {key: value for each in values for key, value in each.items()}
    return list(dict.fromkeys(item for each in values for item in each))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "base64ToString": lambda text: base64.b64decode(text, validate=True).decode(),
    "concat": lambda *lists: [item for each in lists for item in each],
    "contains": lambda whole, part: part in whole,
    "empty": lambda value: not value,
    "endsWith": lambda text, end: text.lower().endswith(end.lower()),
    "filter": lambda items, keeps: [item for item in items if keeps(item)],
    "first": lambda value: value[0],
    "intersection": lambda one, other: [item for item in one if item in other],
    "join": lambda parts, glue: glue.join(parts),
    "length": len,
    "map": lambda items, makes: [makes(item) for item in items],
    "max": max,
    "min": min,
    "replace": lambda text, old, new: text.replace(old, new),
    "skip": lambda value, count: value[count:],
    "split": lambda text, sign: text.split(sign),
    "startsWith": lambda text, start: text.lower().startswith(start.lower()),
    "subscription": lambda: {"id": "/subscriptions/SUB", "subscriptionId": "SUB"},
    "toObject": lambda items, key, value: {key(item): value(item) for item in items},
    "toLower": lambda text: text.lower(),
    "union": _union,
    "uniqueString": lambda *parts: "-".join(parts),
}
