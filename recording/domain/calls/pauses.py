"""Pauses: each has an end that a second pause does not move, and is compared with what ACS reports. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from recording.domain.model import with_changes
from recording.domain.times import UtcTime

TOLERANCE = timedelta(seconds=2)  # between a command and the metadata's time for it: two clocks and a request
_NO_END = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)  # a tolerance may be added to it


class PauseEnd(StrEnum):
    """How a commanded pause ended."""

    RESUMED = "resumed"  # by a caller
    TIME_UP = "time_up"  # by the guard
    STOPPED = "stopped"  # the recording was stopped while it was paused
    OVER = "over"  # ACS no longer knows the recording
    ELSEWHERE = "resumed_elsewhere"  # ACS records again, and not because of this app
    REFUSED = "refused"  # ACS did not pause


class CommandedPause(BaseModel):
    """A pause that was requested through this app.

    Attributes:
        id: also in its guard's message, so that a guard ends no other pause.
        ends_by: the latest end; None for a pause without an end of its own (consent was withdrawn).
        reason: in the caller's words, without numbers.
        by: the object id of the caller.
        time_up: it has lasted as long as requested, and the guard has begun to end it.
        settled: ACS recorded just before it was asked for this pause, or has not for a minute since; so if it refuses
            to pause and does not record, it is paused.
        overdue_since: when the alarm about it was raised; its event follows from that, also when the alarm is over.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    at: UtcTime
    ends_by: UtcTime | None = None
    reason: str | None = None
    by: str | None = None
    ended_at: UtcTime | None = None
    how: PauseEnd | None = None
    time_up: bool = False
    settled: bool = False
    overdue_since: UtcTime | None = None

    @property
    def was_too_long(self) -> bool:
        """Return whether it ended because its time was up."""
        return self.ended_at is not None and (self.how is PauseEnd.TIME_UP or self.time_up)

    @property
    def length(self) -> timedelta | None:
        """Return the longest duration that was requested; None for a pause without an end of its own."""
        return self.ends_by - self.at if self.ends_by is not None else None


# How a manifest names the fields of a pause, under `commandedPauses`: written and read back by this one list.
DOCUMENTED: Mapping[str, str] = {
    "id": "id",
    "at": "at",
    "endsBy": "ends_by",
    "reason": "reason",
    "by": "by",
    "endedAt": "ended_at",
    "how": "how",
    "timeUp": "time_up",
    "settled": "settled",
    "overdueSince": "overdue_since",
}
_ONLY_WHEN_TRUE = frozenset({"timeUp", "settled", "overdueSince"})  # left out otherwise, as earlier versions wrote it
_ENDS_ANYHOW = (None, PauseEnd.OVER, PauseEnd.STOPPED)  # with the recording, whenever that is


@dataclass(frozen=True)
class Interval:
    """A stretch of time."""

    begin: datetime
    end: datetime


@dataclass(frozen=True)
class PauseFinding:
    """A difference between what was commanded and what the recording's metadata says.

    Attributes:
        what: `not_paused`, `paused_elsewhere`, `begins_otherwise` or `ends_otherwise`.
        at: when the pause began, as commanded, or as the metadata says where there was no command.
        seconds: by how much it differs; the length of a pause that only one side knows.
    """

    what: str
    at: datetime
    seconds: float


def open_pause(pauses: Sequence[CommandedPause]) -> CommandedPause | None:
    """Return the newest pause that has not ended, of either kind."""
    return next((pause for pause in reversed(pauses) if pause.how is None), None)


def guarded_pause(pauses: Sequence[CommandedPause]) -> CommandedPause | None:
    """Return the open pause that has an end; there is at most one, since a second request joins it."""
    return open_pause([pause for pause in pauses if pause.ends_by is not None])


def with_room(pauses: Sequence[CommandedPause], most: int) -> tuple[CommandedPause, ...]:
    """Return the newest of the pauses, and every one that is open, however many there are."""
    ended = [pause.id for pause in pauses if pause.how is not None]
    dropped = set(ended[: max(0, len(pauses) - most)])
    return tuple(pause for pause in pauses if pause.id not in dropped)


def open_withdrawal(pauses: Sequence[CommandedPause]) -> CommandedPause | None:
    """Return the open pause that a withdrawal of consent began; a pause with an end may be open as well."""
    return open_pause([pause for pause in pauses if pause.ends_by is None])


def with_pause_changes(
    pauses: Sequence[CommandedPause], pause_id: str, changes: Mapping[str, object]
) -> tuple[CommandedPause, ...]:
    """Return the pauses, one of them with these changes.

    Raises:
        TypeError: a pause has no such field, or the value is of the wrong type.
    """
    return tuple(with_changes(pause, changes) if pause.id == pause_id else pause for pause in pauses)


def with_end(
    pauses: Sequence[CommandedPause], at: datetime, how: PauseEnd, only: Collection[str] | None = None
) -> tuple[CommandedPause, ...]:
    """Return the pauses with the open ones ended: those with these ids, or all where none are given."""
    return tuple(
        with_changes(pause, {"ended_at": at, "how": how})
        if pause.how is None and (only is None or pause.id in only)
        else pause
        for pause in pauses
    )


def documented(pause: CommandedPause) -> dict[str, Any]:
    """Return a pause as a manifest says it."""
    said = {name: getattr(pause, field) for name, field in DOCUMENTED.items()}
    return {name: value for name, value in said.items() if value or name not in _ONLY_WHEN_TRUE}


def pause_in(document: Mapping[str, Any]) -> CommandedPause | None:
    """Return the pause that a manifest describes; None when it cannot be read."""
    try:
        return CommandedPause(**{field: document[name] for name, field in DOCUMENTED.items() if name in document})
    except ValidationError:
        return None


def merged(intervals: Iterable[Interval], apart: timedelta = TOLERANCE) -> list[Interval]:
    """Return the intervals in order; those that touch, overlap or nearly touch are joined."""
    found: list[Interval] = []
    for each in sorted(intervals, key=lambda interval: interval.begin):
        if found and each.begin - found[-1].end <= apart:
            found[-1] = Interval(found[-1].begin, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def pause_findings(commanded: Sequence[CommandedPause], told: Iterable[Interval]) -> list[PauseFinding]:
    """Compare the pauses that were commanded here with those that ACS reports.

    Args:
        commanded: as recorded here; one that ACS refused is left out, and one without an end has lasted until the end
            of the recording. A pause and a withdrawal of consent during it are one stretch at ACS.
        told: the intervals of the metadata of all chunks, in any order.
    """
    own, found = _stretches(commanded), _union(told)
    findings = [
        *(finding for each, how in own for finding in _lacking(each, how, found)),
        *(finding for each in found for finding in _beyond(each, own)),
    ]
    return sorted(findings, key=lambda finding: finding.at)


def _lacking(own: Interval, how: PauseEnd | None, told: Sequence[Interval]) -> Iterator[PauseFinding]:
    """Yield where a pause was commanded and ACS reports none."""
    for piece in _without(own, told):
        if piece == own:
            if how not in (None, PauseEnd.OVER):
                yield PauseFinding("not_paused", own.begin, _seconds(own.end - own.begin))
        elif piece.begin == own.begin:
            yield PauseFinding("begins_otherwise", own.begin, _seconds(piece.end - piece.begin))
        elif piece.end != own.end:
            yield PauseFinding("not_paused", piece.begin, _seconds(piece.end - piece.begin))
        elif how not in _ENDS_ANYHOW:
            yield PauseFinding("ends_otherwise", own.begin, _seconds(piece.begin - piece.end))


def _beyond(told: Interval, own: Sequence[tuple[Interval, PauseEnd | None]]) -> Iterator[PauseFinding]:
    """Yield where ACS reports a pause that was not commanded."""
    for piece in _without(told, [each for each, _ in own]):
        before = next(((each, how) for each, how in own if each.end == piece.begin), None)
        after = next((each for each, _ in own if each.begin == piece.end), None)
        length = _seconds(piece.end - piece.begin)
        if before is not None:
            if before[1] not in _ENDS_ANYHOW:
                yield PauseFinding("ends_otherwise", before[0].begin, length)
        elif after is not None:
            yield PauseFinding("begins_otherwise", after.begin, -length)
        else:
            yield PauseFinding("paused_elsewhere", piece.begin, length)


def _without(whole: Interval, others: Sequence[Interval]) -> Iterator[Interval]:
    """Yield the pieces of an interval that no other one covers, and that are longer than the tolerance."""
    begin = whole.begin
    for other in others:
        if other.end <= begin or other.begin >= whole.end:
            continue
        if other.begin - begin > TOLERANCE:
            yield Interval(begin, other.begin)
        begin = max(begin, other.end)
    if whole.end - begin > TOLERANCE:
        yield Interval(begin, whole.end)


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals in order; those that touch or overlap are joined."""
    return merged(intervals, timedelta())


def _stretches(commanded: Iterable[CommandedPause]) -> list[tuple[Interval, PauseEnd | None]]:
    """Return the commanded pauses in order, overlapping ones joined, and how each stretch ended."""
    found: list[tuple[Interval, PauseEnd | None]] = []
    for pause in sorted(commanded, key=lambda one: one.at):
        if pause.how is PauseEnd.REFUSED:
            continue
        own, how = Interval(pause.at, max(pause.ended_at or _NO_END, pause.at)), pause.how  # clocks differ
        if found and own.begin <= found[-1][0].end:
            before, ended = found.pop()
            found.append((Interval(before.begin, own.end), how) if own.end > before.end else (before, ended))
        else:
            found.append((own, how))
    return found


def _seconds(length: timedelta) -> float:
    return round(length.total_seconds(), 3)
