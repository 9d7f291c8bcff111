"""Interpret answers of ACS's storage: totals, redirects and statuses. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recording.adapters.azure_sdk.retry_after import read_retry_after
from recording.domain.incoming.locations import Location
from recording.errors import (
    SourceBrokenError,
    SourceBusyError,
    SourceGoneError,
    SourceRefusedError,
    SourceThrottledError,
)
from recording.errors.codes import Code

_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d{1,18})-(?P<last>\d{1,18})/(?P<total>\d{1,18}|\*)", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_REDIRECTS = (301, 302, 307, 308)  # 303 would make a GET of a DELETE


@dataclass(frozen=True)
class Part:
    """The body of an answer, as described by its headers.

    `total` is the object's length, None when it is not declared; `is_whole` says that the body is the whole object,
    whatever range was requested; `version` changes with the object, None when the source names none.
    """

    total: int | None
    is_whole: bool
    version: str | None


def part_of(headers: Mapping[str, str], first: int = 0, length: int | None = None, *, is_partial: bool = False) -> Part:
    """Describe the body of an answer to a request for `length` bytes from `first` on (None: all of them).

    ACS sends Content-Range also with a 200, so Content-Range decides and not the status. Without it, the answer to any
    range is the whole object, unless its status says that it is a part and it may be one.

    Args:
        headers: of the answer.
        first: the first byte that was asked for.
        length: how many were asked for.
        is_partial: the status is 206.

    Raises:
        SourceBrokenError: `source_contradicts_itself` when the headers disagree or describe another part, and
            `unexpected_encoding` for a compressed body, whose truncation would go unnoticed.
    """
    if headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        raise SourceBrokenError("the source compressed the content unasked", code=Code.UNEXPECTED_ENCODING)
    body, version = _length(headers.get("Content-Length")), headers.get("ETag")
    if (text := headers.get("Content-Range")) is None:
        is_asked_for = first > 0 or (length is not None and (body is None or body >= length))
        if is_partial and (is_asked_for or _is_in_parts(headers)):  # a part that does not say of what
            raise _contradiction()
        return Part(body, is_whole=True, version=version)
    start, end, total = _range(text)
    if start != first or body not in (None, end - start) or (total is not None and end > total):
        raise _contradiction()
    if length is None:
        total = end if total is None else total
        if end != total:
            raise _contradiction()
    elif end != first + length and end != total:
        raise _contradiction()
    return Part(total, is_whole=start == 0 and end == total, version=version)


def _is_in_parts(headers: Mapping[str, str]) -> bool:
    """Return whether the body has heads of its own between its parts (`multipart/byteranges`)."""
    return headers.get("Content-Type", "").strip().lower().startswith("multipart/")


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not _LENGTH.fullmatch(text.strip()):
        raise _contradiction()
    return int(text)


def _range(text: str) -> tuple[int, int, int | None]:
    """Return first byte, the byte after the last, and the total if present."""
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        raise _contradiction()
    return int(found["first"]), int(found["last"]) + 1, None if found["total"] == "*" else int(found["total"])


def check_is_no_page(headers: Mapping[str, str]) -> None:
    """Check that a service answered a DELETE, and not a proxy with a page of its own.

    Raises:
        SourceBusyError: a web page came; if the object is gone all the same, the next attempt is answered 404.
    """
    is_page = headers.get("Content-Type", "").strip().lower().startswith(("text/html", "application/xhtml"))
    if is_page and headers.get("Content-Length", "").strip() != "0":
        raise SourceBusyError("a web page answered the delete")


def check_is_content(status: int) -> None:
    """Check that a success has the object's own bytes: 203 is a proxy's version of them, 226 a difference to others.

    Raises:
        SourceBusyError: it has not.
    """
    if status not in (200, 206):
        raise SourceBusyError(f"the source answered {status}")


def _contradiction() -> SourceBrokenError:
    return SourceBrokenError("the source's statements of the length disagree", code=Code.SOURCE_CONTRADICTS_ITSELF)


def redirect_of(status: int, headers: Mapping[str, str], requested: Location) -> str | None:
    """Return the unchecked target of a redirect; None when the answer is not a redirect with a target."""
    target = headers.get("Location") if status in _REDIRECTS else None
    if target and target.startswith("/") and not target.startswith("//"):
        return f"https://{requested.host}{target}"
    return target


def raise_for(status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Raise the SourceError that a status stands for; 2xx passes.

    Only 401, 403 and 404 are lasting. All else is transient, even a 400: ACS's front end sometimes answers 400
    with a web page (azure-sdk-for-js issue 33764), and 416 to a range of a still empty object.
    """
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise SourceGoneError(f"the source answered {status}")
    wait = read_retry_after(headers.get("Retry-After"), now)
    if status in (401, 403):
        raise SourceRefusedError(f"the source answered {status}", retry_after=wait)
    kind = SourceThrottledError if status == 429 else SourceBusyError
    raise kind(f"the source answered {status}", retry_after=wait)
