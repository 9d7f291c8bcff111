"""The one place where a fault bends a request: instead of the deed, after it, or by making everybody wait.

Faults that change the *content* of an answer pass through to the plane that makes it.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from dev.acs_simulator.faults.kinds import FaultKind
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.net.dripping import drip_of, dripped
from dev.acs_simulator.net.endings import Ending, NoAnswer
from dev.acs_simulator.net.exchange import Exchange, ams_answer, empty_answer, error_answer, html_answer
from dev.acs_simulator.net.redirects import odd_location
from dev.acs_simulator.state.model import Refusal
from dev.acs_simulator.state.recordings import recording_not_found
from dev.clock import MovableClock

Deed = Callable[[], Awaitable[web.StreamResponse]]

CODES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("8523", "Invalid argument."),
        403: ("7504", "Access to the resource is forbidden."),
        404: ("8522", "Recording not found."),
        410: ("8522", "Recording not found."),
        405: ("8520", "Method not supported."),
        409: ("8571", "Recording Operation Conflict."),
        429: ("8589", "Record Throttled."),
        500: ("9999", "Unknown internal server error."),
    }
)
"""The documented code that goes with a status, when the fault names none."""


async def perform(exchange: Exchange, clock: MovableClock, deed: Deed, home: str) -> web.StreamResponse:
    """Do the deed as the exchange's fault allows, and return what is answered.

    `home` is the storage host that redirects lead to.
    """
    fault = exchange.fault
    if fault is None:
        return await deed()
    if fault.kind is FaultKind.ODD_REDIRECT:
        return await _odd_redirect(exchange, fault, deed, home)
    bend = _BENDS.get(fault.kind)
    return await deed() if bend is None else await bend(exchange, fault, clock, deed)


async def _status(exchange: Exchange, fault: Fault, _clock: MovableClock, _deed: Deed) -> web.StreamResponse:
    response = _status_answer(fault, is_control=exchange.route.is_control)
    if fault.argument("retry_after") is not None:
        response.headers["Retry-After"] = fault.text("retry_after")
    return response


def _status_answer(fault: Fault, *, is_control: bool) -> web.Response:
    status = int(fault.number("status"))
    style = fault.argument("body") or ("acs" if is_control else "empty")
    code, message = CODES.get(status, (str(status), "Service Unavailable"))
    if style == "html":
        return html_answer(status)
    if style == "ams":
        return ams_answer(status, message)
    if style == "acs":
        return error_answer(
            Refusal(status, str(fault.argument("code") or code), str(fault.argument("message") or message))
        )
    return empty_answer(status)


async def _delay(_exchange: Exchange, fault: Fault, clock: MovableClock, deed: Deed) -> web.StreamResponse:
    await clock.sleep(fault.number("seconds"))
    return await deed()


async def _no_response(_exchange: Exchange, fault: Fault, _clock: MovableClock, _deed: Deed) -> web.StreamResponse:
    return NoAnswer(Ending(fault.text("ending")))


async def _committed(_exchange: Exchange, fault: Fault, _clock: MovableClock, deed: Deed) -> web.StreamResponse:
    await deed()
    return NoAnswer(Ending(fault.text("ending")))


async def _answer_status(_exchange: Exchange, fault: Fault, _clock: MovableClock, deed: Deed) -> web.StreamResponse:
    await deed()
    location = fault.argument("location")
    return empty_answer(int(fault.number("status")), {"Location": str(location)} if location else None)


async def _not_found(_exchange: Exchange, _fault: Fault, _clock: MovableClock, deed: Deed) -> web.StreamResponse:
    await deed()
    return error_answer(recording_not_found())


async def _redirect(_exchange: Exchange, fault: Fault, _clock: MovableClock, _deed: Deed) -> web.StreamResponse:
    return empty_answer(int(fault.number("status")), {"Location": fault.text("location")})


async def _odd_redirect(exchange: Exchange, fault: Fault, deed: Deed, home: str) -> web.StreamResponse:
    location = odd_location(exchange.request, fault, exchange.route.document_id, home)
    if location is None:
        return await deed()
    return empty_answer(int(fault.number("status")), {"Location": location})


async def _dripping(exchange: Exchange, fault: Fault, clock: MovableClock, deed: Deed) -> web.StreamResponse:
    """Read of content drip where they are sent; every other answer is made whole first."""
    response, drip = await deed(), drip_of(fault)
    if not isinstance(response, web.Response) or drip is None:
        return response
    exchange.entry.status = response.status
    return dripped(response, drip, clock)


_BENDS: Mapping[FaultKind, Callable[[Exchange, Fault, MovableClock, Deed], Awaitable[web.StreamResponse]]]
_BENDS = MappingProxyType(
    {
        FaultKind.STATUS: _status,
        FaultKind.DELAY: _delay,
        FaultKind.NO_RESPONSE: _no_response,
        FaultKind.NO_RESPONSE_AFTER_COMMIT: _committed,
        FaultKind.ANSWER_STATUS: _answer_status,
        FaultKind.NOT_FOUND_BUT_DONE: _not_found,
        FaultKind.REDIRECT: _redirect,
        FaultKind.DRIP_HEADERS: _dripping,
        FaultKind.DRIP_BODY: _dripping,
    }
)
