"""Sends an answer a few bytes at a time: its head, or its body, slowly enough to outlast every limit on one read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from dev.acs_simulator.faults.kinds import FaultKind
from dev.acs_simulator.faults.script import Fault
from dev.clock import MovableClock

FILLER = b" " * 64
"""The body of an answer that has none, when its body is to drip."""


@dataclass(frozen=True)
class Drip:
    """`size_bytes` of the head or of the body each `every_seconds` of simulated time."""

    part: Literal["head", "body"]
    size_bytes: int
    every_seconds: float


def drip_of(fault: Fault | None) -> Drip | None:
    """Return how the answer drips, or None when the fault is not about that."""
    if fault is None or fault.kind not in {FaultKind.DRIP_HEADERS, FaultKind.DRIP_BODY}:
        return None
    part: Literal["head", "body"] = "head" if fault.kind is FaultKind.DRIP_HEADERS else "body"
    return Drip(part, max(int(fault.number("bytes")), 1), fault.number("every_seconds"))


class DrippedResponse(web.StreamResponse):
    """Writes head and body itself, one of them in drips, and closes the connection after that."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: Iterable[bytes],
        *,
        drip: Drip,
        clock: MovableClock,
        count: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(status=status, headers=headers)
        self.force_close()
        self._pieces = body
        self._drip = drip
        self._clock = clock
        self._count = count
        self._is_begun = False

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send everything; the second call, which is aiohttp's own, does nothing."""
        if self._is_begun:
            return
        self._is_begun = True
        await self._put(request.writer, self._head(), is_dripping=self._drip.part == "head")
        for piece in self._pieces:
            await self._put(request.writer, piece, is_dripping=self._drip.part == "body")
            self._count(len(piece))

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all is sent by now."""

    def _head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode()

    async def _put(self, writer: AbstractStreamWriter, data: bytes, *, is_dripping: bool) -> None:
        if not is_dripping:
            await writer.write(data)
            return
        size = self._drip.size_bytes
        for at in range(0, len(data), size):
            await self._clock.sleep(self._drip.every_seconds)
            await writer.write(data[at : at + size])


def dripped(answer: web.Response, drip: Drip, clock: MovableClock) -> DrippedResponse:
    """Return an answer that is not yet begun, as it will drip; without a body it gets one of blanks to drip."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    status = answer.status
    if drip.part == "body" and not body:
        body, status = FILLER, 200 if status == 204 else status
    headers = {**answer.headers, "Content-Length": str(len(body))}
    return DrippedResponse(status, headers, [body], drip=drip, clock=clock)
