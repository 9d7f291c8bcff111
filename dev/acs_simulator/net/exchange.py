"""One authorised request on its way through the simulator, and the answers in ACS's own shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.net.routes import Route
from dev.acs_simulator.state.identifiers import new_guid
from dev.acs_simulator.state.journal import JournalEntry
from dev.acs_simulator.state.model import Refusal


@dataclass(frozen=True)
class Exchange:
    """A request with what is known of it: where it goes, its body, the fault that strikes it, its journal entry."""

    request: web.Request
    body: bytes
    route: Route
    fault: Fault | None
    entry: JournalEntry


def json_answer(status: int, document: Mapping[str, object]) -> web.Response:
    """Return a JSON body as ACS sends it."""
    return web.Response(
        status=status, body=json.dumps(document).encode(), content_type="application/json", charset="utf-8"
    )


def error_answer(refusal: Refusal) -> web.Response:
    """Return the control plane's error shape."""
    return json_answer(refusal.status, {"error": {"code": refusal.code, "message": refusal.message}})


def ams_answer(status: int, title: str) -> web.Response:
    """Return the storage plane's problem-style error, as seen in 2023."""
    trace = f"00-{new_guid().replace('-', '')}-0000000000000000-00"
    return json_answer(
        status,
        {
            "title": title,
            "status": status,
            "instance": f"/microsoft/ic3/ams///trace-id/{trace}",
            "message": title,
            "traceId": trace,
        },
    )


def html_answer(status: int) -> web.Response:
    """Return the gateway's page that real clients have met where JSON was expected."""
    page = (
        f"<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h2>Service unavailable</h2></body></html>"
    )
    return web.Response(status=status, text=page, content_type="text/html")


def empty_answer(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer without a body."""
    return web.Response(status=status, headers=headers)
