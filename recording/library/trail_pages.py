"""The audit trail, the newest first, page by page.

It is stored the earliest first, so a stretch of time is read forwards and turned around; a quiet one makes the next one
longer. A page goes back a month at most, so that no request walks through years.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from recording.domain.incoming.events import EARLIEST as BEGAN  # ACS recorded no call before
from recording.domain.times import as_utc
from recording.errors import RequestError
from recording.ports import AuditEntry, Ports
from recording.ports.clock import shared_now

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=1)
FEW = 100  # entries of a stretch behind which the next one is twice as long
AT_ONCE = timedelta(days=31)  # that one page goes back
EARLIEST = timedelta(days=3653)
_INSTANT = timedelta(microseconds=1)
_AHEAD = timedelta(minutes=5)  # another clock may be ahead; a row of one that is wrong by more is rare
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Trail:
    """What of the trail is wanted: of one recording or all, between two times; None leaves a side open."""

    recording_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page_of(trail: Trail, position: str, most: int, ports: Ports) -> tuple[list[AuditEntry], str | None]:
    """Return a page of the trail, the newest first, and the position of the next one; None when this is the last.

    Raises:
        RequestError: the position is none that was given out.
        StorageError: the trail cannot be read.
    """
    now = shared_now(ports)
    before, _, mark = position.partition("|")
    latest, oldest = now + _AHEAD, max(trail.since or now - EARLIEST, BEGAN)
    end = max(_read(before) if before else trail.until or _END_OF_TIME, BEGAN)
    first = max(oldest, min(end, latest) - AT_ONCE)
    entries = _of_recording(trail, end, ports) if trail.recording_id else _backwards(first, end, latest, ports)
    rows = list(islice(_behind(entries, mark), most + 1))
    if len(rows) > most:
        return rows[:most], f"{rows[most - 1].at.isoformat()}|{_mark(rows[most - 1])}"
    is_all = trail.recording_id is not None or first <= oldest
    return rows, None if is_all else f"{(first - _INSTANT).isoformat()}|"


def _of_recording(trail: Trail, end: datetime, ports: Ports) -> Iterator[AuditEntry]:
    about = ports.audit.entries_about(trail.recording_id or "")
    yield from reversed([one for one in about if (trail.since is None or one.at >= trail.since) and one.at < end])


def _backwards(first: datetime, end: datetime, latest: datetime, ports: Ports) -> Iterator[AuditEntry]:
    """Yield what is between two times, the newest first; before it what instances whose clock is ahead have written."""
    length = SHORTEST
    if end > latest:
        begin = max(first, latest)
        yield from reversed(list(takewhile(lambda one: one.at < end, ports.audit.entries(begin))))
        end = latest
    while end > first:
        begin = max(first, end - length)
        stretch = list(takewhile(lambda one, end=end: one.at < end, ports.audit.entries(begin)))  # type: ignore[misc]
        yield from reversed(stretch)
        length = min(length * 2, LONGEST) if len(stretch) < FEW else SHORTEST
        end = begin


def _behind(entries: Iterator[AuditEntry], mark: str) -> Iterator[AuditEntry]:
    """Yield the rows after the last one of the previous page; marks distinguish rows of the same instant."""
    is_behind = not mark
    for entry in entries:
        if is_behind:
            yield entry
        elif _mark(entry) == mark:
            is_behind = True


def _mark(entry: AuditEntry) -> str:
    said = entry.id or repr((entry.at, entry.operation, entry.recording_id, entry.caller, entry.outcome, entry.note))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _read(text: str) -> datetime:
    """Return the time just behind the one of a position."""
    try:
        return as_utc(datetime.fromisoformat(text.replace(" ", "+"))) + _INSTANT
    except (ValueError, OverflowError):
        raise RequestError("next is not a position of this trail") from None
