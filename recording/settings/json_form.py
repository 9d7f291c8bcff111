"""Settings in JSON: read whole or not at all, with faults named by their place and never by what is there."""

import json
import re
from typing import Any

from pydantic import ValidationError

MOST_PLACES = 5  # named in one sentence
_NAME = re.compile(
    r"[A-Za-z_]{1,32}|[0-9]{1,6}|\[key\]", re.ASCII
)  # of a field, or a position; no secret looks like it


class _TwiceError(ValueError):
    """An object gives one name two values, and a reader would drop one of them in silence."""


def json_of(text: str, form: str) -> Any:
    """Return the content of a setting in JSON.

    Args:
        text: of the setting.
        form: "a JSON list of …" or "a JSON object with …".

    Raises:
        ValueError: it is not JSON of this form, or an object in it has a name twice.
    """
    try:
        content = json.loads(text, object_pairs_hook=_once)
    except _TwiceError:
        raise ValueError(f"must be {form}; an object in it has a name twice") from None
    except (ValueError, RecursionError):
        raise ValueError(f"must be {form}") from None
    if not isinstance(content, list if form.startswith("a JSON list") else dict):
        raise ValueError(f"must be {form}")  # noqa: TRY004 - a fault of the text, as JSON that is damaged
    return content


def places_of(error: ValidationError) -> str:
    """Return where the first faults are; an unknown name is repeated only if it can be no secret."""
    places = set[str]()
    for fault in error.errors(include_input=False, include_url=False):
        parts = [str(part) if _NAME.fullmatch(str(part)) else "(unknown name)" for part in fault["loc"]]
        places.add(".".join(parts) or str(fault["msg"]).removeprefix("Value error, "))
    return ", ".join(sorted(places)[:MOST_PLACES])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise _TwiceError
    return dict(pairs)
