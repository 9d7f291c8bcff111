"""The Event Grid webhook: handshake, notifications, CloudEvents, with the answers that decide about redelivery.

Source: HttpRequestProcessor and EventGridExtensionConfigProvider of the Event Grid extension. Each event of a batch
is one invocation, all at once. One failure fails the whole request, and Event Grid then sends the whole batch again.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.functions import EVENT_GRID_TRIGGER, FunctionSpec
from dev.functions_host.invoker import Invoker

log = logging.getLogger("host.eventgrid")

PATH = "runtime/webhooks/EventGrid"
_PUBLIC_CLOUD = "eventgrid.azure.net"
_KNOWN_ORIGINS = frozenset(
    {
        _PUBLIC_CLOUD,
        "eventgrid.azure.us",
        "eventgrid.azure.cn",
        "eventgrid.azure.eaglex.ic.gov",
        "eventgrid.azure.microsoft.scloud",
    }
)


class EventGridWebhook:
    """Answers `/runtime/webhooks/EventGrid?functionName=…`; the key has been checked before."""

    def __init__(self, functions: Mapping[str, FunctionSpec], invoker: Invoker) -> None:
        self._functions = {
            name: function for name, function in functions.items() if function.trigger.type == EVENT_GRID_TRIGGER
        }
        self._invoker = invoker

    async def answer(self, request: web.Request) -> web.Response:
        """Return the response to one webhook request."""
        name = request.query.get("functionName", "")
        function = self._functions.get(name)
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            return web.Response(headers={"Webhook-Allowed-Origin": allowed_origin(request.headers)})
        return await self._answer_event(function, request)

    async def _answer_event(self, function: FunctionSpec, request: web.Request) -> web.Response:
        try:
            return await self._answer_kind(function, request.headers.get("aeg-event-type", ""), await request.text())
        except ValueError as error:  # what cannot be read fails, and Event Grid tries again
            log.warning("unreadable request to Functions.%s: %s", function.name, error)
            return web.Response(status=500, text=str(error))

    async def _answer_kind(self, function: FunctionSpec, kind: str, body: str) -> web.Response:
        match kind.lower():
            case "subscriptionvalidation":
                return web.json_response({"validationResponse": validation_code(body)})
            case "notification":
                return await self._notify(function, events_of(body))
            case "unsubscribe":
                return web.Response(status=202)
            case _:
                return web.Response(status=400)

    async def _notify(self, function: FunctionSpec, events: list[Any]) -> web.Response:
        calls = [self._invoker.invoke(function, Datum(json.dumps(event), "json")) for event in events]
        results = await asyncio.gather(*calls, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, FunctionFailedError):
                raise failure
        return _failed(function) if failures else web.Response(status=202)


def allowed_origin(headers: Mapping[str, str]) -> str:
    """Return the origin that a CloudEvents handshake allows: the asking cloud when it is known, else the public one."""
    origin = headers.get("WebHook-Request-Origin", "")
    return origin if origin in _KNOWN_ORIGINS else _PUBLIC_CLOUD


def events_of(body: str) -> list[Any]:
    """Return the events of a notification: an array, or one object. Raises ValueError when it is neither."""
    content = json.loads(body)
    if isinstance(content, list):
        return content
    if isinstance(content, dict):
        return [content]
    raise ValueError(f"the request must hold a JSON object or array, not {type(content).__name__}")


def validation_code(body: str) -> str:
    """Return the code of a handshake: in an array of events, or in a CloudEvent whose data is JSON within JSON.

    Raises:
        ValueError: there is no code in it.
    """
    content = json.loads(body)
    try:
        data = content[0]["data"] if isinstance(content, list) else content["data"]
        return str((json.loads(data) if isinstance(data, str) else data)["validationCode"])
    except (LookupError, TypeError) as error:
        raise ValueError("the handshake holds no data.validationCode") from error


def _failed(function: FunctionSpec) -> web.Response:
    return web.Response(status=500, text=f"Exception while executing function: Functions.{function.name}")
