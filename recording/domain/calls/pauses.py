"""Pauses under guard: each has an end that no second pause moves, and is compared with what ACS reports. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from recording.domain.times import UtcTime

TOLERANCE = timedelta(seconds=2)  # between a command and what the metadata says of it: two clocks, and a request


class PauseEnd(StrEnum):
    """How a commanded pause ended."""

    RESUMED = "resumed"  # by a caller
    TIME_UP = "time_up"  # by the guard
    STOPPED = "stopped"  # the recording was stopped while it was paused
    OVER = "over"  # ACS knows the recording no more
    ELSEWHERE = "resumed_elsewhere"  # ACS records again, and nobody asked here
    REFUSED = "refused"  # ACS did not pause


class CommandedPause(BaseModel):
    """A pause that was asked for here.

    Attributes:
        id: what its guard's message carries, so that no guard ends another pause.
        ends_by: when it is over at the latest; None for one without a guard (consent was withdrawn).
        reason: in the caller's words, without numbers.
        by: the object id of the caller.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    at: UtcTime
    ends_by: UtcTime | None = None
    reason: str | None = None
    by: str | None = None
    ended_at: UtcTime | None = None
    how: PauseEnd | None = None


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
        at: when the pause began, as commanded, or as the metadata says where nobody commanded it.
        seconds: by how much it differs; the length of a pause that only one side knows.
    """

    what: str
    at: datetime
    seconds: float


def open_pause(pauses: Sequence[CommandedPause]) -> CommandedPause | None:
    """Return the pause that has not ended; there is one at most, for a second pause joins it."""
    return next((pause for pause in reversed(pauses) if pause.how is None), None)


def with_end(
    pauses: Sequence[CommandedPause], at: datetime, how: PauseEnd, pause_id: str | None = None
) -> tuple[CommandedPause, ...]:
    """Return the pauses with the open ones ended: one of them where an id is given, else all."""
    return tuple(
        pause.model_copy(update={"ended_at": at, "how": how})
        if pause.how is None and pause_id in (None, pause.id)
        else pause
        for pause in pauses
    )


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals in order; those that touch or overlap are one (a chunk may end during a pause)."""
    found: list[Interval] = []
    for each in sorted(intervals, key=lambda interval: interval.begin):
        if found and each.begin - found[-1].end <= TOLERANCE:
            found[-1] = Interval(found[-1].begin, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def pause_findings(commanded: Sequence[CommandedPause], told: Iterable[Interval]) -> list[PauseFinding]:
    """Compare the pauses that were commanded here with those that ACS tells of.

    Args:
        commanded: as recorded here; one that ACS refused, or that has no end yet, is left out.
        told: the intervals of the metadata of all chunks, in any order.
    """
    left = merged(told)
    findings: list[PauseFinding] = []
    for pause in sorted(commanded, key=lambda one: one.at):
        if pause.how in (None, PauseEnd.REFUSED) or pause.ended_at is None:
            continue
        own = Interval(pause.at, pause.ended_at)
        match = next((one for one in left if _overlap(one, own)), None)
        if match is None:
            if own.end - own.begin > TOLERANCE and pause.how is not PauseEnd.OVER:
                findings.append(PauseFinding("not_paused", own.begin, _seconds(own.end - own.begin)))
            continue
        left.remove(match)
        if abs(match.begin - own.begin) > TOLERANCE:
            findings.append(PauseFinding("begins_otherwise", own.begin, _seconds(match.begin - own.begin)))
        if abs(match.end - own.end) > TOLERANCE and pause.how not in (PauseEnd.OVER, PauseEnd.STOPPED):
            findings.append(PauseFinding("ends_otherwise", own.begin, _seconds(match.end - own.end)))
    findings += [
        PauseFinding("paused_elsewhere", one.begin, _seconds(one.end - one.begin))
        for one in left
        if one.end - one.begin > TOLERANCE
    ]
    return sorted(findings, key=lambda finding: finding.at)


def _overlap(one: Interval, other: Interval) -> bool:
    return one.begin <= other.end + TOLERANCE and other.begin <= one.end + TOLERANCE


def _seconds(length: timedelta) -> float:
    return round(length.total_seconds(), 3)
