"""Split a delivered text into events: one, an array, or lines of either, with or without a byte order mark."""

import base64
import binascii
import json
import re
from typing import Any

from recording.domain.foreign_json import DECODER, read_json
from recording.domain.ids import without_numbers

_DEEPEST = 3  # arrays and texts within each other that are taken apart
_BETWEEN = " \t\r\n\x1e\ufeff\0"  # what may stand between two JSON texts: U+001E separates (RFC 7464), NUL pads
_LINE = re.compile(r"[\n\x1e](?=[\[{\"])")  # where an event may begin after a damaged one
_ENDS_LINE = re.compile(r"[ \t\r\0]*(?:[\n\x1e]|\Z)")
_MOST_DAMAGED = 100  # lines of one text; more is not JSON at all, and would take long
_ENCODED = re.compile(r"(?:[A-Za-z0-9+/_-]|\\[nr/]){16,}={0,2}")  # what may be base64, within JSON
_ESCAPED_BREAK = re.compile(r"\\[nr]")
_DATA = ("data", "data_base64")


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
    """Return the events in a text, and the parts of it that are not JSON, if any.

    Each event may also be JSON within a JSON text, or within an array of such texts or of arrays, and all of it may be
    encoded in base64 once more than the queue asks for. An empty array counts as one event, so that it is not
    overlooked. A line that is cut or damaged does not affect the events on the lines after it.
    """
    found, rest = _split(text)
    if not found and (inner := _in_base64(text)) is not None:
        return inner
    return found, rest


def from_base64(text: str) -> bytes:
    """Decode base64 in either alphabet, with or without padding, on one line or on several.

    Raises:
        ValueError: it is not base64.
    """
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def as_kept(text: str, depth: int = 0) -> str:
    """Return a text without phone numbers and raw participant ids, also within base64, which stays base64."""
    if depth > _DEEPEST:
        return without_numbers(text)
    whole = "".join(text.split())
    if _ENCODED.fullmatch(whole):  # on several lines
        return _encoded_as_kept(whole, depth + 1) or without_numbers(text)
    return without_numbers(_ENCODED.sub(lambda found: _encoded_as_kept(found[0], depth + 1) or found[0], text))


def _encoded_as_kept(text: str, depth: int) -> str | None:
    """Return a base64 text without the people in it; None if there are none. It may be cut anywhere."""
    plain = _ESCAPED_BREAK.sub("", text).replace("\\/", "/").rstrip("=")
    raw = from_base64(plain[:-1] if len(plain) % 4 == 1 else plain)
    inner = raw.decode(json.detect_encoding(raw), errors="replace")
    kept = as_kept(inner, depth)
    return base64.b64encode(kept.encode(errors="replace")).decode() if kept != inner else None


def _in_base64(text: str) -> tuple[list[Any], str | None] | None:
    """Return what is in a text that is base64 of events from its beginning to its end; None for any other text."""
    try:
        inner = _strictly(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        return None
    found, rest = _split(inner)
    return (found, rest) if found and isinstance(found[0], dict | list) else None


def _split(text: str) -> tuple[list[Any], str | None]:
    found: list[Any] = []
    damaged: list[str] = []
    at, end = _next(text, 0), len(text.rstrip(_BETWEEN))
    while at < end:
        try:
            content, after = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            resumed = _next_event(text, at) if len(damaged) < _MOST_DAMAGED else end
            damaged.append(text[at:resumed] if resumed < end else text[at:])
            at = resumed
            continue
        found += _unpacked(content)
        at = _next(text, after)
    return found, ("".join(damaged) or None if found else text)


def _next_event(text: str, at: int) -> int:
    """Return where the next line begins that is an event, or several; the end of the text if there is none.

    Within the layout of a damaged text, a line may as well begin with a part of an event: it must have data.
    """
    tries = 0
    for line in _LINE.finditer(text, at + 1):
        try:
            content, after = DECODER.raw_decode(text, line.end())
        except (ValueError, RecursionError):
            tries += 1
            if tries == _MOST_DAMAGED:
                break
            continue
        if _ENDS_LINE.match(text, after) and all(map(has_data, _unpacked(content))):
            return line.end()
    return len(text)


def has_data(content: Any) -> bool:
    """Return whether this has the form of an event: each has data, in one of two fields."""
    return isinstance(content, dict) and any(str(name).lower() in _DATA for name in content)


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BETWEEN:
        at += 1
    return at


def _unpacked(content: Any, depth: int = 0) -> list[Any]:
    if isinstance(content, str):
        try:
            content = read_json(content.removeprefix("\ufeff"))
        except ValueError:
            inner, rest = _in_base64(content) or ([], None)
            return inner if inner and rest is None else [content]
    if not isinstance(content, list) or not content or depth == _DEEPEST:
        return [content]
    return [event for each in content for event in _unpacked(each, depth + 1)]
