"""Split a delivered text into events: one, an array, or lines of either, with or without a byte order mark."""

import json
from typing import Any

_DEEPEST = 3  # arrays and texts within each other that are taken apart
_BETWEEN = " \t\r\n\x1e\ufeff"  # what may stand between two JSON texts; U+001E is the separator of RFC 7464


def text_of(raw: bytes) -> str:
    """Decode a delivered text; a byte order mark, or the zeros of UTF-16 and UTF-32, show the encoding."""
    try:
        return raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError:
        return raw.decode(errors="replace")


def events_in(text: str) -> tuple[list[Any], str | None]:
    """Return the events in a text, and the part of it that is not JSON, if any.

    Each event may also be JSON within a JSON text, or within an array of such texts or of arrays. An empty array counts
    as one event, so that it is not overlooked.
    """
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at, end = _next(text, 0), len(text.rstrip(_BETWEEN))
    while at < end:
        try:
            content, after = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found, text[at:]
        found += _unpacked(content)
        at = _next(text, after)
    return found, (None if found else text)


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BETWEEN:
        at += 1
    return at


def _unpacked(content: Any, depth: int = 0) -> list[Any]:
    if isinstance(content, str):
        try:
            content = json.loads(content.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return [content]
    if not isinstance(content, list) or not content or depth == _DEEPEST:
        return [content]
    return [event for each in content for event in _unpacked(each, depth + 1)]
