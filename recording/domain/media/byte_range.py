"""The part of a file that a request asks for (RFC 9110, section 14). Pure."""

import re

_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})?|-(?P<suffix>[0-9]{1,18}))", re.ASCII)
_UNIT = re.compile(r"\s*bytes\s*=", re.IGNORECASE | re.ASCII)


def read_range(header: str | None, length: int) -> tuple[int, int] | None:
    """Return the first byte and how many; None when no range of bytes is asked for, so the whole is meant.

    Args:
        header: the value of `Range`; other units than bytes mean nothing here and are ignored, as the standard says.
        length: of the file.

    Raises:
        ValueError: it is malformed, asks for several ranges, or lies behind the end.
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
    if (suffix := found["suffix"]) is not None:
        return max(length - int(suffix), 0), int(suffix)
    first = int(found["first"])
    return first, length if found["last"] is None else int(found["last"]) + 1 - first
