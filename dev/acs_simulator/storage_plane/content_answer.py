"""Says how the storage plane answers a read: status, headers, which bytes, how fast, and how the connection ends."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from dev.acs_simulator.faults.kinds import FaultKind
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.net.endings import Ending
from dev.acs_simulator.storage_plane.bodies import Body, BytesBody, GrownBody, PatchedBody, PrefixBody
from dev.acs_simulator.storage_plane.ranges import ByteRange, UnsatisfiableRangeError, requested_range
from dev.acs_simulator.storage_plane.wrong_bodies import CONTENT_TYPES, wrong_body

STORAGE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Type": "application/octet-stream",
        "Cache-Control": "no-cache, max-age=0, s-maxage=0, private",
        "Server": "Microsoft-HTTPAPI/2.0",
    }
)
"""As recorded live. There is no ETag, no Last-Modified and no Content-MD5."""


@dataclass(frozen=True)
class ContentAnswer:
    """One answer to a read, exactly as it goes over the wire.

    `declared_bytes` is the Content-Length, None for a body that ends with the connection. `sent_bytes` of the slice are
    sent; less than declared means that it ends early.
    """

    status: int
    body: Body
    start: int
    sent_bytes: int
    declared_bytes: int | None
    total_bytes: int
    extra_headers: Mapping[str, str]
    bytes_per_second: float | None = None
    stall_after_bytes: int | None = None
    stall_seconds: float = 0.0
    ending: Ending = Ending.FINISH

    @property
    def headers(self) -> dict[str, str]:
        """Return every header of the answer."""
        length = {} if self.declared_bytes is None else {"Content-Length": str(self.declared_bytes)}
        return {**STORAGE_HEADERS, **length, **self.extra_headers}


def content_answer(body: Body, range_header: str | None, fault: Fault | None) -> ContentAnswer:
    """Return the answer to a read of `body`, struck by `fault` if there is one."""
    if fault is not None and _ignores_range(fault):
        range_header = None
    body = _altered_body(body, fault)
    try:
        asked = requested_range(range_header, body.length_bytes)
    except UnsatisfiableRangeError:
        return _unsatisfiable(body.length_bytes)
    answer = _honest(body, asked)
    alter = _ALTERATIONS.get(fault.kind) if fault is not None else None
    return alter(answer, fault) if alter is not None and fault is not None else answer


def _ignores_range(fault: Fault) -> bool:
    """Answer as a gateway in the storage's place: it knows nothing of ranges, unless it is told to say 206."""
    if fault.kind is FaultKind.WRONG_BODY:
        return (fault.optional_number("status") or _usual_status(fault)) == 200
    return fault.kind is FaultKind.IGNORE_RANGE


def _usual_status(fault: Fault) -> int:
    is_media = fault.text("body") == "header_only" and fault.argument("text") is None
    return 206 if is_media else 200


def _altered_body(body: Body, fault: Fault | None) -> Body:
    if fault is None or body.length_bytes == 0:
        return body
    if fault.kind is FaultKind.GROWN:
        return GrownBody(body, int(fault.number("by_bytes")))
    if fault.kind is FaultKind.WRONG_BODY:
        return wrong_body(body, fault)
    if fault.kind is FaultKind.PREFIX:
        return PrefixBody(body, _grown_so_far(body.length_bytes, fault))
    if fault.kind is FaultKind.DIFFERENT_BYTES:
        offset = fault.optional_number("offset")
        return PatchedBody(body, body.length_bytes // 2 if offset is None else int(offset))
    return body


def _grown_so_far(whole_bytes: int, fault: Fault) -> int:
    """Return how much of the object there is: a part, which grows to the whole when the fault says in which time."""
    given = fault.optional_number("length_bytes")
    part = whole_bytes * fault.number("fraction") if given is None else given
    whole_after = fault.optional_number("whole_after_seconds")
    if whole_after is not None:
        part += (whole_bytes - part) * min(fault.struck_for.total_seconds() / whole_after, 1)
    return min(int(part), whole_bytes)


def _honest(body: Body, asked: ByteRange | None) -> ContentAnswer:
    """Content-Range is there even on a 200, as recorded live."""
    total = body.length_bytes
    part = asked or ByteRange(0, total)
    length = part.stop - part.start
    answer = ContentAnswer(200 if asked is None else 206, body, part.start, length, length, total, {})
    return _with_content_range(answer, total) if total else answer


def _with_content_range(answer: ContentAnswer, total: int) -> ContentAnswer:
    last = answer.start + (answer.declared_bytes or 0) - 1
    return replace(answer, total_bytes=total, extra_headers={"Content-Range": f"bytes {answer.start}-{last}/{total}"})


def _unsatisfiable(total: int) -> ContentAnswer:
    return ContentAnswer(416, BytesBody(b""), 0, 0, 0, total, {"Content-Range": f"bytes */{total}"})


def _part(answer: ContentAnswer, fault: Fault) -> int:
    """Return how many bytes `fraction` of the answer is: at least none, and never all of it."""
    return min(int(answer.sent_bytes * fault.number("fraction")), max(answer.sent_bytes - 1, 0))


def _empty(answer: ContentAnswer, _: Fault) -> ContentAnswer:
    return replace(answer, status=200, body=BytesBody(b""), start=0, sent_bytes=0, declared_bytes=0, extra_headers={})


def _short(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    length = _part(answer, fault)
    total = answer.start + length if fault.argument("lie") else answer.total_bytes
    return _with_content_range(replace(answer, sent_bytes=length, declared_bytes=length), total)


def _cut(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    wanted = fault.optional_number("sent_bytes")
    sent = _part(answer, fault) if wanted is None else min(int(wanted), answer.sent_bytes)
    return replace(answer, sent_bytes=sent, ending=Ending(fault.text("ending")))


def _close_delimited_cut(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    return replace(answer, sent_bytes=_part(answer, fault), declared_bytes=None, ending=Ending.CLOSE)


def _gzip(answer: ContentAnswer, _: Fault) -> ContentAnswer:
    """Compress in memory: meant for small bodies."""
    whole = b"".join(answer.body.pieces(answer.start, answer.start + answer.sent_bytes))
    return _encoded(answer, gzip.compress(whole))


def _truncated_gzip(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    compressed = _gzip(answer, fault)
    return _encoded(compressed, b"".join(compressed.body.pieces(0, compressed.sent_bytes // 2)))


def _encoded(answer: ContentAnswer, data: bytes) -> ContentAnswer:
    headers = {**answer.extra_headers, "Content-Encoding": "gzip"}
    body = BytesBody(data)
    return replace(answer, body=body, start=0, sent_bytes=len(data), declared_bytes=len(data), extra_headers=headers)


def _wrong_total(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    return _with_content_range(answer, answer.total_bytes + int(fault.number("by_bytes")))


def _as_another_type(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    """A gateway's answer has a type of its own, and a Content-Range only when it says 206."""
    status = int(fault.optional_number("status") or answer.status)
    ranged = answer.extra_headers if status == 206 or _usual_status(fault) == 206 else {}
    kind = fault.argument("content_type") or CONTENT_TYPES.get(fault.text("body"), STORAGE_HEADERS["Content-Type"])
    return replace(answer, status=status, extra_headers={**ranged, "Content-Type": str(kind)})


def _drip(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    return replace(answer, bytes_per_second=fault.number("bytes_per_second"))


def _stall(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    return replace(answer, stall_after_bytes=_part(answer, fault), stall_seconds=fault.number("seconds"))


def _expired_midway(answer: ContentAnswer, fault: Fault) -> ContentAnswer:
    return replace(answer, sent_bytes=_part(answer, fault), ending=Ending.RESET)


_ALTERATIONS: Mapping[FaultKind, Callable[[ContentAnswer, Fault], ContentAnswer]] = MappingProxyType(
    {
        FaultKind.ZERO_BYTES: _empty,
        FaultKind.SHORT_BODY: _short,
        FaultKind.CUT: _cut,
        FaultKind.CLOSE_DELIMITED_CUT: _close_delimited_cut,
        FaultKind.GZIP: _gzip,
        FaultKind.TRUNCATED_GZIP: _truncated_gzip,
        FaultKind.WRONG_TOTAL: _wrong_total,
        FaultKind.WRONG_BODY: _as_another_type,
        FaultKind.SLOW_DRIP: _drip,
        FaultKind.STALL: _stall,
        FaultKind.EXPIRE_MIDWAY: _expired_midway,
    }
)
