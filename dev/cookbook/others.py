"""The other side of each recipe on loopback, as strict as its documents: Speech, Teams, a ticket system, Power BI.

It also plays App Service's endpoint for the tokens of the app's identity, and lists what it was asked: `GET /cards`, or
`GET /cards?wait=60`, which answers once there is one. What the real services were never asked is not proved here: the
pages of the cookbook say so.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dev.serving import Serving

WORKSPACE, DATASET = "f089354e-8366-4e18-aea3-4cb4a3a50b48", "cfafbeb1-8037-4d0c-896e-a46fb27ff229"
SPEECH_KEY, TICKET_TOKEN, WORKFLOW = "key-of-speech", "token-of-tickets", "/workflows/1/triggers/manual?sig=teams"
SPEECH, TABLE = "/speechtotext/transcriptions:submit?api-version=2024-11-15", "/api/now/table/incident"
REFRESHES = f"/v1.0/myorg/groups/{WORKSPACE}/datasets/{DATASET}/refreshes"
LARGEST_MESSAGE = 28 * 1024  # of Teams
IDENTITY_PATH, IDENTITY = "/identity/token", "header-of-app-service"
LONGEST_WAIT = 120.0  # seconds


def token_for(scope: str) -> str:
    """Return what the identity of the tests presents for a scope."""
    return f"token-for:{scope}"


class Identity:
    """An identity whose tokens tell what they are for."""

    def get_token(self, *scopes: str, **_: Any) -> Any:
        return type("Token", (), {"token": token_for(scopes[0])})()


@dataclass
class Asked:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    content: Any


@dataclass
class Others(Serving):
    """A server that plays all of them; use it as a context manager.

    Attributes:
        failures: how many requests from now on are answered 503.
        say: is told a line for each thing that is done here.
        listen_on: a port; 0 takes a free one.
    """

    transcriptions: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, str]] = field(default_factory=list)
    refreshes: int = 0
    failures: int = 0
    say: Callable[[str], None] = lambda _: None
    listen_on: int = 0
    asked: list[Asked] = field(default_factory=list)
    routes: dict[str, Callable[[Asked], tuple[int, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.Condition()
        super().__init__(ThreadingHTTPServer(("127.0.0.1", self.listen_on), _handler(self)))
        self.routes |= {
            f"POST {SPEECH}": self._transcribe,
            f"POST {WORKFLOW}": self._post,
            f"GET {TABLE}": self._find,
            f"POST {TABLE}": self._open,
            f"POST {REFRESHES}": self._refresh,
            f"GET {IDENTITY_PATH}": _token,
        }

    @property
    def url(self) -> str:
        return self.origin

    def settings(self) -> dict[str, str]:
        """Return the settings that lead the recipes here."""
        return {
            "SPEECH_ENDPOINT": self.url,
            "TEAMS_WORKFLOW_URL": f"{self.url}{WORKFLOW}",
            "TICKET_TABLE_URL": f"{self.url}{TABLE}",
            "TICKET_TOKEN": TICKET_TOKEN,
            "POWER_BI_API": self.url,
            "POWER_BI_WORKSPACE": WORKSPACE,
            "POWER_BI_DATASET": DATASET,
        }

    def answer(self, asked: Asked) -> tuple[int, Any]:
        with self.lock:
            self.asked.append(asked)
            if self.failures > 0:
                self.failures -= 1
                return 503, None
            exact = self.routes.get(f"{asked.method} {asked.target}")
            found = exact or self.routes.get(f"{asked.method} {asked.target.partition('?')[0]}")
            return found(asked) if found else (404, None)

    def listed(self, asked: Asked) -> tuple[int, Any] | None:
        """Return what a side was asked to do, for people and scripts; None where the path is none of these."""
        path, _, query = asked.target.partition("?")
        seconds = min(float(parse_qs(query).get("wait", ["0"])[0]), LONGEST_WAIT)
        with self.lock:
            if asked.method != "GET" or path not in self._lists():
                return None
            self.lock.wait_for(lambda: self._lists()[path], seconds)
            return 200, list(self._lists()[path])

    def _lists(self) -> dict[str, list[Any]]:
        return {
            "/transcriptions": self.transcriptions,
            "/cards": self.messages,
            "/tickets": self.tickets,
            "/refreshes": [{"dataset": DATASET}] * self.refreshes,
        }

    def _done(self, what: str) -> None:
        self.say(what)
        self.lock.notify_all()

    def _transcribe(self, asked: Asked) -> tuple[int, Any]:
        by_key = asked.headers.get("ocp-apim-subscription-key") == SPEECH_KEY
        if not by_key and not _bears(asked, token_for("https://cognitiveservices.azure.com/.default")):
            return 401, None
        content = asked.content
        urls, hours = content["contentUrls"], content["properties"]["timeToLiveHours"]
        is_fine = 0 < len(urls) <= 1000 and 6 <= hours <= 31 * 24 and content["displayName"] and content["locale"]
        if not is_fine or any("?" in url for url in urls):  # with an identity on the other side, no SAS
            return 400, None
        self.transcriptions.append(content)
        self._done(f"Speech: a transcription of {len(urls)} file{'' if len(urls) == 1 else 's'}")
        return 201, {"self": f"{self.url}/speechtotext/transcriptions/1", "status": "NotStarted"}

    def _post(self, asked: Asked) -> tuple[int, Any]:
        (attachment,) = asked.content["attachments"]
        card = attachment["content"]
        is_card = attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        if asked.content["type"] != "message" or not is_card or card["type"] != "AdaptiveCard":
            return 400, None
        if len(json.dumps(asked.content).encode()) > LARGEST_MESSAGE:
            return 413, None
        self.messages.append(card)
        self._done(f"Teams: {card['body'][0]['text']}")
        return 202, None

    def _find(self, asked: Asked) -> tuple[int, Any]:
        if not _bears(asked, TICKET_TOKEN):
            return 401, None
        (query,) = parse_qs(urlsplit(asked.target).query)["sysparm_query"]
        name, _, value = query.partition("=")
        found = [{"number": one["number"]} for one in self.tickets if one.get(name) == value]
        return 200, {"result": found[:1]}

    def _open(self, asked: Asked) -> tuple[int, Any]:
        if not _bears(asked, TICKET_TOKEN):
            return 401, None
        made = {**asked.content, "number": f"INC{len(self.tickets) + 1:07d}"}
        self.tickets.append(made)
        self._done(f"tickets: {made['number']} · {made['short_description']}")
        return 201, {"result": made}

    def _refresh(self, asked: Asked) -> tuple[int, Any]:
        if not _bears(asked, token_for("https://analysis.windows.net/powerbi/api/.default")):
            return 403, None
        self.refreshes += 1
        self._done("Power BI: a refresh")
        return 202, None


def _token(asked: Asked) -> tuple[int, Any]:
    """Answer as App Service's endpoint for managed identities."""
    query = parse_qs(urlsplit(asked.target).query)
    if asked.headers.get("x-identity-header") != IDENTITY or query.get("api-version") != ["2019-08-01"]:
        return 401, None
    (resource,) = query["resource"]
    token, expires_on = token_for(f"{resource}/.default"), int(time.time()) + 3600
    return 200, {"access_token": token, "expires_on": str(expires_on), "resource": resource, "token_type": "Bearer"}


def _bears(asked: Asked, token: str) -> bool:
    return asked.headers.get("authorization") == f"Bearer {token}"


def _handler(others: Others) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, json.loads(body) if body else None)
            try:
                listed = others.listed(asked)
                status, content = listed or others.answer(asked)
            except (KeyError, TypeError, ValueError):
                listed, (status, content) = None, (400, None)
            text = json.dumps(content, indent=2) + "\n" if listed else json.dumps(content)  # a list is read by people
            data = text.encode() if content is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    return Handler
