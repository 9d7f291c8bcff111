"""The console's routes: every role at every route, and every way of not being its own page or not signed in."""

import base64
import json
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, task
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS
from recording.domain.incoming.roles import Role
from recording.http import console
from recording.http.console import MARK, ROUTES, ConsoleRoute, role_of

OWN_PAGE = {"Sec-Fetch-Site": "same-origin", MARK: "1"}
INCLUDED = {role: {Role.READ, role} for role in Role} | {Role.ADMIN: set(Role)}


def principal(*roles: str, name: str | None = "Ann Example") -> dict[str, str]:
    """The header as App Service writes it."""
    claims = [{"typ": "oid", "val": "11111111-2222-3333-4444-555555555555"}]
    claims += [{"typ": "name", "val": name}] if name else []
    claims += [{"typ": "roles", "val": role} for role in roles]
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps({"claims": claims}).encode()).decode()}


def path_of(route: ConsoleRoute) -> str:
    """A path that the route matches; what it names does not exist."""
    path = route.path
    for name, value in {
        "{recordingId}": "unknown",
        "{index}": "0",
        "{channel}": "0",
        "{case}": "c-1",
        "{erasureId}": "e-1",
        "{exportId}": "e-1",
        "{derivedId}": "d-1",
        "{id*}": "unknown/0-x",
    }.items():
        path = path.replace(name, value)
    return path


def ask(
    here: World, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b"", **params: str
) -> func.HttpResponse:
    """One request, as the host hands it over."""
    request = func.HttpRequest(
        method,
        f"https://app.azurewebsites.net/api/console/api/{path}",
        headers=headers,
        params=params,
        route_params={"path": path},
        body=body,
    )
    return console.answer(request, lambda: (here.ports, here.settings), lambda _: FakeProbe())


def content(answer: func.HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


def outcome(answer: func.HttpResponse) -> tuple[int, str | None]:
    """Status and code; what is asked for does not exist, so another refusal means: the route was open."""
    body = answer.get_body()
    return answer.status_code, json.loads(body).get("code") if answer.mimetype == "application/problem+json" else None


def archived() -> World:
    """One recording is archived and can be found; the platform signs people in."""
    here = world(platform_auth=True)
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_opens_exactly_its_routes(role: Role | None, route: ConsoleRoute) -> None:
    """Every cell: what a role may not do is refused, whatever the page shows."""
    here, needed = world(platform_auth=True), role_of(route)
    headers = OWN_PAGE | principal(*([role] if role else []))
    answer = outcome(ask(here, path_of(route), headers, route.method, b"{}", recording="unknown"))
    if needed is None or (role is not None and needed in INCLUDED[role]):
        assert answer[1] not in ("role_missing", "not_signed_in", "cross_site_request")
    else:
        assert answer == (403, "role_missing")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_without_platform_sign_in_the_console_is_closed(route: ConsoleRoute) -> None:
    """Then the header that names the caller may come from anybody; and no route asks for a key."""
    headers = OWN_PAGE | principal(*Role)
    answer = outcome(ask(world(), path_of(route), headers, route.method, b"{}"))
    assert answer == (503, "sign_in_unavailable")
    required = world(sign_in_required=True)
    assert outcome(ask(required, path_of(route), headers, route.method, b"{}")) == (503, "sign_in_unavailable")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {MARK: "1", "Sec-Fetch-Site": "cross-site"},
        {MARK: "1", "Sec-Fetch-Site": "same-site"},
        {MARK: "1", "Sec-Fetch-Site": "none"},
        {MARK: "1", "Sec-Fetch-Site": ""},
        {MARK: "1", "Origin": "https://evil.example"},
        {MARK: "1", "Origin": "https://app.azurewebsites.net.evil.example"},
        {MARK: "1", "Origin": "http://app.azurewebsites.net"},
        {MARK: "1", "Origin": "null"},
        {MARK: "0", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_no_other_site_is_answered(route: ConsoleRoute, headers: dict[str, str]) -> None:
    """The browser sends the cookie along, whoever makes the request."""
    here = world(platform_auth=True)
    answer = outcome(ask(here, path_of(route), headers | principal(*Role), route.method, b"{}"))
    if route.is_media and headers.get("Sec-Fetch-Site") == "same-origin":
        assert answer[1] != "cross_site_request"
    else:
        assert answer == (403, "cross_site_request")


def test_an_old_browser_is_known_by_its_origin() -> None:
    """Before 2023 not every browser said where a request came from."""
    here = world(platform_auth=True)
    headers = {MARK: "1", "Origin": "https://app.azurewebsites.net"} | principal("Recording.Read")
    assert ask(here, "recordings", headers).status_code == 200


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("header", [None, "", "not base64!", base64.b64encode(b"[]").decode(), "A" * 100_000])
def test_without_a_readable_principal_nobody_gets_in(route: ConsoleRoute, header: str | None) -> None:
    """A lost session is told with the way back in."""
    headers = OWN_PAGE | ({} if header is None else {"X-MS-CLIENT-PRINCIPAL": header})
    answer = ask(world(platform_auth=True), path_of(route), headers, route.method, b"{}")
    assert outcome(answer) == (401, "not_signed_in")
    assert content(answer)["signInUrl"].startswith("/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fconsole%2F")


def test_me_tells_who_is_signed_in_and_what_that_opens() -> None:
    """The page shows nothing that would be refused."""
    here = world(platform_auth=True)
    found = content(ask(here, "me", OWN_PAGE | principal("Recording.Listen")))
    assert (found["name"], found["roles"]) == ("Ann Example", ["Recording.Listen"])
    opened = {name for name, is_open in found["may"].items() if is_open}
    assert opened == {"read", "listen"}
    nobody = content(ask(here, "me", OWN_PAGE | principal(name=None)))
    assert (nobody["name"], nobody["roles"], any(nobody["may"].values())) == (None, [], False)


def test_the_same_answers_as_behind_a_key() -> None:
    """One operation, two ways in."""
    here = archived()
    reader = OWN_PAGE | principal("Recording.Read")
    found = content(ask(here, "recordings", reader))
    assert [one["recordingId"] for one in found["recordings"]] == [RECORDING_ID]
    assert content(ask(here, "recordings/search", reader, "POST", b'{"limit": 1}'))["count"] == 1
    one = ask(here, f"recordings/{RECORDING_ID}", reader)
    assert content(one)["recordingId"] == RECORDING_ID
    assert content(ask(here, f"recordings/{RECORDING_ID}/timeline", reader))["moments"]
    headers = OWN_PAGE | principal("Recording.Control") | {"If-Match": one.headers["ETag"]}
    tagged = ask(here, f"recordings/{RECORDING_ID}", headers, "PATCH", b'{"tags": {"case": "C-7"}}')
    assert content(tagged)["tags"] == {"case": "C-7"}


@pytest.mark.parametrize("spelling", ["{0}", "%2F"])
def test_a_held_thing_is_decided_by_the_id_in_the_path(spelling: str) -> None:
    """Its id holds a slash, which some hosts hand over encoded."""
    here = world(platform_auth=True)
    here.announces({"id": "odd", "eventType": "Microsoft.Communication.RecordingFileStatusUpdated", "data": 7})
    admin = OWN_PAGE | principal("Recording.Admin")
    held = content(ask(here, "held", admin))["held"][0]["id"]
    path = held.replace("/", spelling) if spelling == "%2F" else held
    done = ask(here, f"held/{path}/dismiss", admin, "POST", b'{"note": "a test of the sender"}')
    assert (done.status_code, content(done)["done"]) == (200, [held])
    assert content(ask(here, "held", admin))["count"] == 0


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b"7"])
def test_a_decision_without_a_note_is_refused(body: bytes) -> None:
    """The path names the thing; only the body can say why."""
    here = world(platform_auth=True)
    answer = ask(here, "held/x/dismiss", OWN_PAGE | principal("Recording.Admin"), "POST", body)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["", "nothing", "recordings/x/y/z", "../console", "me/again", "held//retry", "Me"])
def test_an_unknown_route_is_told_without_asking_anything(path: str) -> None:
    """A problem document, not the host's empty 404."""
    answer = ask(world(platform_auth=True), path, OWN_PAGE | principal(*Role))
    assert outcome(answer) == (404, "unknown_route")


def test_a_wrong_method_is_told() -> None:
    """DELETE of a recording must not be taken for something else."""
    answer = ask(world(platform_auth=True), f"recordings/{RECORDING_ID}", OWN_PAGE | principal(*Role), "DELETE")
    assert outcome(answer) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["me", "recordings", "nothing"])
def test_no_answer_is_kept_rendered_or_framed(path: str) -> None:
    """Answers hold people's data, and browsers keep what they may."""
    answer = ask(world(platform_auth=True), path, OWN_PAGE | principal("Recording.Read"))
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_about_the_console_lists_the_routes_and_their_roles() -> None:
    """Who grants roles reads it."""
    page = {
        spans(row["request"])[0]: row["app role"].strip("`")
        for row in rows_with(DOCS / "console.md", "request", "app role")
    }
    assert page == {f"{route.method} {route.path}": role_of(route) or "-" for route in ROUTES}


WORD_OF = {
    Role.READ: "read",
    Role.LISTEN: "listen",
    Role.CONTROL: "control",
    Role.HOLD: "hold",
    Role.EXPORT: "export",
    Role.ERASE: "erase",
    Role.ADMIN: "operate",
}


@pytest.mark.parametrize("role", [None, *Role])
def test_what_the_page_shows_by_is_what_its_routes_are_opened_by(role: Role | None) -> None:
    """Each word of `may` stands for one role: a route that needs another one would be shown and refused."""
    here = world(platform_auth=True)
    may = content(ask(here, "me", OWN_PAGE | principal(*([role] if role else []))))["may"]
    needed = {role_of(route) for route in ROUTES} - {None}
    assert {WORD_OF[one] for one in needed if one is not None} | {"link"} == set(may)
    for route in ROUTES:
        least = role_of(route)
        if least is not None:
            assert may[WORD_OF[least]] == (role is not None and least in INCLUDED[role]), route.path


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_head_is_answered_for_media_alone_and_leaves_no_row(route: ConsoleRoute) -> None:
    """A vCon or a bundle of which nobody received a byte is not handed over."""
    here = archived()
    path = path_of(route).replace("unknown", RECORDING_ID)
    before = len(here.fakes.audit.written)
    answer = outcome(ask(here, path, OWN_PAGE | principal("Recording.Admin"), "HEAD", b""))
    assert (answer == (405, "method_not_allowed")) == (not route.is_media)
    assert len(here.fakes.audit.written) == before
