"""The console's own routes: the operations of the API, by signed-in role instead of by key.

Every request must come from the console's own page, carry the principal of App Service authentication, and have the
role that the operation needs. Where App Service authentication is off, every answer is 503 (docs/adr/0037).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import azure.functions as func

from recording.domain.incoming.roles import (
    NEEDED,
    Operation,
    Principal,
    Role,
    check_allowed,
    display_name,
    read_principal,
)
from recording.errors import RecordingError, RequestError
from recording.errors.codes import Code
from recording.http import console_data, derived, events, handover, keep, library, media, routes
from recording.http.console_files import HARDENED
from recording.http.routes import Dependencies, Endpoint, as_json, json_body
from recording.ports.probe import Probe
from recording.settings import Settings

PAGE = "/api/console/index.html"
MARK = "X-Recordings-Console"  # a header that no other site can send without asking first (CSRF)
SIGN_IN_URL = f"/.auth/login/aad?post_login_redirect_uri={quote(PAGE, safe='')}"
SIGN_OUT_URL = f"/.auth/logout?post_logout_redirect_uri={quote(PAGE, safe='')}"
_PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
_NEVER_RENDERED = {
    **HARDENED,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "private, no-store",
}
Probing = Callable[[Settings], Probe]
Answer = Callable[[func.HttpRequest, Dependencies, Probing], func.HttpResponse]


@dataclass(frozen=True)
class ConsoleRoute:
    """One route under `console/api`.

    Attributes:
        path: `{name}` matches one segment, `{name*}` everything up to the next fixed part.
        operation: what the caller's role must allow; None: being signed in is enough.
        is_media: requested by an element of the page, which cannot send our header.
    """

    method: str
    path: str
    operation: Operation | None
    answer: Answer
    is_media: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values in a path, or None when the path belongs to another route."""
        found = re.fullmatch(_pattern_of(self.path), path)
        return found.groupdict() if found else None


def answer(request: func.HttpRequest, dependencies: Dependencies, probe: Probing) -> func.HttpResponse:
    """Answer one request to `console/api/…`; every refusal is a problem document."""
    answered = routes.respond(lambda: _answer_or_ask_to_sign_in(request, dependencies, probe))
    for name, value in _NEVER_RENDERED.items():
        answered.headers.setdefault(name, value)
    return answered


def check_same_origin(request: func.HttpRequest, *, is_media: bool) -> None:
    """Check that the request comes from a page of the same origin.

    Browsers say so in `Sec-Fetch-Site`, which no page can set. Where an old browser does not, `Origin` must be ours;
    and everything but media needs a header that a foreign page could only send after a preflight, which always fails.

    Raises:
        RequestError: `cross_site_request` (403).
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_own = site == "same-origin" if site is not None else not is_media and origin in (None, _origin_of(request))
    if not is_own or not (is_media or request.headers.get(MARK) == "1"):
        raise RequestError("the request does not come from the console's own page", code=Code.CROSS_SITE_REQUEST)


def signed_in(request: func.HttpRequest, settings: Settings) -> Principal:
    """Return who is calling, according to the platform.

    Raises:
        RequestError: `sign_in_unavailable` (503) where App Service authentication is off, since anyone could then
            send its header; `not_signed_in` (401) when it does not say who is calling.
    """
    if not settings.platform_auth:
        message = "the platform does not sign people in, so the console is closed"
        raise RequestError(message, code=Code.SIGN_IN_UNAVAILABLE)
    return read_principal(request.headers.get(_PRINCIPAL))


def _answer_or_ask_to_sign_in(
    request: func.HttpRequest, dependencies: Dependencies, probe: Probing
) -> func.HttpResponse:
    """Return the answer; a missing sign-in is answered with the address to sign in at."""
    try:
        return _answer(request, dependencies, probe)
    except RecordingError as error:
        if error.code is not Code.NOT_SIGNED_IN:
            raise
        return routes.problem(error, {"signInUrl": SIGN_IN_URL})


def _answer(request: func.HttpRequest, dependencies: Dependencies, probe: Probing) -> func.HttpResponse:
    route, values = _route_of(request)
    check_same_origin(request, is_media=route.is_media)
    _, settings = dependencies()
    principal = signed_in(request, settings)
    if route.operation is not None:
        check_allowed(principal, route.operation)
    return route.answer(_changed(request, values), dependencies, probe)


def _origin_of(request: func.HttpRequest) -> str:
    parts = urlsplit(request.url)
    return f"{parts.scheme}://{parts.netloc}"


def _route_of(request: func.HttpRequest) -> tuple[ConsoleRoute, dict[str, str]]:
    path = (request.route_params.get("path") or "").strip("/")
    found = [(route, values) for route in ROUTES if (values := route.match(path)) is not None]
    if not found:
        raise RequestError("the console has no such route", code=Code.UNKNOWN_ROUTE)
    for route, values in found:
        if route.method == ("GET" if request.method == "HEAD" and route.is_media else request.method):
            return route, values  # HEAD of anything else would leave a row about what is not handed over
    raise RequestError("the route takes another method", code=Code.METHOD_NOT_ALLOWED)


def _pattern_of(template: str) -> str:
    parts = re.split(r"\{(\w+\*?)\}", template)
    names = iter(parts[1::2])
    pattern = re.escape(parts[0])
    for literal in parts[2::2]:
        name = next(names)
        pattern += f"(?P<{name.removesuffix('*')}>{'.+' if name.endswith('*') else '[^/]+'})" + re.escape(literal)
    return pattern


def _changed(
    request: func.HttpRequest,
    values: Mapping[str, str],
    body: bytes | None = None,
    params: Mapping[str, str] | None = None,
) -> func.HttpRequest:
    """Return the request as the keyed function of the same operation receives it."""
    return func.HttpRequest(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        params=dict(request.params if params is None else params),
        route_params=dict(values),
        body=request.get_body() if body is None else body,
    )


# --- the answers -----------------------------------------------------------------------------------------------------


def _me(request: func.HttpRequest, dependencies: Dependencies, _probe: Probing) -> func.HttpResponse:
    """GET me: who is signed in, and what that user may do here."""
    _, settings = dependencies()
    principal = signed_in(request, settings)
    content = {
        "id": routes.caller_of(request, settings),
        "name": display_name(request.headers.get(_PRINCIPAL)),
        "roles": sorted(principal.roles),
        "may": {
            "read": principal.may(Operation.FIND),
            "listen": principal.may(Operation.LISTEN),
            "link": settings.download_links_for is not None and principal.may(Operation.LINK),
            "control": principal.may(Operation.TAG),
            "operate": principal.may(Operation.RETRY_HELD),
            "hold": principal.may(Operation.HOLD),
            "export": principal.may(Operation.GET_VCON),
            "erase": principal.may(Operation.REQUEST_ERASURE),
        },
        "signOutUrl": SIGN_OUT_URL,
    }
    return as_json(content, 200)


def _same(function: Endpoint) -> Answer:
    """Return the answer of the function that key holders use."""
    return lambda request, dependencies, _probe: function(request, dependencies)


def _channel(request: func.HttpRequest, dependencies: Dependencies, _probe: Probing) -> func.HttpResponse:
    """GET …/channels/{channel}: one speaker of an unmixed recording as a file of its own."""
    params = {**request.params, "channel": request.route_params["channel"]}
    return media.chunk_media(_changed(request, request.route_params, params=params), dependencies)


def _held_decision(function: Endpoint) -> Answer:
    """Return the answer to a decision about the held item that the path names."""
    return lambda request, dependencies, _probe: routes.respond(
        lambda: function(_with_held_id(request), dependencies),
    )


def _with_held_id(request: func.HttpRequest) -> func.HttpRequest:
    """Return the request with the id from its path in its body, where key holders name it."""
    asked = json_body(request)
    if not isinstance(asked, dict):
        raise RequestError("the body is not a JSON object")
    return _changed(request, {}, json.dumps(asked | {"id": _held_id(request)}).encode())


def _held_media(request: func.HttpRequest, dependencies: Dependencies, _probe: Probing) -> func.HttpResponse:
    """GET held/{id}/media: the id contains a slash, which some hosts pass on encoded."""
    return media.held_media(_changed(request, {"id": _held_id(request)}), dependencies)


def _held_id(request: func.HttpRequest) -> str:
    held: str = request.route_params["id"]
    return held.replace("%2F", "/").replace("%2f", "/")


_CHUNK = "recordings/{recordingId}/chunks/{index}"
_DERIVED = "recordings/{recordingId}/derived/{derivedId}"
ROUTES: tuple[ConsoleRoute, ...] = (
    ConsoleRoute("GET", "me", None, _me),
    ConsoleRoute("GET", "now", Operation.SEE_NOW, _same(console_data.see_now)),
    ConsoleRoute("GET", "audit", Operation.READ_AUDIT_OF_RECORDING, _same(console_data.read_audit)),
    ConsoleRoute("GET", "recordings", Operation.FIND, _same(library.find_recordings)),
    ConsoleRoute("POST", "recordings/search", Operation.SEARCH, _same(library.search_recordings)),
    ConsoleRoute("POST", "recordings/csv", Operation.SEARCH, _same(console_data.as_table)),
    ConsoleRoute("GET", "recordings/{recordingId}", Operation.GET, _same(console_data.see_recording)),
    ConsoleRoute("POST", "recordings/{recordingId}/verify", Operation.VERIFY, _same(console_data.verify_now)),
    ConsoleRoute("PATCH", "recordings/{recordingId}", Operation.TAG, _same(library.tag_recording)),
    ConsoleRoute("GET", "recordings/{recordingId}/timeline", Operation.TIMELINE, _same(library.recording_timeline)),
    ConsoleRoute("GET", f"{_CHUNK}/media", Operation.LISTEN, _same(media.chunk_media), is_media=True),
    ConsoleRoute("GET", f"{_CHUNK}/channels/{{channel}}", Operation.LISTEN, _channel, is_media=True),
    ConsoleRoute("GET", f"{_CHUNK}/peaks", Operation.SEE_PEAKS, _same(media.chunk_peaks), is_media=True),
    ConsoleRoute("POST", f"{_CHUNK}/link", Operation.LINK, _same(media.download_link)),
    ConsoleRoute("POST", "recordings/{recordingId}/derived", Operation.DERIVE, _same(derived.derive_recording)),
    ConsoleRoute("GET", "recordings/{recordingId}/derived", Operation.LIST_DERIVED, _same(derived.list_derived)),
    ConsoleRoute("GET", f"{_DERIVED}/media", Operation.HEAR_DERIVED, _same(derived.derived_media), is_media=True),
    ConsoleRoute("PUT", "recordings/{recordingId}/holds/{case}", Operation.HOLD, _same(keep.hold_recording)),
    ConsoleRoute("DELETE", "recordings/{recordingId}/holds/{case}", Operation.RELEASE, _same(keep.release_recording)),
    ConsoleRoute("GET", "recordings/{recordingId}/disposition", Operation.EXPLAIN, _same(keep.recording_disposition)),
    ConsoleRoute("GET", "recordings/{recordingId}/vcon", Operation.GET_VCON, _same(handover.recording_vcon)),
    ConsoleRoute(
        "GET", "recordings/{recordingId}/certificate", Operation.CERTIFICATE, _same(keep.recording_certificate)
    ),
    ConsoleRoute("GET", "holds", Operation.LIST_HOLDS, _same(keep.list_recordings_on_hold)),
    ConsoleRoute("GET", "disposition", Operation.LIST_DISPOSITION, _same(keep.list_disposition)),
    ConsoleRoute("GET", "erasures", Operation.LIST_ERASURES, _same(keep.list_erasures)),
    ConsoleRoute("POST", "erasures", Operation.REQUEST_ERASURE, _same(keep.request_erasure)),
    ConsoleRoute("POST", "erasures/{erasureId}/approve", Operation.APPROVE_ERASURE, _same(keep.approve_erasure)),
    ConsoleRoute("GET", "erasures/{erasureId}", Operation.GET_ERASURE, _same(keep.get_erasure)),
    ConsoleRoute("GET", "exports", Operation.LIST_EXPORTS, _same(handover.list_exports)),
    ConsoleRoute("POST", "exports", Operation.REQUEST_EXPORT, _same(handover.request_export)),
    ConsoleRoute("GET", "exports/{exportId}", Operation.GET_EXPORT, _same(handover.get_export)),
    ConsoleRoute("GET", "exports/{exportId}/bundle", Operation.TAKE_BUNDLE, _same(handover.export_bundle)),
    ConsoleRoute("GET", "retention/rules", Operation.GET_RULES, _same(keep.get_retention_rules)),
    ConsoleRoute("GET", "events/receivers", Operation.LIST_RECEIVERS, _same(events.list_receivers)),
    ConsoleRoute("POST", "events/receivers/{name}/enable", Operation.ENABLE_RECEIVER, _same(events.enable_receiver)),
    ConsoleRoute("POST", "events/replay", Operation.REPLAY_EVENTS, _same(events.replay_events)),
    ConsoleRoute("GET", "held", Operation.LIST_HELD, _same(routes.list_held)),
    ConsoleRoute("GET", "held/{id*}/media", Operation.HEAR_HELD, _held_media, is_media=True),
    ConsoleRoute("POST", "held/{id*}/retry", Operation.RETRY_HELD, _held_decision(routes.retry_held)),
    ConsoleRoute("POST", "held/{id*}/accept", Operation.ACCEPT_HELD, _held_decision(routes.accept_held)),
    ConsoleRoute("POST", "held/{id*}/dismiss", Operation.DISMISS_HELD, _held_decision(routes.dismiss_held)),
    ConsoleRoute("GET", "health", Operation.DEEP_HEALTH, routes.deep_health),
)


def role_of(route: ConsoleRoute) -> Role | None:
    """Return the least role that may use a route; None: being signed in is enough."""
    return None if route.operation is None else NEEDED[route.operation]
