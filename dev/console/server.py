"""Serves the console over a made-up day: the app's own routes, and in front of them a sign-in with made-up people."""

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from uuid import NAMESPACE_DNS, uuid5

import azure.functions as func

from dev.console.day import Day
from dev.serving import Serving
from recording.http import console, console_files
from recording.ports import Ports
from recording.ports.probe import Probe
from recording.settings import Settings

PREFIX = "/api/console"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@dataclass(frozen=True)
class Person:
    """Somebody made up, with the app roles that Entra would tell."""

    name: str
    roles: tuple[str, ...]

    @property
    def object_id(self) -> str:
        """Return the id that Entra would give."""
        return str(uuid5(NAMESPACE_DNS, self.name))

    def principal(self) -> str:
        """Return the header of App Service authentication."""
        claims = [{"typ": "name", "val": self.name}, {"typ": OBJECT_ID, "val": self.object_id}]
        claims += [{"typ": "roles", "val": role} for role in self.roles]
        return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()


PEOPLE = {
    "admin": Person("Noa Lindqvist", ("Recording.Admin",)),
    "listener": Person("ليلى حدّاد", ("Recording.Listen",)),
    "reader": Person("Sam Okafor", ("Recording.Read",)),
    "eraser": Person("Iris Vogel", ("Recording.Erase",)),
    "approver": Person("Bo Lindahl", ("Recording.Erase",)),
    "exporter": Person("Ada Moreau", ("Recording.Export",)),
    "nobody": Person("Kim Nobody", ()),
}


@dataclass
class ConsoleServer:
    """A running console; use it as a context manager.

    Attributes:
        port: of loopback; 0 takes a free one.
        delay: seconds that every answer of the API takes; a slow network.
        broken: answers by the beginning of their path under `console/api`: the status instead.
        seen: method and path of every request, with its headers.
        sent: bytes of all bodies, by the last segment of the path.
    """

    day: Day
    probe: Callable[[Settings], Probe]
    port: int = 0
    delay: float = 0.0
    broken: dict[str, int] = field(default_factory=dict)
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._lock = threading.Lock()
        self._serving = Serving(_Quiet(("127.0.0.1", self.port), _handler(self)), "console")
        self._serving.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self._serving.stop()

    @property
    def origin(self) -> str:
        """Return the scheme, host and port."""
        return self._serving.origin

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"{self.origin}{PREFIX}/index.html"

    def dependencies(self) -> tuple[Ports, Settings]:
        """Return what the routes are given."""
        return self.day.world.ports, self.day.world.settings

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> func.HttpResponse:
        """Answer one request as platform and app would."""
        self.seen.append((method, target, headers))
        path = urlsplit(target).path
        if path.startswith("/.auth/"):
            return _sign_in(target)
        if path.startswith(f"{PREFIX}/api/"):
            return self._api(method, target, headers, body)
        return console_files.serve(self._request(method, target, headers, body, path.removeprefix(PREFIX)[1:]))

    def _api(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> func.HttpResponse:
        path = urlsplit(target).path.removeprefix(f"{PREFIX}/api/")
        time.sleep(self.delay)
        for beginning, status in self.broken.items():
            if path.startswith(beginning):
                return func.HttpResponse(b"", status_code=status)
        request = self._request(method, target, headers, body, unquote(path))
        with self._lock:  # the fakes are one thread's
            return console.answer(request, self.dependencies, self.probe)

    def _request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, path: str
    ) -> func.HttpRequest:
        kept = {name: value for name, value in headers.items() if not name.lower().startswith("x-ms-")}
        person = PEOPLE.get(_cookie(headers))
        if person is not None:
            kept |= {"X-MS-CLIENT-PRINCIPAL": person.principal(), "X-MS-CLIENT-PRINCIPAL-ID": person.object_id}
        query = dict(parse_qsl(urlsplit(target).query))
        return func.HttpRequest(
            method=method,
            url=f"{self.origin}{target}",
            headers=kept,
            params=query,
            route_params={"path": path},
            body=body,
        )


def _cookie(headers: Mapping[str, str]) -> str:
    found: SimpleCookie = SimpleCookie(next((value for name, value in headers.items() if name.lower() == "cookie"), ""))
    return found["who"].value if "who" in found else ""


def _sign_in(target: str) -> func.HttpResponse:
    """Show the made-up people, make one of them the caller, or forget who it was."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query))
    back = query.get("post_login_redirect_uri") or query.get("post_logout_redirect_uri") or f"{PREFIX}/index.html"
    if parts.path == "/.auth/logout":
        return _redirected(back, "")
    if who := query.get("who"):
        return _redirected(back, who)
    links = "".join(
        f'<p><a href="?who={name}&post_login_redirect_uri={quote(back, safe="")}">{name}</a></p>' for name in PEOPLE
    )
    page = f"<!doctype html><html lang=en><title>Sign in</title><h1>Who are you?</h1>{links}"
    return func.HttpResponse(page.encode(), mimetype="text/html", charset="utf-8")


def _redirected(to: str, who: str) -> func.HttpResponse:
    cookie = f"who={who}; Path=/; HttpOnly; SameSite=Lax"
    return func.HttpResponse(b"", status_code=302, headers={"Location": to, "Set-Cookie": cookie})


class _Quiet(ThreadingHTTPServer):
    """A server to which a browser that hangs up is no news."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a connection that was reset."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(server: ConsoleServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answered = server.answer(self.command, self.path, dict(self.headers.items()), body)
            content = answered.get_body()
            what = urlsplit(self.path).path.rpartition("/")[2]
            server.sent[what] = server.sent.get(what, 0) + len(content)
            self.send_response(answered.status_code)
            headers: dict[str, Any] = dict(answered.headers)
            headers.setdefault("Content-Type", answered.mimetype)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):  # the browser has heard enough
                self.close_connection = True

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the base class

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler
