"""Ids that come from outside: what is accepted as one, and the short names made from them."""

import hashlib
import re

# Recording ids are base64url JSON (~160 characters), document ids like 0-eus-d12-<32 hex>, call ids are GUIDs.
# A little more is let through (padding, dots), nothing that means something in a path, a query or a log line.
_OPAQUE_ID = re.compile(r"[A-Za-z0-9_=.~-]{1,512}", re.ASCII)
_PLAIN_NAME = re.compile(r"(?!h-)[A-Za-z0-9_-]{1,64}", re.ASCII)


def is_opaque_id(value: str) -> bool:
    """Whether a value may be used as an id at all; dots alone may not, they mean something in paths."""
    return bool(_OPAQUE_ID.fullmatch(value)) and bool(value.strip("."))


def mark_of(location: str) -> str:
    """A fingerprint of a location, to tell objects apart without writing the location down."""
    return hashlib.sha256(location.encode()).hexdigest()[:32]


def name_of(value: str) -> str:
    """A name for blobs and table keys: the id itself when it is short and plain, else `h-` and 128 bits of SHA-256.

    Two ids never share a name: a plain id that looks like a hashed one is hashed too.
    """
    if _PLAIN_NAME.fullmatch(value):
        return value
    return "h-" + hashlib.sha256(value.encode()).hexdigest()[:32]
