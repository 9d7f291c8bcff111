"""Dispose, once a day: mark what is due, unmark what is not due any more, destroy what was marked long enough ago.

The run walks over all recordings in the order of their keys, and reads the custody rows as one range a page. A run that
reaches its limit of time is continued in the following hours. Without a custodian it marks, and destroys nothing.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from recording.domain.keep import custody as row_of
from recording.domain.keep.custody import Custody, CustodyState
from recording.domain.keep.destroy import mark_of
from recording.domain.keep.disposition import Action
from recording.domain.keep.rules import RuleSet
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, RecordingError, StorageError
from recording.library.keep import erasures
from recording.library.keep.assess import Assessed, assess_page, assessed, has_come_back, keeping_of, rules_in_force
from recording.library.keep.bundles import end_bundles
from recording.library.keep.destroy import OPERATION, Outcome, destroy, destroy_beside
from recording.library.keep.holds import hold_blobs, is_to_be_compared
from recording.library.keep.leftovers import Leftovers
from recording.ports import AuditEntry, Custodian, Ports, Unreadable
from recording.ports.bulkhead import MOST_REPORTED, ODD_CONTENT, code_of
from recording.ports.clock import by_the_shared_clock
from recording.settings import Settings
from recording.telemetry import Event, emit

DISPOSE_TIME = timedelta(minutes=20)  # of a run; the host ends a function after half an hour
OF_ERASURES = 0.5  # of that time, before the walk: requests are swept for weeks, and recordings are due meanwhile
PAGE = 1000  # recordings read at a time
MOST_PROBLEMS = 100  # recordings that fail, before storage is asked whether it answers at all
HOUR = 1  # UTC; a night's walk continues in the following hours until it has seen everything
CURSOR, UNFINISHED = "dispose", "unfinished"
RUNNING = "running"  # the cursor during a run: one that the host ends is continued, an approval meanwhile stays noted
POSITION = "dispose_position"  # the cursor: where in the catalog the walk continues


@dataclass
class DisposeReport:
    """What one run did, and its last position.

    Attributes:
        seen: recordings that it assessed.
        pages: pages that it read.
        complete: whether it reached the end of the catalog, and all requests for erasure that were due.
        counts: how many were marked or spared, and how destroying the others ended.
        problems: the recordings that failed, with the code.
    """

    seen: int = 0
    pages: int = 0
    complete: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)


def dispose_if_due(
    ports: Ports, settings: Settings, clock: Callable[[], float] = time.monotonic
) -> DisposeReport | None:
    """Run each night, and in the following hours until everything was seen; return None when no run is due.

    Raises:
        StorageError: catalog, holds or rules do not answer.
    """
    if ports.clock.now().hour != HOUR and ports.catalog.cursor(CURSOR) not in (UNFINISHED, RUNNING):
        return None
    ports.catalog.save_cursor(CURSOR, RUNNING)
    report = dispose(ports, settings, clock)
    if not report.complete:
        ports.catalog.save_cursor(CURSOR, UNFINISHED)
    elif ports.catalog.cursor(CURSOR) == RUNNING:
        ports.catalog.save_cursor(CURSOR, "")
    return report


def dispose(ports: Ports, settings: Settings, clock: Callable[[], float] = time.monotonic) -> DisposeReport:
    """Walk over all recordings from where the last run ended, and do what is due for each.

    Args:
        ports: catalog, holds and rules; the custodian, where there is one.
        settings: the days between mark and destruction, and of grace.
        clock: seconds of this process, for `DISPOSE_TIME`.

    Raises:
        StorageError: catalog, holds or rules do not answer; the next run continues after the last page.
    """
    began, report = clock(), DisposeReport()
    ports = by_the_shared_clock(ports)  # an instance a year ahead would destroy what has a year to go
    run = _Run(report, rules_in_force(ports, settings), Leftovers(ports), ports, settings)

    def is_over(share: float = 1) -> bool:
        return clock() - began > share * DISPOSE_TIME.total_seconds()

    if ports.custodian is not None:
        run.carry_on_erasures(ports.custodian, lambda: is_over(OF_ERASURES), skipped=erasures.broken_off(ports))
    report.complete = run.walk(is_over)
    if ports.custodian is not None and report.complete:
        report.complete = run.carry_on_erasures(ports.custodian, is_over)
        run.end_bundles(ports.custodian)
    emit(
        Event.DISPOSE_RAN,
        count=report.seen,
        took_ms=round((clock() - began) * 1000),
        reason=None if report.complete else "time_ran_out",
        detail=" ".join(f"{name}={count}" for name, count in sorted(report.counts.items())) or None,
    )
    return report


@dataclass(frozen=True)
class _Run:
    """One run over all recordings; a failure of one ends no other."""

    report: DisposeReport
    rules: RuleSet
    leftovers: Leftovers
    ports: Ports
    settings: Settings

    def walk(self, is_over: Callable[[], bool]) -> bool:
        """Take the recordings from where the last walk ended; return whether the end of the catalog was reached.

        Raises:
            StorageError: catalog or custody rows cannot be read; the next run continues after the last page.
        """
        catalog = self.ports.catalog
        position = catalog.cursor(POSITION)
        while True:
            page = catalog.recordings_page(position, PAGE)
            self.report.pages += 1
            taken = self.take_page(page.items, is_over)
            if taken < len(page.items):
                page = catalog.recordings_page(position, taken)  # for the position behind the last one taken
            if page.error:
                raise page.error
            position = page.next
            catalog.save_cursor(POSITION, position)
            if not position or is_over():
                return not position

    def take_page(self, items: Sequence[RecordingRecord | Unreadable], is_over: Callable[[], bool]) -> int:
        """Take the recordings of a page until the time is over; return how many of its rows that were, at least one.

        Recordings that fail take the time limits of storage each: a page of them may last longer than the host allows.

        Raises:
            StorageError: the custody rows cannot be read.
        """
        places = [number for number, row in enumerate(items) if not isinstance(row, Unreadable)]
        assessed_rows = assess_page(items, self.rules, self.ports.clock.now(), self.ports, self.settings)
        taken = len(items)
        for number, one in zip(places, assessed_rows, strict=True):
            self.take(one)
            if is_over():
                taken = number + 1
                break
        self.report.seen += taken
        self.leave([row for row in items[:taken] if isinstance(row, Unreadable)])
        return taken

    def take(self, one: Assessed) -> None:
        """Do what is due for one recording; a failure is noted, and the run continues."""
        try:
            done = self._act(one)
        except ClaimLostError:
            done = Outcome.LOST.value
        except (RecordingError, *ODD_CONTENT) as error:
            done = "failed"
            self._note(one.record.recording_id, error)
        if done:
            self.report.counts[done] += 1

    def leave(self, unread: Sequence[Unreadable]) -> None:
        """Report the recordings whose row cannot be read: they are kept."""
        for row in unread:
            self.report.counts["unreadable"] += 1
            if self.report.counts["unreadable"] <= MOST_REPORTED:
                emit(Event.DISPOSE_REFUSED, entry=row.where, code=row.code)

    def carry_on_erasures(self, custodian: Custodian, is_over: Callable[[], bool], skipped: str = "") -> bool:
        """Carry on the requests for erasure, and return whether there was time for all that were due.

        One that fails is noted, and keeps no recording of others.
        """
        try:
            done = erasures.carry_on(custodian, self.ports, self.settings, is_over, skipped)
        except (RecordingError, *ODD_CONTENT) as error:
            self._failed("erasures", error)
            return True
        if done.failed:
            self._failed("erasures", done.failed[0])
        return done.is_whole

    def end_bundles(self, custodian: Custodian) -> None:
        """Destroy the bundles whose time is over; a failure is noted, and the next run tries again."""
        try:
            self.report.counts.update(end_bundles(custodian, self.ports, self._failed))
        except (RecordingError, *ODD_CONTENT) as error:
            self._failed("bundles", error)

    def _failed(self, name: str, error: Exception) -> None:
        self.report.counts["failed"] += 1
        self._note(name, error)

    def _note(self, recording_id: str, error: Exception) -> None:
        code = code_of(error)
        self.report.problems.append((recording_id, code))
        emit(Event.DISPOSE_REFUSED, recording_id=recording_id, code=code)
        if isinstance(error, StorageError) and len(self.report.problems) % MOST_PROBLEMS == 0:
            self.ports.catalog.time()

    def _act(self, one: Assessed) -> str | None:
        custody = self._with_blob_holds(one.custody)
        if one.state is CustodyState.DESTROYING:
            return self._destroy(one)
        if custody is not None and custody.speakers and self.ports.custodian is not None:
            done = erasures.erase_speakers(custody, self.ports.custodian, self.ports, self.settings)
            if done is not None:
                self.report.counts[done] += 1
            custody = keeping_of(self.ports).custody(one.record.recording_id)
            one = assessed(one.record, custody, self.rules, self.ports.clock.now(), self.settings)
        if one.state is CustodyState.ERASING_SPEAKER:
            return Outcome.WAITS.value
        if not one.disposition.is_due:
            return self._spare(one, custody) or self._destroy_beside(one)
        if one.state is not CustodyState.MARKED or custody is None or custody.mark is None:
            custody = self._mark(one, custody)
        if custody is None or custody.mark is None:
            return Outcome.LOST.value
        is_waiting = self.ports.clock.now() < custody.mark.at + self.settings.dispose_after
        if is_waiting and one.disposition.action is Action.DELETE:
            return "marked" if one.state is not CustodyState.MARKED else None
        return self._destroy(one)

    def _with_blob_holds(self, custody: Custody | None) -> Custody | None:
        if custody is None or self.ports.custodian is None or not is_to_be_compared(custody):
            return custody
        return hold_blobs(custody, self.ports.custodian, self.ports)

    def _destroy(self, one: Assessed) -> str:
        if self.ports.custodian is None:
            return "no_custodian"
        return destroy(one.record.recording_id, self.leftovers, self.ports.custodian, self.ports, self.settings).value

    def _destroy_beside(self, one: Assessed) -> str | None:
        """Destroy what was kept beside the chunks of a recording that is destroyed already."""
        if self.ports.custodian is None or one.state is not CustodyState.DISPOSED:
            return None
        recording_id = one.record.recording_id
        done = destroy_beside(recording_id, self.leftovers, self.ports.custodian, self.ports, self.settings)
        return done.value if done else None

    def _mark(self, one: Assessed, custody: Custody | None) -> Custody | None:
        """Note that a recording is due: it is destroyed after `DISPOSE_AFTER_DAYS`, unless something changes."""
        now = self.ports.clock.now()
        mark = mark_of(one.disposition, now)
        keeping, recording_id = keeping_of(self.ports), one.record.recording_id
        wanted = row_of.marked(custody or Custody(recording_id=recording_id), mark)
        if custody is not None:
            saved: Custody | None = keeping.save_custody(wanted)
        else:
            saved = keeping.custody(recording_id) if keeping.add_custody(wanted) else None
        self.ports.audit.add(AuditEntry(now, OPERATION, recording_id, None, "marked", mark.why))
        return saved

    def _spare(self, one: Assessed, custody: Custody | None) -> str | None:
        """Remove a mark; and the state DISPOSED once a later chunk has arrived, so that the recording can be held."""
        if custody is None:
            return None
        recording_id = one.record.recording_id
        is_back = custody.state is CustodyState.DISPOSED and one.record.facts is not None
        if custody.state is not CustodyState.MARKED and not (is_back and has_come_back(recording_id, self.ports)):
            return None
        keeping_of(self.ports).save_custody(row_of.unmarked(custody))
        return "spared" if custody.state is CustodyState.MARKED else "came_back"
