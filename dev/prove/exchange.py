"""HTTP messages as a relay needs them: read whole, written back byte by byte, or only in part."""

import asyncio
from dataclasses import dataclass, replace

HEAD_LIMIT = 8 * 1024 * 1024  # also keeps asyncio from pausing a TLS stream that it upgraded (Python 3.11 cannot)
_FRAMING = ("content-length", "transfer-encoding", "connection", "keep-alive")


@dataclass(frozen=True)
class Message:
    """A request or an answer; `body` is without transfer coding, None when there can be none (HEAD, 204, 304)."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None

    @property
    def method(self) -> str:
        """Return the method of a request."""
        return self.start.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """Return path and query of a request."""
        return self.start.split(" ")[1]

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def raw(self, *, part: float = 1.0, connection: str | None = None) -> bytes:
        """Return the bytes on the wire: the head declares the whole body, of which only a part may follow."""
        headers = [pair for pair in self.headers if self.body is None or pair[0].lower() not in _FRAMING]
        if self.body is not None and (self.body or not self.start.startswith(("GET", "DELETE"))):
            headers.append(("Content-Length", str(len(self.body))))
        if connection is not None:
            headers.append(("Connection", connection))
        head = "\r\n".join([self.start, *(f"{name}: {value}" for name, value in headers)]) + "\r\n\r\n"
        body = self.body or b""
        return head.encode("latin-1") + body[: int(len(body) * part)]

    def cut(self) -> "Message":
        """Return half of the body, as if it were all."""
        return replace(self, body=self.body and self.body[: len(self.body) // 2])

    def flipped(self) -> "Message":
        """Flip one bit in the body's middle."""
        if not self.body:
            return self
        body = bytearray(self.body)
        body[len(body) // 2] ^= 1
        return replace(self, body=bytes(body))


def answer(status: int, headers: dict[str, str], body: bytes) -> Message:
    """Return an answer that no service gave."""
    return Message(f"HTTP/1.1 {status} Made Up", tuple(headers.items()), body)


async def read_request(reader: asyncio.StreamReader) -> Message | None:
    """Return the next request; None when the client has left."""
    return await _read(reader, has_body=True, to_the_end=False)


async def read_answer(reader: asyncio.StreamReader, asked: str) -> Message | None:
    """Return the answer to a method; None when the server left without one."""
    return await _read(reader, has_body=asked != "HEAD", to_the_end=True)


async def _read(reader: asyncio.StreamReader, *, has_body: bool, to_the_end: bool) -> Message | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.rstrip("\r\n").split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        message = Message(start, headers, None)
        if not has_body or start.split(" ")[1] in ("204", "304"):
            return message
        return replace(message, body=await _body(reader, message, to_the_end=to_the_end))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def _body(reader: asyncio.StreamReader, message: Message, *, to_the_end: bool) -> bytes:
    if (message.header("Transfer-Encoding") or "").lower() == "chunked":
        return await _chunks(reader)
    length = message.header("Content-Length")
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read() if to_the_end else b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(body)
