"""Spellings: every text that bytes may stand for, through compression and encodings. Pure.

A person's name or number may be compressed, in base64, percent-encoded, in UTF-16 or in JSON escapes, and one within
another. Work is bounded: what is larger or nested deeper than the limits is read up to them.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

DEEPEST = 3
LARGEST = 256 << 20  # bytes that are read in all, after unpacking
_MOST_TOKENS = 2000
_MOST_STREAMS = 10_000  # each column of a Parquet file is one
_GZIP = b"\x1f\x8b\x08"
# The head of a deflated file in a ZIP (APPNOTE 4.3.7): its name and extra field follow.
_ZIPPED = re.compile(rb"PK\x03\x04.{4}\x08\x00.{16}(?P<named>..)(?P<more>..)", re.DOTALL)
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_ESCAPE = re.compile(rb"\\+u([0-9a-fA-F]{4})")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{10,}={0,2}")


def readings(data: bytes) -> Iterator[str]:
    """Yield every text that bytes may be read as, themselves first."""
    left, seen = LARGEST, set[bytes]()
    waiting = [(data, 0)]
    while waiting:
        raw, depth = waiting.pop()
        if raw in seen or left <= 0:
            continue
        seen.add(raw)
        left -= len(raw)
        yield raw.decode("utf-8", "replace")
        if depth < DEEPEST:
            waiting += [(inner, depth + 1) for inner in _inside(raw) if inner]


def _inside(raw: bytes) -> Iterator[bytes]:
    if b"\0" in raw:
        for order in ("utf-16-le", "utf-16-be"):
            yield from (part.decode(order, "ignore").encode(errors="ignore") for part in (raw, raw[1:]))
    if _PERCENT.search(raw):
        yield unquote_to_bytes(raw)
    if _ESCAPE.search(raw):
        yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)).encode(errors="replace"), raw)
    yield from _unpacked(raw)
    for found in _BASE64.findall(raw)[:_MOST_TOKENS]:
        yield from _decoded(found)


def _unpacked(raw: bytes) -> Iterator[bytes]:
    """Yield what compressed streams hold: gzip and files of a ZIP wherever one begins, zlib at the beginning."""
    starts = [found.start() for found in re.finditer(re.escape(_GZIP), raw)][:_MOST_STREAMS]
    for start in starts:
        yield _inflated(raw[start:], 31)
    for found in list(_ZIPPED.finditer(raw))[:_MOST_STREAMS]:
        named = int.from_bytes(found["named"], "little") + int.from_bytes(found["more"], "little")
        yield _inflated(raw[found.end() + named :], -15)
    if raw.startswith(_ZLIB):
        yield _inflated(raw, 15)


def _inflated(raw: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(raw, LARGEST)
    except zlib.error:
        return b""


def _decoded(token: bytes) -> Iterator[bytes]:
    """Yield a token's bytes, from each place at which base64 may begin in it."""
    plain = token.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        part = plain[start:]
        whole = part[: len(part) - (len(part) % 4 == 1)]
        try:
            found = base64.b64decode(whole + b"=" * (-len(whole) % 4), validate=True)
        except binascii.Error:
            continue
        if _says_something(found):
            yield found


def _says_something(found: bytes) -> bool:
    """Return whether decoded bytes may be text or hold something packed; most tokens are ids and digests."""
    printable = sum(32 <= letter < 127 or letter == 0 for letter in found[:256])
    return printable * 10 >= min(len(found), 256) * 8 or _GZIP in found or found.startswith((*_ZLIB, b"PK\x03\x04"))
