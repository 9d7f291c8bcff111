"""Missing files: report a recording whose files are late once, and watch it until nothing more can arrive.

ACS does not report a lost event. The only hints are the recordings started here, and the indexes of known chunks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recording.control.consents import alarm_without_consent
from recording.control.guards.enqueue import send_guard_again
from recording.domain.archived.receipt import UnreadRow, gaps_in, gaps_in_words
from recording.domain.calls.pauses import PauseEnd, guarded_pause
from recording.domain.find.placement import is_placed
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import RecordingChanges, changed
from recording.domain.watched.expectation import (
    ALARMS,
    ANNOUNCED,
    Expectation,
    expectation,
    is_dismissed,
    is_question_due,
    is_settled,
    next_look,
    over_since,
    times_not_after,
)
from recording.errors import ClaimLostError, ControlError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.bulkhead import Bulkhead
from recording.ports.library.follow_ups import FollowUpRequests
from recording.ports.outgoing.announce import announce
from recording.ports.stored import all_chunks_of
from recording.reconcile.in_turn import InTurn
from recording.settings import Settings
from recording.telemetry import Event, emit

FOLLOWED_UP_WITHIN = timedelta(minutes=5)  # one run of reconcile
MOST_A_RUN = 10_000  # recordings looked at; 120,000 an hour, and each of 50,000 an hour is looked at twice
MOST_ASKED = 200  # requests to ACS of some tens of milliseconds each; the least recently checked come first


@dataclass(frozen=True)
class _Seen:
    """A recording and its chunks; `unread` are the rows of those that cannot be read.

    Of times that an instance with a clock ahead has written, `corrected` are those of the record, as they count.
    """

    record: RecordingRecord
    chunks: list[ChunkRecord]
    unread: list[UnreadRow]
    corrected: RecordingChanges

    @classmethod
    def by_the_clock(cls, record: RecordingRecord, now: datetime, ports: Ports) -> "_Seen":
        chunks, unread = all_chunks_of(record.recording_id, ports.catalog)
        corrected = times_not_after(record, now)
        seen_first = [
            changed(one, first_seen_at=min(one.first_seen_at, one.saved_at or one.first_seen_at)) for one in chunks
        ]
        return cls(changed(record, **corrected), seen_first, unread, corrected)

    @property
    def recording_id(self) -> str:
        return self.record.recording_id


@dataclass(frozen=True)
class Expected:
    """How many recordings have an alarm."""

    missing: int = 0
    incomplete: int = 0


def look_for_expected(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> Expected:
    """Report each recording that is over and has no files in time, or not all of them; each one once.

    A recording that ACS still knows is not over. One that was started paused and never resumed has no file. Only
    recordings that are due for a check are read, and the window over them moves on once its end is reached.

    Raises:
        StorageError: when the catalog does not answer; the next run tries again.
    """
    now, start = ports.clock.now(), ports.catalog.cursor("open_recordings")
    page = ports.catalog.due_recordings(now, start, MOST_A_RUN)
    if page.error:
        bulkhead.failed("open_recordings", "", page.error)
    due = list(bulkhead.readable(page.items, "open_recordings"))
    turn = InTurn(due, "open_recordings", ports, bulkhead)
    seen = bulkhead.each_at_once(
        turn.items,
        lambda record: _Seen.by_the_clock(record, now, ports),
        "open_recordings",
        lambda record: record.recording_id,
    )
    read = bulkhead.tried["open_recordings"]
    for one in seen:
        for row in one.unread:
            bulkhead.report("open_recordings", f"{one.recording_id}/{row.key}", row.code)
    asked, follow_ups = _to_ask(seen, now, settings), FollowUpRequests(ports)
    stands = bulkhead.each_at_once(
        seen,
        lambda one: _look_at(one, ports, settings, ask=one.recording_id in asked, follow_ups=follow_ups),
        "open_recordings",
        lambda one: one.recording_id,
    )
    looked_at = bulkhead.tried["open_recordings"] - read
    if looked_at < len(seen):
        read = [one.recording_id for one in turn.items].index(seen[looked_at].recording_id)
    if turn.end(read) and page.next != start:
        ports.catalog.save_cursor("open_recordings", page.next)
    return Expected(
        missing=_standing(Expectation.MISSING, page.counts, due, stands),
        incomplete=_standing(Expectation.INCOMPLETE, page.counts, due, stands),
    )


def _standing(
    alarm: Expectation, counts: Mapping[str, int], due: Sequence[RecordingRecord], stands: Sequence[Expectation]
) -> int:
    """Return how many recordings have an alarm.

    The index counts those that were not read; the others are counted as read.
    """
    return counts.get(alarm, 0) - sum(record.stands == alarm for record in due) + stands.count(alarm)


def _to_ask(seen: Sequence[_Seen], now: datetime, settings: Settings) -> set[str]:
    after = settings.expected_after
    due = [
        one.record
        for one in seen
        if expectation(one.record, one.chunks, now, after, one.unread) not in ANNOUNCED
        and is_question_due(one.record, one.chunks, now, after, one.unread)
    ]
    due.sort(key=lambda record: record.asked_at.timestamp() if record.asked_at else 0.0)
    return {record.recording_id for record in due[:MOST_ASKED]}


def _look_at(seen: _Seen, ports: Ports, settings: Settings, *, ask: bool, follow_ups: FollowUpRequests) -> Expectation:
    record, chunks, unread = seen.record, seen.chunks, seen.unread
    now, after = ports.clock.now(), settings.expected_after
    changes = RecordingChanges(**seen.corrected)
    changes |= _answer(record, now, ports) if ask else RecordingChanges()
    known = changed(record, **changes)
    stands = expectation(known, chunks, now, after, unread)
    is_newly_missing = stands is Expectation.MISSING and known.missing_since is None
    is_newly_incomplete = stands is Expectation.INCOMPLETE and known.incomplete_since is None
    if is_newly_missing:
        changes["missing_since"] = now
    if is_newly_incomplete:
        changes["incomplete_since"] = now
    send_guard_again(known, ports)
    changes |= alarm_without_consent(known, now, settings)
    known = changed(record, **changes)
    is_unasked = not ask and stands not in ANNOUNCED and is_question_due(record, chunks, now, after, unread)
    is_followed_up = ports.directory is None or is_placed(changed(known, **changes), chunks, unread)
    is_over = is_settled(known, chunks, now, after, unread) and known.open_call_alarm != Code.CONSENT_MISSING
    if is_followed_up and is_over:
        changes["settled_at"] = now
        changes["call_alarm"] = None
        if known.call_alarm == Code.PAUSE_OVERDUE:
            emit(Event.PAUSE_ENDED, recording_id=known.recording_id, reason=PauseEnd.OVER)
    else:
        changes |= _index_facts(seen, known, stands, now, after, is_unasked=is_unasked)
    if not is_followed_up:
        _look_sooner(known, chunks, now, after, changes)
    if is_newly_missing or is_newly_incomplete:  # before it is marked: rather reported twice than not at all
        _raise(known, stands, seen, now, settings)
    try:
        if changes:
            ports.catalog.save_recording(changed(record, **changes))
        if is_newly_missing or is_newly_incomplete:
            announce(record.recording_id, ports)
        if not is_followed_up:
            follow_ups.request(record.recording_id)
    except ClaimLostError:  # an event or a caller wrote it at the same moment; the next run checks again
        return Expectation.AWAITED
    return Expectation.NOTHING if is_dismissed(known, stands) else stands


def _look_sooner(
    record: RecordingRecord,
    chunks: Sequence[ChunkRecord],
    now: datetime,
    after: timedelta,
    changes: RecordingChanges,
) -> None:
    """Check again soon what the directory does not show yet, less and less often while the directory fails."""
    newest = max([chunk.changed_at for chunk in chunks], default=record.last_action_at or now)
    soon = now + min(max((now - newest) / 2, FOLLOWED_UP_WITHIN), after)
    if "look_at" not in changes:
        changes["look_at"] = record.look_at
    if changes["look_at"] is not None:
        changes["look_at"] = min(changes["look_at"], soon) if changes["look_at"] > now else soon


def _index_facts(
    seen: _Seen,
    record: RecordingRecord,
    stands: Expectation,
    now: datetime,
    after: timedelta,
    *,
    is_unasked: bool,
) -> RecordingChanges:
    """Return when to check again, and the recording's alarm.

    Nothing when both are unchanged. An open question stays due.
    """
    is_alarm = stands in ALARMS and not is_dismissed(record, stands)
    alarm = stands.value if is_alarm else record.open_call_alarm
    if seen.unread:
        alarm = alarm or Expectation.UNREADABLE.value
    look_at = None if is_unasked else next_look(record, seen.chunks, now, after, seen.unread)
    pause = guarded_pause(record.pauses)
    if look_at is not None and pause is not None and pause.ends_by is not None:
        look_at = min(look_at, max(pause.ends_by, now))
    return {} if (look_at, alarm) == (record.look_at, record.stands) else {"look_at": look_at, "stands": alarm}


def _answer(record: RecordingRecord, now: datetime, ports: Ports) -> RecordingChanges:
    """Return whether ACS still records this; None when it does not answer, which proves neither."""
    try:
        state = ports.control.state(record.acs_id or record.recording_id)
    except ControlError:
        return {"asked_at": now, "unanswered_since": record.unanswered_since or now}
    if state is None:
        return {"asked_at": now, "unanswered_since": None, "ended_seen_at": record.ended_seen_at or now}
    return {"asked_at": now, "unanswered_since": None}


def _raise(record: RecordingRecord, stands: Expectation, seen: _Seen, now: datetime, settings: Settings) -> None:
    """Raise the alarm, with the time left if ACS's retention began when the recording ended."""
    since = over_since(record, seen.chunks, seen.unread) or now
    missing = gaps_in(seen.chunks, record.least_count, seen.unread)
    emit(
        Event.MISSING if stands is Expectation.MISSING else Event.INCOMPLETE,
        recording_id=record.recording_id,
        call_id=record.call_id,
        chunks=len(seen.chunks),
        detail=f"missing indexes: {gaps_in_words(missing)}" if missing else None,
        time_left_seconds=since + settings.retention - now,
    )
