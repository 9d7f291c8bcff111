"""Makes bodies that are steady, well formed in HTTP, and not the recording."""

import json

from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.storage_plane.bodies import Body, BytesBody

BLOCK_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Blocked</title></head>"
    b"<body><h1>This request was blocked by policy</h1></body></html>"
)
ERROR_DOCUMENT = json.dumps({"error": {"code": "ServerBusy", "message": "The server is busy."}}).encode()
CONTENT_TYPES = {"block_page": "text/html", "json": "application/json"}
"""Of the wrong bodies that are no media; the others come as the storage plane's own type."""
_HEADER_PROBE_BYTES = 1024 * 1024


def wrong_body(body: Body, fault: Fault) -> Body:
    """Return what is served in place of `body`; `text` wins over the named kinds."""
    if (text := fault.argument("text")) is not None:
        return BytesBody(str(text).encode())
    match fault.text("body"):
        case "json":
            return BytesBody(ERROR_DOCUMENT)
        case "header_only":
            return BytesBody(header_only(_beginning(body)))
    return BytesBody(BLOCK_PAGE)


def header_only(media: bytes) -> bytes:
    """Return the beginning of a file up to its sound or picture: a player opens it and finds nothing to play.

    WAV: everything before the samples. MP4: every box, with the media box emptied. MP3: the tag, or the first frame
    header when there is none.
    """
    if media[:4] == b"RIFF":
        at = media.find(b"data")
        return media[: at + 8] if at > 0 else media[:44]
    if media[4:8] == b"ftyp":
        return _without_media(media)
    if media[:3] == b"ID3":
        return media[: 10 + _synchsafe(media[6:10])]
    return media[:4]


def _beginning(body: Body) -> bytes:
    """Return the whole of a small file: the index of an MP4 may be its last box."""
    return b"".join(body.pieces(0, min(body.length_bytes, 64 * _HEADER_PROBE_BYTES), _HEADER_PROBE_BYTES))


def _without_media(media: bytes) -> bytes:
    kept, at = b"", 0
    while at + 8 <= len(media):
        size, name = int.from_bytes(media[at : at + 4]), media[at + 4 : at + 8]
        if size < 8:
            break
        kept += (8).to_bytes(4) + b"mdat" if name == b"mdat" else media[at : at + size]
        at += size
    return kept


def _synchsafe(four: bytes) -> int:
    """Return the size of an ID3 tag: seven bits in each of four bytes."""
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(reversed(four)))
