"""Read JSON that others have written, however deeply it is nested.

A parser follows hundreds of levels, and what walks through its result afterwards may not: the error of Python for that
is neither a ValueError nor one of ours, so it would end a whole run or poison a message.
"""

import json
from collections.abc import Mapping
from typing import Any

DEEPEST = 32  # levels; an event, its chunks included, has six, and a metadata document four


def _whole_number(digits: str) -> int | float:
    """Return a whole number; one with more digits than Python reads (4,300) as a float, as other readers do."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


DECODER = json.JSONDecoder(parse_int=_whole_number)


def read_json(text: str | bytes | bytearray) -> Any:
    """Return the content of a JSON text.

    Raises:
        ValueError: it is not JSON, or nested more deeply than the parser follows.
    """
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def text_in(value: object) -> str | None:
    """Return a value that is text; another type was not meant for this field, and says nothing."""
    return value if isinstance(value, str) else None


def shallow(content: Any, levels: int = DEEPEST) -> Any:
    """Return content of JSON with null for what is nested more deeply than any document that is read here."""
    if isinstance(content, Mapping):
        return {name: shallow(value, levels - 1) for name, value in content.items()} if levels else None
    if isinstance(content, list):
        return [shallow(value, levels - 1) for value in content] if levels else None
    return content
