"""HTTP for the library: find recordings, read their timelines, change their tags."""

from typing import Any

import azure.functions as func

from recording.control.audit import run_audited
from recording.control.notes import check_recording_id
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.roles import Operation
from recording.domain.times import zone_of
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.routes import as_json, caller_of, endpoint, json_body, query_of, recording_id_of
from recording.http.views.library import FoundPageView, TimelineView
from recording.library import pause_report
from recording.library.directory import find
from recording.library.pause_report import PauseQuery
from recording.library.tags import change_tags
from recording.operate.timeline import story
from recording.ports import Ports
from recording.settings import Settings


@endpoint(Operation.FIND)
def find_recordings(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings: 200 with a page of the recordings found, the newest first."""
    return as_json(FoundPageView.of(find(FindQuery.read(query_of(request)), ports, settings)).plain(), 200)


@endpoint(Operation.SEARCH)
def search_recordings(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/find: the same with the query in the body, which no log of URLs shows."""
    return as_json(FoundPageView.of(find(FindQuery.read(json_body(request)), ports, settings)).plain(), 200)


@endpoint(Operation.TIMELINE)
def recording_timeline(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/timeline: 200 with everything known to have happened, in order."""
    recording_id = recording_id_of(request)
    check_recording_id(recording_id)
    zone = zone_of(request.params.get("timeZone"))
    told = story(recording_id, ports)
    if told is None:
        message = "the catalog does not know this recording"
        raise RequestError(message, code=Code.RECORDING_NOT_FOUND)
    return as_json(TimelineView.of(recording_id, told, zone).plain(), 200)


@endpoint(Operation.PAUSES)
def report_pauses(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET reports/pauses: 200 with the pauses of a period, by day, caller and reason, as JSON or CSV."""
    query = PauseQuery.read(query_of(request))
    found = pause_report.report_pauses(query, ports, settings)
    if query.format == "json":
        return as_json(found.shown(), 200)
    return func.HttpResponse(found.as_csv(), mimetype="text/csv", charset="utf-8")


@endpoint(Operation.TAG)
def tag_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """PATCH recordings/{recordingId}: 200 with the present tags."""
    recording_id, if_match = recording_id_of(request), request.headers.get("If-Match")
    check_recording_id(recording_id)
    body, caller = json_body(request), caller_of(request, settings)

    def act() -> dict[str, Any]:
        return change_tags(recording_id, body, if_match, ports, settings)

    done = run_audited(Operation.TAG, recording_id, caller, ports, act)
    return as_json(done, 200, {"ETag": done["etag"]})
