"""Runs a simulator: its TLS server, the proxy that leads there, and the admin API, all on loopback."""

import base64
import contextlib
import ssl
import tempfile
from pathlib import Path
from types import TracebackType

from aiohttp import web

from dev.acs_simulator.addresses import Addresses
from dev.acs_simulator.admin.api import AdminApi, explain_mistakes, not_here
from dev.acs_simulator.admin.events import AdminEvents
from dev.acs_simulator.admin.page import Page
from dev.acs_simulator.admin.views import Health
from dev.acs_simulator.events.link import EventLink
from dev.acs_simulator.events.topic import PATH as TOPIC_PATH
from dev.acs_simulator.events.topic import Topic
from dev.acs_simulator.exports import exports
from dev.acs_simulator.net.certificates import make_certificates
from dev.acs_simulator.net.proxy import ConnectProxy
from dev.acs_simulator.net.routes import plays
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.identifiers import seed_identifiers
from dev.acs_simulator.world import World, build_world
from dev.clock import MovableClock

LARGEST_START_BODY_BYTES = 1024 * 1024
SHUTDOWN_SECONDS = 0.5
"""How long requests that are under way may go on at the end; faults would let some wait for ever."""


class Simulator:
    """An ACS resource on loopback; `async with Simulator(options) as simulator`, then see `simulator.addresses`.

    Everything belongs to the running event loop. Use `threaded.run_in_thread` from code that has none.
    """

    addresses: Addresses
    clock: MovableClock
    world: World

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> "Simulator":
        """Start everything; stop what was started when something fails."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in the opposite order."""
        await self._stack.aclose()

    async def _start(self) -> None:
        _decode_key(self.options.access_key)
        seed_identifiers(self.options.seed)
        folder = self._folder()
        certificates = make_certificates(self.options, folder)
        self.clock = MovableClock()
        self.events = EventLink(self.clock, self.options.resource_id, self._failed)
        self._stack.push_async_callback(self.events.close)
        self.world = build_world(self.options, self.clock, certificates, folder / "media", self.events.publish)
        await self._stack.enter_async_context(self.world.callbacks)
        self._stack.push_async_callback(self.world.background.close)
        tls_port = await self._serve(_service(self.world), self.options.tls_port, certificates.server)
        proxy_port = await self._start_proxy(tls_port)
        admin_port = await self._serve(self._admin(), self.options.admin_port, None)
        self.addresses = self._addresses(certificates.ca_bundle, proxy_port, admin_port)
        await self.events.open(self.addresses.topic_endpoint, self.addresses.topic_key)

    def _folder(self) -> Path:
        """Return where the CA and the media lie."""
        given = self.options.data_folder
        folder = given or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="acs-simulator-")))
        (folder / "media").mkdir(parents=True, exist_ok=True)
        return folder

    async def _serve(self, app: web.Application, port: int, tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        return int(runner.addresses[0][1])

    async def _start_proxy(self, tls_port: int) -> int:
        proxy = ConnectProxy(tls_port, lambda host: plays(host, self.options), self._refused)
        port = await proxy.start(self.options.proxy_port)
        self._stack.push_async_callback(proxy.close)
        return port

    def _refused(self, host: str, method: str, target: str) -> None:
        self.world.journal.foreign(self.clock.now(), host, method, target, 403)

    def _failed(self, what: str) -> None:
        self.world.background.failures.append(what)

    def _admin(self) -> web.Application:
        app = web.Application(middlewares=[explain_mistakes])
        app.add_routes(
            AdminApi(self.world, self._health, self.events.settle, self.events.publish, self.events.published).routes()
        )
        app.add_routes(Page(self._recipes).routes())
        app.add_routes(AdminEvents(self.events).routes())
        app.add_routes(Topic(self.options.topic_key, self.events.accept).routes())
        app.router.add_route("*", "/{path:.*}", not_here)
        return app

    def _addresses(self, ca_bundle: Path, proxy_port: int, admin_port: int) -> Addresses:
        endpoint = f"https://{self.options.endpoint_host}"
        return Addresses(
            endpoint=endpoint,
            connection_string=f"endpoint={endpoint}/;accesskey={self.options.access_key}",
            access_key=self.options.access_key,
            proxy_url=f"http://127.0.0.1:{proxy_port}",
            ca_bundle=ca_bundle,
            admin_url=f"http://127.0.0.1:{admin_port}",
            resource_id=self.options.resource_id,
            topic_endpoint=f"http://127.0.0.1:{admin_port}{TOPIC_PATH}",
            topic_key=self.options.topic_key,
        )

    def _recipes(self) -> dict[str, str]:
        return exports(self.addresses)

    def _health(self) -> Health:
        failures = tuple(self.world.background.failures)
        return Health(
            status="failing" if failures else "ok",
            endpoint=self.addresses.endpoint,
            proxy_url=self.addresses.proxy_url,
            resource_id=self.addresses.resource_id,
            failures=failures,
        )


def _decode_key(access_key: str) -> None:
    try:
        base64.b64decode(access_key, validate=True)
    except ValueError as error:
        raise ValueError("the access key is no base64") from error


def _service(world: World) -> web.Application:
    app = web.Application(client_max_size=LARGEST_START_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", world.front_door.handle)
    return app
