"""Catch up: events that wait too long are sent for again, and what no mark mentions is written.

A message may be lost, a worker may die, the outbox may be down for a day: the records still say what happened. The
timer looks at recordings in alarm, and at a window over all recordings that moves on from run to run.
"""

from collections.abc import Iterator
from datetime import timedelta

from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.library.notify.operate import health_of_ways
from recording.library.notify.write import unwritten
from recording.ports import Ports, Unreadable
from recording.ports.bulkhead import Bulkhead
from recording.ports.outgoing import OutgoingPorts
from recording.telemetry import Event, emit

LOOP = "events"  # the cursor of the window
WINDOW = 500  # recordings of one run
MOST_WAITING = 5000  # entries of one run
WAITED_TOO_LONG = timedelta(minutes=10)
KEPT = timedelta(days=30)
MOST_FORGOTTEN = 2000


def catch_up(ports: Ports) -> int:
    """Ask again for what waits too long or was never written; returns for how many subjects.

    Raises:
        StorageError: when storage does not answer, after everything else was done; the next run goes on.
    """
    outgoing = ports.outgoing
    if outgoing is None:
        return 0
    bulkhead = Bulkhead()
    nothing: list[Subject] = []
    late = bulkhead.part(lambda: list(_late(ports, outgoing)), nothing, "events_waiting")
    behind = bulkhead.part(lambda: list(_unwritten(ports, outgoing, bulkhead)), nothing, "events_unwritten")
    asked = bulkhead.each(
        sorted({*late, *behind}, key=lambda subject: subject.name),
        lambda subject: outgoing.queue.send(NotifyTask(subject=subject)),
        "events_asked",
        lambda subject: subject.name,
    )
    bulkhead.part(lambda: outgoing.outbox.forget(ports.clock.now() - KEPT, MOST_FORGOTTEN), 0, "events_history")
    bulkhead.part(lambda: _tell_failing(ports), None, "events_endpoints")
    emit(Event.NOTIFY_CAUGHT_UP, count=len(asked))
    if bulkhead.outage:
        raise bulkhead.outage
    return len(asked)


def _late(ports: Ports, outgoing: OutgoingPorts) -> Iterator[Subject]:
    """Yield the subjects of entries that are due for long: their message is lost, or their worker died."""
    before = ports.clock.now() - WAITED_TOO_LONG
    for entry in outgoing.outbox.waiting(MOST_WAITING):
        due = [progress.due for progress in entry.ways.values() if progress.due is not None]
        since = min(due) if due else entry.event.at
        if max(since, entry.claimed_until or since) < before:
            yield entry.event.subject


def _unwritten(ports: Ports, outgoing: OutgoingPorts, bulkhead: Bulkhead) -> Iterator[Subject]:
    before = ports.clock.now() - WAITED_TOO_LONG
    subjects = [Subject(kind=SubjectKind.RECORDING, id=name) for name in _names(ports)]
    found = bulkhead.each_at_once(
        subjects,
        lambda subject: (subject, any(event.at < before for event in unwritten(subject, ports, outgoing))),
        "events_unwritten",
        lambda subject: subject.name,
    )
    yield from (subject for subject, is_behind in found if is_behind)


def _names(ports: Ports) -> list[str]:
    """Return the recordings to look at: those in an alarm, and the next window of all."""
    start = ports.catalog.cursor(LOOP)
    page = ports.catalog.recordings_page(start, WINDOW)
    if page.error:
        raise page.error
    records = [*ports.catalog.alarmed_recordings(), *page.items]
    ports.catalog.save_cursor(LOOP, page.next)
    return sorted({record.recording_id for record in records if not isinstance(record, Unreadable)})


def _tell_failing(ports: Ports) -> None:
    """Log each receiver that fails for long, in every run until it is over: an alert follows the state."""
    now = ports.clock.now()
    for health in health_of_ways(ports):
        if health.needs_attention(now):
            since = health.failing_since or health.disabled_at or now
            emit(Event.ENDPOINT_FAILING, entry=health.way, code=health.code, age_seconds=now - since)
