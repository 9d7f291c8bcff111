"""Show pauses in an answer, and compare those commanded here with those that the metadata reports."""

from collections.abc import Sequence
from typing import Any

from recording.domain.archived.integrity import pauses_are_in_seconds
from recording.domain.archived.receipt import UnreadRow, gaps_in
from recording.domain.calls.pauses import CommandedPause, Interval, PauseFinding, pause_findings
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.times import after


def shown_pause(pause: CommandedPause) -> dict[str, Any]:
    """Return a pause for an answer."""
    return {
        "pauseId": pause.id,
        "at": pause.at.isoformat(),
        "endsBy": pause.ends_by.isoformat() if pause.ends_by else None,
        "reason": pause.reason,
        "endedAt": pause.ended_at.isoformat() if pause.ended_at else None,
        "how": pause.how.value if pause.how else None,
    }


def findings_of(
    record: RecordingRecord | None, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow]
) -> list[PauseFinding]:
    """Compare the pauses commanded here with those in the metadata of all chunks; nothing while some are not here.

    Of a recording that was started elsewhere, pauses that were not requested here are not findings.
    """
    if record is None or not chunks or unread or gaps_in(chunks, record.least_count, ()):
        return []
    if not record.started_here and not record.pauses:
        return []
    if any(chunk.facts is None for chunk in chunks):
        return []
    told = [
        Interval(pause.started_at, end)
        for chunk, unit in ((chunk, _unit_of_pauses(chunk)) for chunk in chunks)
        for pause in (chunk.facts.pauses if chunk.facts else ())
        if pause.started_at is not None and pause.duration_ms is not None
        if (end := after(pause.started_at, pause.duration_ms * unit)) is not None
    ]
    found = pause_findings(record.pauses, told)
    since = record.pauses[0].at if record.more_pauses and record.pauses else None
    of_known = [one for one in found if since is None or one.at >= since]  # what was asked for before is not known
    return [one for one in of_known if record.started_here or one.what != "paused_elsewhere"]


def _unit_of_pauses(chunk: ChunkRecord) -> int:
    """Return by what the lengths of pauses are multiplied to be milliseconds: the published form says no unit."""
    if chunk.facts is None:
        return 1
    paused = sum(pause.duration_ms or 0.0 for pause in chunk.facts.pauses)
    return 1000 if pauses_are_in_seconds(chunk.duration_ms, chunk.facts.duration_ms, paused) else 1


def shown_finding(finding: PauseFinding) -> dict[str, Any]:
    """Return a finding for an answer."""
    return {"what": finding.what, "at": finding.at.isoformat(), "seconds": finding.seconds}
