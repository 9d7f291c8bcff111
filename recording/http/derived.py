"""HTTP for derived files: request them, see their progress, play them in small ranges."""

from typing import Any

import azure.functions as func

from recording.control.audit import run_audited
from recording.control.notes import check_recording_id
from recording.domain.incoming.roles import Operation
from recording.http.parts import send_part
from recording.http.routes import as_json, caller_of, endpoint, json_body, recording_id_of
from recording.library.derived import ask
from recording.library.listening import MOST_BYTES
from recording.ports import Ports
from recording.settings import Settings


@endpoint(Operation.DERIVE)
def derive_recording(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/derived: 202 with the files to be made, and the progress of each."""
    recording_id, caller = recording_id_of(request), caller_of(request, settings)
    check_recording_id(recording_id)
    body = json_body(request)

    def act() -> dict[str, Any]:
        return ask.request_derived(recording_id, body, ports)

    told = run_audited(Operation.DERIVE, recording_id, caller, ports, act)
    return as_json(told, 202, {"Location": request.url.split("?")[0]})


@endpoint(Operation.LIST_DERIVED)
def list_derived(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/derived: 200 with all derived files of a recording."""
    recording_id = recording_id_of(request)
    check_recording_id(recording_id)
    return as_json({"recordingId": recording_id, "files": ask.list_derived(recording_id, ports)}, 200)


@endpoint(Operation.HEAR_DERIVED)
def derived_media(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/derived/{derivedId}/media: 206 with a range of it, as `chunk_media`."""
    recording_id = recording_id_of(request)
    check_recording_id(recording_id)
    heard = ask.find_heard(recording_id, str(request.route_params.get("derivedId", "")), ports)

    def read(first: int, length: int) -> bytes:
        ask.note_hearing(heard, first, length, caller_of(request, settings), ports)
        return ask.read_heard(heard, first, length, ports)

    return send_part(request, heard, MOST_BYTES, read)
