"""The part of a file that a request asks for (RFC 9110, section 14). Pure."""

import re

_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]+)-(?P<last>[0-9]+)?|-(?P<suffix>[0-9]+))", re.IGNORECASE | re.ASCII)
_UNIT = re.compile(r"\s*bytes\s*=", re.IGNORECASE | re.ASCII)
_MOST_DIGITS = 18  # of a position in any file; a number may have more of them, and then it lies behind every end


def read_range(header: str | None, length: int) -> tuple[int, int] | None:
    """Return the first byte and how many; None when no range of bytes is asked for, so the whole is meant.

    Args:
        header: the value of `Range`; other units than bytes mean nothing here and are ignored, as the standard says.
        length: of the file.

    Raises:
        ValueError: it is malformed, asks for several ranges, or is beyond the end.
    """
    if header is None or not _UNIT.match(header):
        return None
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        raise ValueError("one range of bytes is needed")
    first, count = _bounds(found, length)
    if first >= length or count < 1:
        raise ValueError("the range has no byte of the file")
    return first, min(count, length - first)


def _bounds(found: re.Match[str], length: int) -> tuple[int, int]:
    if found["suffix"] is not None:
        suffix = _number(found["suffix"])
        return max(length - suffix, 0), suffix
    first = _number(found["first"])
    return first, length if found["last"] is None else _number(found["last"]) + 1 - first


def _number(digits: str) -> int:
    """Return a number of any length, cut to one that is beyond the end of every file."""
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _MOST_DIGITS else 10**_MOST_DIGITS
