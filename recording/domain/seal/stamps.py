"""Time-stamps by RFC 3161: the request for a SHA-256, and whether an answer grants it. Pure.

What a token says is checked by `openssl ts -verify`, with the authority's own certificates.
"""

# AlgorithmIdentifier of SHA-256 with its NULL (RFC 5754), in DER.
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
_SEQUENCE, _INTEGER, _OCTETS, _BOOLEAN = 0x30, 0x02, 0x04, 0x01


def stamp_request(digest: bytes) -> bytes:
    """Return a TimeStampReq of version 1 that asks for the certificates as well."""
    imprint = _part(_SEQUENCE, _SHA256 + _part(_OCTETS, digest))
    return _part(_SEQUENCE, _part(_INTEGER, b"\x01") + imprint + _part(_BOOLEAN, b"\xff"))


def is_granted(answer: bytes) -> bool:
    """Return whether a TimeStampResp grants the token, with or without changes."""
    try:
        _, response = _read(answer)
        _, info = _read(response)
        kind, status = _read(info)
    except (IndexError, ValueError):
        return False
    return kind == _INTEGER and int.from_bytes(status) in (0, 1)


def _part(kind: int, content: bytes) -> bytes:
    return bytes([kind, len(content)]) + content  # all of ours are shorter than 128 bytes


def _read(data: bytes) -> tuple[int, bytes]:
    """Return the kind and the content of the first part of some DER."""
    kind, length, start = data[0], data[1], 2
    if length & 0x80:
        width = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + width]), 2 + width
    content = data[start : start + length]
    if len(content) != length:
        raise ValueError("shorter than its declared length")
    return kind, content
