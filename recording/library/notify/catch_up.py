"""Catch up: request sending of events that wait too long, and write events that have no mark yet.

A message may be lost, a worker may die, the outbox may be down for a day: the records still say what happened. The
timer checks recordings with alarms, a window over all recordings that moves on from run to run, the head of the seal,
and every hour the existing exports.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from recording.domain.names import OUTBOX_TABLE
from recording.domain.outgoing.delivery import Entry
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.domain.state.recording import RecordingRecord
from recording.domain.times import is_within_reason
from recording.library.handover.downloads import exports_there_are
from recording.library.notify.leftovers import put_back_all
from recording.library.notify.operate import health_of_ways
from recording.library.notify.write import unwritten
from recording.ports import Ports, Unreadable
from recording.ports.bulkhead import Bulkhead, from_anywhere
from recording.ports.clock import by_the_shared_clock
from recording.ports.outgoing import OutgoingPorts
from recording.telemetry import Event, emit

LOOP = "events"  # the cursor of the window
WAITING_LOOP = "events_waiting"  # the cursor over what waits, where that is more than a run reads
EXPORTS_LOOP = "events_exports"  # when the exports were looked at
EXPORTS_EVERY = timedelta(hours=1)  # all of their blobs are listed
WINDOW = 500  # recordings of one run
MOST_WAITING = 5000  # entries of one run
WAITED_TOO_LONG = timedelta(minutes=10)
KEPT = timedelta(days=30)
MOST_FORGOTTEN = 2000  # rows per batch
MOST_GOES = 5  # batches per run: 120,000 rows an hour
_LOG_OF_SEAL = Subject(kind=SubjectKind.SEAL, id="log")
Candidate = tuple[Subject, RecordingRecord | None]


def catch_up(ports: Ports) -> int:
    """Re-queue what the host gave up on, and request what waits too long or was never written.

    Returns the number of requested subjects.

    Raises:
        StorageError: when storage does not answer, after everything else was done; the next run continues.
    """
    loops = (*(ports.leftovers.names if ports.leftovers is not None else ()), "events_asked", "events_unwritten")
    bulkhead = Bulkhead(dict.fromkeys(loops, ports.catalog.time))
    bulkhead.part(lambda: put_back_all(ports, bulkhead), 0, "leftovers")
    asked = 0
    if ports.outgoing is not None:  # an instance a month ahead would forget what others may want to replay
        asked = _catch_up(by_the_shared_clock(ports), ports.outgoing, bulkhead)
    if bulkhead.outage:
        raise bulkhead.outage
    return asked


def _catch_up(ports: Ports, outgoing: OutgoingPorts, bulkhead: Bulkhead) -> int:
    nothing: list[Subject] = []
    late = bulkhead.part(lambda: _late(ports, outgoing, bulkhead), nothing, "events_waiting")
    behind = bulkhead.part(lambda: list(_unwritten(ports, outgoing, bulkhead)), nothing, "events_unwritten")
    asked = bulkhead.each(
        sorted({*late, *behind}, key=lambda subject: subject.name),
        lambda subject: outgoing.queue.send(NotifyTask(subject=subject)),
        "events_asked",
        lambda subject: subject.name,
    )
    bulkhead.part(lambda: _forget(ports, outgoing), 0, "events_history")
    bulkhead.part(lambda: _tell_failing(ports), None, "events_endpoints")
    emit(Event.NOTIFY_CAUGHT_UP, count=len(asked))
    return len(asked)


def _forget(ports: Ports, outgoing: OutgoingPorts) -> int:
    """Remove expired events from the history; the next run continues where this one ends."""
    before, count = ports.clock.now() - KEPT, 0
    for _ in range(MOST_GOES):
        gone = outgoing.outbox.forget(before, MOST_FORGOTTEN)
        count += gone
        if gone < MOST_FORGOTTEN:
            break
    return count


def _late(ports: Ports, outgoing: OutgoingPorts, bulkhead: Bulkhead) -> list[Subject]:
    """Return the subjects of long overdue entries: their message was lost, or no worker takes messages.

    Where more wait than one run reads, the next run continues where this one ended, so that no subject is skipped.

    The number of waiting entries and the age of overdue ones are logged in every run, for the alerts on queues.
    """
    now = ports.clock.now()
    waiting = list(bulkhead.readable(_waiting_in_turn(ports, outgoing), "events_unread"))
    late = [(entry, now - _due_since(entry, now)) for entry in waiting]
    oldest = max((age for _, age in late), default=timedelta())
    emit(Event.QUEUE_SEEN, queue=OUTBOX_TABLE, count=len(waiting), age_seconds=max(oldest, timedelta()))
    return [entry.event.subject for entry, age in late if age > WAITED_TOO_LONG]


def _waiting_in_turn(ports: Ports, outgoing: OutgoingPorts) -> list[Entry | Unreadable]:
    """Return the waiting entries: all, or the next part in rotation."""
    start = ports.catalog.cursor(WAITING_LOOP)
    page = outgoing.outbox.waiting(MOST_WAITING, start)
    found = list(page.items)
    end = page.next
    if start and not end and len(page.items) < MOST_WAITING:
        page = outgoing.outbox.waiting(MOST_WAITING - len(page.items))
        known = set(map(_name_of, found))
        found += [entry for entry in page.items if _name_of(entry) not in known]
        end = page.next
    if end != start:
        ports.catalog.save_cursor(WAITING_LOOP, end)
    return found


def _name_of(entry: Entry | Unreadable) -> str:
    return entry.where if isinstance(entry, Unreadable) else entry.event.id


def _due_since(entry: Entry, now: datetime) -> datetime:
    """Return since when an entry is due: its next attempt, or the end of its claim if that is later.

    A time that was never meant does not count, nor does one that is still to come.
    """
    due = [moment for progress in entry.ways.values() if (moment := progress.due_at(now)) is not None]
    noted = filter(None, (entry.added_at, entry.event.at))
    told = (moment for moment in noted if moment <= now and is_within_reason(moment, now))
    since = min(due) if due else next(told, now - 2 * WAITED_TOO_LONG)
    return max(since, entry.claimed_until if entry.is_claimed(now) and entry.claimed_until else since)


def _unwritten(ports: Ports, outgoing: OutgoingPorts, bulkhead: Bulkhead) -> Iterator[Subject]:
    before = ports.clock.now() - WAITED_TOO_LONG
    candidates = [*_recordings(ports), (_LOG_OF_SEAL, None)]
    candidates += bulkhead.part(lambda: _exports(ports), list[Candidate](), "events_exports")
    found = bulkhead.each_at_once(
        from_anywhere(candidates, ports.jitter),
        lambda one: (one[0], any(event.at < before for event in unwritten(one[0], ports, outgoing, one[1]))),
        "events_unwritten",
        lambda one: one[0].name,
    )
    yield from (subject for subject, is_behind in found if is_behind)


def _recordings(ports: Ports) -> Sequence[Candidate]:
    """Return the recordings to check with their rows: those with an alarm, and the next window of all."""
    page = ports.catalog.recordings_page(ports.catalog.cursor(LOOP), WINDOW)
    if page.error:
        raise page.error
    records = [*ports.catalog.alarmed_recordings(), *page.items]
    ports.catalog.save_cursor(LOOP, page.next)
    known = {record.recording_id: record for record in records if isinstance(record, RecordingRecord)}
    return [(Subject(kind=SubjectKind.RECORDING, id=name), known[name]) for name in sorted(known)]


def _exports(ports: Ports) -> list[Candidate]:
    """Return the existing exports, if an hour has passed."""
    now, looked_at = ports.clock.now(), ports.catalog.cursor(EXPORTS_LOOP)
    if ports.exports is None or (looked_at and now - datetime.fromisoformat(looked_at) < EXPORTS_EVERY):
        return []
    found = exports_there_are(ports)
    ports.catalog.save_cursor(EXPORTS_LOOP, now.isoformat())
    return [(Subject(kind=SubjectKind.EXPORT, id=one.export_id), None) for one in found]


def _tell_failing(ports: Ports) -> None:
    """Log each receiver that has failed for long, in every run until it recovers: an alert follows that."""
    now = ports.clock.now()
    for health in health_of_ways(ports):
        if health.needs_attention(now):
            since = health.failing_since or health.disabled_at or now
            emit(Event.ENDPOINT_FAILING, entry=health.way, code=health.code, age_seconds=now - since)
