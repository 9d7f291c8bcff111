"""Split a delivered text into events: one, an array, or lines of either, with or without a byte order mark."""

import base64
import binascii
import json
from typing import Any

from recording.domain.foreign_json import DECODER, read_json

_DEEPEST = 3  # arrays and texts within each other that are taken apart
_BETWEEN = " \t\r\n\x1e\ufeff\0"  # what may stand between two JSON texts: U+001E separates (RFC 7464), NUL pads


def text_of(raw: bytes) -> str:
    """Decode a delivered text; a byte order mark, or the zeros of UTF-16 and UTF-32, show the encoding.

    What is neither text nor JSON with a damaged letter is returned as base64, so that all of it can be kept.
    """
    try:
        return _strictly(raw)
    except UnicodeDecodeError:
        text = raw.decode(errors="replace")
        return text if events_in(text)[0] else base64.b64encode(raw).decode()


def _strictly(raw: bytes) -> str:
    return raw.decode(json.detect_encoding(raw))


def events_in(text: str) -> tuple[list[Any], str | None]:
    """Return the events in a text, and the part of it that is not JSON, if any.

    Each event may also be JSON within a JSON text, or within an array of such texts or of arrays, and all of it may be
    encoded in base64 once more than the queue asks for. An empty array counts as one event, so that it is not
    overlooked.
    """
    found, rest = _split(text)
    if not found and (inner := _in_base64(text)) is not None:
        return inner, None
    return found, rest


def _in_base64(text: str) -> list[Any] | None:
    """Return the events in a text that is base64 of JSON from its beginning to its end; None for any other text."""
    try:
        inner = _strictly(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        return None
    found, rest = _split(inner)
    return found if rest is None and isinstance(found[0], dict | list) else None


def _split(text: str) -> tuple[list[Any], str | None]:
    found: list[Any] = []
    at, end = _next(text, 0), len(text.rstrip(_BETWEEN))
    while at < end:
        try:
            content, after = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found, text[at:] if found else text
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
            content = read_json(content.removeprefix("\ufeff"))
        except ValueError:
            return _in_base64(content) or [content]
    if not isinstance(content, list) or not content or depth == _DEEPEST:
        return [content]
    return [event for each in content for event in _unpacked(each, depth + 1)]
