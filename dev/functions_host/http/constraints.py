"""The inline constraints of a route template: `int`, `guid`, `length(2,5)`, `regex(…)` and their kin."""

import re
from collections.abc import Callable
from datetime import datetime

from dev.functions_host.functions import AppError

Constraint = Callable[[str], bool]

_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(infinity|nan)", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_HEX = "[0-9a-fA-F]"
_DASHED = f"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_GUID = re.compile(rf"{_HEX}{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)")


def parse_constraint(text: str) -> Constraint:
    """Read one constraint, with its arguments in parentheses. Raises AppError when it is unknown or malformed."""
    name, _, rest = text.partition("(")
    arguments = rest.removesuffix(")")
    try:
        return _build(name.lower(), arguments)
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise AppError(f"route template: constraint '{text}' cannot be read") from error


def _build(name: str, arguments: str) -> Constraint:
    if name == "regex":
        pattern = re.compile(arguments, re.IGNORECASE)
        return lambda value: pattern.search(value) is not None
    if name in _PLAIN:
        return _PLAIN[name]
    return _WITH_NUMBERS[name](*(int(number) for number in arguments.split(",")))


def _is_whole_number(value: str, allowed: range) -> bool:
    return re.fullmatch(r"[+-]?\d+", value) is not None and int(value) in allowed


def _is_datetime(value: str) -> bool:
    for form in ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m-%d-%Y"):
        try:
            datetime.strptime(value, form)  # noqa: DTZ007 - only the form matters here
        except ValueError:
            continue
        return True
    return _is_iso_datetime(value)


def _is_iso_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _length(first: int, last: int | None = None) -> Constraint:
    return lambda value: first <= len(value) <= (first if last is None else last)


def _between(low: int, high: int) -> Constraint:
    return lambda value: _is_whole_number(value, _INT64) and low <= int(value) <= high


_PLAIN: dict[str, Constraint] = {
    "int": lambda value: _is_whole_number(value, _INT32),
    "long": lambda value: _is_whole_number(value, _INT64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "datetime": _is_datetime,
    "decimal": lambda value: _DECIMAL.fullmatch(value) is not None,
    "double": lambda value: _FLOAT.fullmatch(value) is not None,
    "float": lambda value: _FLOAT.fullmatch(value) is not None,
    "guid": lambda value: _GUID.fullmatch(value) is not None,
    "alpha": lambda value: re.fullmatch(r"[a-zA-Z]*", value) is not None,
    "required": lambda value: value != "",
    "file": lambda value: "." in value.rpartition("/")[2].rstrip("."),
    "nonfile": lambda value: "." not in value.rpartition("/")[2].rstrip("."),
}
_WITH_NUMBERS: dict[str, Callable[..., Constraint]] = {
    "length": _length,
    "minlength": lambda shortest: lambda value: len(value) >= shortest,
    "maxlength": lambda longest: lambda value: len(value) <= longest,
    "min": lambda low: _between(low, _INT64.stop - 1),
    "max": lambda high: _between(_INT64.start, high),
    "range": _between,
}
