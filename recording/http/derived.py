"""HTTP for derived files: ask for them, see how far they are, hear them in small ranges."""

from typing import Any
from urllib.parse import quote

import azure.functions as func

from recording.control.audit import audited
from recording.control.notes import check_recording_id
from recording.domain.incoming.roles import Operation
from recording.domain.media.byte_range import read_range
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.routes import (
    Dependencies,
    answered,
    as_json,
    caller_of,
    json_body,
    permitted,
    problem,
    recording_id_of,
)
from recording.library.derived import ask
from recording.library.derived.ask import Heard
from recording.ports import Ports
from recording.settings import Settings

_TRUE = ("1", "true")


def derive_recording(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """POST recordings/{recordingId}/derived: 202 with the files that are made, and how far each is."""

    def derive() -> func.HttpResponse:
        ports, settings = permitted(request, Operation.DERIVE, dependencies)
        recording_id, caller = recording_id_of(request), caller_of(request, settings)
        check_recording_id(recording_id)
        body = json_body(request)

        def act() -> dict[str, Any]:
            return ask.request_derived(recording_id, body, ports, settings)

        told = audited(Operation.DERIVE, recording_id, caller, ports, act)
        return as_json(told, 202, {"Location": request.url.split("?")[0]})

    return answered(derive)


def list_derived(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET recordings/{recordingId}/derived: 200 with all derived files of a recording."""

    def look() -> func.HttpResponse:
        ports, _ = permitted(request, Operation.LIST_DERIVED, dependencies)
        recording_id = recording_id_of(request)
        check_recording_id(recording_id)
        return as_json({"recordingId": recording_id, "files": ask.list_derived(recording_id, ports)}, 200)

    return answered(look)


def derived_media(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET recordings/{recordingId}/derived/{derivedId}/media: 206 with a part of it, as `chunk_media`."""

    def listen() -> func.HttpResponse:
        ports, settings = permitted(request, Operation.HEAR_DERIVED, dependencies)
        recording_id = recording_id_of(request)
        check_recording_id(recording_id)
        heard = ask.find_heard(recording_id, str(request.route_params.get("derivedId", "")), ports, settings)
        if request.method == "HEAD":
            headers = _headers(heard, request) | {"Content-Length": str(heard.length_bytes)}
            return func.HttpResponse(b"", status_code=200, headers=headers)
        try:
            wanted = read_range(_range_header(request, heard), heard.length_bytes)
        except ValueError as error:
            refused = problem(RequestError(f"{error}", code=Code.RANGE_NOT_SATISFIABLE))
            refused.headers["Content-Range"] = f"bytes */{heard.length_bytes}"
            return refused
        return _part(request, heard, wanted, ports, settings)

    return answered(listen)


def _part(
    request: func.HttpRequest, heard: Heard, wanted: tuple[int, int] | None, ports: Ports, settings: Settings
) -> func.HttpResponse:
    if wanted is None and heard.length_bytes > ask.MOST_BYTES:
        message = f"ask for a Range: an answer has at most {ask.MOST_BYTES} bytes"
        raise RequestError(message, code=Code.RANGE_MISSING)
    first, most = wanted or (0, heard.length_bytes)
    length = min(most, ask.MOST_BYTES)
    ask.note_hearing(heard, first, length, caller_of(request, settings), ports)
    data, headers = ask.read_heard(heard, first, length, ports), _headers(heard, request)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{heard.length_bytes}"
    return func.HttpResponse(data, status_code=200 if wanted is None else 206, headers=headers)


def _range_header(request: func.HttpRequest, heard: Heard) -> str | None:
    """Return the range asked for; none when it was meant for other bytes than these."""
    condition = request.headers.get("If-Range")
    return None if condition is not None and condition.strip() != heard.etag else request.headers.get("Range")


def _headers(heard: Heard, request: func.HttpRequest) -> dict[str, str]:
    is_kept = request.params.get("download", "").lower() in _TRUE
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"{'attachment' if is_kept else 'inline'}; filename*=UTF-8''{quote(heard.file_name)}",
        "Content-Type": heard.media_type,
        "ETag": heard.etag,
        "X-Content-Type-Options": "nosniff",
    }
