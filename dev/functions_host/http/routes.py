"""Route templates as ASP.NET Core matches them: literals, constraints, optional parts, defaults and catch-alls.

Source of the rules: Microsoft's ASP.NET Core routing reference, which the Functions host uses unchanged.
A path that fits no template, and a method that no fitting template has, are both a miss (404, never 405).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar
from urllib.parse import unquote

from dev.functions_host.functions import AppError
from dev.functions_host.http.constraints import Constraint, parse_constraint

T = TypeVar("T")


@dataclass(frozen=True)
class Route(Generic[T]):
    """A template, the methods it answers (empty: all of them) and what it leads to."""

    template: "RouteTemplate"
    methods: frozenset[str]
    target: T


class RouteTable(Generic[T]):
    """Finds the target of a request, the most specific template first."""

    def __init__(self, routes: Iterable[Route[T]]) -> None:
        self._routes = sorted(routes, key=lambda route: route.template.precedence)

    def match(self, method: str, raw_path: str) -> tuple[T, dict[str, str]] | None:
        """Return the target and its route values, or None when nothing fits. The path is still percent-encoded."""
        for route in self._routes:
            if not route.methods or method.upper() in route.methods:
                values = route.template.match(raw_path)
                if values is not None:
                    return route.target, values
        return None


def route(template: str, target: T, methods: Iterable[str] = ()) -> Route[T]:
    """Read a route. Raises AppError when the template cannot be read."""
    return Route(parse_template(template), frozenset(method.upper() for method in methods), target)


def parse_template(text: str) -> "RouteTemplate":
    """Read a template such as `recordings/{id:guid}/{index:int=0}`. Raises AppError when it cannot be read."""
    return RouteTemplate(tuple(_parse_segment(segment) for segment in _split_segments(text.strip("/"))))


@dataclass(frozen=True)
class Parameter:
    """One `{name}` of a template."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False

    @property
    def may_be_absent(self) -> bool:
        return self.is_optional or self.is_catch_all or self.default is not None

    def accepts(self, value: str) -> bool:
        return all(constraint(value) for constraint in self.constraints)


@dataclass(frozen=True)
class Segment:
    """The text between two slashes: literal text and parameters, in order."""

    parts: tuple[str | Parameter, ...]

    @property
    def parameters(self) -> list[Parameter]:
        return [part for part in self.parts if isinstance(part, Parameter)]

    @property
    def is_catch_all(self) -> bool:
        return any(parameter.is_catch_all for parameter in self.parameters)

    @property
    def may_be_absent(self) -> bool:
        return len(self.parts) == 1 and all(parameter.may_be_absent for parameter in self.parameters) and not self._text

    @property
    def precedence(self) -> int:
        """Return ASP.NET's digits: literal 1, mixed or constrained 2, parameter 3, catch-all 4 or 5."""
        if not self.parameters:
            return 1
        is_narrowed = len(self.parts) > 1 or bool(self.parameters[0].constraints)
        return (5 if self.is_catch_all else 3) - (1 if is_narrowed else 0)

    def match(self, text: str) -> dict[str, str] | None:
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        values = dict(zip((parameter.name for parameter in self.parameters), found.groups(), strict=True))
        fits = all(parameter.accepts(values[parameter.name]) for parameter in self.parameters)
        return values if fits else None

    def absent_values(self) -> dict[str, str]:
        return {parameter.name: parameter.default for parameter in self.parameters if parameter.default is not None}

    @property
    def _text(self) -> str:
        return "".join(part for part in self.parts if isinstance(part, str))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        groups = "".join(re.escape(part) if isinstance(part, str) else _group(part) for part in self.parts)
        return re.compile(groups, re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class RouteTemplate:
    """A parsed template."""

    segments: tuple[Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sort the more specific template first."""
        return tuple(segment.precedence for segment in self.segments)

    def match(self, raw_path: str) -> dict[str, str] | None:
        """Return the route values of a percent-encoded path, or None when it does not fit."""
        texts = [unquote(text) for text in raw_path.removeprefix("/").removesuffix("/").split("/")]
        return self._match(texts if texts != [""] else [])

    def _match(self, texts: list[str]) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            found = _match_at(segment, texts, position)
            if found is None:
                return None
            values |= found
        has_catch_all = bool(self.segments) and self.segments[-1].is_catch_all
        return values if has_catch_all or len(texts) <= len(self.segments) else None


def _match_at(segment: Segment, texts: list[str], position: int) -> dict[str, str] | None:
    if position >= len(texts):
        return segment.absent_values() if segment.may_be_absent else None
    return segment.match("/".join(texts[position:]) if segment.is_catch_all else texts[position])


def _group(parameter: Parameter) -> str:
    return "(.*)" if parameter.is_catch_all else "(.+?)"


def _split_segments(template: str) -> list[str]:
    """Split at slashes outside braces: a regex constraint may hold slashes of its own."""
    return [segment for segment in _split(template, "/", "{", "}") if segment] if template else []


def _parse_segment(text: str) -> Segment:
    return Segment(tuple(_parts(text)))


def _parts(text: str) -> Iterator[str | Parameter]:
    position = 0
    for found in re.finditer(r"\{((?:[^{}]|\{\{|\}\})+)\}", text):
        if found.start() > position:
            yield _literal(text[position : found.start()])
        yield _parse_parameter(found.group(1).replace("{{", "{").replace("}}", "}"))
        position = found.end()
    if position < len(text):
        yield _literal(text[position:])


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise AppError(f"route template: braces do not match in '{text}'")
    return text


def _parse_parameter(text: str) -> Parameter:
    is_catch_all = text.startswith("*")
    body = text.lstrip("*")
    is_optional = body.endswith("?")
    head, *default = _split(body.removesuffix("?"), "=", "(", ")")
    name, *constraints = _split(head, ":", "(", ")")
    parsed = tuple(parse_constraint(constraint) for constraint in constraints)
    return Parameter(name, parsed, "=".join(default) if default else None, is_optional, is_catch_all)


def _split(text: str, separator: str, opening: str, closing: str) -> list[str]:
    pieces, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == opening) - (character == closing)
        if character == separator and depth == 0:
            pieces.append(text[start:position])
            start = position + 1
    return [*pieces, text[start:]]
