"""A TCP relay that spoils a share of its connections, by a seed: refused, reset, ended, stalled or slow."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Literal, Self

from dev.acs_simulator.net.resets import reset

Evil = Literal["refuse", "reset", "end", "stall", "slow"]
EVILS: tuple[Evil, ...] = ("refuse", "reset", "end", "stall", "slow")
STALL_SECONDS = 20.0  # longer than any client of a proof waits
SLOW_BYTES, SLOW_PAUSE = 2048, 0.02  # about 100 KB a second
PASSES = (0.0, 4.8)  # powers of ten of the bytes of answers that come through before a reset, an end or a stall
_PIECE = 64 * 1024


class TcpChaos:
    """Listens on a free port of loopback and pipes to another; `share` of all connections meet trouble.

    Args:
        target: the port behind it.
        share: from 0 to 1.
        seed: decides which connections, what happens to them, and after how many bytes.
    """

    def __init__(self, target: int, share: float, seed: int) -> None:
        self.port = 0
        self.met: Counter[str] = Counter()
        self._target, self._share = target, share
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def stop(self) -> None:
        """Listen no more; connections that are open end with their clients."""
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        evil = self._chance.choice(EVILS) if self._chance.random() < self._share else None
        passes = int(10 ** self._chance.uniform(*PASSES))
        self.met[evil or "good"] += 1
        try:
            await self._piped(reader, writer, evil, passes)
        except OSError:
            pass  # either side may hang up at any time: that is what this is about
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _piped(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, evil: Evil | None, passes: int
    ) -> None:
        if evil == "refuse":
            reset(writer.transport)
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            ways = [
                asyncio.create_task(_pump(reader, inner_writer, evil="slow" if evil == "slow" else None)),
                asyncio.create_task(_pump(inner_reader, writer, evil=evil, passes=passes)),
            ]
            _, running = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in running:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            inner_writer.close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, evil: Evil | None, passes: int = 0
) -> None:
    """Carry one direction until it ends, or until the trouble begins after so many bytes."""
    while data := await reader.read(SLOW_BYTES if evil == "slow" else _PIECE):
        if evil in ("reset", "end", "stall") and passes < len(data):
            await _trouble(writer, evil, data[:passes])
            return
        passes -= len(data)
        writer.write(data)
        await writer.drain()
        if evil == "slow":
            await asyncio.sleep(SLOW_PAUSE)


async def _trouble(writer: asyncio.StreamWriter, evil: Evil | None, last: bytes) -> None:
    """The last bytes that come through, and then the end of it."""
    writer.write(last)
    await writer.drain()
    if evil == "stall":
        await asyncio.sleep(STALL_SECONDS)
    if evil == "reset":
        reset(writer.transport)
