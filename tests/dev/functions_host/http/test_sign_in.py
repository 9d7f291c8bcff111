"""Sign-in as the built-in host models it: what a client says of itself never counts; only the cookie names people."""

import base64
import json
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from dev.functions_host.http.people import PEOPLE, Person
from dev.functions_host.http.sign_in import COOKIE
from dev.functions_host.process import HostProcess

APP = '''
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("page/{*path}", methods=["GET", "HEAD"])
def page(req: func.HttpRequest) -> func.HttpResponse:
    """Echoes what the host tells of path and caller."""
    import json
    import os
    told = {name.lower(): text for name, text in req.headers.items() if name.lower().startswith("x-ms-")}
    facts = {"path": req.route_params.get("path"), "told": told, "on": os.environ.get("WEBSITE_AUTH_ENABLED")}
    return func.HttpResponse(json.dumps(facts), mimetype="application/json")


@app.route("page/api/{*path}", methods=["GET", "POST"])
def page_api(req: func.HttpRequest) -> func.HttpResponse:
    """The more exact of the two."""
    return func.HttpResponse("api:" + (req.route_params.get("path") or "") + ":" + req.get_body().decode())
'''
BROWSER = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """The host over a small app, as its own process."""
    folder = tmp_path_factory.mktemp("signed")
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"version": "2.0"}')
    with HostProcess(folder, {}, folder / "work", sign_in=True) as running:
        yield running


def ask(host: HostProcess, path: str, method: str = "GET", body: str = "", **headers: str) -> urllib3.BaseHTTPResponse:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    if body:
        named.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return urllib3.request(method, f"{host.url}{path}", body=body or None, headers=named, redirect=False, retries=False)


def told(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.data)
    return found


def signed_in(host: HostProcess, person: Person, target: str = "/api/page/x") -> tuple[str, str]:
    """The cookie of somebody who chose this name on the page, and where that led."""
    form = urlencode({"person": person.object_id, "target": target})
    answer = ask(host, "/.auth/login/aad", "POST", form, **BROWSER)
    assert answer.status == 303
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    return f"{COOKIE}={cookie.value}", answer.headers["Location"]


def principal(answer: urllib3.BaseHTTPResponse) -> dict[str, Any] | None:
    text = told(answer)["told"].get("x-ms-client-principal")
    return json.loads(base64.b64decode(text)) if text else None


def test_the_page_names_everybody_and_keeps_where_to_go(host: HostProcess) -> None:
    """Each of them has other roles to try the console with."""
    page = ask(host, "/.auth/login/local?post_login_redirect_uri=%2Fapi%2Fpage%2Fx").data.decode()
    assert all(person.name in page for person in PEOPLE)
    assert 'value="/api/page/x"' in page


def test_who_signs_in_is_named_to_the_app_and_to_the_page(host: HostProcess) -> None:
    """In the headers, the claims and the form that App Service uses."""
    cookie, place = signed_in(host, PEOPLE[1])
    assert place == "/api/page/x"
    answer = ask(host, "/api/page/a/b", Cookie=cookie, **BROWSER)
    found = principal(answer)
    assert found is not None
    assert {"typ": "roles", "val": "Recording.Listen"} in found["claims"]
    assert told(answer)["told"]["x-ms-client-principal-id"] == PEOPLE[1].object_id
    assert told(answer)["on"] == "true"
    me = json.loads(ask(host, "/.auth/me", Cookie=cookie, **BROWSER).data)
    assert me[0]["user_claims"] == found["claims"]


@pytest.mark.parametrize("name", ["X-MS-CLIENT-PRINCIPAL", "x-ms-client-principal", "X-Ms-Client-Principal-Id"])
def test_what_a_client_says_of_itself_is_removed(host: HostProcess, name: str) -> None:
    """Else everybody could be the administrator."""
    answer = ask(host, "/api/page/x", **BROWSER, **{name: "forged"})
    assert told(answer)["told"] == {}
    cookie, _ = signed_in(host, PEOPLE[0])
    assert "forged" not in ask(host, "/api/page/x", Cookie=cookie, **BROWSER, **{name: "forged"}).data.decode()


def test_a_browser_without_a_cookie_is_nobody_and_a_program_is_one(host: HostProcess) -> None:
    """The lines of the terminal go on working; the page must sign in."""
    assert principal(ask(host, "/api/page/x", **BROWSER)) is None
    assert principal(ask(host, "/api/page/x", Cookie=f"{COOKIE}=guessed", **BROWSER)) is None
    assert ask(host, "/.auth/me", **BROWSER).status == 401
    program = principal(ask(host, "/api/page/x"))
    assert program is not None
    assert {"typ": "roles", "val": "Recording.Admin"} in program["claims"]


def test_after_signing_out_the_cookie_is_worth_nothing(host: HostProcess) -> None:
    """Not only forgotten by the browser."""
    cookie, _ = signed_in(host, PEOPLE[0])
    out = ask(host, "/.auth/logout?post_logout_redirect_uri=%2Fapi%2Fpage%2Fx", Cookie=cookie, **BROWSER)
    assert (out.status, out.headers["Location"]) == (302, "/api/page/x")
    assert principal(ask(host, "/api/page/x", Cookie=cookie, **BROWSER)) is None


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", ""])
def test_nobody_is_led_to_another_site(host: HostProcess, target: str) -> None:
    """A link to the sign-in page could else end anywhere."""
    assert signed_in(host, PEOPLE[0], target)[1] == "/"


def test_a_catch_all_takes_the_rest_and_an_exact_route_goes_before_it(host: HostProcess) -> None:
    """As the router of the real host does."""
    assert told(ask(host, "/api/page/a/b.js"))["path"] == "a/b.js"
    assert told(ask(host, "/api/page"))["path"] is None
    assert told(ask(host, "/api/page/"))["path"] is None
    assert ask(host, "/api/page/api/me/x").data == b"api:me/x:"
    assert ask(host, "/api/page/api/me", "POST", "body").data == b"api:me:body"
    head = ask(host, "/api/page/a", "HEAD")
    assert (head.status, head.data) == (200, b"")


def test_many_bodies_at_once_survive_the_renaming(host: HostProcess) -> None:
    """The request is handed on with other headers; its body must stay its own."""
    found: dict[int, bytes] = {}

    def one(number: int) -> None:
        found[number] = ask(host, "/api/page/api/x", "POST", str(number) * 1000).data

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"api:x:{str(number) * 1000}".encode() for number in range(8)}


def test_without_the_option_nothing_stands_in_front(tmp_path: Path) -> None:
    """As Core Tools do: then the app must not believe the header either."""
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with HostProcess(tmp_path, {}, tmp_path / "work") as running:
        assert ask(running, "/.auth/me").status == 404
        answer = told(ask(running, "/api/page/x", X_MS_CLIENT_PRINCIPAL="anything"))
    assert answer["told"] == {"x-ms-client-principal": "anything"}
    assert answer["on"] is None
