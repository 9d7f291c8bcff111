"""HTTP for listening: media in small ranges, and waveforms; each part that is heard leaves a row of evidence."""

from urllib.parse import quote

import azure.functions as func

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
    permitted,
    problem,
    recording_id_of,
)
from recording.library.listening import Media, find_media, most_bytes, note_listening, read_media
from recording.library.waveforms import waveform_of
from recording.ports import Ports
from recording.settings import Settings

_LARGEST_NUMBER = 9  # digits: neither an index nor a channel has more
_TRUE = ("1", "true")


def chunk_media(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET recordings/{recordingId}/chunks/{index}/media: 206 with a part of the media, at most 4 MiB of it.

    HEAD tells length and type, and leaves no row. Without `Range` the whole is sent if it is that small; else it is
    refused, so that nobody takes a part for the whole.
    """

    def listen() -> func.HttpResponse:
        ports, settings = permitted(request, Operation.LISTEN, dependencies)
        media = _media(request, ports)
        if request.method == "HEAD":
            length = {"Content-Length": str(media.length_bytes)}
            return func.HttpResponse(b"", status_code=200, headers=_headers(media, request) | length)
        try:
            wanted = read_range(_range_header(request, media), media.length_bytes)
        except ValueError as error:
            refused = problem(RequestError(f"{error}", code=Code.RANGE_NOT_SATISFIABLE))
            refused.headers["Content-Range"] = f"bytes */{media.length_bytes}"
            return refused
        return _part(request, media, wanted, ports, settings)

    return answered(listen)


def chunk_peaks(request: func.HttpRequest, dependencies: Dependencies) -> func.HttpResponse:
    """GET recordings/{recordingId}/chunks/{index}/peaks: 200 with the waveform of each channel."""

    def look() -> func.HttpResponse:
        ports, _ = permitted(request, Operation.SEE_PEAKS, dependencies)
        return as_json(waveform_of(_media(request, ports), ports), 200)

    return answered(look)


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


def _range_header(request: func.HttpRequest, media: Media) -> str | None:
    """Return the range asked for; none when it was meant for other bytes than these."""
    condition = request.headers.get("If-Range")
    return None if condition is not None and condition.strip() != media.etag else request.headers.get("Range")


def _part(
    request: func.HttpRequest, media: Media, wanted: tuple[int, int] | None, ports: Ports, settings: Settings
) -> func.HttpResponse:
    most = most_bytes(media)
    if wanted is None and media.length_bytes > most:
        raise RequestError(f"ask for a Range: an answer has at most {most} bytes", code=Code.RANGE_MISSING)
    first, length = wanted or (0, media.length_bytes)
    length = min(length, most)
    note_listening(media, first, length, caller_of(request, settings), ports)
    data = read_media(media, first, length, ports)
    headers = _headers(media, request)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{media.length_bytes}"
    return func.HttpResponse(data, status_code=200 if wanted is None else 206, headers=headers)


def _headers(media: Media, request: func.HttpRequest) -> dict[str, str]:
    is_kept = request.params.get("download", "").lower() in _TRUE
    name = f"filename*=UTF-8''{quote(media.file_name)}"
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"{'attachment' if is_kept else 'inline'}; {name}",
        "Content-Type": media.media_type,
        "ETag": media.etag,
        "X-Content-Type-Options": "nosniff",
    }
