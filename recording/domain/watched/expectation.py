"""Expectations: compare the files that a recording should have with the chunks that are known. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from recording.domain.archived.receipt import UnreadRow, gaps_in
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.domain.state.transitions import is_disowned

LOOKED_AT_EVERY = timedelta(days=1)  # for recordings missing for long: a late event is noticed at once anyway
GIVEN_UP_AFTER = timedelta(days=3)  # the longest retention in older documentation is 48 h; Event Grid tries for 24 h


class Expectation(StrEnum):
    """The state of a recording compared with its expected files."""

    RUNNING = "running"  # ACS records, or nobody knows yet that it does not any more
    AWAITED = "awaited"  # it is over, and its files are on their way
    NOTHING = "nothing"  # paused from its start to its end: there is no file
    MISSING = "missing"  # it is over, and no file has arrived in time
    INCOMPLETE = "incomplete"  # some files have come, others not in time
    UNREADABLE = "unreadable"  # every index up to the last was announced, and the row of one cannot be read
    MET = "met"  # every index up to the last is known


ALARMS = frozenset({Expectation.MISSING, Expectation.INCOMPLETE})
ANNOUNCED = frozenset({Expectation.MET, Expectation.UNREADABLE})  # ACS need not be asked about it


def expectation(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    now: datetime,
    after: timedelta,
    unread: Sequence[UnreadRow],
) -> Expectation:
    """Return the expectation state of a recording.

    Args:
        record: what is known of the recording.
        chunks: all its chunks that were ever announced and can be read.
        now: the time.
        after: how long files may take once the recording is over.
        unread: the rows of its other chunks: announced, and nothing else is known of them.
    """
    missing = gaps_in(chunks, record.least_count, unread)
    if unread and sum(map(len, missing)) <= sum(row.index is None for row in unread):
        return Expectation.UNREADABLE
    if chunks and not missing:
        return Expectation.MET
    since = over_since(record, chunks, unread)
    if since is None:
        return Expectation.RUNNING
    if not (chunks or unread) and record.was_never_heard:
        return Expectation.NOTHING
    if now - since < after:
        return Expectation.AWAITED
    return Expectation.INCOMPLETE if chunks or unread else Expectation.MISSING


def times_not_after(record: RecordingRecord, now: datetime) -> RecordingChanges:
    """Return the times of a record that are in the future, as the present one.

    An instance whose clock is ahead has written them, and an alarm would come as much too late as that clock is wrong.
    """
    told = ("started_at", "last_action_at", "first_event_at", "asked_at", "unanswered_since", "ended_seen_at")
    changes = RecordingChanges()
    for name in told:
        at: datetime | None = getattr(record, name)
        if at is not None and at > now:
            changes |= {name: now}  # type: ignore[misc]  # one of the names above
    return changes


def over_since(record: RecordingRecord, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow]) -> datetime | None:
    """Return since when the missing files are due; None while ACS may still be recording them.

    A file below a known index was finished before that one, so ACS need not confirm it. Each file that arrives extends
    the time for the others.
    """
    newest = max((chunk.first_seen_at for chunk in chunks), default=None)
    known = {chunk.task.index for chunk in chunks if not is_disowned(chunk)}
    known |= {row.index for row in unread if row.index is not None}
    if newest is not None and len(known) <= max(known, default=-1):
        return newest
    ended = [record.ended_seen_at, record.unanswered_since]
    if record.last_action is LastAction.STOPPED:
        ended.append(record.last_action_at)
    told = [at for at in ended if at is not None]
    return max(min(told), newest or min(told)) if told else None


def is_known_over(record: RecordingRecord | None) -> bool:
    """Return whether a recording that was started here is over, according to its own row."""
    if record is None:
        return True
    ended = (
        record.session_end_reason,
        record.ended_seen_at,
        record.settled_at,
        record.missing_since,
        record.disposed_at,
    )
    return record.last_action is LastAction.STOPPED or any(fact is not None for fact in ended)


def is_question_due(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    now: datetime,
    after: timedelta,
    unread: Sequence[UnreadRow],
) -> bool:
    """Return whether to ask ACS if it still records.

    The recording must be old enough and not have been asked about lately. Without an answer, ACS is asked every time.
    """
    if record.unanswered_since is not None:
        return True
    if over_since(record, chunks, unread) is not None:
        return False
    if record.asked_at is not None:
        return now - record.asked_at >= after / 4
    begun = record.started_at or record.first_event_at
    return begun is None or now - begun >= after


def is_settled(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    now: datetime,
    after: timedelta,
    unread: Sequence[UnreadRow],
) -> bool:
    """Return whether this recording needs no more checks, unless another event names it.

    A complete recording first waits for stragglers; an alarm stays until the files arrive or an operator dismisses it.
    With a row that cannot be read nothing is settled.

    Args:
        record: what is known of the recording.
        chunks: all its chunks that were ever announced and can be read.
        now: the time.
        after: how long files may take once the recording is over.
        unread: the rows of its other chunks.
    """
    if unread:
        return False
    stands = expectation(record, chunks, now, after, ())
    newest = _newest_sight(record, chunks, now, ())
    if stands in (Expectation.MET, Expectation.NOTHING):
        return now - newest >= after
    return is_dismissed(record, stands)


def is_dismissed(record: RecordingRecord, stands: Expectation) -> bool:
    """Return whether an operator has decided about this alarm; one that was raised later is another one."""
    since = {Expectation.MISSING: record.missing_since, Expectation.INCOMPLETE: record.incomplete_since}.get(stands)
    return since is not None and record.dismissed is not None and record.dismissed.at >= since


def next_look(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    now: datetime,
    after: timedelta,
    unread: Sequence[UnreadRow],
) -> datetime:
    """Return when something may have changed without an event.

    Args:
        record: what is known of the recording.
        chunks: all its chunks that were ever announced and can be read.
        now: the time.
        after: how long files may take once the recording is over.
        unread: the rows of its other chunks; they are looked at and reported again and again.
    """
    stands = expectation(record, chunks, now, after, unread)
    newest = _newest_sight(record, chunks, now, unread)
    if stands is Expectation.UNREADABLE:
        return now + after / 4
    if stands in (Expectation.MET, Expectation.NOTHING):
        return max(newest + after, now)
    if record.unanswered_since is not None:  # it is asked again each time
        return now
    if stands is Expectation.AWAITED:
        return (over_since(record, chunks, unread) or now) + after
    if stands in ALARMS and now - newest >= GIVEN_UP_AFTER:  # ACS has nothing more to give; it only stays listed
        return now + LOOKED_AT_EVERY
    begun = record.started_at or record.first_event_at or now - after
    return begun + after if begun + after > now else now + after / 4


def _newest_sight(
    record: RecordingRecord, chunks: Sequence[ChunkRecord], now: datetime, unread: Sequence[UnreadRow]
) -> datetime:
    """Return when the newest chunk was announced; without one, when the recording was over."""
    return max([chunk.first_seen_at for chunk in chunks], default=over_since(record, chunks, unread) or now)
