"""Whatever a request holds: the caller is told what is wrong with it, and it is never a mistake of the app."""

import json
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.world import World
from recording.domain.incoming.roles import Role
from recording.http import events as http_events
from recording.http import keep as http_keep
from recording.http import library as http_library
from recording.http import routes
from recording.http.console import ROUTES, ConsoleRoute
from recording.http.routes import Endpoint
from tests.unit.http.test_console import OWN_PAGE, archived, ask, principal

EVERYBODY = OWN_PAGE | principal(*Role)
NAMES = (
    *(
        "from",
        "to",
        "before",
        "after",
        "since",
        "until",
        "next",
        "limit",
        "top",
        "participant",
        "number",
        "call",
        "tag",
    ),
    *(
        "format",
        "state",
        "recording",
        "recordingId",
        "reason",
        "id",
        "document",
        "channel",
        "blob",
        "media",
        "timeZone",
    ),
)
WORDS = {
    "the first day": "0001-01-01T00:00:00+14:00",
    "the last day": "9999-12-31T23:59:59.999999-12:00",
    "a position at the end of time": "9999-12-31T23:59:59.999999+00:00|",
    "a position at the begin of time": "0001-01-01T00:00:00+00:00|",
    "no day": "2026-02-30T00:00:00Z",
    "nothing": "",
    "digits of another script": "٣٤٥٦٧٨٩",
    "a number": "9" * 400,
    "minus": "-1",
    "quotes": "' or 1 eq 1 or '",
    "controls": "\x00\x1b\u202e",
    "a folder": "../../etc",
    "long": "x" * 9000,
    "base64": "//79",
}
BODIES: dict[str, bytes] = {
    "none": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "broken": b'{"note": ',
    "not a number": b'{"limit": NaN, "first": Infinity, "days": -Infinity}',
    "a large number": b'{"limit": 1e999, "first": 1e30}',
    "many digits": b'{"first": ' + b"9" * 5000 + b"}",
    "half a character": rb'{"note": "\ud800", "reason": "\ud800", "tags": {"\ud800": "\ud800"}, "number": "\ud800"}',
    "a deep one": b"[" * 60_000,
    "not UTF-8": b'{"note": "\xff\xfe"}',
    "UTF-16": '{"reason": "x"}'.encode("utf-16"),
    "too much": b'{"note": "' + b"x" * 70_000 + b'"}',
}


def _path(route: ConsoleRoute, odd: str | None = None) -> str:
    values = {"{recordingId}": RECORDING_ID, "{index}": "0", "{channel}": "0", "{case}": "c-1", "{id*}": "x/0-x"}
    values |= dict.fromkeys(("{erasureId}", "{exportId}", "{derivedId}", "{name}"), "e-1")
    path = route.path
    for name, value in values.items():
        path = path.replace(name, value if odd is None else odd)
    return path


def _fault(answer: func.HttpResponse) -> bool:
    """Return whether the app fell over; 503 is a part that this world does not have."""
    body = answer.get_body()
    is_told = answer.mimetype == "application/problem+json"
    return answer.status_code >= 500 and is_told and bool(json.loads(body)["code"] == "internal_error")


@pytest.fixture(scope="module")
def here() -> World:
    """One archived recording, and the platform signs people in."""
    return archived()


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET"], ids=lambda route: route.path)
def test_an_odd_query_is_no_mistake_of_the_app(here: World, route: ConsoleRoute, word: str) -> None:
    """`audit?to=` with the first day of the calendar was answered 500."""
    for name in NAMES:
        assert not _fault(ask(here, _path(route), EVERYBODY, "GET", b"", **{name: word})), name


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("route", [r for r in ROUTES if r.method != "GET"], ids=lambda r: f"{r.method} {r.path}")
def test_an_odd_body_is_no_mistake_of_the_app(here: World, route: ConsoleRoute, body: bytes) -> None:
    """The caller's own mistake is told by its code."""
    assert not _fault(ask(here, _path(route), EVERYBODY, route.method, body))


@pytest.mark.parametrize("odd", [word for word in WORDS.values() if word], ids=[word for word in WORDS if WORDS[word]])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_an_odd_path_is_no_mistake_of_the_app(here: World, route: ConsoleRoute, odd: str) -> None:
    """Every id in it is from outside."""
    assert not _fault(ask(here, _path(route, odd), EVERYBODY, route.method, b"{}"))


@pytest.mark.parametrize("header", ["Range", "If-Range", "If-Match", "If-None-Match", "Idempotency-Key", "Accept"])
@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_an_odd_header_is_no_mistake_of_the_app(here: World, header: str, word: str) -> None:
    """Of headers, too."""
    for route in ROUTES:
        body: Any = b"" if route.method == "GET" else b"{}"
        assert not _fault(ask(here, _path(route), EVERYBODY | {header: word}, route.method, body)), route.path


@pytest.mark.parametrize("key", ["\udcff", "a\ud800b", "\x00", "x" * 300])
def test_a_key_that_is_no_text_is_the_callers_mistake(here: World, key: str) -> None:
    """It is refused before ACS is called, also where the refusal of a call that must be recorded is told."""
    body = json.dumps({"serverCallId": "Y2FsbA=="}).encode()
    request = func.HttpRequest(
        "POST", "https://app/api/recordings", headers=EVERYBODY | {"Idempotency-Key": key}, body=body
    )
    answer = routes.start_recording(request, lambda: (here.ports, here.settings))
    assert (answer.status_code, json.loads(answer.get_body())["code"]) == (400, "invalid_idempotency_key")


NAMELY = "+4915112345678"


@pytest.mark.parametrize(
    ("act", "route"), [(http_keep.approve_erasure, "erasureId"), (http_events.enable_receiver, "name")]
)
def test_a_number_in_a_path_is_not_kept_in_the_trail(here: World, act: Endpoint, route: str) -> None:
    """The audit is kept for years, and an erasure does not look for a number in it."""
    body, header = json.dumps({"note": "x"}).encode(), EVERYBODY
    request = func.HttpRequest("POST", "https://app/api/x", headers=header, route_params={route: NAMELY}, body=body)
    known = here.settings.model_copy(update={"platform_auth": True})
    answer = act(request, lambda: (here.ports, known))
    assert answer.status_code >= 400
    assert NAMELY not in answer.get_body().decode()
    written = [repr(row) for row in here.fakes.audit.written]
    assert written
    assert not any(NAMELY in row for row in written)


@pytest.mark.parametrize(
    ("act", "status", "query"),
    [
        (routes.get_recording, 200, {}),
        (routes.list_held, 200, {}),
        (routes.start_recording, 400, {}),
        (http_library.report_pauses, 200, {"from": "2026-01-01", "to": "2026-12-31", "format": "csv"}),
        (http_keep.recording_certificate, 404, {}),
    ],
)
def test_no_answer_of_the_api_is_stored_on_its_way(
    here: World, act: Endpoint, status: int, query: dict[str, str]
) -> None:
    """Proxies may store an answer that says nothing about it; these name people, or will be different soon."""
    request = func.HttpRequest(
        "GET",
        "https://app/api/x",
        headers=EVERYBODY,
        params=query,
        route_params={"recordingId": RECORDING_ID},
        body=b"",
    )
    answer = act(request, lambda: (here.ports, here.settings))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "private, no-store")
