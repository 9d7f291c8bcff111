"""The admin endpoints that scripts and people use: status, functions, running one by hand, drain, keys."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web
from azure.functions.meta import Datum

from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.functions import EVENT_GRID_TRIGGER, HTTP_TRIGGER, TIMER_TRIGGER, FunctionSpec
from dev.functions_host.http.keys import KeyStore, new_key
from dev.functions_host.http.routes import RouteTable, route
from dev.functions_host.invoker import Invoker
from dev.functions_host.timer.listener import manual_timer_datum

Handler = Callable[[web.Request, Mapping[str, str]], Awaitable[web.Response]]
PING = "admin/host/ping"
_KEYS = "admin/host/{kind:regex(^(keys|functionkeys|systemkeys)$)}"


class Drainable(Protocol):
    """What the admin endpoints steer: the listening side of the host."""

    is_draining: bool

    def drain(self) -> None:
        """Stop listening in the background; running functions go on."""

    def resume(self) -> None:
        """Listen again."""


class Admin:
    """Answers `/admin/…`; the master key has been checked before."""

    def __init__(
        self, functions: Mapping[str, FunctionSpec], invoker: Invoker, keys: KeyStore, host: Drainable
    ) -> None:
        self._functions = functions
        self._invoker = invoker
        self._keys = keys
        self._host = host
        self._started = time.monotonic()
        self._by_hand: set[asyncio.Task[None]] = set()
        self.routes: RouteTable[Handler] = RouteTable(
            [
                route(PING, self._ping, ("GET", "POST")),
                route("admin/host/status", self._status, ("GET",)),
                route("admin/host/drain", self._drain, ("POST",)),
                route("admin/host/drain/status", self._drain_status, ("GET",)),
                route("admin/host/resume", self._resume, ("POST",)),
                route(_KEYS, self._list_keys, ("GET",)),
                route(f"{_KEYS}/{{key}}", self._get_key, ("GET",)),
                route(f"{_KEYS}/{{key}}", self._set_key, ("PUT", "POST")),
                route(f"{_KEYS}/{{key}}", self._delete_key, ("DELETE",)),
                route("admin/functions", self._list_functions, ("GET",)),
                route("admin/functions/{name}", self._get_function, ("GET",)),
                route("admin/functions/{name}", self._run_by_hand, ("POST",)),
                route("admin/functions/{name}/keys", self._list_keys, ("GET",)),
            ]
        )

    async def _ping(self, _request: web.Request, _values: Mapping[str, str]) -> web.Response:
        return web.Response()

    async def _status(self, _request: web.Request, _values: Mapping[str, str]) -> web.Response:
        uptime_ms = round((time.monotonic() - self._started) * 1000)
        return web.json_response({"id": "builtin", "state": "Running", "version": "4", "processUptime": uptime_ms})

    async def _drain(self, _request: web.Request, _values: Mapping[str, str]) -> web.Response:
        self._host.drain()
        return web.Response(status=202)

    async def _drain_status(self, _request: web.Request, _values: Mapping[str, str]) -> web.Response:
        running = len(self._invoker.running)
        state = ("InProgress" if running else "Completed") if self._host.is_draining else "Disabled"
        return web.json_response({"state": state, "outstandingInvocations": running, "outstandingRetries": 0})

    async def _resume(self, _request: web.Request, _values: Mapping[str, str]) -> web.Response:
        self._host.resume()
        return web.json_response({"state": "Running"})

    async def _list_functions(self, request: web.Request, _values: Mapping[str, str]) -> web.Response:
        return web.json_response([_describe(function, request) for function in self._functions.values()])

    async def _get_function(self, request: web.Request, values: Mapping[str, str]) -> web.Response:
        function = self._functions.get(values["name"])
        return web.json_response(_describe(function, request)) if function else web.Response(status=404)

    async def _run_by_hand(self, request: web.Request, values: Mapping[str, str]) -> web.Response:
        """202 at once; the outcome is in the log. An HTTP function is called by its own URL instead."""
        function = self._functions.get(values["name"])
        if function is None:
            return web.Response(status=404)
        if function.trigger.type == HTTP_TRIGGER:
            return web.Response(status=400, text=f"call Functions.{function.name} by its URL")
        self._begin(function, _input_datum(function, (await _json_object(request)).get("input")))
        return web.Response(status=202)

    def _begin(self, function: FunctionSpec, trigger: Datum) -> None:
        task = asyncio.create_task(self._run(function, trigger))
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)

    async def _run(self, function: FunctionSpec, trigger: Datum) -> None:
        metadata = {"Id": Datum("", "string"), "DequeueCount": Datum("0", "json")}
        try:
            await self._invoker.invoke(function, trigger, metadata, "run by hand")
        except FunctionFailedError:
            return  # the caller has had its 202; the failure stands in the log

    def _keys_of(self, values: Mapping[str, str]) -> dict[str, str]:
        if "name" in values:
            return self._keys.functions.setdefault(values["name"], {})
        return self._keys.system if values["kind"].lower() == "systemkeys" else self._keys.host

    async def _list_keys(self, _request: web.Request, values: Mapping[str, str]) -> web.Response:
        return web.json_response({"keys": [_key(name, value) for name, value in self._keys_of(values).items()]})

    async def _get_key(self, _request: web.Request, values: Mapping[str, str]) -> web.Response:
        value = self._keys_of(values).get(values["key"])
        return web.json_response(_key(values["key"], value)) if value else web.Response(status=404)

    async def _set_key(self, request: web.Request, values: Mapping[str, str]) -> web.Response:
        given = (await _json_object(request)).get("value")
        self._keys_of(values)[values["key"]] = str(given or new_key())
        return await self._get_key(request, values)

    async def _delete_key(self, _request: web.Request, values: Mapping[str, str]) -> web.Response:
        return web.Response(status=204 if self._keys_of(values).pop(values["key"], None) else 404)


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        content = json.loads(await request.text() or "{}")
    except json.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return content if isinstance(content, dict) else {}


def _describe(function: FunctionSpec, request: web.Request) -> dict[str, Any]:
    bindings = [dict(binding.properties) for binding in (function.trigger, *function.outputs)]
    href = f"{request.url.origin()}/admin/functions/{function.name}"
    return {"name": function.name, "href": href, "language": "python", "config": {"bindings": bindings}}


def _key(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _input_datum(function: FunctionSpec, given: object) -> Datum:
    if function.trigger.type == TIMER_TRIGGER:
        return manual_timer_datum()
    text = given if isinstance(given, str) else json.dumps(given if given is not None else {})
    return Datum(text, "json" if function.trigger.type == EVENT_GRID_TRIGGER else "string")
