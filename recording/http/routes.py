"""HTTP in and out: read requests, answer in JSON, and turn every error into `application/problem+json` with a code."""

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

import azure.functions as func

from recording import __version__
from recording.control import consents, pauses, resumes
from recording.control import recordings as control
from recording.control.audit import check_rate, run_audited
from recording.control.notes import check_recording_id
from recording.control.tenants import scoped
from recording.domain.ids import canonical_id
from recording.domain.incoming.requests import (
    AcceptRequest,
    ConsentRequest,
    DecisionRequest,
    HeldQuery,
    PauseRequest,
    RedriveRequest,
)
from recording.domain.incoming.roles import Operation, check_allowed, read_principal
from recording.domain.incoming.tenants import check_may_ask, scope_of
from recording.errors import RecordingError, RequestError
from recording.errors.codes import Code
from recording.http.views import in_json
from recording.http.views.attention import AcceptedView, DecidedView, HeldListView, RedrivenView
from recording.http.views.problems import problem_details
from recording.http.views.status import DeepHealthView
from recording.library.already_running import naming_the_running_one
from recording.library.tags import etag_of
from recording.operate.attention import needs_attention
from recording.operate.decide import accept, dismiss, retry
from recording.operate.doctor import examine
from recording.operate.held import redrive
from recording.ports import Ports
from recording.ports.probe import Probe
from recording.settings import Settings, SettingsError
from recording.telemetry import Event, emit

LARGEST_BODY = 64 * 1024
KEY_PARAMETERS = ("code", "clientId")  # the platform's
Dependencies = Callable[[], tuple[Ports, Settings]]
Handler = Callable[[func.HttpRequest, Ports, Settings], func.HttpResponse]
Endpoint = Callable[[func.HttpRequest, Dependencies], func.HttpResponse]
_LOG = logging.getLogger("recording")


def endpoint(operation: Operation) -> Callable[[Handler], Endpoint]:
    """Open a handler to the callers who may do this; every error is answered with a problem document."""

    def opened(handler: Handler) -> Endpoint:
        @wraps(handler)
        def answer(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
            return respond(lambda: handler(request, *authorize(request, operation, dependencies)))

        return answer

    return opened


@endpoint(Operation.START)
def start_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings: 201 with `Location`."""
    body, caller = json_body(request), caller_of(request, settings)
    asked, told_key = control.start_in(body), request.headers.get("Idempotency-Key")
    with control.early_refusals_told(asked, told_key, caller, ports, settings):
        key = _idempotency_key(request)
        check_rate(caller, settings.start_rate_per_minute, ports)
    started = run_audited(
        Operation.START,
        None,
        caller,
        ports,
        lambda: naming_the_running_one(
            lambda: control.start_recording(asked or body, key, caller, ports, settings), body, ports, settings
        ),
        before=control.early_refusals_told(asked, key, caller, ports, settings),
    )
    location = f"{request.url.split('?')[0].rstrip('/')}/{started['recordingId']}"
    return as_json(started, 201, {"Location": location})


@endpoint(Operation.GET)
def get_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}: 200."""
    told = str(request.route_params.get("recordingId", ""))  # as it is spelt, for ACS
    content = control.get_recording(told, ports, settings)
    return as_json(content, 200, {"ETag": etag_of(content.get("tags") or {})})


@endpoint(Operation.PAUSE)
def pause_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/pause: 202. The body, with a reason and a maximum duration, is optional."""

    def act(name: str, caller: str | None) -> dict[str, Any]:
        asked = PauseRequest.read(json_body(request)) if request.get_body() else PauseRequest()
        return pauses.pause_recording(name, ports, settings, asked, caller)

    return _switch(request, Operation.PAUSE, act, ports, settings)


@endpoint(Operation.RESUME)
def resume_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/resume: 202."""

    def act(name: str, _caller: str | None) -> dict[str, Any]:
        return resumes.resume_recording(name, ports, settings=settings)

    return _switch(request, Operation.RESUME, act, ports, settings)


@endpoint(Operation.STOP)
def stop_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/stop: 202."""

    def act(name: str, _caller: str | None) -> dict[str, Any]:
        return resumes.stop_recording(name, ports, settings)

    return _switch(request, Operation.STOP, act, ports, settings)


@endpoint(Operation.CONSENT)
def tell_consent(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/consent: 202 with the present consent."""

    def act(name: str, caller: str | None) -> dict[str, Any]:
        return consents.tell_consent(name, ConsentRequest.read(json_body(request)), caller, ports, settings)

    return _switch(request, Operation.CONSENT, act, ports, settings)


def _switch(
    request: func.HttpRequest,
    operation: Operation,
    act: Callable[[str, str | None], dict[str, Any]],
    ports: Ports,
    settings: Settings,
) -> func.HttpResponse:
    told = str(request.route_params.get("recordingId", ""))  # as it is spelt, for ACS
    check_recording_id(told)
    caller = caller_of(request, settings)
    done = run_audited(operation, recording_id_of(request), caller, ports, lambda: act(told, caller))
    return as_json(done, 202)


@endpoint(Operation.LIST_HELD)
def list_held(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET held: 200 with what needs attention, the most urgent first."""
    query = HeldQuery.read(query_of(request))
    attention = needs_attention(ports, settings, query)
    return as_json(HeldListView.of(attention, top=query.top, whole=query.id is not None).plain(), 200)


@endpoint(Operation.REDRIVE_HELD)
def redrive_held(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST held/redrive: 200 with the items that were re-queued."""
    asked = RedriveRequest.read(json_body(request))
    if asked.matches_all and not asked.all:
        raise RequestError(
            "select items with id, reason, recordingId, before or after; or all: true", code=Code.NOTHING_CHOSEN
        )

    def act() -> dict[str, Any]:
        done = redrive(ports, settings, asked, dry_run=asked.dry_run)
        return RedrivenView.of(done, dry_run=asked.dry_run).plain()

    if asked.dry_run:
        return as_json(act(), 200)
    caller, about = caller_of(request, settings), canonical_id(asked.recording_id) if asked.recording_id else None
    return as_json(run_audited(Operation.REDRIVE_HELD, about, caller, ports, act), 200)


@endpoint(Operation.ACCEPT_HELD)
def accept_held(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST held/accept: 200 with the media that is the recording from now on."""
    asked = AcceptRequest.read(json_body(request))
    done = accept(asked.id, asked.blob_name, asked.note, caller_of(request, settings), ports)
    return as_json(AcceptedView.of(done).plain(), 200)


@endpoint(Operation.DISMISS_HELD)
def dismiss_held(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST held/dismiss: 200 with the items that no longer need attention."""
    asked = DecisionRequest.read(json_body(request))
    done = dismiss(asked, asked.note, caller_of(request, settings), ports, settings)
    return as_json(DecidedView.of(done).plain(), 200)


@endpoint(Operation.RETRY_HELD)
def retry_held(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST held/retry: 200 with the items that are tried again now."""
    asked = DecisionRequest.read(json_body(request))
    done = retry(asked, asked.note, caller_of(request, settings), ports, settings)
    return as_json(DecidedView.of(done).plain(), 200)


def health(request: func.HttpRequest, read_settings: Callable[[], Settings]) -> func.HttpResponse:
    """GET health: 200 when the app is configured, else 503 naming each faulty setting, but no value.

    With `deep=true` it points to the route that needs a key: this one is open to all (docs/adr/0014).
    """
    if request.params.get("deep", "").lower() in ("true", "1"):
        return func.HttpResponse(status_code=307, headers={"Location": f"{request.url.split('?')[0].rstrip('/')}/deep"})
    try:
        read_settings()
    except SettingsError as error:
        return as_json({"status": "misconfigured", "version": __version__, "faults": error.faults}, 503)
    return as_json({"status": "ok", "version": __version__}, 200)


def deep_health(
    request: func.HttpRequest, dependencies: Dependencies, probe: Callable[[Settings], Probe]
) -> func.HttpResponse:
    """GET health/deep: what the doctor found; 200 when all is well, else 503."""
    return respond(lambda: _deep_health(request, dependencies, probe))


def _deep_health(
    request: func.HttpRequest, dependencies: Dependencies, probe: Callable[[Settings], Probe]
) -> func.HttpResponse:
    with suppress(SettingsError):  # a key holder may see the faulty names; roles cannot be checked yet
        authorize(request, Operation.DEEP_HEALTH, dependencies)
    shown = DeepHealthView.of(examine(dependencies, probe))
    return as_json(shown.plain(), 200 if shown.status == "ok" else 503)


def problem(error: RecordingError, more: Mapping[str, Any] | None = None) -> func.HttpResponse:
    """Return an error as RFC 9457 problem details."""
    details = {**problem_details(error), **(more or {})}
    headers = {"Retry-After": str(int(error.retry_after.total_seconds()))} if error.retry_after else {}
    return as_json(details, details["status"], headers, "application/problem+json")


def respond(work: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    """Return the answer of `work`, or the problem document of what it raises; nobody may store it unless it says so."""
    answer = _responded(work)
    answer.headers.setdefault("Cache-Control", "private, no-store")
    return answer


def _responded(work: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    try:
        return work()
    except RecordingError as error:
        emit(Event.CONTROL_REFUSED, code=error.code, fault=error.fault)
        return problem(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a problem document instead of an empty 500
        where = "".join(traceback.format_tb(error.__traceback__))  # no message: it may contain what must not be logged
        _LOG.error("unexpected %s in an HTTP call, which is answered with 500\n%s", type(error).__name__, where)
        return problem(RecordingError("an unexpected error; the log has the cause"))


def json_body(request: func.HttpRequest) -> Any:
    """Return the body as JSON.

    Raises:
        RequestError: `body_missing`, `body_too_large` (413) or `body_not_json`.
    """
    body = request.get_body()
    if not body:
        raise RequestError("the request has no body; send JSON with a Content-Length", code=Code.BODY_MISSING)
    if len(body) > LARGEST_BODY:
        raise RequestError("the body is larger than 64 KiB", code=Code.BODY_TOO_LARGE)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError("the body is not JSON", code=Code.BODY_NOT_JSON) from None


def _idempotency_key(request: func.HttpRequest) -> str | None:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= 255 and key.isprintable()):
        raise RequestError("Idempotency-Key must be 1 to 255 printable characters", code=Code.INVALID_IDEMPOTENCY_KEY)
    return key


def authorize(request: func.HttpRequest, operation: Operation, dependencies: Dependencies) -> tuple[Ports, Settings]:
    """Return ports and settings for the use case, if the caller may use it.

    The platform has already checked the function key. Where it also signs people in, a role is needed as well; where it
    does not, anyone could send the header that names the caller, so it is ignored. Where sign-in is required but off,
    every caller is refused. Where the archive has tenants, the ports show the caller's recordings and no others.

    Raises:
        RequestError: `not_signed_in` (401), `role_missing` (403), or as `scope_of` and `check_may_ask`.
    """
    ports, settings = dependencies()
    if not settings.platform_auth:
        if settings.sign_in_required or settings.tenants is not None:
            raise RequestError("sign-in is required, and the platform does not sign people in", code=Code.NOT_SIGNED_IN)
        return ports, settings
    principal = read_principal(request.headers.get("X-MS-CLIENT-PRINCIPAL"))
    check_allowed(principal, operation)
    if settings.tenants is None:
        return ports, settings
    scope = scope_of(principal, settings.tenants)
    check_may_ask(scope, operation)
    return scoped(ports, scope), settings


def caller_of(request: func.HttpRequest, settings: Settings) -> str | None:
    """Return the caller, according to the platform.

    Its header counts only where App Service authentication is on.
    """
    who: str | None = request.headers.get("X-MS-CLIENT-PRINCIPAL-ID") if settings.platform_auth else None
    return who


def person_of(request: func.HttpRequest, settings: Settings) -> str | None:
    """Return the caller, if it is a person: two applications cannot stand in for two people."""
    who = caller_of(request, settings)
    if who is None or read_principal(request.headers.get("X-MS-CLIENT-PRINCIPAL")).is_application:
        return None
    return who


def recording_id_of(request: func.HttpRequest) -> str:
    """Return the recording id in the path, unchecked, in its canonical spelling."""
    return canonical_id(str(request.route_params.get("recordingId", "")))


def query_of(request: func.HttpRequest) -> dict[str, Any]:
    """Return the parameters of a query, without those of the platform."""
    return {name: text for name, text in request.params.items() if name not in KEY_PARAMETERS}


def as_json(
    content: Mapping[str, Any], status: int, headers: dict[str, str] | None = None, mimetype: str = "application/json"
) -> func.HttpResponse:
    """Return a JSON answer."""
    text = json.dumps(content, indent=2, default=in_json) + "\n"
    return func.HttpResponse(text, status_code=status, headers=headers or {}, mimetype=mimetype, charset="utf-8")
