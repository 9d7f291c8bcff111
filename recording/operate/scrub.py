"""Scrub: completely read the media that was read longest ago, so that all of it is read within the cycle.

Each chunk's record says when its media was last read, so a run continues where the last one stopped and catches up on
what was missed. A survey of a few columns of the catalog finds what is due, and the coverage.
"""

import heapq
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from recording.domain.archived.drift import SCRUB_CYCLE, SCRUB_DUE_AFTER, MediaAge, is_scrubbed
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_finished
from recording.domain.times import EARLIEST, sortable
from recording.domain.watched.looks import SCRUBBED, ScrubLook
from recording.errors import ClaimLostError, StorageError
from recording.operate.drift import rows_of_recording
from recording.operate.drift.findings import FAILURES, DriftReport, Findings, Looked, Unread
from recording.operate.drift.look import look_at
from recording.ports import Ports
from recording.ports.bulkhead import Bulkhead
from recording.ports.clock import by_the_shared_clock
from recording.settings import Settings
from recording.telemetry import Event, emit

SCRUB_TIME = timedelta(minutes=20)  # the host ends a function after half an hour
SURVEY_TIME = timedelta(minutes=5)  # some five million rows; a longer table is surveyed in several nights
SURVEY_PAGE = 20_000
MOST_A_TURN = 50_000  # recordings planned; more than one run can read
MOST_RAISED = 100  # log events of one run; the report has all
READERS = 4  # recordings read at once
MOST_AHEAD = timedelta(days=1)  # of a stored time of reading: another host's clock; it decides nothing in the cycle
NIGHT_HOUR = 3  # UTC; a night's work continues in the following hours until it is done
CURSOR, UNFINISHED = "scrub", "unfinished"
POSITION = "scrub_position"  # where a run without time left stopped


def scrub_if_due(ports: Ports, settings: Settings) -> DriftReport | None:
    """Scrub each night, and hourly after it until everything due is read; None when nothing is due now.

    Raises:
        StorageError: when the catalog does not answer.
    """
    ports = by_the_shared_clock(ports)
    if ports.clock.now().hour != NIGHT_HOUR and ports.catalog.cursor(CURSOR) != UNFINISHED:
        return None
    try:
        report = scrub(ports, settings)
    except StorageError:
        with suppress(StorageError):
            ports.catalog.save_cursor(CURSOR, UNFINISHED)
        raise
    ports.catalog.save_cursor(CURSOR, "" if report.complete else UNFINISHED)
    return report


def scrub(ports: Ports, settings: Settings, clock: Callable[[], float] = time.monotonic) -> DriftReport:
    """Compare and completely read what is due, the longest unread first, and report each difference.

    Args:
        ports: catalog, archive and the customer's own storage are read; only the time of reading is written.
        settings: for the names of blobs, and for how long the archive keeps them.
        clock: seconds of this process, for the time limit.

    Raises:
        StorageError: when the catalog does not answer, or nothing could be read; `recording.scrub.behind` reports it.
    """
    ports = by_the_shared_clock(ports)  # an instance a year ahead would note that all was read in a year's time
    began, findings, bulkhead = clock(), Findings(ports), Bulkhead({"drift": ports.catalog.time})
    try:
        survey = _survey(ports, lambda: clock() - began > SURVEY_TIME.total_seconds())
        turn = _Turn(ports, settings, findings, bulkhead, lambda: clock() - began > SCRUB_TIME.total_seconds())
        turn.work_through(survey, ports.catalog.cursor(POSITION))
        failed = survey.error or bulkhead.outage
        if failed and (survey.error or bulkhead.is_blind or not findings.recordings):
            raise failed
    except StorageError as error:
        emit(Event.SCRUB_BEHIND, reason="failed", code=error.code)
        raise
    finally:
        _raise(findings)
    _report(findings, survey, ports.clock.now(), timedelta(seconds=clock() - began))
    _keep(survey, ports)
    return findings.report()


@dataclass(order=True)
class Due:
    """A recording that must be read, with the chunks that are beyond the cycle."""

    read_at: datetime
    recording_id: str
    stale: int = field(default=0, compare=False)

    @property
    def position(self) -> str:
        """Return its place among all that is due."""
        return f"{sortable(self.read_at)} {self.recording_id}"


@dataclass
class Survey:
    """The coverage of the whole catalog within the cycle."""

    chunks: int = 0
    stale: int = 0  # chunks beyond the cycle
    offline: int = 0  # chunks in the archive tier, which cannot be read
    length_bytes: int = 0
    is_whole: bool = True  # False: the table is longer than one survey, and the next one continues
    due: list[Due] = field(default_factory=list)
    planned: list[Due] = field(default_factory=list)
    oldest_other: datetime | None = None  # among what is not planned
    error: StorageError | None = None  # what ended the survey early; what it has found until then is read

    @property
    def coverage(self) -> float:
        """Return the share of chunks that were read within the cycle."""
        return 1 - (self.stale + self.offline) / self.chunks if self.chunks else 1.0

    def oldest(self) -> datetime | None:
        """Return when the longest unread media was last read."""
        times = [due.read_at for due in self.planned[:1]] + ([self.oldest_other] if self.oldest_other else [])
        return min(times, default=None)


def _survey(ports: Ports, is_late: Callable[[], bool]) -> Survey:
    now, survey = ports.clock.now(), Survey()
    position = ports.catalog.cursor("scrub_survey")
    started_at = position
    while True:
        page = ports.catalog.media_ages(position, SURVEY_PAGE)
        ages = [age for age in page.items if isinstance(age, MediaAge)]
        for recording_id, found in groupby(ages, key=lambda age: age.recording_id):
            _count(survey, recording_id, list(found), now)
        position, survey.error = page.next, page.error
        if page.error or not position or is_late():
            break
    survey.is_whole = not position and not started_at
    if position != started_at and survey.error is None:
        ports.catalog.save_cursor("scrub_survey", position)
    survey.planned = sorted(survey.due)
    return survey


def _count(survey: Survey, recording_id: str, ages: Sequence[MediaAge], now: datetime) -> None:
    survey.chunks += len(ages)
    survey.offline += sum(age.is_offline for age in ages)
    survey.length_bytes += sum(age.length_bytes for age in ages)
    times = [_read_at(age, now) for age in ages]
    oldest = min(times)
    stale = sum(now - at > SCRUB_CYCLE for at, age in zip(times, ages, strict=True) if not age.is_offline)
    survey.stale += stale
    if now - oldest < SCRUB_DUE_AFTER:
        survey.oldest_other = min(survey.oldest_other or oldest, oldest)
        return
    survey.due.append(Due(oldest, recording_id, stale))
    if len(survey.due) >= 2 * MOST_A_TURN:
        survey.due = heapq.nsmallest(MOST_A_TURN, survey.due)


def _read_at(age: MediaAge, now: datetime) -> datetime:
    """Return when media was read; a time that is still to come proves no reading."""
    return age.read_at if age.read_at <= now + MOST_AHEAD else EARLIEST


@dataclass(frozen=True)
class _Turn:
    """The reading of one run, several recordings at once."""

    ports: Ports
    settings: Settings
    findings: Findings
    bulkhead: Bulkhead
    is_late: Callable[[], bool]

    def work_through(self, survey: Survey, start: str) -> None:
        """Read what is due; media that could not be read, or differs, stays due.

        Such media is the longest unread from then on. A run continues where the last one stopped, so that it does not
        take the time of everything behind it.
        """
        size, left, last = READERS * 2, [], ""
        behind = [due for due in survey.planned if due.position > start]
        before = [due for due in survey.planned if due.position <= start]
        planned, rest = _divided([*behind, *before], MOST_A_TURN)
        with ThreadPoolExecutor(READERS) as readers:
            while planned:
                if self.is_late() or self.bulkhead.is_blind or self.bulkhead.is_over("drift"):
                    self.findings.complete = False
                    break
                batch, planned = _divided(planned, size)
                last = batch[-1].position
                looks = readers.map(lambda due: _try(due, self.ports, self.settings), batch)
                left += [
                    due for due, looked in zip(batch, looks, strict=True) if not self._is_read(due, looked, survey)
                ]
        survey.planned = sorted([*left, *planned, *rest])
        following = "" if self.findings.complete else last or start
        if following != start:
            self.ports.catalog.save_cursor(POSITION, following)

    def _is_read(self, due: Due, looked: Looked | Exception, survey: Survey) -> bool:
        if isinstance(looked, Exception):
            self.findings.add_failure(due.recording_id, looked, self.bulkhead)
            return False
        self.bulkhead.succeeded("drift")
        self.findings.add(looked)
        if looked.failed:
            return False
        survey.stale -= due.stale
        return True


def _divided(items: list[Due], first: int) -> tuple[list[Due], list[Due]]:
    return items[:first], items[first:]


def _try(due: Due, ports: Ports, settings: Settings) -> Looked | Exception:
    try:
        return _scrub_one(due.recording_id, ports, settings)
    except FAILURES as error:
        return error


def _scrub_one(recording_id: str, ports: Ports, settings: Settings) -> Looked:
    chunks, unreadable = rows_of_recording(recording_id, ports)
    looked = look_at(chunks, ports, settings, chunks, unreadable) if chunks else Looked(recording_id)
    looked.unread += [Unread(row.where, row.code, recording_id) for row in unreadable]
    for chunk in chunks:
        if (noted := _noted(chunk, looked, ports.clock.now())) is not None:
            with suppress(ClaimLostError):  # a worker or an operator changed it meanwhile; it stays due
                ports.catalog.save_chunk(noted)
    return looked


def _noted(chunk: ChunkRecord, looked: Looked, now: datetime) -> ChunkRecord | None:
    """Return the record with the result; None where it stays due, since it differs or could not be read."""
    if not is_scrubbed(chunk):
        return chunk if is_finished(chunk) else None  # so that its row says so, whichever version wrote it
    name = chunk.blob_name or str(chunk.key)
    if name in looked.offline:
        return changed(chunk, offline_seen_at=now)
    differs = any(drift.document_id == chunk.task.document_id for drift in looked.drifts)
    is_read = any(read.key == chunk.key for read in looked.read)
    return changed(chunk, read_whole_at=now, offline_seen_at=None) if is_read and not differs else None


def _raise(findings: Findings) -> None:
    for drift in findings.drifts[:MOST_RAISED]:
        emit(
            Event.DRIFT,
            reason=drift.kind.value,
            blob_name=drift.blob_name,
            recording_id=drift.recording_id,
            document_id=drift.document_id,
            index=drift.index,
        )


def _keep(survey: Survey, ports: Ports) -> None:
    """Save the coverage, so that `status` and the doctor notice a scrub that is behind or does not run."""
    coverage = round(survey.coverage, 4)
    look = ScrubLook(
        at=ports.clock.now(), coverage=coverage, chunks=survey.chunks, behind=survey.stale, oldest_at=survey.oldest()
    )
    ports.catalog.save_cursor(SCRUBBED, look.model_dump_json())


def _report(findings: Findings, survey: Survey, now: datetime, took: timedelta) -> None:
    oldest = survey.oldest()
    reason = None if findings.complete else "time_ran_out"
    emit(
        Event.SCRUBBED,
        chunks=findings.chunks,
        count=len(findings.drifts),
        reason=reason,
        coverage=round(survey.coverage, 4),
        age_seconds=now - oldest if oldest else None,
        length_bytes=sum(findings.bytes_read.values()),
        unread=len(findings.unread) + survey.offline,
        requests=findings.requests,
        took_ms=round(took.total_seconds() * 1000),
    )
    if survey.stale:
        emit(
            Event.SCRUB_BEHIND,
            reason=reason or ("unread" if findings.unread else "differs"),
            coverage=round(survey.coverage, 4),
            count=survey.stale,
            age_seconds=now - oldest if oldest else None,
        )
