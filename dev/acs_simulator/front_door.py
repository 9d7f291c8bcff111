"""Takes every request that comes over TLS: who asks, for what, which fault strikes, who answers, and notes it all."""

from datetime import UTC, datetime

from aiohttp import web

from dev.acs_simulator.control_plane.operations import ControlPlane
from dev.acs_simulator.faults.script import FaultScript
from dev.acs_simulator.net.authorisation import Credential, SignedRequest, credential_of
from dev.acs_simulator.net.exchange import Exchange, ams_answer, empty_answer, error_answer
from dev.acs_simulator.net.faulty import perform
from dev.acs_simulator.net.routes import Route, plays, route
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.background import Background
from dev.acs_simulator.state.identifiers import new_guid
from dev.acs_simulator.state.journal import Journal, JournalEntry
from dev.acs_simulator.state.model import Refusal
from dev.acs_simulator.state.objects import Objects
from dev.acs_simulator.storage_plane.operations import StoragePlane
from dev.clock import MovableClock


class FrontDoor:
    """The one handler of the TLS server. A fault is used up only by a request that was let in."""

    def __init__(
        self,
        *,
        options: SimulatorOptions,
        clock: MovableClock,
        control_plane: ControlPlane,
        storage_plane: StoragePlane,
        objects: Objects,
        faults: FaultScript,
        journal: Journal,
        background: Background,
    ) -> None:
        self._options = options
        self._clock = clock
        self._control = control_plane
        self._storage = storage_plane
        self._objects = objects
        self._faults = faults
        self._journal = journal
        self._background = background

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and complete its journal entry.

        An error of the simulator itself is told as a failure in the health answer: a 500 alone would look like ACS's.
        """
        try:
            return await self._handle(request)
        except ConnectionError:
            raise  # the client went away, which is its right
        except Exception as error:
            self._background.failures.append(f"{request.method} {request.path}: {error!r}")
            raise

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        host = request.host.partition(":")[0]
        path = request.raw_path.partition("?")[0]
        entry = self._journal.add(JournalEntry(self._clock.now(), host, request.method, path))
        entry.range = request.headers.get("Range")
        response = await self._answer(request, host, path, body, entry)
        _complete(entry, response)
        return response

    async def _answer(
        self, request: web.Request, host: str, path: str, body: bytes, entry: JournalEntry
    ) -> web.StreamResponse:
        if not plays(host, self._options):
            return empty_answer(421)  # only a client that came around the proxy can get here
        found = route(host, request.method, path, self._options)
        if found is not None:
            self._note(entry, found)
        credential = self._credential(request, body)
        entry.credential = credential
        if credential is None:
            return self._with_control_headers(request, host, self._unauthorized(host))
        if found is None:
            return self._with_control_headers(request, host, self._not_simulated(request, host))
        return await self._perform(request, host, body, found, entry)

    async def _perform(
        self, request: web.Request, host: str, body: bytes, found: Route, entry: JournalEntry
    ) -> web.StreamResponse:
        is_expired = self._is_expired(found)
        fault = self._faults.take(
            found.operation, entry.recording_id, entry.document_id, entry.index, is_expired=is_expired
        )
        entry.fault = fault.kind if fault is not None else None
        exchange = Exchange(request, body, found, fault, entry)

        async def deed() -> web.StreamResponse:
            return self._control.answer(exchange) if found.is_control else await self._storage.answer(exchange)

        response = await perform(exchange, self._clock, deed, self._options.storage_hosts[-1])
        return self._with_control_headers(request, host, response)

    def _note(self, entry: JournalEntry, found: Route) -> None:
        stored = self._objects.by_id(found.document_id) if found.document_id is not None else None
        entry.operation, entry.document_id = found.operation, found.document_id
        entry.recording_id = stored.recording_id if stored is not None else found.recording_id
        entry.index = stored.index if stored is not None else None

    def _is_expired(self, found: Route) -> bool:
        stored = self._objects.by_id(found.document_id) if found.document_id is not None else None
        return stored is not None and self._clock.now() >= stored.expires_at

    def _credential(self, request: web.Request, body: bytes) -> Credential | None:
        signed = SignedRequest(request.method, request.raw_path, request.headers, body)
        return credential_of(signed, self._options, datetime.now(UTC))

    def _unauthorized(self, host: str) -> web.Response:
        """Answer as the storage plane does: without a body in 2021, with problem-style JSON in 2023."""
        if host == self._options.endpoint_host:
            return error_answer(Refusal(401, "Denied", "Denied by the resource provider."))
        return ams_answer(401, "Unauthorized") if self._options.ams_unauthorized_body else empty_answer(401)

    def _not_simulated(self, request: web.Request, host: str) -> web.Response:
        """The storage plane stays silent, as ACS does; the control plane says what is not played here."""
        if host != self._options.endpoint_host:
            return empty_answer(404)
        message = (
            f"{request.method} {request.path} is not simulated. Call recording is: start, get, pause, "
            "resume and stop. Calls are made at /_simulator/calls of its admin address."
        )
        return error_answer(Refusal(404, "NotSimulated", message))

    def _with_control_headers(
        self, request: web.Request, host: str, response: web.StreamResponse
    ) -> web.StreamResponse:
        """Return the headers of live control plane answers."""
        if host == self._options.endpoint_host and not response.prepared:
            response.headers["X-Microsoft-Skype-Chain-ID"] = new_guid()
            response.headers["X-Azure-Ref"] = new_guid().replace("-", "")
            response.headers["X-Cache"] = "CONFIG_NOCACHE"
            if (client_request_id := request.headers.get("x-ms-client-request-id")) is not None:
                response.headers["x-ms-client-request-id"] = client_request_id
        return response


def _complete(entry: JournalEntry, response: web.StreamResponse) -> None:
    if isinstance(response, web.Response):
        entry.status = response.status
        entry.bytes_sent = len(response.body) if isinstance(response.body, bytes) else 0
