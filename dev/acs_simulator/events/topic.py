"""The topic's own interface, as Event Grid's publishing clients know it: an array of events, and a key."""

import hmac
import json
from collections.abc import Callable

from aiohttp import web

from dev.acs_simulator.events.file_status import Event
from dev.event_grid.envelope import InvalidEventError, from_cloud_event

PATH = "/_simulator/topic/api/events"
KEY_HEADER = "aeg-sas-key"


class Topic:
    """`accept` takes an event and raises InvalidEventError when it lacks what an event needs."""

    def __init__(self, key: str, accept: Callable[[Event], None]) -> None:
        self._key = key
        self._accept = accept

    def routes(self) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.post(PATH, self.publish)]

    async def publish(self, request: web.Request) -> web.Response:
        """POST topic/api/events: publishes as Event Grid's clients do, with the header aeg-sas-key; CloudEvents too."""
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), self._key.encode()):
            return _refused(401, "Unauthorized", "The request did not contain a valid aeg-sas-key.")
        is_cloud = request.content_type.startswith("application/cloudevents")
        try:
            for event in _events(await request.read()):
                self._accept(from_cloud_event(event) if is_cloud else event)
        except InvalidEventError as error:
            return _refused(400, "BadRequest", str(error))
        return web.Response(status=200)


def _events(body: bytes) -> list[Event]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise InvalidEventError(f"the body is not JSON: {error}") from error
    events = content if isinstance(content, list) else [content]
    if not all(isinstance(event, dict) for event in events):
        raise InvalidEventError("every event is a JSON object")
    return events


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
