"""The directory, its queue and its keys in memory, under the same contract suite as the adapters."""

import json
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dev.in_memory.fakes.limits import check_row
from dev.in_memory.fakes.queue import FakeMessages
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.adapters.table.directory import entity_of
from recording.domain.calls.guards import GuardTask
from recording.domain.find.directory import IndexRow, Span
from recording.domain.find.index_keys import IndexKey, IndexKeys
from recording.domain.find.placement import place_of
from recording.ports import Clock, DirectoryPage

Key = tuple[str, str]


class FakeDirectory(Scripted):
    """The directory: `rows` is what is there, by partition and row key, in that order.

    Attributes:
        rows_read: how many rows have been handed out; bounds on work are checked with it.
        empty_pages: how many of the next reads answer with an empty page that is not the end, as the service may.
        die_after: how many single rows `put` and `remove` still write before the process is gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Key, IndexRow] = {}
        self.rows_read = 0
        self.empty_pages = 0
        self.die_after: int | None = None
        self.death: Exception = RuntimeError("the process is gone")
        self._order: list[Key] = []

    @property
    def places(self) -> set[str]:
        """Return where there are rows."""
        return {place_of(partition, at) for partition, at in self.rows}

    @scripted
    def put(self, rows: Sequence[IndexRow]) -> None:
        for row in rows:
            self._may_die()
            check_row(entity_of(row))
            key = (row.partition, row.row_key)
            if key not in self.rows:
                insort(self._order, key)
            self.rows[key] = row

    @scripted
    def remove(self, places: Sequence[str]) -> None:
        for place in places:
            self._may_die()
            partition, _, at = place.partition("|")
            if self.rows.pop((partition, at), None) is not None:
                del self._order[bisect_left(self._order, (partition, at))]

    @scripted
    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        if self.empty_pages:
            self.empty_pages -= 1
            return DirectoryPage((), is_end=False)
        found: list[IndexRow] = []
        position = bisect_left(self._order, (span.first_partition, max(span.first_row, after)))
        while position < len(self._order) and self._order[position][0] <= span.last_partition and len(found) < most:
            partition, at = self._order[position]
            if partition == span.last_partition and at > span.last_row:
                break
            if span.first_row <= at <= span.last_row and at > after:
                found.append(self.rows[self._order[position]])
            position += 1
        self.rows_read += len(found)
        return DirectoryPage(tuple(found), is_end=len(found) < most)

    def _may_die(self) -> None:
        if self.die_after is not None:
            if self.die_after <= 0:
                raise self.death
            self.die_after -= 1


class FakeFollowUps(Scripted):
    """The queue of follow-ups: `sent` holds each message with the time from which it is visible."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.sent: list[tuple[str, int, datetime]] = []
        self.lines: list[str] = []  # messages that ask for a line of the log
        self._clock = clock

    @scripted
    def log(self, event: str, facts: Mapping[str, str | int | float | bool]) -> None:
        self.lines.append(json.dumps({"log": {"event": event, **facts}}))

    @scripted
    def send(self, recording_id: str, attempt: int = 0, delay: timedelta = timedelta()) -> None:
        self.sent.append((recording_id, attempt, self._clock.now() + delay))

    def take_due(self) -> list[tuple[str, int]]:
        """Remove the messages that are visible now, as the host does when it hands them to a worker."""
        now = self._clock.now()
        due = [(recording_id, attempt) for recording_id, attempt, visible_at in self.sent if visible_at <= now]
        self.sent = [message for message in self.sent if message[2] > now]
        return due


class FakeGuards(FakeMessages):
    """The queue of guards."""

    @scripted
    def send(self, task: GuardTask, delay: timedelta) -> None:
        self._enqueue(task.as_message(), delay)


class FakeIndexKeys(Scripted):
    """The keys; `secrets` may be changed as a rotation does."""

    def __init__(self, *secrets: bytes) -> None:
        super().__init__()
        self.secrets = list(secrets or (b"a key of the tests, 32 bytes long",))

    @scripted
    def keys(self) -> IndexKeys:
        return IndexKeys(tuple(IndexKey(secret) for secret in self.secrets))
