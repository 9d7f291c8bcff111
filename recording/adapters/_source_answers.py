"""What answers of ACS's storage mean: totals, redirects and statuses. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

from recording.adapters._retry_after import read_retry_after
from recording.domain.locations import Location
from recording.errors import SourceBrokenError, SourceBusyError, SourceGoneError, SourceRefusedError

_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d{1,18})-(?P<last>\d{1,18})/(?P<total>\d{1,18}|\*)", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_REDIRECTS = (301, 302, 307, 308)  # 303 would make a GET of a DELETE


def declared_total(headers: Mapping[str, str]) -> int | None:
    """The object's length as the headers of a whole download declare it; None when they do not.

    ACS sends Content-Range even with a 200, so there are usually two statements.

    Raises:
        SourceBrokenError: `source_contradicts_itself` when they disagree or are about a part only, and
            `unexpected_encoding` for a compressed body, whose truncation nobody would notice.
    """
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise SourceBrokenError("the source compressed the content unasked", code="unexpected_encoding")
    stated = [_length(headers.get("Content-Length")), _range_total(headers.get("Content-Range"))]
    totals = {total for total in stated if total is not None}
    if len(totals) > 1:
        raise _contradiction()
    return totals.pop() if totals else None


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not _LENGTH.fullmatch(text.strip()):
        raise _contradiction()
    return int(text)


def _range_total(text: str | None) -> int | None:
    if text is None:
        return None
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None or int(found["first"]) != 0:
        raise _contradiction()
    whole = int(found["last"]) + 1
    if found["total"] not in ("*", str(whole)):
        raise _contradiction()
    return whole


def _contradiction() -> SourceBrokenError:
    return SourceBrokenError("the source's statements of the length disagree", code="source_contradicts_itself")


def redirect_of(status: int, headers: Mapping[str, str], requested: Location) -> str | None:
    """Where the answer sends us, unchecked; None when it is not a redirect that says where."""
    target = headers.get("Location") if status in _REDIRECTS else None
    if target and target.startswith("/") and not target.startswith("//"):
        return f"https://{requested.host}{target}"
    return target


def raise_for(status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Raises the SourceError that a status stands for; 2xx passes.

    Only 401, 403 and 404 say something lasting. All else passes by itself, also a 400: ACS's front end answers 400
    with a web page now and then (azure-sdk-for-js issue 33764), and 416 to a range of a still empty object.
    """
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise SourceGoneError(f"the source answered {status}")
    wait = read_retry_after(headers.get("Retry-After"), now)
    if status in (401, 403):
        raise SourceRefusedError(f"the source answered {status}", retry_after=wait)
    raise SourceBusyError(f"the source answered {status}", retry_after=wait)
