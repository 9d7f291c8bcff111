"""App Service authentication as it stands in front of an app: sign-in, cookie, headers that only the platform sets.

Whatever a client sends as `X-MS-…` is removed, and who is signed in is told by headers of our own making, in the form
that App Service uses. The people are made up; nobody is asked for a password.
"""

import base64
import json
import secrets
from collections.abc import Sequence
from html import escape

from aiohttp import web

from dev.functions_host.http.people import PEOPLE, Person

COOKIE = "AppServiceAuthSession"
PROVIDER = "aad"
_PLATFORMS = "x-ms-"
_FETCHED = "Sec-Fetch-Site"  # browsers send it with every request, programs do not
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · local world</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }}
button {{ display: block; width: 100%; margin: .5rem 0; padding: .75rem 1rem; font: inherit; text-align: start; }}
small {{ display: block; }}
</style>
</head>
<body>
<main>
<h1>Who are you?</h1>
<p>These people are made up, and exist on this machine only. In Azure, Entra's own page stands here.</p>
<form method="post">
<input type="hidden" name="target" value="{target}">
{buttons}
</form>
</main>
</body>
</html>
"""
_BUTTON = '<button name="person" value="{id}"><bdi>{name}</bdi><small>{roles}: {what}</small></button>'


class SignIn:
    """Knows who is signed in, by the cookies it has given out.

    Args:
        people: who can sign in.
        program: who a request is from that shows no cookie and comes from no browser, as if it had sent a token; None:
            it is from nobody.
    """

    def __init__(self, people: Sequence[Person] = PEOPLE, program: Person | None = None) -> None:
        self._people = {person.object_id: person for person in people}
        self._program = program
        self._sessions: dict[str, Person] = {}

    def named(self, request: web.Request) -> web.Request:
        """Return the request as the app gets it: without the client's platform headers, with the platform's own."""
        headers = request.headers.copy()
        for name in {name for name in headers if name.lower().startswith(_PLATFORMS)}:
            headers.popall(name)
        person = self._person(request)
        if person is not None:
            headers.update(_headers_of(person))
        return request.clone(headers=headers)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request to `/.auth/…`."""
        parts = request.path.strip("/").split("/")
        match (request.method, parts[1:]):
            case ("GET", ["login", _]):
                return self._page(request.query.get("post_login_redirect_uri", ""))
            case ("POST", ["login", _]):
                return await self._signed_in(request)
            case ("GET", ["me"]):
                return self._me(request)
            case ("GET", ["logout"]):
                return self._signed_out(request)
            case ("GET", ["logout", "complete"]):
                return web.Response(text="You are signed out.")
        return web.Response(status=404)

    def _person(self, request: web.Request) -> Person | None:
        signed_in = self._sessions.get(request.cookies.get(COOKIE, ""))
        if signed_in is not None or _FETCHED in request.headers:
            return signed_in
        return self._program

    def _page(self, target: str) -> web.Response:
        buttons = "\n".join(
            _BUTTON.format(
                id=person.object_id,
                name=escape(person.name),
                roles=escape(", ".join(person.roles) or "no role"),
                what=escape(person.what),
            )
            for person in self._people.values()
        )
        page = _PAGE.format(target=escape(_own_path(target)), buttons=buttons)
        return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _signed_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        person = self._people.get(str(form.get("person", "")))
        if person is None:
            return web.Response(status=400, text="nobody of that name")
        token = secrets.token_urlsafe()
        self._sessions[token] = person
        answer = web.Response(status=303, headers={"Location": _own_path(str(form.get("target", "")))})
        answer.set_cookie(COOKIE, token, httponly=True, samesite="Lax", path="/")
        return answer

    def _me(self, request: web.Request) -> web.Response:
        person = self._sessions.get(request.cookies.get(COOKIE, ""))
        if person is None:
            return web.Response(status=401)
        return web.json_response(
            [{"provider_name": PROVIDER, "user_id": person.name, "user_claims": person.claims}],
            headers={"Cache-Control": "no-store"},
        )

    def _signed_out(self, request: web.Request) -> web.Response:
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        target = request.query.get("post_logout_redirect_uri", "")
        location = _own_path(target) if target else "/.auth/logout/complete"
        answer = web.Response(status=302, headers={"Location": location})
        answer.del_cookie(COOKIE, path="/")
        return answer


def _headers_of(person: Person) -> dict[str, str]:
    principal = {"auth_typ": PROVIDER, "claims": person.claims, "name_typ": "name", "role_typ": "roles"}
    encoded = base64.b64encode(json.dumps(principal).encode()).decode()
    return {
        "X-MS-CLIENT-PRINCIPAL": encoded,
        "X-MS-CLIENT-PRINCIPAL-ID": person.object_id,
        "X-MS-CLIENT-PRINCIPAL-IDP": PROVIDER,
    }


def _own_path(target: str) -> str:
    """Return where to go after signing in: a path of this very site, and nothing else."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"
