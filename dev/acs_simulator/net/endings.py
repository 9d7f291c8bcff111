"""Ends a connection the way a fault wants it: politely, without a word, or never."""

import asyncio
from enum import StrEnum

from aiohttp import web

from dev.acs_simulator.net.resets import reset

_TIME_TO_LEAVE = 0.05
"""Seconds that sent bytes get to reach the other side before a reset could throw them away."""


class Ending(StrEnum):
    """What happens after the last byte."""

    FINISH = "finish"
    CLOSE = "close"
    """Closed in order (TLS close_notify, then FIN), whether or not all was sent."""
    RESET = "reset"
    """Reset (RST)."""
    WAIT = "wait"
    """Nothing more, until the client goes away."""


async def end_connection(request: web.BaseRequest, ending: Ending) -> None:
    """Do what the ending says; FINISH and CLOSE are left to the response itself."""
    if ending is Ending.WAIT:
        await asyncio.Event().wait()
    transport = request.transport
    if ending is Ending.RESET and transport is not None:
        await _let_it_leave(transport)
        reset(transport)


class NoAnswer(web.StreamResponse):
    """A response that sends nothing at all; the connection ends as told."""

    def __init__(self, ending: Ending) -> None:
        super().__init__()
        self.force_close()
        self._ending = ending

    async def prepare(self, request: web.BaseRequest) -> None:
        """End the connection instead of sending headers."""
        await end_connection(request, self._ending)

    async def write_eof(self, data: bytes = b"") -> None:
        """End nothing: nothing was begun."""


async def _let_it_leave(transport: asyncio.Transport) -> None:
    while transport.get_write_buffer_size() and not transport.is_closing():
        await asyncio.sleep(0.005)
    await asyncio.sleep(_TIME_TO_LEAVE)
