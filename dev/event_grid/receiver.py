"""A receiver of events to look at: the custom topic of the local world, and an endpoint of webhooks, in one server.

The topic takes CloudEvents as Microsoft's client sends them, with a key; the endpoint takes Standard Webhooks
and verifies them with the library. `GET /` lists what arrived, each id once, with how often it was delivered.
"""

import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

TOPIC_PATH, WEBHOOK_PATH = "/api/events", "/webhook"
KEY = "bG9jYWwtdG9waWMta2V5LW9mLXRoaXMtbWFjaGluZQ=="  # of a stand-in on loopback: no secret
SECRET = "whsec_bG9jYWwgd2ViaG9vayBzZWNyZXQgb2YgdGhpcyBtYWNoaW5l"
LARGEST = 1 << 20


@dataclass
class Received:
    """One event, by the way that it came."""

    way: str
    id: str
    type: str
    subject: str
    document: dict[str, Any] = field(repr=False)
    deliveries: int = 1


class Receiver:
    """A running receiver; use it as a context manager.

    Args:
        say: is told a line for each event.
        port: 0 takes a free one.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None, port: int = 0) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._events: dict[tuple[str, str], Received] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Return the address to look at."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settings(self, api: str = "") -> dict[str, str]:
        """Return the app settings that send events here, both ways."""
        endpoint = {"name": "local", "url": f"{self.url}{WEBHOOK_PATH}", "secrets": [SECRET]}
        return {
            "EVENTS_TOPIC_ENDPOINT": f"{self.url}{TOPIC_PATH}",
            "EVENTS_TOPIC_KEY": KEY,
            "WEBHOOKS": json.dumps([endpoint]),
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
        } | ({"EVENTS_API_URL": api} if api else {})

    def events(self) -> list[Received]:
        """Return what arrived, in order."""
        with self._lock:
            return list(self._events.values())

    def take(self, way: str, event_id: str, document: dict[str, Any]) -> None:
        """Note one delivery."""
        with self._lock:
            known = self._events.get((way, event_id))
            if known is not None:
                known.deliveries += 1
                return
            kind, subject = str(document.get("type")), str(document.get("subject"))
            self._events[way, event_id] = Received(way, event_id, kind, subject, document)
        self._say(f"event by {way}: {kind} · {subject}")


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = [{**vars(event)} for event in receiver.events()]
            self._answer(200, json.dumps(shown, indent=2).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
            path = self.path.partition("?")[0]
            try:
                if path == TOPIC_PATH:
                    self._take_published(body)
                elif path == WEBHOOK_PATH:
                    self._take_webhook(body)
                else:
                    self._answer(404)
            except (ValueError, KeyError, TypeError):
                self._answer(400)

        def _take_published(self, body: bytes) -> None:
            if not hmac.compare_digest(self.headers.get("aeg-sas-key", "").encode(), KEY.encode()):
                self._answer(401)
                return
            content = json.loads(body)
            for document in content if isinstance(content, list) else [content]:
                if document["specversion"] != "1.0":
                    raise ValueError("not a CloudEvent 1.0")
                receiver.take("event-grid", document["id"], document)
            self._answer(200)

        def _take_webhook(self, body: bytes) -> None:
            try:
                document = Webhook(SECRET).verify(body, dict(self.headers.items()))
            except WebhookVerificationError:
                self._answer(401)
                return
            receiver.take("webhook", self.headers["webhook-id"], document)
            self._answer(204)

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Say nothing: `say` is told of events."""

    return Handler
