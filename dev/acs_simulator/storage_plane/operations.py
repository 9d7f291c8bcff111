"""Answers reads and deletes of the storage plane: objects, their metadata, ranges, redirects, retention."""

from aiohttp import web

from dev.acs_simulator.faults.kinds import FaultKind, Operation
from dev.acs_simulator.faults.metadata import altered_metadata
from dev.acs_simulator.net.dripping import drip_of
from dev.acs_simulator.net.exchange import Exchange, empty_answer
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.state.identifiers import is_document_id
from dev.acs_simulator.state.model import StoredObject
from dev.acs_simulator.state.objects import Objects
from dev.acs_simulator.storage_plane.bodies import Body, BytesBody, FileBody
from dev.acs_simulator.storage_plane.content_answer import content_answer
from dev.acs_simulator.storage_plane.sending import send
from dev.clock import MovableClock


class StoragePlane:
    """Serves and deletes objects. A malformed id is answered 400, one that cannot be read 404, both without a body."""

    def __init__(self, options: SimulatorOptions, clock: MovableClock, objects: Objects) -> None:
        self._options = options
        self._clock = clock
        self._objects = objects

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Return the answer to an authorised request."""
        document_id = exchange.route.document_id or ""
        if not is_document_id(document_id):
            return empty_answer(400)
        if exchange.route.operation is Operation.DELETE:
            return self._delete(document_id, exchange)
        return await self._read(document_id, exchange)

    async def _read(self, document_id: str, exchange: Exchange) -> web.StreamResponse:
        stored = self._objects.by_id(document_id)
        body = self._body(stored, exchange) if stored is not None else None
        if stored is None or body is None:
            return empty_answer(404)
        if (elsewhere := self._home_of(exchange.request)) is not None:
            return empty_answer(302, {"Location": elsewhere})
        return await self._send(stored, body, exchange)

    async def _send(self, stored: StoredObject, body: Body, exchange: Exchange) -> web.StreamResponse:
        answer = content_answer(body, exchange.request.headers.get("Range"), exchange.fault)
        if exchange.fault is not None and exchange.fault.kind is FaultKind.EXPIRE_MIDWAY:
            stored.expires_at = self._clock.now()
        exchange.entry.status = answer.status

        def count(sent_bytes: int) -> None:
            exchange.entry.bytes_sent += sent_bytes

        return await send(exchange.request, answer, self._clock, count, drip_of(exchange.fault))

    def _body(self, stored: StoredObject, exchange: Exchange) -> Body | None:
        now = self._clock.now()
        if exchange.route.operation is Operation.METADATA:
            return BytesBody(altered_metadata(stored.metadata, exchange.fault)) if stored.has_metadata(now) else None
        return FileBody(stored.path) if stored.has_media(now) else None

    def _home_of(self, request: web.Request) -> str | None:
        """Return where the object is, when it is not on the host that was asked."""
        home = self._options.storage_hosts[-1]
        if not self._options.redirect_content or request.host == home:
            return None
        return f"https://{home}{request.raw_path}"

    def _delete(self, document_id: str, exchange: Exchange) -> web.Response:
        kind = exchange.fault.kind if exchange.fault is not None else None
        stored = self._objects.by_id(document_id)
        headers = {"Server": "Kestrel"}
        if stored is not None and kind is FaultKind.KEEP_OBJECT:
            return empty_answer(200, headers)
        if stored is not None and kind is FaultKind.DELETE_METADATA_ONLY:
            stored.metadata_deleted = True
            return empty_answer(200, headers)
        return empty_answer(200 if self._objects.delete(document_id, self._clock.now()) else 404, headers)
