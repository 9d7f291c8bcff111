"""The built-in Functions host: everything put together, started, drained and stopped."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType

from aiohttp import web

from dev.functions_host.engines.choice import create_engine
from dev.functions_host.functions import EVENT_GRID_TRIGGER, HTTP_TRIGGER, AppError, FunctionSpec
from dev.functions_host.host_json import read_host_json
from dev.functions_host.http.admin import Admin
from dev.functions_host.http.event_grid import EventGridWebhook
from dev.functions_host.http.keys import new_keys
from dev.functions_host.http.people import PROGRAM
from dev.functions_host.http.server import Server, function_route, http_routes
from dev.functions_host.http.sign_in import SignIn
from dev.functions_host.invoker import Invoker
from dev.functions_host.listeners import ListenerFactory, Listeners
from dev.functions_host.options import HostOptions
from dev.functions_host.queue.connections import QueueConnections
from dev.functions_host.queue.output import QueueOutputs
from dev.functions_host.settings import effective_settings, exported, is_disabled

log = logging.getLogger("host")


class FunctionsHost:
    """One running host; use it as an async context manager.

    Attributes:
        functions: the enabled functions by name.
        url: base URL without a trailing slash.
        keys: all keys, whether or not they are asked for.
        is_draining: True after a drain, until resumed.
        left_behind: after the stop, the functions that outlived the drain limit.
    """

    def __init__(self, options: HostOptions) -> None:
        self.options = options
        self.functions: dict[str, FunctionSpec] = {}
        self.keys = new_keys((), options.keys)
        self.url = ""
        self.is_draining = False
        self.left_behind: list[str] = []
        self._listeners = Listeners()
        self._drain: asyncio.Task[None] | None = None
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "FunctionsHost":
        """Start; when that fails, everything begun is undone. Raises AppError with what to change."""
        async with AsyncExitStack() as begun:
            await self._start(begun)
            self._exit = begun.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drain, then ends everything in reverse order of the start."""
        await self._drain_within_limit()
        await self._exit.aclose()

    @property
    def engine_name(self) -> str:
        """Return which engine runs the functions."""
        return self._engine.name

    @property
    def running(self) -> list[str]:
        """Name of the functions that run right now."""
        return sorted(self._invoker.running.values())

    def drain(self) -> None:
        """Stop listening in the background; running functions go on, and requests are still answered."""
        if not self.is_draining:
            self.is_draining = True
            self._drain = asyncio.create_task(self._listeners.stop())

    def resume(self) -> None:
        """Listen again after a drain."""
        self.is_draining = False
        self._listeners.start()

    def url_of(self, function: FunctionSpec) -> str | None:
        """Return where a request runs the function; None when only its listener does."""
        if function.trigger.type == HTTP_TRIGGER:
            return "/".join(part for part in (self.url, self._route_prefix, function_route(function)) if part)
        if function.trigger.type == EVENT_GRID_TRIGGER:
            return f"{self.url}/runtime/webhooks/EventGrid?functionName={function.name}"
        return None

    async def _start(self, begun: AsyncExitStack) -> None:
        host_json = read_host_json(self.options.app_dir)
        given = {**self.options.settings, **({"WEBSITE_AUTH_ENABLED": "true"} if self.options.sign_in else {})}
        begun.enter_context(exported(given))
        settings = effective_settings(given)
        indexed = await self._start_engine(begun)
        self.functions = _enabled(indexed, settings)
        self.keys = new_keys(self.functions, self.options.keys)
        connections = QueueConnections(settings)
        begun.push_async_callback(connections.close)
        queues = host_json.queues
        outputs = QueueOutputs(connections, settings, is_base64=queues.is_base64, written=self._listeners.notify)
        self._invoker = Invoker(self._engine, outputs)
        self._add_listeners(ListenerFactory(connections, settings, queues, self.options))
        await self._serve(begun, host_json.route_prefix)
        self._listeners.start()

    async def _start_engine(self, begun: AsyncExitStack) -> list[FunctionSpec]:
        self._engine = create_engine(self.options.engine)
        indexed = await self._engine.start(self.options.app_dir)
        begun.push_async_callback(self._engine.stop)
        return indexed

    def _add_listeners(self, factory: ListenerFactory) -> None:
        for function in self.functions.values():
            factory.add(function, self._invoker, self._listeners)

    async def _serve(self, begun: AsyncExitStack, route_prefix: str) -> None:
        self._route_prefix = route_prefix
        runner = web.AppRunner(self._create_server().application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        begun.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, self.options.address, self.options.port).start()
        except OSError as error:
            raise AppError(f"port {self.options.port} cannot be used: {error.strerror}") from error
        self.url = f"http://{self.options.address}:{runner.addresses[0][1]}"

    def _create_server(self) -> Server:
        admin = Admin(self.functions, self._invoker, self.keys, self)
        webhook = EventGridWebhook(self.functions, self._invoker)
        routes = http_routes(self.functions.values(), self._route_prefix)
        keys = self.keys if self.options.enable_auth else None
        sign_in = SignIn(program=PROGRAM) if self.options.sign_in else None
        self._server = Server(routes, admin, webhook, self._invoker, keys, sign_in)
        return self._server

    async def _drain_within_limit(self) -> None:
        """New requests get 503, listeners stop, running functions end; what outlives the limit is left behind."""
        self._server.is_stopping = True
        try:
            await asyncio.wait_for(self._settle(), self.options.drain_limit_seconds)
        except TimeoutError:
            self.left_behind = self.running
            log.warning("still running after %s s: %s", self.options.drain_limit_seconds, ", ".join(self.running))

    async def _settle(self) -> None:
        await self._listeners.stop()
        await self._invoker.wait_idle()


def _enabled(indexed: list[FunctionSpec], settings: Mapping[str, str]) -> dict[str, FunctionSpec]:
    for function in indexed:
        if is_disabled(function, settings):
            log.warning("Functions.%s is disabled", function.name)
    return {function.name: function for function in indexed if not is_disabled(function, settings)}
