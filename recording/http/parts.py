"""HTTP for ranges: serve a range of something stored, never more than one answer may hold."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote

import azure.functions as func

from recording.domain.media.byte_range import read_range
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.routes import problem

_TRUE = ("1", "true")


class Whole(Protocol):
    """Something stored that is served in ranges."""

    @property
    def length_bytes(self) -> int:
        """Return its length in bytes."""
        ...

    @property
    def media_type(self) -> str:
        """Return its media type."""
        ...

    @property
    def etag(self) -> str:
        """Return the permanent name of these bytes."""
        ...

    @property
    def file_name(self) -> str:
        """Return the file name for a download."""
        ...


def send_part(
    request: func.HttpRequest, whole: Whole, most: int, read: Callable[[int, int], bytes]
) -> func.HttpResponse:
    """Return 206 with a range, 200 with a whole that is small enough or with its length (HEAD), or 416.

    Args:
        request: with `Range`, `If-Range` and `download`.
        whole: what is sent.
        most: bytes of one answer.
        read: reads this many bytes from a position, after leaving the row in the audit trail.

    Raises:
        RequestError: `range_missing`: the whole is more than one answer holds, and no client shall take a part for
            the whole.
    """
    headers = _headers(request, whole)
    if request.method == "HEAD":
        headers["Content-Length"] = str(whole.length_bytes)
        return func.HttpResponse(b"", status_code=200, headers=headers)
    try:
        wanted = read_range(_range_header(request, whole), whole.length_bytes)
    except ValueError as error:
        return unsatisfiable(error, whole.length_bytes)
    if wanted is None and whole.length_bytes > most:
        raise range_missing(most)
    first, asked = wanted or (0, whole.length_bytes)
    length = min(asked, most)
    data = read(first, length)
    if wanted is not None:
        headers["Content-Range"] = content_range(first, length, whole.length_bytes)
    return func.HttpResponse(data, status_code=200 if wanted is None else 206, headers=headers)


def unsatisfiable(error: ValueError, length_bytes: int) -> func.HttpResponse:
    """Return 416 with the length of the whole."""
    refused = problem(RequestError(f"{error}", code=Code.RANGE_NOT_SATISFIABLE))
    refused.headers["Content-Range"] = f"bytes */{length_bytes}"
    return refused


def range_missing(most: int) -> RequestError:
    """Return the error for a request without a range."""
    return RequestError(f"ask for a Range: an answer has at most {most} bytes", code=Code.RANGE_MISSING)


def content_range(first: int, length: int, length_bytes: int) -> str:
    """Return the range that an answer contains."""
    return f"bytes {first}-{first + length - 1}/{length_bytes}"


def _range_header(request: func.HttpRequest, whole: Whole) -> str | None:
    """Return the requested range; None when it was meant for other bytes than these (`If-Range`)."""
    condition = request.headers.get("If-Range")
    return None if condition is not None and condition.strip() != whole.etag else request.headers.get("Range")


def _headers(request: func.HttpRequest, whole: Whole) -> dict[str, str]:
    is_kept = request.params.get("download", "").lower() in _TRUE
    name = f"filename*=UTF-8''{quote(whole.file_name)}"
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"{'attachment' if is_kept else 'inline'}; {name}",
        "Content-Type": whole.media_type,
        "ETag": whole.etag,
        "X-Content-Type-Options": "nosniff",
    }
