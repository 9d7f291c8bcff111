"""HTTP for retention: holds, rules, dispositions and erasures."""

from datetime import datetime
from typing import Any
from urllib.parse import unquote

import azure.functions as func
from pydantic import Field

from recording.control.audit import run_audited
from recording.control.notes import check_recording_id
from recording.domain.ids import without_numbers
from recording.domain.incoming.lenient import Time
from recording.domain.incoming.requests import Exact, PageQuery
from recording.domain.incoming.roles import Operation
from recording.domain.keep.custody import HoldRequest, ReleaseRequest
from recording.domain.keep.erasure import Erasure
from recording.http.routes import as_json, caller_of, endpoint, json_body, person_of, query_of, recording_id_of
from recording.http.views.keep import (
    DispositionView,
    ErasureRowView,
    ErasureView,
    HeldRecordingsView,
    HoldsView,
    RulesView,
    UpcomingView,
)
from recording.library.keep import erasures
from recording.library.keep.explain import certificate_of, explain, upcoming
from recording.library.keep.holds import list_holds, place_hold, release_hold
from recording.library.keep.rules import current_rules, etag_of_rules, set_rules
from recording.ports import Ports, Unreadable
from recording.settings import Settings


class HoldsQuery(PageQuery):
    """The query of `GET holds`."""

    limit: int = Field(200, ge=1, le=1000)


class UpcomingQuery(Exact):
    """The query of `GET disposition`."""

    before: Time
    next: str | None = Field(None, min_length=1, max_length=2048)


@endpoint(Operation.HOLD)
def hold_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """PUT recordings/{recordingId}/holds/{case}: 200 with the recording's holds."""
    recording_id, case = recording_id_of(request), _case_of(request)
    check_recording_id(recording_id)
    asked, caller = HoldRequest.read(json_body(request)), caller_of(request, settings)

    def act() -> dict[str, Any]:
        return HoldsView.of(place_hold(recording_id, case, asked.reason, caller, ports)).plain()

    return as_json(run_audited(Operation.HOLD, recording_id, caller, ports, act, note=asked.noted(case)), 200)


@endpoint(Operation.RELEASE)
def release_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """DELETE recordings/{recordingId}/holds/{case}: 200 with the recording's holds; the body says why."""
    recording_id, case = recording_id_of(request), _case_of(request)
    check_recording_id(recording_id)
    asked, caller = ReleaseRequest.read(json_body(request)), caller_of(request, settings)

    def act() -> dict[str, Any]:
        return HoldsView.of(release_hold(recording_id, case, asked.reason, caller, ports)).plain()

    return as_json(run_audited(Operation.RELEASE, recording_id, caller, ports, act, note=asked.noted(case)), 200)


@endpoint(Operation.LIST_HOLDS)
def list_recordings_on_hold(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET holds: 200 with a page of the recordings that are held, by case."""
    query = HoldsQuery.read(query_of(request))
    return as_json(HeldRecordingsView.of(list_holds(query.next, query.limit, ports)).plain(), 200)


@endpoint(Operation.EXPLAIN)
def recording_disposition(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/disposition: 200 with how long it is kept, and why."""
    recording_id = recording_id_of(request)
    check_recording_id(recording_id)
    return as_json(DispositionView.of(explain(recording_id, ports, settings)).plain(), 200)


@endpoint(Operation.LIST_DISPOSITION)
def list_disposition(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET disposition?before=: 200 with a page of what is due before that time; changes nothing."""
    query = UpcomingQuery.read(query_of(request))
    before: datetime = query.before
    return as_json(UpcomingView.of(upcoming(before, query.next, ports, settings), before).plain(), 200)


@endpoint(Operation.GET_RULES)
def get_retention_rules(_request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET retention/rules: 200 with the rules in force, and their ETag."""
    rules = current_rules(ports, settings)
    return as_json(RulesView.of(rules).plain(), 200, {"ETag": etag_of_rules(rules)})


@endpoint(Operation.SET_RULES)
def set_retention_rules(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """PUT retention/rules: 200 with the rules now in force."""
    body, caller = json_body(request), caller_of(request, settings)
    if_match = request.headers.get("If-Match")

    def act() -> dict[str, Any]:
        return RulesView.of(set_rules(body, if_match, caller, ports)).plain()

    done = run_audited(Operation.SET_RULES, None, caller, ports, act)
    return as_json(done, 200, {"ETag": f'"{done["number"]}"'})


@endpoint(Operation.REQUEST_ERASURE)
def request_erasure(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST erasures: 201; nothing is erased before another person approves."""
    body, caller = json_body(request), person_of(request, settings)

    def act() -> dict[str, Any]:
        made = erasures.request_erasure(body, caller, ports, settings)
        return ErasureView.of(erasures.erasure_status(made.erasure_id, ports, settings)).plain()

    return as_json(run_audited(Operation.REQUEST_ERASURE, None, caller, ports, act), 201)


@endpoint(Operation.APPROVE_ERASURE)
def approve_erasure(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST erasures/{erasureId}/approve: 202; the next run of `dispose` carries it out."""
    erasure_id, caller = _erasure_id_of(request), person_of(request, settings)

    def act() -> dict[str, Any]:
        erasures.approve_erasure(erasure_id, caller, ports, settings)
        return ErasureView.of(erasures.erasure_status(erasure_id, ports, settings)).plain()

    return as_json(
        run_audited(Operation.APPROVE_ERASURE, None, caller, ports, act, note=without_numbers(erasure_id)), 202
    )


@endpoint(Operation.GET_ERASURE)
def get_erasure(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET erasures/{erasureId}: 200 with what is erased, and what is refused, with reason and end."""
    status = erasures.erasure_status(_erasure_id_of(request), ports, settings)
    return as_json(ErasureView.of(status).plain(), 200)


@endpoint(Operation.LIST_ERASURES)
def list_erasures(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET erasures: 200 with a page of the requests, those that await approval first, and the rows not read."""
    page = erasures.page_of_erasures(ports, PageQuery.read(query_of(request)).next)
    rows = [ErasureRowView.of(one).plain() for one in page.items if isinstance(one, Erasure)]
    unread = [one.where for one in page.items if isinstance(one, Unreadable)]
    return as_json({"erasures": rows, "count": len(rows), "next": page.next or None, "unreadable": unread}, 200)


@endpoint(Operation.CERTIFICATE)
def recording_certificate(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/certificate: 200 with the certificate of its destruction, or a voice's, as stored.

    `erasure` names the request that it is about; without it, the newest one.
    """
    recording_id = recording_id_of(request)
    check_recording_id(recording_id)
    content = certificate_of(recording_id, request.params.get("erasure"), ports, settings)
    headers = {"Content-Disposition": 'attachment; filename="certificate.json"'}
    return func.HttpResponse(content, status_code=200, headers=headers, mimetype="application/json")


def _erasure_id_of(request: func.HttpRequest) -> str:
    return str(request.route_params.get("erasureId", ""))


def _case_of(request: func.HttpRequest) -> str:
    return unquote(str(request.route_params.get("case", "")))
