"""Send: deliver a subject's events from the outbox each way, in order, until they arrive or are given up.

The order of writes makes the death of a worker harmless at any point:

1. The entry is claimed, so that no two workers send the same event at once. The claim is renewed before each attempt.
2. It is sent. If the worker dies now, no record says so: after the claim has ended it is sent again, with the same id.
3. The outcome is recorded; an entry that no receiver needs any more is removed, unless a replay is wanted.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recording.domain.model import with_changes
from recording.domain.outgoing.delivery import (
    CLAIM,
    LONGEST_TRY,
    Entry,
    Progress,
    Result,
    WayHealth,
    after_try,
    health_after,
)
from recording.domain.outgoing.endpoints import UNRESOLVED_WAY
from recording.domain.outgoing.events import Subject
from recording.domain.outgoing.message import VERSION, NotifyTask, read_task
from recording.domain.schema import is_newer_message
from recording.domain.state.quarantine import Origin
from recording.errors import ClaimLostError, RecordingError
from recording.errors.codes import Code
from recording.library.notify.write import write_events
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT, code_of
from recording.ports.clock import shared_now
from recording.ports.outgoing import Answer, OutgoingPorts, Way, is_for
from recording.ports.unread import keep_unread
from recording.telemetry import Event, emit, span

NEWER_AFTER = timedelta(minutes=1)  # delay until a message of a newer version is offered to another worker


def notify_message(text: str, ports: Ports) -> None:
    """Write and send the events that a message of `recording-outbox` requests; later, if storage fails now.

    Raises:
        StorageError: not even the queue answers, or the quarantine for a message that cannot be read; the host delivers
            the message again.
    """
    outgoing = ports.outgoing
    if outgoing is None:
        emit(Event.NOTIFY_FAILED, code=Code.EVENTS_OFF, reason="dropped")
        return
    if is_newer_message(text, VERSION):
        outgoing.queue.send_again(text, NEWER_AFTER)
        return
    task = read_task(text)
    if task is None:
        keep_unread(text, Origin.OUTBOX_QUEUE, ports)
        return
    try:
        with span("notify"):
            notify(task, ports, outgoing)
    except (RecordingError, *ODD_CONTENT) as error:
        code = code_of(error)
        emit(Event.NOTIFY_FAILED, code=code, attempt=task.attempt + 1, entry=task.subject.name)
        outgoing.queue.send(task.again(), task.wait())


def notify(task: NotifyTask, ports: Ports, outgoing: OutgoingPorts) -> None:
    """Write the events of the message's subject, and send those that wait.

    Raises:
        StorageError: records or outbox do not answer; the same call again completes it.
    """
    more = (task.event,) if task.event is not None else ()
    write_events(task.subject, ports, outgoing, more)
    due = send_pending(task.subject, ports, outgoing)
    if due is not None:
        outgoing.queue.send(NotifyTask(subject=task.subject), max(due - ports.clock.now(), timedelta()))


def send_pending(subject: Subject, ports: Ports, outgoing: OutgoingPorts) -> datetime | None:
    """Send a subject's waiting events; return when to continue with unsent ones, None when nothing is left.

    Raises:
        StorageError: the outbox does not answer.
    """
    blocked: dict[str, datetime] = {}
    for entry in outgoing.outbox.pending(subject):
        now = ports.clock.now()
        if entry.is_claimed(now):
            return entry.claimed_until
        if _meant(entry, outgoing.ways) and not _ready(entry, blocked, now, outgoing.ways):
            continue  # without a write: a backlog is checked often
        try:
            _send_entry(outgoing.outbox.save(entry.claimed(now + CLAIM)), blocked, ports, outgoing)
        except ClaimLostError:  # another worker claimed it at the same moment, and continues with the rest
            return now + CLAIM
    return min(blocked.values(), default=None)


def _ready(entry: Entry, blocked: dict[str, datetime], now: datetime, ways: Sequence[Way]) -> list[Way]:
    """Return the ways that may be tried now, and mark those that must wait, together with their later events."""
    ready: list[Way] = []
    for way in _meant(entry, ways):
        if way.name in blocked:
            continue
        if entry.is_due(way.name, now):
            ready.append(way)
        else:
            blocked[way.name] = entry.progress(way.name).due_at(now) or now
    return ready


def _send_entry(entry: Entry, blocked: dict[str, datetime], ports: Ports, outgoing: OutgoingPorts) -> None:
    """Try every way that is due; skip a way where an earlier event still waits, to keep the order."""
    for way in _ready(entry, blocked, ports.clock.now(), outgoing.ways):
        now = ports.clock.now()
        if entry.claim_ends_within(LONGEST_TRY, now):  # the previous ways took long
            entry = outgoing.outbox.save(entry.claimed(now + CLAIM))
        progress = _try(entry, way, ports, outgoing)
        entry = entry.with_progress(way.name, progress)
        if not progress.is_over:
            blocked[way.name] = progress.due or now
    if _meant(entry, outgoing.ways):
        outgoing.outbox.save(entry.claimed(None))
    else:
        outgoing.outbox.remove(entry)


def _meant(entry: Entry, ways: Sequence[Way]) -> list[Way]:
    """Return the ways that an entry still has to be sent."""
    return [way for way in ways if is_for(way, entry.event) and entry.is_meant_for(way.name)]


def _try(entry: Entry, way: Way, ports: Ports, outgoing: OutgoingPorts) -> Progress:
    """Try one way, unless it failed a moment ago, or needs an operator first."""
    now, before = ports.clock.now(), entry.progress(way.name)
    health = known_health(way.name, outgoing, now)
    if health.is_disabled and way.name != UNRESOLVED_WAY:  # an older version gave that one up
        return Progress(tries=before.tries, is_over=True, code=Code.ENDPOINT_DISABLED)
    if health.is_resting(now):
        return with_changes(before, {"due": now + health.rest * (1 + ports.jitter())})
    answer = way.send(entry.event, now)
    after = after_try(before, answer.result, answer.code, now, ports.jitter())
    _tell(entry, way, answer, after, now)
    _note_health(health, answer, ports, outgoing, is_lost=after.is_over and answer.result is not Result.DELIVERED)
    return after


def _tell(entry: Entry, way: Way, answer: Answer, after: Progress, now: datetime) -> None:
    event = entry.event
    if answer.result is Result.DELIVERED:
        latency = max(now - event.at, timedelta())
        emit(Event.NOTIFIED, event_id=event.id, reason=event.type, entry=way.name, latency_seconds=latency)
        return
    emit(
        Event.NOTIFY_GIVEN_UP if after.is_over else Event.NOTIFY_REFUSED,
        event_id=event.id,
        reason=event.type,
        entry=way.name,
        attempt=after.tries,
        code=answer.code,
        fault=answer.code.fault if answer.code else None,
        delay_seconds=after.due - now if after.due else None,
    )


def known_health(way: str, outgoing: OutgoingPorts, now: datetime) -> WayHealth:
    """Return the health of a way: cached for a minute while it works, else from the outbox.

    Raises:
        StorageError: the outbox does not answer.
    """
    return outgoing.known.get(way, now) or outgoing.known.put(outgoing.outbox.health(way), now)


def _note_health(before: WayHealth, answer: Answer, ports: Ports, outgoing: OutgoingPorts, *, is_lost: bool) -> None:
    """Record a way's failures and its recovery; a way that keeps working causes no write.

    By the clock that all instances share none is disabled whose failure is only days old by this instance's own.
    """
    now = ports.clock.now()
    is_well = answer.result is Result.DELIVERED
    if is_well and before.failing_since is None:
        return
    after = health_after(before, answer.result, answer.code, now, is_lost=is_lost)
    if after.is_disabled and not before.is_disabled:
        now = shared_now(ports)
        after = health_after(before, answer.result, answer.code, now, is_lost=is_lost)
    if after.is_disabled and not before.is_disabled:
        emit(
            Event.ENDPOINT_DISABLED, entry=before.way, code=answer.code, age_seconds=now - (after.failing_since or now)
        )
    try:
        outgoing.known.put(outgoing.outbox.save_health(after), now)
    except ClaimLostError:  # another worker has recorded the same
        outgoing.known.forget(before.way)
