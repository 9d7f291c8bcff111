"""Answers that are spoiled below the level of HTTP: they drip, never end, end too early or go on after their end.

Each wire is made for one body, and all its parts that are not about the trouble are right. The endless ones end when
the client hangs up.
"""

from collections.abc import Callable, Iterator
from itertools import chain, repeat

from dev.loopback import Wire

PAUSE = 0.02  # seconds between two pieces of what drips: far below every limit from byte to byte
_MANY = 4096  # bytes at once of what never ends

Body = bytes
Headers = str  # each line with its end

OK = b"HTTP/1.1 200 OK\r\n"


def never_ending(headers: Headers) -> dict[str, Wire]:
    """Return answers whose head never ends, slowly or as fast as the network: nothing in them is worth waiting for."""
    begun = OK + headers.encode()
    slow = {
        "the status line drips": (b"HTTP/1.1 200 ", b"K"),
        "a header line drips": (begun + b"X-Long: ", b"a"),
        "header lines drip": (begun, b"X: a\r\n"),
        "interim answers drip": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "the header lines of an interim answer drip": (b"HTTP/1.1 100 Continue\r\n", b"X: a\r\n"),
    }
    fast = {
        "an endless status line": (b"HTTP/1.1 200 ", b"K" * _MANY),
        "an endless header line": (begun + b"X-Long: ", b"a" * _MANY),
        "endless header lines": (begun, b"X: a\r\n" * 100),
        "endless interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        "endless early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100),
        "endless header lines of an interim answer": (b"HTTP/1.1 100 Continue\r\n", b"X: a\r\n" * 100),
    }
    return _endless(slow, PAUSE) | _endless(fast, 0.0)


def never_ending_bodies(body: Body, headers: Headers) -> dict[str, Wire]:
    """Return answers with a good head whose body or trailers never end."""
    plain = OK + headers.encode()
    chunked = plain + b"Transfer-Encoding: chunked\r\n\r\n"
    last = chunked + _chunk(body) + b"0\r\n"
    slow = {
        "the body drips": (plain + f"Content-Length: {len(body)}\r\n\r\n".encode(), b""),
        "the body drips to the end of the connection": (plain + b"Connection: close\r\n\r\n", b"x"),
        "chunks drip": (chunked, b"1\r\nx\r\n"),
        "a chunk drips": (chunked + f"{len(body):x}\r\n".encode(), b""),
        "the size of a chunk drips": (chunked, b"0"),
        "an extension of a chunk drips": (chunked + b"1;", b"a"),
        "trailers drip": (last, b"X: a\r\n"),
        "a trailer line drips": (last + b"X-Long: ", b"a"),
    }
    fast = {
        "endless extensions of a chunk": (chunked + b"1;", b"a" * _MANY),
        "endless chunks with extensions": (chunked, b"1;name=value\r\nx\r\n" * 100),
        "endless trailers": (last, b"X: a\r\n" * 100),
        "an endless trailer line": (last + b"X-Long: ", b"a" * _MANY),
    }
    made = _endless(slow, PAUSE) | _endless(fast, 0.0)
    for name in ("the body drips", "a chunk drips"):
        made[name] = Wire(_dripped(slow[name][0], body), PAUSE)
    return made


def odd_ends(body: Body, headers: Headers) -> dict[str, Wire]:
    """Return answers that are whole, or nearly, and end in an odd way: too early, too late, or behind their end."""
    plain = OK + headers.encode()
    whole = plain + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    chunked = plain + b"Transfer-Encoding: chunked\r\n\r\n" + _chunk(body)
    forged = OK + headers.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + b"!" * len(body)
    return {
        "closes within the trailers": Wire(_once(chunked + b"0\r\nX: a\r\n")),
        "closes within a trailer line": Wire(_once(chunked + b"0\r\nX-Lo")),
        "closes before the trailers": Wire(_once(chunked + b"0\r\n")),
        "bytes behind the end": Wire(_once(whole + b"!" * 100), is_closed=False),
        "bytes behind the last chunk": Wire(_once(chunked + b"0\r\n\r\n" + b"!" * 100), is_closed=False),
        "another answer behind the end": Wire(_once(whole + forged), is_closed=False),
        "another answer behind the last chunk": Wire(_once(chunked + b"0\r\n\r\n" + forged), is_closed=False),
        "another answer soon behind the last chunk": Wire(
            _once(chunked + b"0\r\n\r\n", forged), PAUSE, is_closed=False
        ),
    }


def cut_chunks(body: Body, headers: Headers) -> dict[str, Wire]:
    """Return chunked answers that end before their last chunk: no part of them may pass for the whole."""
    chunked = OK + headers.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "closes before the last chunk": Wire(_once(chunked + _chunk(body))),
        "closes within a chunk": Wire(_once(chunked + _chunk(body)[: -len(body) // 2])),
        "closes within the size of the last chunk": Wire(_once(chunked + _chunk(body) + b"0")),
    }


CLOSED_AT_REUSE = Wire(lambda: iter(()))  # the request has arrived, and the connection ends without a byte


def _endless(wires: dict[str, tuple[bytes, bytes]], seconds: float) -> dict[str, Wire]:
    return {name: Wire(_forever(first, then), seconds) for name, (first, then) in wires.items()}


def _forever(first: bytes, then: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: chain((first,) if first else (), repeat(then))


def _dripped(first: bytes, then: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: chain((first,), (bytes([byte]) for byte in then))


def _once(*pieces: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(pieces)


def _chunk(body: Body) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"
