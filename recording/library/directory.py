"""Find: search recordings by their facts, newest first, in pages that inserts do not disturb.

The index of the most selective filter is scanned; rows that another filter excludes are skipped by their marks; the
recordings of the other rows are read, and only matches that the recording itself confirms are returned. So an outdated
row never causes a wrong answer. A request does a bounded amount of work: when that is used up, the answer has what was
found until then, possibly nothing, and `next`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from recording.domain.find.directory import IndexRow, Span, calls_of, has_mark, tags_of
from recording.domain.find.find_query import (
    FindQuery,
    FindState,
    Plan,
    is_in_state,
    plan_of,
    position_in,
    token_of,
)
from recording.domain.ids import are_same_id
from recording.domain.incoming.facts import RecordingFacts
from recording.domain.model import with_changes
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched import deadline
from recording.domain.watched.deadline import Urgency
from recording.library.follow_up import library_of
from recording.ports import Directory, Ports, Unreadable
from recording.ports.library.hidden import hidden_recordings
from recording.settings import Settings

MOST_ROWS = 10_000  # index rows that one request reads
MOST_RECORDS = 500  # recordings that one request reads
MOST_READS = 40  # requests to the directory, whose answers may be empty
SMALLEST_READ, LARGEST_READ = 20, 1000  # index rows per request
FILTERED = 5  # pages read at once where rows may be skipped: a row is cheap, a request is not


@dataclass(frozen=True)
class Found:
    """A recording that was found, with its present state."""

    recording: RecordingRecord
    facts: RecordingFacts
    states: tuple[FindState, ...]


@dataclass(frozen=True)
class FoundPage:
    """A page of results, the newest first. `next` continues; None at the end. A page may be empty and continue.

    Attributes:
        unreadable: recordings whose row in the catalog cannot be read, by their ids; and where whole ones are asked
            for, those that may be whole: the row of a chunk cannot be read.
    """

    items: tuple[Found, ...]
    next: str | None
    unreadable: tuple[str, ...] = ()


def find(query: FindQuery, ports: Ports, settings: Settings, *, with_hidden: bool = False) -> FoundPage:
    """Return one page of the recordings that fulfil every filter of the query.

    Args:
        query: the filters.
        ports: directory and catalog; approved erasures.
        settings: when a recording is at risk.
        with_hidden: include what an approved erasure hides; for erasures themselves, and for imports.

    Raises:
        RequestError: `invalid_next`, or as `FindQuery.check`.
        StorageError: directory, catalog, approved erasures or the store of keys do not answer.
    """
    query.check()
    directory, source = library_of(ports)
    keys, now = source.keys(), ports.clock.now()
    plan = plan_of(query, keys)
    is_hidden = _nothing if with_hidden else hidden_recordings(ports)
    search = _Search(query, plan, ports, settings, now, is_hidden)
    position = search.walk(directory, position_in(query, keys))
    following = token_of(position, query, keys) if position is not None else None
    return FoundPage(tuple(search.found), following, tuple(search.unreadable))


def _nothing(_recording_id: str) -> bool:
    return False


class _Search:
    """One request's scan of the index, and its results so far."""

    def __init__(  # noqa: PLR0917 - a query, what answers it, and what it must not show
        self,
        query: FindQuery,
        plan: Plan,
        ports: Ports,
        settings: Settings,
        now: datetime,
        is_hidden: Callable[[str], bool],
    ) -> None:
        self._query, self._plan, self._ports, self._settings, self._now = query, plan, ports, settings, now
        self._is_hidden = is_hidden
        self.found: list[Found] = []
        self.unreadable: list[str] = []
        self._rows_read = self._records_read = 0

    def walk(self, directory: Directory, position: str) -> str | None:
        """Scan from a position until the page is full or the work is used up; return where to continue."""
        most = self._first_read()
        for _ in range(MOST_READS):
            rows, position, is_end = _merged(directory, self._plan.spans, position, most)
            self._rows_read += len(rows)
            stopped_at = self._take(rows)
            if stopped_at is not None:
                return None if is_end and rows[-1].row_key == stopped_at else stopped_at
            if is_end:
                return None
            if self._rows_read >= MOST_ROWS or self._records_read >= MOST_RECORDS:
                break
            most = min(most * 4, LARGEST_READ)
        return position

    def _first_read(self) -> int:
        """Return how many rows to read first: one more than the page, or several pages where rows may not match."""
        page = max(self._query.limit + 1, SMALLEST_READ)
        is_filtered = self._plan.others or self._query.format or self._query.state is FindState.ARCHIVED
        return min(page * FILTERED, LARGEST_READ) if is_filtered else page

    def _take(self, rows: Sequence[IndexRow]) -> str | None:
        """Keep the matches; return the row at which the page was full."""
        wanted = [row for row in rows if self._may_match(row)]
        while wanted:
            batch = wanted[: max(self._query.limit - len(self.found), 1)]
            wanted = wanted[len(batch) :]
            records = self._ports.catalog.get_recordings([row.recording_id for row in batch])
            self._records_read += len(records)
            for row, record in zip(batch, records, strict=True):
                self._keep(row, record)
                if len(self.found) >= self._query.limit:
                    return row.row_key
            if self._records_read >= MOST_RECORDS and wanted:
                return batch[-1].row_key
        return None

    def _may_match(self, row: IndexRow) -> bool:
        """Return whether a row's recording must be read, because the row does not exclude it."""
        asked_format = self._query.asked_format
        if asked_format is not None and asked_format.value not in row.formats:
            return False
        return all(any(has_mark(row.marks, name) for name in other.partitions) for other in self._plan.others)

    def _keep(self, row: IndexRow, record: RecordingRecord | Unreadable | None) -> None:
        if record is not None and self._is_hidden(row.recording_id):
            return
        if isinstance(record, Unreadable):
            self.unreadable.append(row.recording_id)
        elif record is not None and record.facts is not None and row.row_key == _row_key_of(record):
            states = self._states(record.facts)
            if not self._fulfils(record, record.facts):
                return
            if self._query.state is None or self._query.state in states:
                self.found.append(Found(record, record.facts, states))
            elif self._query.state is FindState.ARCHIVED and record.facts.unread_rows:
                self.unreadable.append(row.recording_id)

    def _fulfils(self, record: RecordingRecord, facts: RecordingFacts) -> bool:
        """Return whether the recording itself confirms every filter but that of its state."""
        query, plan = self._query, self._plan
        asked_format = query.asked_format
        people = {one.key for one in facts.participants}
        numbers = people | {one.number_key for one in facts.participants if one.number_key}
        return (
            (plan.participant_keys is None or not plan.participant_keys.isdisjoint(people))
            and (plan.number_keys is None or not plan.number_keys.isdisjoint(numbers))
            and (query.call is None or any(are_same_id(query.call, call) for call in calls_of(record)))
            and (query.tag is None or query.tag in tags_of(record))
            and (query.since is None or facts.started_at >= query.since)
            and (query.until is None or facts.started_at < query.until)
            and (asked_format is None or asked_format.value in facts.formats)
        )

    def _states(self, facts: RecordingFacts) -> tuple[FindState, ...]:
        return states_of(facts, self._now, self._settings)


def states_of(facts: RecordingFacts, now: datetime, settings: Settings) -> tuple[FindState, ...]:
    """Return the states under which a recording with these facts is found."""
    left = facts.pending_until
    is_at_risk = left is not None and deadline.urgency(left, now, settings.at_risk_below) is not Urgency.SAFE
    return tuple(state for state in FindState if is_in_state(state, facts.conditions, is_at_risk=is_at_risk))


def find_all(
    query: FindQuery,
    ports: Ports,
    settings: Settings,
    *,
    with_hidden: bool = False,
    unread: Callable[[str], object] = _nothing,
) -> Iterator[Found]:
    """Yield all results of a query, page after page; for the command line and for exports.

    Args:
        query: the filters.
        ports: as `find`.
        settings: as `find`.
        with_hidden: as `find`.
        unread: is given the id of each recording whose row cannot be read: it may be among those that are asked for.

    Raises:
        RequestError: as `find`.
        StorageError: as `find`.
    """
    while True:
        page = find(query, ports, settings, with_hidden=with_hidden)
        yield from page.items
        for recording_id in page.unreadable:
            unread(recording_id)
        if page.next is None:
            return
        query = with_changes(query, {"next": page.next})


def _row_key_of(record: RecordingRecord) -> str | None:
    return record.placement.row_key if record.placement else None


def _merged(directory: Directory, spans: Sequence[Span], after: str, most: int) -> tuple[list[IndexRow], str, bool]:
    """Return rows of several spans in the order of their row keys, each recording once, and whether that was all.

    Rows of one span beyond the last row read of another are left for the next read.
    """
    pages = [(span, directory.read(span, after, most)) for span in spans]
    ends = [page.rows[-1].row_key if page.rows else after for _, page in pages if not page.is_end]
    limit = min(ends, default="~~")
    rows = {row.row_key: row for _, page in pages for row in page.rows if row.row_key <= limit}
    ordered = [rows[at] for at in sorted(rows)]
    position = ordered[-1].row_key if ordered else after
    return ordered, position, not ends
