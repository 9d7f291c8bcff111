"""Puts an answer on the wire exactly as planned, in pieces, counting what was sent."""

from collections.abc import AsyncIterator, Callable, Iterator

from aiohttp import web

from dev.acs_simulator.net.dripping import Drip, DrippedResponse
from dev.acs_simulator.net.endings import Ending, end_connection
from dev.acs_simulator.storage_plane.bodies import PIECE_BYTES
from dev.acs_simulator.storage_plane.content_answer import ContentAnswer
from dev.clock import MovableClock

_TICK_SECONDS = 0.1


class UncheckedResponse(web.StreamResponse):
    """A response that sends the Content-Length it was given, or none, whatever the body turns out to be."""

    _length_check = False  # aiohttp's own switch, made for WebSockets: neither chunked nor cut to the length


async def send(
    request: web.BaseRequest,
    answer: ContentAnswer,
    clock: MovableClock,
    count: Callable[[int], None],
    drip: Drip | None = None,
) -> web.StreamResponse:
    """Send the answer and ends the connection as planned; `count` hears of every piece. Memory stays flat."""
    if drip is not None:
        pieces = answer.body.pieces(answer.start, answer.start + answer.sent_bytes)
        dripped = DrippedResponse(answer.status, answer.headers, pieces, drip=drip, clock=clock, count=count)
        await dripped.prepare(request)
        return dripped
    response = UncheckedResponse(status=answer.status, headers=answer.headers)
    if answer.ending is not Ending.FINISH:
        response.force_close()
    await response.prepare(request)
    async for piece in _paced(answer, clock):
        await response.write(piece)
        count(len(piece))
    await end_connection(request, answer.ending)
    return response


async def _paced(answer: ContentAnswer, clock: MovableClock) -> AsyncIterator[bytes]:
    sent = 0
    for piece in _pieces(answer):
        if answer.bytes_per_second is not None:
            await clock.sleep(len(piece) / answer.bytes_per_second)
        if sent == answer.stall_after_bytes:
            await clock.sleep(answer.stall_seconds)
        yield piece
        sent += len(piece)


def _pieces(answer: ContentAnswer) -> Iterator[bytes]:
    """Yield the bytes to send; a new piece begins where a stall is due, and slow ones are small."""
    size = PIECE_BYTES if answer.bytes_per_second is None else max(int(answer.bytes_per_second * _TICK_SECONDS), 1)
    for start, stop in _stretches(answer):
        yield from answer.body.pieces(start, stop, size)


def _stretches(answer: ContentAnswer) -> list[tuple[int, int]]:
    start, stop = answer.start, answer.start + answer.sent_bytes
    if answer.stall_after_bytes is None:
        return [(start, stop)]
    return [(start, start + answer.stall_after_bytes), (start + answer.stall_after_bytes, stop)]
