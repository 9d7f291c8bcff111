"""What operators do about events: see how receivers stand, enable one again, and have events replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recording.domain.outgoing.delivery import Entry, WayHealth, enabled
from recording.domain.outgoing.events import EventType, OutgoingEvent, Subject
from recording.domain.outgoing.message import NotifyTask
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.outgoing import OutgoingPorts

PAGE = 500


@dataclass(frozen=True)
class Replayed:
    """What a replay asked for: events, about how many subjects; how many rows could not be read."""

    events: int = 0
    subjects: int = 0
    unreadable: int = 0


def outgoing_of(ports: Ports) -> OutgoingPorts:
    """Return what sending events needs.

    Raises:
        RequestError: `events_off`, nobody wants to know.
    """
    if ports.outgoing is None:
        raise RequestError("no topic and no endpoint is set", code=Code.EVENTS_OFF)
    return ports.outgoing


def health_of_ways(ports: Ports) -> list[WayHealth]:
    """Return how each receiver stands.

    Raises:
        RequestError: `events_off`.
        StorageError: the outbox does not answer.
    """
    outgoing = outgoing_of(ports)
    return [outgoing.outbox.health(way.name) for way in outgoing.ways]


def enable(name: str, ports: Ports) -> WayHealth:
    """Put a receiver back to work; one that works stays as it is.

    Raises:
        RequestError: `events_off`, or `endpoint_not_found`.
        StorageError: the outbox does not answer, or the row has changed; the same again completes it.
    """
    outgoing = outgoing_of(ports)
    _check_names([name], outgoing)
    known = outgoing.outbox.health(name)
    if known.failing_since is None and not known.is_disabled:
        return known
    outgoing.known.of.pop(name, None)
    return outgoing.outbox.save_health(enabled(known))


def replay(
    since: datetime, until: datetime, ports: Ports, *, types: Sequence[EventType] = (), only: Sequence[str] = ()
) -> Replayed:
    """Send the events of a time again, under their ids.

    Args:
        since: the history reaches back 30 days.
        until: both ends are included.
        ports: with the outbox.
        types: empty: all.
        only: names of receivers; empty: all that want the type.

    Raises:
        RequestError: `events_off`, or `endpoint_not_found`.
        StorageError: the outbox or its queue does not answer; the same again completes it.
    """
    outgoing = outgoing_of(ports)
    _check_names(only, outgoing)
    subjects: set[Subject] = set()
    events = unreadable = 0
    position = ""
    while True:
        page = outgoing.outbox.history(since, until, position, PAGE)
        for event in page.items:
            if not isinstance(event, OutgoingEvent):
                unreadable += 1
            elif not types or event.type in types:
                outgoing.outbox.add(Entry(event=event, only=tuple(only)))
                subjects.add(event.subject)
                events += 1
        position = page.next
        if not position:
            break
    for subject in sorted(subjects, key=lambda one: one.name):
        outgoing.queue.send(NotifyTask(subject=subject))
    return Replayed(events, len(subjects), unreadable)


def _check_names(names: Sequence[str], outgoing: OutgoingPorts) -> None:
    if set(names) - {way.name for way in outgoing.ways}:
        raise RequestError("no receiver of events has this name", code=Code.ENDPOINT_NOT_FOUND)
