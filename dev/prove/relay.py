"""A relay between an adapter and a service, which breaks one exchange on demand and passes all others on.

The modes have the letters of Microsoft's http-fault-injector: how much of the answer comes (`f` full, `p` partial, `n`
none) and how it ends (nothing: it waits, `n`: normally, `c`: FIN, `a`: RST). With `q` the request ends
early: half of it (`pq`) or nothing (`nq`) reaches the service.
"""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

from dev.acs_simulator.net.resets import reset
from dev.prove.exchange import HEAD_LIMIT, Message, read_answer, read_request

T = TypeVar("T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Reach = Callable[[str], Awaitable[Streams]]
Ending = Literal["finish", "wait", "close", "reset"]
LONGEST_WAIT = 60.0  # the clients of a proof give up after a second or two


@dataclass(frozen=True)
class Blow:
    """What happens to one exchange: how much of request and answer gets through, how it ends, or what is told instead.

    Attributes:
        request: the part of the request's body that reaches the service; None for not even the head.
        answer: the part of the answer's body that reaches the client; None for not even the head.
        shrink: the part of the answer is declared as if it were all.
        made_up: this is answered, and the service is not asked.
        flip: one bit is flipped in the `request` or in the `answer`.
    """

    request: float | None = 1.0
    answer: float | None = 1.0
    ending: Ending = "finish"
    shrink: bool = False
    made_up: Message | None = None
    flip: Literal["request", "answer"] | None = None


MODES: dict[str, Blow] = {
    "f": Blow(),
    "p": Blow(answer=0.5, ending="wait"),
    "pc": Blow(answer=0.5, ending="close"),
    "pa": Blow(answer=0.5, ending="reset"),
    "pn": Blow(answer=0.5, shrink=True),
    "n": Blow(answer=None, ending="wait"),
    "nc": Blow(answer=None, ending="close"),
    "na": Blow(answer=None, ending="reset"),
    "pq": Blow(request=0.5, answer=None, ending="wait"),
    "pqc": Blow(request=0.5, answer=None, ending="close"),
    "pqa": Blow(request=0.5, answer=None, ending="reset"),
    "nq": Blow(request=None, answer=None, ending="wait"),
    "nqc": Blow(request=None, answer=None, ending="close"),
    "nqa": Blow(request=None, answer=None, ending="reset"),
}


@dataclass
class Strike:
    """One blow, for the first request that is meant, after `skip` others; `struck` tells whether it came to it."""

    is_meant: Callable[[Message], bool]
    blow: Blow
    skip: int = 0
    struck: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Message) -> bool:
        """Return whether this request is the one. It is used up by saying yes."""
        with self._lock:
            if self.struck or not self.is_meant(request):
                return False
            self.skip -= 1
            self.struck = self.skip < 0
            return self.struck


class LoopThread:
    """An event loop in a thread of its own, until the `with` block ends."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proof-relays", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what the coroutine returns, run there."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


class Relay:
    """Listens on a free port of loopback. With `tls` it is a CONNECT proxy that ends TLS for every host.

    Args:
        reach: opens a connection to the service for a host name.

    Attributes:
        strike: what is to be broken next.
        watch: sees each request before the service does; may take its time.
    """

    def __init__(self, reach: Reach, *, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.strike: Strike | None = None
        self.watch: Callable[[Message], None] | None = None
        self._reach, self._tls = reach, tls
        self._server: asyncio.Server | None = None

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def stop(self) -> None:
        """Listen no more; connections that are open end with their clients."""
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host = await self._upgraded(reader, writer) if self._tls else ""
            while (request := await read_request(reader)) is not None:
                if not await self._exchange(request, host, (reader, writer)):
                    return
        except OSError:
            pass  # clients that hang up, also in the middle of a handshake, are part of the proof
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _upgraded(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Answer CONNECT and take the server's part in TLS; return the host that was asked for."""
        asked = await read_request(reader)
        if asked is None or self._tls is None:
            raise ConnectionResetError
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self._tls)
        return asked.target.partition(":")[0]

    async def _exchange(self, request: Message, host: str, client: Streams) -> bool:
        """Pass one request on and its answer back; False when the connection is over."""
        strike = self.strike
        blow = strike.blow if strike is not None and strike.take(request) else MODES["f"]
        if self.watch is not None:
            await asyncio.to_thread(self.watch, request)
        answered = blow.made_up or await self._asked(request, host, blow)
        if answered is None or blow.answer is None:
            return await _end(client, blow.ending if blow.answer is None else "close")
        answered = answered.flipped() if blow.flip == "answer" else answered
        answered = answered.cut() if blow.shrink else answered
        client[1].write(answered.raw(part=1.0 if blow.shrink else blow.answer))
        await client[1].drain()
        return True if blow.ending == "finish" else await _end(client, blow.ending)

    async def _asked(self, request: Message, host: str, blow: Blow) -> Message | None:
        if blow.request is None:
            return None
        request = request.flipped() if blow.flip == "request" else request
        reader, writer = await self._reach(host)
        try:
            writer.write(request.raw(part=blow.request, connection="close"))
            await writer.drain()
            return await read_answer(reader, request.method) if blow.request == 1.0 else None
        finally:
            writer.close()


async def _end(client: Streams, ending: Ending) -> bool:
    reader, writer = client
    if ending == "wait":
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), LONGEST_WAIT)
    if ending == "reset":
        reset(writer.transport)
    return False


def plain(port: int) -> Reach:
    """Reach a service on loopback."""

    async def reach(_: str) -> Streams:
        return await asyncio.open_connection("127.0.0.1", port, limit=HEAD_LIMIT)

    return reach


def through_proxy(port: int, ca_bundle: str) -> Reach:
    """Reach a host through a CONNECT proxy on loopback, over TLS with its certificate checked."""
    trusted = ssl.create_default_context(cafile=ca_bundle)

    async def reach(host: str) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=HEAD_LIMIT)
        writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(trusted, server_hostname=host)
        return reader, writer

    return reach
