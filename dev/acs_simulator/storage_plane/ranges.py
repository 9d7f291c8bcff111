"""Reads the Range header as the storage plane does: one range of bytes, or the whole object."""

import re
from dataclasses import dataclass

ONE_RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


@dataclass(frozen=True)
class ByteRange:
    """Bytes from `start` up to `stop`, exclusive."""

    start: int
    stop: int


class UnsatisfiableRangeError(ValueError):
    """The range begins behind the end of the object (416)."""


def requested_range(header: str | None, length_bytes: int) -> ByteRange | None:
    """Return the range asked for, cut to the object; None means the whole, also for what is not understood.

    `bytes=None` and the dashless `bytes=5` of SDKs up to 1.4.0 are such; so are several ranges at once.

    Raises:
        UnsatisfiableRangeError: The range holds no byte of the object.
    """
    match = ONE_RANGE.fullmatch(header or "")
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        start, stop = max(length_bytes - int(match["last"]), 0), length_bytes
    else:
        start = int(match["first"])
        stop = min(int(match["last"]) + 1, length_bytes) if match["last"] else length_bytes
        if match["last"] and int(match["last"]) < start:
            return None
    if start >= stop:
        raise UnsatisfiableRangeError(f"{header} of {length_bytes} bytes")
    return ByteRange(start, stop)
