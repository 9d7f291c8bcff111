"""Print to a terminal: data from outside cannot move the cursor, ring, recolour or reorder text."""

import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from recording.http.views import in_json

Tell = Callable[[str], object]
_KINDS = {
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
    "Zl",
    "Zp",
}  # control, format (bidi), surrogate, private, unassigned, separators


def printable(text: str) -> str:
    """Return the text with every character that is not plainly visible escaped, line breaks included."""
    return "".join(
        _escaped(character) if unicodedata.category(character) in _KINDS else character for character in text
    )


def say(tell: Tell, lines: Iterable[str]) -> None:
    """Print lines; each one stays one line, whatever is in it."""
    tell("".join(f"{printable(line)}\n" for line in lines))


def say_json(tell: Tell, facts: Any) -> None:
    """Print facts as JSON in plain ASCII, times as the HTTP API writes them."""
    tell(json.dumps(facts, indent=2, default=in_json).replace("\x7f", "\\u007f") + "\n")


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
