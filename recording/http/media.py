"""HTTP for listening: media in small ranges, and waveforms; each range served leaves a row in the audit trail."""

import azure.functions as func

from recording.control.notes import check_recording_id
from recording.domain.incoming.roles import Operation
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.parts import send_part
from recording.http.routes import as_json, caller_of, endpoint, recording_id_of
from recording.library.links import make_link
from recording.library.listening import Media, find_media, find_suspect, most_bytes, note_listening, read_media
from recording.library.waveforms import waveform_of
from recording.operate.decide import chunk_of_id
from recording.ports import Ports
from recording.settings import Settings

_LARGEST_NUMBER = 9  # digits: neither an index nor a channel has more


@endpoint(Operation.LISTEN)
def chunk_media(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/chunks/{index}/media: 206 with a range of the media, at most 4 MiB.

    HEAD returns length and type, and leaves no row. Without `Range` the whole file is sent if it is that small; else
    the request is refused, so that no client takes a part for the whole.
    """
    media = _media(request, ports)
    return _serve(media, request, ports, settings)


@endpoint(Operation.HEAR_HELD)
def held_media(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """GET held/{id}/media: 206 with a range of media that awaits a decision, for those who decide."""
    record = chunk_of_id(str(request.route_params.get("id", "")), ports)
    if record is None:
        raise RequestError("there is no such chunk", code=Code.UNKNOWN_ID)
    return _serve(find_suspect(record, request.params.get("blob"), ports), request, ports, settings)


@endpoint(Operation.SEE_PEAKS)
def chunk_peaks(request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET recordings/{recordingId}/chunks/{index}/peaks: 200 with the waveform of each channel."""
    return as_json(waveform_of(_media(request, ports), ports), 200)


@endpoint(Operation.LINK)
def download_link(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST recordings/{recordingId}/chunks/{index}/link: 201 with a link to storage, valid for minutes."""
    made = make_link(_media(request, ports), caller_of(request, settings), ports, settings)
    told = {"url": made.url, "expiresAt": made.expires_at.isoformat(), "fileName": made.file_name}
    return as_json(told, 201)


def _serve(media: Media, request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    def read(first: int, length: int) -> bytes:
        note_listening(media, first, length, caller_of(request, settings), ports)
        return read_media(media, first, length, ports)

    return send_part(request, media, most_bytes(media), read)


def _media(request: func.HttpRequest, ports: Ports) -> Media:
    recording_id, channel = recording_id_of(request), request.params.get("channel")
    check_recording_id(recording_id)
    index = _number(request.route_params.get("index", ""))
    if index is None:
        raise RequestError("the catalog knows no such chunk", code=Code.CHUNK_NOT_FOUND)
    wanted = None if channel is None else _number(channel)
    if channel is not None and wanted is None:
        raise RequestError("channel is not a number")
    return find_media(recording_id, index, request.params.get("document"), wanted, ports)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LARGEST_NUMBER else None
