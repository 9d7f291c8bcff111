"""Operate events: show the state of receivers, enable one again, and replay events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recording.domain.outgoing.delivery import Entry, WayHealth, enabled
from recording.domain.outgoing.events import EventType, OutgoingEvent, Subject, stamp
from recording.domain.outgoing.message import NotifyTask
from recording.errors import ClaimLostError, RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.outgoing import OutgoingPorts, Way, is_for

PAGE = 500
TRIES = 5  # a worker may be sending the same event meanwhile


@dataclass(frozen=True)
class Asked:
    """The filter of a replay: which events, and to which receivers. Empty: all.

    Attributes:
        since: the history reaches back 30 days.
        until: both ends are included.
        types: of events.
        only: names of receivers; empty: all that subscribe to the type.
        recording_id: only events about this recording.
        most: events per call; the answer says where to continue.
        most_read: rows of the history per call, whatever they are about.
    """

    since: datetime
    until: datetime
    types: Sequence[EventType] = ()
    only: Sequence[str] = ()
    recording_id: str | None = None
    most: int | None = None
    most_read: int | None = None


@dataclass(frozen=True)
class Replayed:
    """The outcome of a replay.

    Attributes:
        events: how many are sent again.
        subjects: how many they are about.
        unreadable: rows of the history that could not be read.
        left_out: receivers to which nothing is sent, because they are disabled.
        next: the time at which to continue, where one call was not enough.
    """

    events: int = 0
    subjects: int = 0
    unreadable: int = 0
    left_out: tuple[str, ...] = ()
    next: datetime | None = None


def outgoing_of(ports: Ports) -> OutgoingPorts:
    """Return what sending events needs.

    Raises:
        RequestError: `events_off`; no receiver is configured.
    """
    if ports.outgoing is None:
        raise RequestError("no topic and no endpoint is set", code=Code.EVENTS_OFF)
    return ports.outgoing


def health_of_ways(ports: Ports) -> list[WayHealth]:
    """Return the state of each receiver.

    Raises:
        RequestError: `events_off`.
        StorageError: the outbox does not answer.
    """
    outgoing = outgoing_of(ports)
    return [outgoing.outbox.health(way.name) for way in outgoing.ways]


def enable(name: str, ports: Ports) -> WayHealth:
    """Enable a receiver again; one that is enabled stays as it is.

    Raises:
        RequestError: `events_off`, or `endpoint_not_found`.
        StorageError: the outbox does not answer, or the row has changed; the same call again completes it.
    """
    outgoing = outgoing_of(ports)
    _named([name], outgoing)
    known = outgoing.outbox.health(name)
    if known.failing_since is None and not known.is_disabled:
        return known
    outgoing.known.forget(name)
    return outgoing.outbox.save_health(enabled(known))


def replay(asked: Asked, ports: Ports) -> Replayed:
    """Send events again, under their ids, to receivers that are not disabled.

    Raises:
        RequestError: `events_off`, `endpoint_not_found`, or `endpoint_disabled` for one that is named.
        StorageError: the outbox or its queue does not answer; the same call again completes it.
    """
    outgoing = outgoing_of(ports)
    meant = _named(asked.only, outgoing)
    disabled = tuple(way.name for way in meant if outgoing.outbox.health(way.name).is_disabled)
    if asked.only and disabled:
        raise RequestError("nothing is sent to this receiver; enable it first", code=Code.ENDPOINT_DISABLED)
    ways = [way for way in meant if way.name not in disabled]
    # Callers of a tenant reach only their own receivers; all of theirs are not all that exist.
    only = tuple(way.name for way in ways) if asked.only or ports.scope is not None else ()
    run = _Run(asked, ways, only, ports, outgoing)
    run.walk()
    for subject in sorted(run.subjects, key=lambda one: one.name):
        outgoing.queue.send(NotifyTask(subject=subject))
    return Replayed(run.events, len(run.subjects), run.unreadable, disabled, run.next)


class _Run:
    """One replay, while the history is read."""

    def __init__(
        self, asked: Asked, ways: Sequence[Way], only: tuple[str, ...], ports: Ports, outgoing: OutgoingPorts
    ) -> None:
        self._asked, self._ways, self._only = asked, ways, only
        self._ports, self._outgoing = ports, outgoing
        self._read = 0
        self._last_read = self._last = ""  # moments, as the history has them
        self.subjects: set[Subject] = set()
        self.events = self.unreadable = 0
        self.next: datetime | None = None

    def walk(self) -> None:
        position = ""
        while self._ways and self.next is None:
            page = self._outgoing.outbox.history(self._asked.since, self._asked.until, position, PAGE)
            for event in page.items:
                if not isinstance(event, OutgoingEvent):
                    self.unreadable += 1
                    self._read += 1
                    continue
                if self._is_full(event):
                    self.next = _moment(event)
                    break
                self._read, self._last_read = self._read + 1, stamp(event.at)
                if self._is_meant(event):
                    self._send_again(event)
            position = page.next
            if not position:
                return

    def _is_meant(self, event: OutgoingEvent) -> bool:
        asked = self._asked
        return (
            (not asked.types or event.type in asked.types)
            and asked.recording_id in (None, event.data.get("recordingId"))
            and any(is_for(way, event) for way in self._ways)
        )

    def _is_full(self, event: OutgoingEvent) -> bool:
        """Return whether the next call begins here; events of the same moment belong to one call."""
        asked, moment = self._asked, stamp(event.at)
        if asked.most_read is not None and self._read >= asked.most_read and moment != self._last_read:
            return True
        is_enough = asked.most is not None and self.events >= asked.most and moment != self._last
        return is_enough and self._is_meant(event)

    def _send_again(self, event: OutgoingEvent) -> None:
        _wait_again(Entry(event=event, only=self._only, added_at=self._ports.clock.now()), self._outgoing)
        self.subjects.add(event.subject)
        self.events += 1
        self._last = stamp(event.at)


def _moment(event: OutgoingEvent) -> datetime:
    """Return when an event happened, to the millisecond: within one, the history is in the order of ids."""
    return event.at - timedelta(microseconds=event.at.microsecond % 1000)


def _wait_again(entry: Entry, outgoing: OutgoingPorts) -> None:
    """Put an event into the outbox; if it is already there, add these receivers to its entry.

    Raises:
        StorageError: the outbox does not answer, or the entry keeps changing.
    """
    for _ in range(TRIES):
        if outgoing.outbox.add(entry):
            return
        waiting = [one for one in outgoing.outbox.pending(entry.event.subject) if one.event.id == entry.event.id]
        try:
            if waiting:
                outgoing.outbox.save(waiting[0].replayed(entry.only))
                return
        except ClaimLostError:
            continue
    raise StorageBusyError("an event that waits keeps changing")


def _named(names: Sequence[str], outgoing: OutgoingPorts) -> list[Way]:
    """Return the receivers with these names; all of them if none is named."""
    if set(names) - {way.name for way in outgoing.ways}:
        raise RequestError("no receiver of events has this name", code=Code.ENDPOINT_NOT_FOUND)
    return [way for way in outgoing.ways if not names or way.name in names]
