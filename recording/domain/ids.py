"""Ids from outside: which ones are accepted, and the short names made from them."""

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import unquote

# Recording ids are base64url JSON (~160 characters), document ids like 0-eus-d12-<32 hex>, call ids are GUIDs.
# A little more is allowed (padding, dots), but nothing with a meaning in a path, a query or a log line.
LONGEST_ID = 512  # characters
_OPAQUE_ID = re.compile(rf"[A-Za-z0-9_=.~-]{{1,{LONGEST_ID}}}", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DOCUMENT_ID = re.compile(r"[0-9]+-[a-z0-9]+-d[0-9]+-[0-9a-f]{32}", re.IGNORECASE | re.ASCII)
_PERSONAL = re.compile(
    # A phone number, plain or as a raw participant id; some writers of JSON escape its plus.
    r"(?<![A-Za-z0-9_-])(?:4:)?(?:\+|\\{1,8}u002[Bb])\d{6,15}(?!\d)"
    r"|(?<![A-Za-z0-9])8:[a-z]+:[A-Za-z0-9_.:-]{8,}",  # a user of ACS or Teams
    re.ASCII,
)
_PLAIN_NAME = re.compile(r"(?!h-)[A-Za-z0-9_-]{1,64}", re.ASCII)


def is_opaque_id(value: str) -> bool:
    """Return whether a value may be used as an id; dots alone may not, since they have a meaning in paths."""
    return bool(_OPAQUE_ID.fullmatch(value)) and bool(value.strip("."))


def mark_of(location: str) -> str:
    """Return a fingerprint of a location, to distinguish objects without storing the location."""
    return hashlib.sha256(location.encode()).hexdigest()[:32]


def name_of(value: str) -> str:
    """Return a name for blobs and table keys.

    The id itself when it is short and plain, else `h-` and 128 bits of SHA-256.

    Two ids never share a name: a plain id that looks like a hashed one is hashed too.
    """
    if _PLAIN_NAME.fullmatch(value):
        return value
    return "h-" + hashlib.sha256(value.encode()).hexdigest()[:32]


def unescaped(value: str) -> str:
    """Return an id without URL escapes, which some senders use for its padding."""
    plain = unquote(value) if "%" in value else value
    return value if "/" in plain and "/" not in value else plain  # some readers would see another path


def in_plain_letters(value: str) -> str:
    """Return an id in the alphabet of base64 that URLs, blobs and tables take."""
    return value.replace("+", "-").replace("/", "_")


def canonical_id(value: str) -> str:
    """Return the canonical spelling of an id, whatever spelling it arrived in.

    Encoded ids lose their padding and use the URL-safe alphabet, GUIDs are lower case; every other id stays as it is.
    """
    if _GUID.fullmatch(value):
        return value.lower()
    bare = in_plain_letters(value.rstrip("="))
    return bare if bare != value and _decoded(bare) is not None else value


def composed(text: str) -> str:
    """Return the canonical spelling of text that Unicode can write in several ways, such as combining accents."""
    return unicodedata.normalize("NFC", text)


def composed_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags in their canonical spelling: rows from before 0.1.0 may have another."""
    return {composed(name): composed(value) for name, value in tags.items()}


def are_same_id(one: str, other: str) -> bool:
    """Return whether two spellings are the same id, comparing them decoded.

    A bare GUID equals the encoded id that contains it, and a document's hexadecimal digits have no case.
    """
    return _form(one) == _form(other) or _holds(one, other) or _holds(other, one)


def as_spelt_in(place: str | None, document_id: str) -> str:
    """Return a document's id as its location spells it, else in lower case: its hexadecimal digits have no case."""
    if not _DOCUMENT_ID.fullmatch(document_id):
        return document_id
    return place if place is not None and place.lower() == document_id.lower() else document_id.lower()


def fuller_id(one: str, other: str | None) -> str:
    """Return the first id; where it is a bare GUID that the other one contains, the other, under which it is known."""
    return other if other is not None and _holds(other, one) else one


def without_numbers(text: str) -> str:
    """Return the text with every phone number and raw participant id replaced by a mark."""
    return _PERSONAL.sub("[withheld]", text)


def _holds(whole: str, part: str) -> bool:
    return bool(_GUID.fullmatch(part)) and part.lower() in (_parts(whole) or {}).values()


def _form(value: str) -> str:
    parts = _parts(value)
    if parts is not None:
        return json.dumps(parts, sort_keys=True)
    return value.lower() if _DOCUMENT_ID.fullmatch(value) else canonical_id(value)


def _parts(value: str) -> dict[str, str] | None:
    """Return the GUIDs and texts inside an id that is base64 of a JSON object, in lower case; None for other ids."""
    decoded = _decoded(canonical_id(value))
    try:
        content = json.loads(decoded or b"null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return {str(name).lower(): str(part).lower() for name, part in content.items()}


def _decoded(value: str) -> bytes | None:
    """Return the bytes of URL-safe base64 without padding that holds readable text; None for anything else."""
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        return raw if raw.decode().isprintable() else None
    except (binascii.Error, ValueError):
        return None
