"""A CONNECT proxy that pipes the hosts the simulator plays to its TLS port, and refuses every other host.

This is how an unmodified client reaches the simulator: it talks to the real names, checks the certificate, and finds
them on loopback. Nothing is ever forwarded anywhere else.
"""

import asyncio
import contextlib
from collections.abc import Callable

from dev.acs_simulator.net.resets import reset

PUMP_BYTES = 256 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HEAD_ERRORS = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError)


class ConnectProxy:
    """`plays` says which hosts are ours; `refused` hears host, method and target of every other request."""

    def __init__(self, tls_port: int, plays: Callable[[str], bool], refused: Callable[[str, str, str], None]) -> None:
        self._tls_port = tls_port
        self._plays = plays
        self._refused = refused
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen on loopback and return the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=PUMP_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop what is open; a dropped client ends its connection's task by itself."""
        if self._server is not None:
            self._server.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  start_server runs every connection in a task
        self._open[task] = writer
        try:
            await self._serve(reader, writer)
        except _HEAD_ERRORS:
            pass  # the client left before it had said what it wants
        finally:
            del self._open[task]
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target = await _read_head(reader)
        host, _, port = target.rpartition(":")
        if method == "CONNECT" and port == "443" and self._plays(host):
            await self._pipe(reader, writer)
            return
        self._refused(host or target, method, target)
        writer.write(_FORBIDDEN)
        await writer.drain()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._tls_port, limit=PUMP_BYTES)
        try:
            writer.write(_ESTABLISHED)
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, str]:
    head = await reader.readuntil(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return (words[0], words[1]) if len(words) == 3 else ("", "")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one direction, and its end: what was closed is closed, what was reset is reset."""
    try:
        while data := await reader.read(PUMP_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        reset(writer.transport)
    else:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
