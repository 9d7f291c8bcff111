"""The HTTP side of the host: admin, webhooks and functions behind one dispatcher, with the keys checked first."""

from collections.abc import Iterable, Mapping

from aiohttp import web

from dev.functions_host.functions import HTTP_TRIGGER, FunctionSpec
from dev.functions_host.http.admin import PING, Admin, Handler
from dev.functions_host.http.event_grid import PATH as EVENT_GRID_PATH
from dev.functions_host.http.event_grid import EventGridWebhook
from dev.functions_host.http.keys import EVENT_GRID_KEY, KeyStore, presented_key
from dev.functions_host.http.routes import RouteTable, parse_template, route
from dev.functions_host.http.sign_in import SignIn
from dev.functions_host.http.trigger import answer_http
from dev.functions_host.invoker import Invoker

MAX_BODY_BYTES = 100 * 1024 * 1024  # DefaultMaxRequestBodySize of the real host
_WEBHOOK = parse_template(EVENT_GRID_PATH)
_PING = parse_template(PING)


class Server:
    """Dispatches a request: admin and webhooks win over functions, as MVC routes do in the real host.

    Args:
        keys: None switches all key checks off, as `func start` does without `--enableAuth`.
        sign_in: what stands in front of the host; None: nothing does.
    """

    def __init__(  # noqa: PLR0917 - the parts that a host is put together from
        self,
        functions: RouteTable[FunctionSpec],
        admin: Admin,
        webhook: EventGridWebhook,
        invoker: Invoker,
        keys: KeyStore | None,
        sign_in: SignIn | None = None,
    ) -> None:
        self._functions = functions
        self._admin = admin
        self._webhook = webhook
        self._invoker = invoker
        self._keys = keys
        self._sign_in = sign_in
        self.is_stopping = False

    def application(self) -> web.Application:
        """Return the aiohttp application that serves every path and method."""
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        if self.is_stopping:
            return web.Response(status=503, text="the host is stopping")
        path = request.rel_url.raw_path
        if self._sign_in is not None:
            if path.startswith("/.auth/"):
                return await self._sign_in.answer(request)
            request = self._sign_in.named(request)
        if (found := self._admin.routes.match(request.method, path)) is not None:
            return await self._answer_admin(request, *found)
        if _WEBHOOK.match(path) is not None:
            return await self._answer_webhook(request)
        if (function := self._functions.match(request.method, path)) is not None:
            return await self._answer_function(request, *function)
        return web.Response(text="The Functions host is up.") if path == "/" else web.Response(status=404)

    async def _answer_admin(self, request: web.Request, handler: Handler, values: Mapping[str, str]) -> web.Response:
        is_open = _PING.match(request.rel_url.raw_path) is not None
        if self._keys is None or is_open or self._keys.is_master(_key(request)):
            return await handler(request, values)
        return web.Response(status=401)

    async def _answer_webhook(self, request: web.Request) -> web.Response:
        if self._keys is None or self._keys.may_call_webhook(EVENT_GRID_KEY, _key(request)):
            return await self._webhook.answer(request)
        return web.Response(status=401)

    async def _answer_function(
        self, request: web.Request, function: FunctionSpec, values: Mapping[str, str]
    ) -> web.Response:
        level = function.trigger.text("authLevel")
        if self._keys is None or self._keys.may_call(function.name, level, _key(request)):
            return await answer_http(self._invoker, function, request, values)
        return web.Response(status=401)


def http_routes(functions: Iterable[FunctionSpec], prefix: str) -> RouteTable[FunctionSpec]:
    """Return the routes of all HTTP functions. Raises AppError when a template cannot be read."""
    return RouteTable(
        route(f"{prefix}/{function_route(function)}", function, methods_of(function))
        for function in functions
        if function.trigger.type == HTTP_TRIGGER
    )


def function_route(function: FunctionSpec) -> str:
    """Return the route of an HTTP function without the prefix; its own name when none is declared."""
    return function.trigger.text("route", function.name).strip("/")


def methods_of(function: FunctionSpec) -> list[str]:
    """Return the methods of an HTTP function; none means all of them."""
    return [str(method) for method in function.trigger.properties.get("methods") or ()]


def _key(request: web.Request) -> str | None:
    return presented_key(request.headers, request.query)
