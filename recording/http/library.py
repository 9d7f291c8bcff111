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
from recording.http.routes import (
    Dependencies,
    as_json,
    authorize,
    caller_of,
    json_body,
    query_of,
    recording_id_of,
    respond,
)
from recording.http.views.library import FoundPageView, TimelineView
from recording.library import pause_report
from recording.library.directory import find
from recording.library.pause_report import PauseQuery
from recording.library.tags import change_tags
from recording.operate.timeline import story


def find_recordings(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET recordings: 200 with a page of the recordings found, the newest first."""

    def look() -> func.HttpResponse:
        ports, settings = authorize(request, Operation.FIND, dependencies)
        return as_json(FoundPageView.of(find(FindQuery.read(query_of(request)), ports, settings)).plain(), 200)

    return respond(look)


def search_recordings(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """POST recordings/find: the same with the query in the body, which no log of URLs shows."""

    def look() -> func.HttpResponse:
        ports, settings = authorize(request, Operation.SEARCH, dependencies)
        return as_json(FoundPageView.of(find(FindQuery.read(json_body(request)), ports, settings)).plain(), 200)

    return respond(look)


def recording_timeline(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET recordings/{recordingId}/timeline: 200 with everything known to have happened, in order."""

    def look() -> func.HttpResponse:
        ports, _ = authorize(request, Operation.TIMELINE, dependencies)
        recording_id = recording_id_of(request)
        check_recording_id(recording_id)
        zone = zone_of(request.params.get("timeZone"))
        told = story(recording_id, ports)
        if told is None:
            message = "the catalog does not know this recording"
            raise RequestError(message, code=Code.RECORDING_NOT_FOUND)
        return as_json(TimelineView.of(recording_id, told, zone).plain(), 200)

    return respond(look)


def report_pauses(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET reports/pauses: 200 with the pauses of a period, by day, caller and reason, as JSON or CSV."""

    def look() -> func.HttpResponse:
        ports, settings = authorize(request, Operation.PAUSES, dependencies)
        query = PauseQuery.read(query_of(request))
        found = pause_report.report_pauses(query, ports, settings)
        if query.format == "json":
            return as_json(found.shown(), 200)
        return func.HttpResponse(found.as_csv(), mimetype="text/csv", charset="utf-8")

    return respond(look)


def tag_recording(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """PATCH recordings/{recordingId}: 200 with the present tags."""

    def change() -> func.HttpResponse:
        ports, settings = authorize(request, Operation.TAG, dependencies)
        recording_id, if_match = recording_id_of(request), request.headers.get("If-Match")
        check_recording_id(recording_id)
        body, caller = json_body(request), caller_of(request, settings)

        def act() -> dict[str, Any]:
            return change_tags(recording_id, body, if_match, ports, settings)

        done = run_audited(Operation.TAG, recording_id, caller, ports, act)
        return as_json(done, 200, {"ETag": done["etag"]})

    return respond(change)
