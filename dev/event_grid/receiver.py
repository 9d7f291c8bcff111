"""A receiver of events to look at: an endpoint of an Event Grid subscription, and one of webhooks, in one server.

Each delivery is checked as a careful receiver does: the handshake of CloudEvents, and the signature of a webhook by
two verifiers. `GET /` lists what arrived, each id once, with how often it was delivered: a page for people, JSON for
programs.
"""

import html
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dev.event_grid.cloud_events import check_cloud_event
from dev.event_grid.endpoints import ORIGIN
from dev.event_grid.envelope import InvalidEventError
from dev.event_grid.signatures import is_genuine
from dev.serving import Serving

GRID_PATH, WEBHOOK_PATH = "/event-grid", "/webhook"
BY_GRID, BY_WEBHOOK = "event-grid", "webhook"
SECRET = "whsec_bG9jYWwgd2ViaG9vayBzZWNyZXQgb2YgdGhpcyBtYWNoaW5l"  # of a receiver on loopback: no secret
LARGEST = 1 << 20
_COLUMNS = ("at", "way", "type", "subject", "id", "deliveries")


@dataclass
class Received:
    """One event, by the way that it came."""

    way: str
    id: str
    type: str
    subject: str
    at: str
    document: dict[str, Any] = field(repr=False)
    deliveries: int = 1


class Receiver(Serving):
    """A running receiver; use it as a context manager.

    Args:
        say: is told a line for each event.
        port: 0 takes a free one.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None, port: int = 0) -> None:
        self._say = say
        self._news = threading.Condition()
        self._events: dict[tuple[str, str], Received] = {}
        super().__init__(ThreadingHTTPServer(("127.0.0.1", port), _handler(self)), "receiver")

    @property
    def url(self) -> str:
        """Return the address to look at."""
        return self.origin

    def endpoint(self) -> dict[str, Any]:
        """Return the webhook endpoint, as the setting `WEBHOOKS` names it."""
        return {"name": "local", "url": f"{self.url}{WEBHOOK_PATH}", "secrets": [SECRET]}

    def events(self, way: str | None = None) -> list[Received]:
        """Return what arrived, in order; by one way, or by both."""
        with self._news:
            return [event for event in self._events.values() if way in (None, event.way)]

    def wait_for(self, holds: Callable[[list[Received]], bool], seconds: float = 60.0) -> list[Received]:
        """Return what arrived, once it is as wanted.

        Raises:
            TimeoutError: it never was.
        """
        with self._news:
            if not self._news.wait_for(lambda: holds(list(self._events.values())), seconds):
                raise TimeoutError(f"not within {seconds:.0f} s; there are {len(self._events)} events")
            return list(self._events.values())

    def take(self, way: str, event_id: str, document: dict[str, Any]) -> None:
        """Note one delivery."""
        with self._news:
            known = self._events.get((way, event_id))
            if known is not None:
                known.deliveries += 1
            else:
                told = {name: str(document.get(name, "")) for name in ("type", "subject")}
                at = datetime.now(UTC).isoformat(timespec="milliseconds")
                self._events[way, event_id] = Received(way, event_id, told["type"], told["subject"], at, document)
            self._news.notify_all()
        if known is None:
            self._say(f"event by {way}: {told['type']} · {told['subject']}")


def page(events: list[Received]) -> str:
    """Return the page for people: the newest first, and it looks again by itself."""
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(str(getattr(event, name)))}</td>" for name in _COLUMNS)
        + f"<td><details><summary>data</summary><pre>{html.escape(json.dumps(event.document, indent=1))}</pre>"
        "</details></td></tr>"
        for event in reversed(events)
    )
    count = f"{len(events)} event{'' if len(events) == 1 else 's'}, every signature verified twice"
    return _HTML.format(count=count, head=head, rows=rows or "<tr><td>Nothing has arrived yet.</td></tr>")


_HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3"><title>Outgoing events</title><style>
body{{font:14px system-ui,sans-serif;margin:1.5rem}}table{{border-collapse:collapse}}
th,td{{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #ccc;vertical-align:top}}
</style></head><body><h1>Outgoing events</h1><p>{count}</p>
<table><thead><tr>{head}<th></th></tr></thead><tbody>{rows}</tbody></table></body></html>
"""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            events = receiver.events()
            if "text/html" in (self.headers.get("Accept") or ""):
                self._answer(200, page(events).encode(), "text/html; charset=utf-8")
            else:
                self._answer(200, json.dumps([vars(event) for event in events], indent=2).encode() + b"\n")

        def do_OPTIONS(self) -> None:
            """Let Event Grid send here, and nobody else."""
            is_ours = self.path.partition("?")[0] == GRID_PATH and self.headers.get("WebHook-Request-Origin") == ORIGIN
            self._answer(200 if is_ours else 403, headers={"WebHook-Allowed-Origin": ORIGIN} if is_ours else None)

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
            takes = {GRID_PATH: self._take_delivered, WEBHOOK_PATH: self._take_webhook}
            take = takes.get(self.path.partition("?")[0])
            try:
                self._answer(404 if take is None else take(body))
            except (ValueError, KeyError, TypeError):  # InvalidEventError is a ValueError
                self._answer(400)

        def _take_delivered(self, body: bytes) -> int:
            content = json.loads(body)
            documents = content if isinstance(content, list) else [content]
            for document in documents:
                check_cloud_event(document)
            for document in documents:
                receiver.take(BY_GRID, document["id"], document)
            return 200

        def _take_webhook(self, body: bytes) -> int:
            if not is_genuine(SECRET, dict(self.headers.items()), body, datetime.now(UTC)):
                return 401
            document = json.loads(body)
            if not isinstance(document, dict):
                raise InvalidEventError("a webhook is an object")
            receiver.take(BY_WEBHOOK, self.headers["webhook-id"], document)
            return 204

        def _answer(
            self,
            status: int,
            body: bytes = b"",
            content_type: str = "application/json",
            headers: dict[str, str] | None = None,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Say nothing: `say` is told of events."""

    return Handler
