"""A byte scan: what any store still tells of a canary, in whatever spelling. It shares no code with the eraser.

Each canary is written in every spelling first, and the bytes are searched for those; what is compressed in the bytes is
unpacked, and searched as well.
"""

import base64
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from urllib.parse import quote

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_PLAIN = bytes.maketrans(b"-_", b"+/")


@cache
def _spellings(canary: str) -> dict[str, bytes]:
    return spellings(canary)


def spellings(canary: str) -> dict[str, bytes]:
    """Return every way in which a text may lie in bytes, by its name."""
    plain = canary.encode()
    found = {
        "plain": plain,
        "UTF-16 LE": canary.encode("utf-16-le"),
        "UTF-16 BE": canary.encode("utf-16-be"),
        "percent": quote(canary, safe="").encode(),
        "percent, all": "".join(f"%{byte:02X}" for byte in plain).encode(),
        "JSON escapes": "".join(f"\\u{ord(letter):04x}" for letter in canary).encode(),
        "JSON": json.dumps(canary)[1:-1].replace("+", "\\u002b").encode(),
        "hex": plain.hex().encode(),
    }
    for start in range(3):  # base64 looks different at each of three places
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            whole = encode(bytes(start) + plain)
            first, last = -(-start * 8 // 6), (start + len(plain)) * 8 // 6
            found[f"{name} at {start}"] = whole[first:last]
    return found


def found_in(data: bytes, canaries: Iterable[str]) -> set[str]:
    """Return which canaries bytes tell, each with its spelling: `+49… (base64 at 1)`."""
    told = set()
    for depth, layer in enumerate(layers(data)):
        lower = layer.lower()
        for canary in canaries:
            for name, spelt in _spellings(canary).items():
                if spelt in layer or spelt.lower() in lower:
                    told.add(f"{canary} ({name}{', packed' if depth else ''})")
    return told


def _packed_in_text(data: bytes) -> Iterator[bytes]:
    """Yield what texts in base64 hold, where that is packed."""
    for token in _BASE64.findall(data):
        for start in range(4):
            part = token.rstrip(b"=").translate(_PLAIN)[start:]
            whole = part[: len(part) // 4 * 4]
            with suppress(ValueError):
                found = base64.b64decode(whole, validate=True)
                if b"\x1f\x8b\x08" in found or b"PK\x03\x04" in found:
                    yield found


def layers(data: bytes) -> Iterator[bytes]:
    """Yield bytes, and what every gzip stream, every deflated file of a ZIP and a zlib stream in them holds."""
    yield data
    if data[:1] == b"x":  # a zlib stream begins so
        with suppress(zlib.error):
            yield from layers(zlib.decompressobj(15).decompress(data))
    at = data.find(b"PK\x03\x04")
    while at >= 0:
        head = data[at : at + 30]
        if len(head) == 30 and head[8] == 8:
            begin = at + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            with suppress(zlib.error):
                yield from layers(zlib.decompressobj(-15).decompress(data[begin:]))
        at = data.find(b"PK\x03\x04", at + 1)
    for inner in _packed_in_text(data):
        yield from layers(inner)
    at = data.find(b"\x1f\x8b\x08")
    while at >= 0:
        with suppress(zlib.error):
            yield from layers(zlib.decompressobj(31).decompress(data[at:]))
        at = data.find(b"\x1f\x8b\x08", at + 1)


def traces(stored: Iterable[tuple[str, str, bytes]], canaries: Iterable[str]) -> dict[str, set[str]]:
    """Return what each store still tells.

    Args:
        stored: everything there is: the store, the item's name, its bytes.
        canaries: what must not be there.
    """
    wanted, told = list(canaries), dict[str, set[str]]()
    for store, name, data in stored:
        if found := found_in(name.encode() + b"\n" + data, wanted):
            told.setdefault(store, set()).update(f"{name}: {one}" for one in found)
    return told


def told_by(found: Mapping[str, set[str]]) -> list[str]:
    """Return the traces as lines."""
    return [f"{store}: {one}" for store, lines in sorted(found.items()) for one in sorted(lines)]
