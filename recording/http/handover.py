"""HTTP for handing recordings over: vCons and exports."""

from typing import Any

import azure.functions as func

from recording.control.audit import run_audited
from recording.control.notes import check_recording_id
from recording.domain.incoming.requests import PageQuery
from recording.domain.incoming.roles import Operation
from recording.domain.media.byte_range import read_range
from recording.http.parts import content_range, range_missing, unsatisfiable
from recording.http.routes import as_json, caller_of, endpoint, json_body, query_of, recording_id_of
from recording.library.handover.downloads import MOST_BYTES, BundleFile, find_bundle, take_part
from recording.library.handover.downloads import list_exports as page_of_exports
from recording.library.handover.export import get_export as look_at_export
from recording.library.handover.export import request_export as ask_for_export
from recording.library.handover.vcon import is_inline, make_vcon, what_is_given
from recording.ports import Ports
from recording.settings import Settings

VCON = "application/vcon+json"


@endpoint(Operation.GET_VCON)
def recording_vcon(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/vcon: 200 with the recording as a vCon."""
    recording_id, inline = recording_id_of(request), is_inline(request.params.get("media"))
    check_recording_id(recording_id)
    caller = caller_of(request, settings)

    def act() -> dict[str, Any]:
        return make_vcon(recording_id, ports, settings, inline=inline)

    note = what_is_given(inline=inline)
    return as_json(run_audited(Operation.GET_VCON, recording_id, caller, ports, act, note=note), 200, mimetype=VCON)


@endpoint(Operation.REQUEST_EXPORT)
def request_export(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST exports: 202 with the export's id and `Location`."""
    body, caller = json_body(request), caller_of(request, settings)

    def act() -> dict[str, Any]:
        return ask_for_export(body, caller, ports, settings)

    told = run_audited(Operation.REQUEST_EXPORT, None, caller, ports, act)
    location = f"{request.url.split('?')[0].rstrip('/')}/{told['exportId']}"
    return as_json(told, 202, {"Location": location})


@endpoint(Operation.GET_EXPORT)
def get_export(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET exports/{exportId}: 200 with its progress, and where the bundle is stored."""
    return as_json(look_at_export(str(request.route_params.get("exportId", "")), ports), 200)


@endpoint(Operation.LIST_EXPORTS)
def list_exports(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET exports: 200 with a page of the exports that still exist, the newest first."""
    page = page_of_exports(ports, PageQuery.read(query_of(request)).next)
    return as_json({"exports": page.items, "count": len(page.items), "next": page.next or None}, 200)


@endpoint(Operation.TAKE_BUNDLE)
def export_bundle(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET exports/{exportId}/bundle: 206 with a range of the bundle, at most 4 MiB."""
    bundle = find_bundle(str(request.route_params.get("exportId", "")), ports)
    try:
        wanted = read_range(request.headers.get("Range"), bundle.length_bytes)
    except ValueError as error:
        return unsatisfiable(error, bundle.length_bytes)
    if wanted is None:
        raise range_missing(MOST_BYTES)
    first, length = wanted[0], min(wanted[1], MOST_BYTES)
    data = take_part(bundle, first, length, caller_of(request, settings), ports)
    return func.HttpResponse(data, status_code=206, headers=_part_headers(bundle, first, length))


def _part_headers(bundle: BundleFile, first: int, length: int) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{bundle.file_name}"',
        "Content-Range": content_range(first, length, bundle.length_bytes),
        "Content-Type": "application/zip",
        "ETag": bundle.etag,
        "X-Content-Type-Options": "nosniff",
    }
