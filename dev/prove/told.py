"""A day on which everything happens that the app reports; each event is held against the published forms.

The use cases are the real ones over a world in memory, and so are both ways: Microsoft's client publishes to a
custom topic of the local world, webhooks are signed and posted, and one receiver gets both. A declared type that
does not occur fails the day: a form that nothing was ever held against proves nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.event_grid.outgoing import OutgoingEvents
from dev.event_grid.receiver import BY_GRID, BY_WEBHOOK, Received
from dev.in_memory import canaries
from dev.in_memory.builders import chunk, document_id, event, settings, task, wav
from dev.in_memory.fakes.outgoing import FakeOutgoing
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World
from dev.prove.published_forms import declared_types, faults_of
from recording.adapters.outgoing.event_grid import EventGridTopic
from recording.adapters.outgoing.webhooks import WebhookWay
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.domain.calls.policy import CallPolicy
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors import ControlError
from recording.errors.codes import Code
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.holds import place_hold, release_hold
from recording.library.seal.turn import seal
from recording.ports.outgoing import Answer, Way
from recording.settings import Settings, read_settings

API = "https://archive.contoso.com/api"
POLICY = CallPolicy(name="desk", must_be_recorded=True, longest_recording_seconds=3600, warn_before_seconds=600)
GOOD, SUSPECT, LOST, HALF, GONE = (f"recording-{what}" for what in ("good", "suspect", "lost", "half", "gone"))
MOST_DAYS = 60  # until what is to be erased must be gone
_ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=YWNjb3VudC1rZXk="
_USUAL = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage": _ACCOUNT,
    "ARCHIVE_STORAGE": _ACCOUNT,
}


@dataclass
class ToldDay:
    """What arrived on a day, by type and way, and what is wrong with it."""

    events: list[Received] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Return how many events of each type arrived by the topic."""
        return Counter(event.type for event in self.events if event.way == BY_GRID)


class _AtTheRealTime:
    """A way whose tries are made now: the day's clock runs ahead, and signatures are checked by this machine's."""

    def __init__(self, way: Way) -> None:
        self.name, self.tenant = way.name, way.tenant
        self._way, self.sent = way, list[str]()

    def wants(self, kind: EventType) -> bool:
        """Answer as the way does."""
        return self._way.wants(kind)

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Send it, and remember its id."""
        del now
        self.sent.append(event.id)
        return self._way.send(event, datetime.now(UTC))


def told_day() -> ToldDay:
    """Return what a day came to: every event that left, and every difference from what is published."""
    with OutgoingEvents() as events:
        events.subscribe()
        with _ways(read_settings(_USUAL | events.settings(API))) as ways:
            here = _world(ways)
            live(here)
        events.topics.settle()
        return _judged(events.receiver.events(), ways, here)


@contextmanager
def _ways(known: Settings) -> Iterator[list[_AtTheRealTime]]:
    topic, hook = EventGridTopic(known), WebhookWay(known, known.webhooks[0])
    try:
        yield [_AtTheRealTime(topic), _AtTheRealTime(hook)]
    finally:
        topic.close()
        hook.close()


def _world(ways: list[_AtTheRealTime]) -> World:
    here = World(settings=settings(call_policies=(POLICY,)), pool=one_thread_pool())
    outgoing = FakeOutgoing(here.fakes.clock)
    outgoing.ways = ways  # type: ignore[assignment]  # real ones, which no test scripts
    for name, fake in (("seal", FakeSeal()), ("outgoing", outgoing)):
        object.__setattr__(here.fakes, name, fake)
    attached(here.fakes)
    return here


# --- the day ---------------------------------------------------------------------------------------------------------


def live(here: World) -> None:
    """Let everything happen that the app reports."""
    _calls_under_guard(here)
    _files(here)
    here.runs(hours=2, until_quiet=False)
    seal(here.ports)
    _case(here)
    _bundle(here)
    here.runs(hours=60)
    _erasure(here)
    here.runs(hours=1, until_quiet=False)


def _calls_under_guard(here: World) -> None:
    """Refuse a start, let a pause be forgotten, and let a recording last too long; its files never come."""
    call = {"serverCallId": "aHR0cHM6Ly9jYWxs"}
    here.fakes.control.fail_next("start", ControlError("no", code=Code.ACS_UNAVAILABLE))
    with suppress(ControlError):
        start_recording(call, "first", "ada", here.ports, here.settings)
    started = start_recording(call, "second", "ada", here.ports, here.settings)
    pause_recording(str(started["recordingId"]), here.ports, here.settings, caller="ada")


def _files(here: World) -> None:
    """Announce good recordings, one that is no media, one that ACS never has, and one with a part that is missing."""
    _announced(here, GOOD, 0, wav())
    _announced(here, SUSPECT, 10, b"no media at all")
    _announced(here, LOST, 20, None)
    _announced(here, HALF, 30, wav(), wav(), left_out=1)
    _announced(here, GONE, 40, wav())


def _announced(here: World, recording_id: str, first: int, *media: bytes | None, left_out: int = 0) -> None:
    """Announce chunks; `left_out` of them before these are never announced."""
    told = []
    for at, data in enumerate(media):
        index = at + (left_out if at else 0)
        document = document_id(first + index)
        if data is not None:
            here.holds(task(index, document, recording_id=recording_id), data)
        told.append(chunk(index, document))
    subject = f"/recording/call/call-{recording_id}/serverCallId/x/recordingId/{recording_id}"
    here.announces(event(*told, id=f"event-{recording_id}", subject=subject))


def _case(here: World) -> None:
    place_hold(GOOD, "case-17", "lawsuit", "alice", here.ports)
    here.fakes.clock.advance(seconds=60)
    release_hold(GOOD, "case-17", "settled", "alice", here.ports)


def _bundle(here: World) -> None:
    request_export({"recordings": [GOOD]}, "alice", here.ports, here.settings)
    while messages := here.fakes.export_queue.take():
        for export_id in messages:
            export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


def _erasure(here: World) -> None:
    """Erase a recording, with the daily run, until nothing is left of it."""
    asked = request_erasure({"recordings": [GONE], "reason": "letter"}, "alice", here.ports, here.settings)
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    for _ in range(MOST_DAYS):
        dispose(here.ports, here.settings)
        here.notifies()
        if here.fakes.catalog.recordings[GONE].disposed_at is not None:
            return
        here.fakes.clock.advance(days=1)


# --- the judge -------------------------------------------------------------------------------------------------------


def _judged(arrived: list[Received], ways: list[_AtTheRealTime], here: World) -> ToldDay:
    faults = [fault for event in arrived for fault in faults_of(event)]
    by_way = {way: {event.id for event in arrived if event.way == way} for way in (BY_GRID, BY_WEBHOOK)}
    for way, sent in zip((BY_GRID, BY_WEBHOOK), ways, strict=True):
        if by_way[way] != set(sent.sent):
            faults.append(f"{len(set(sent.sent) ^ by_way[way])} events left by {way} and are not there, or the reverse")
    if by_way[BY_GRID] != by_way[BY_WEBHOOK]:
        faults.append("the two ways brought different events")
    faults += [
        f"{kind} is declared and did not occur" for kind in sorted(declared_types() - {one.type for one in arrived})
    ]
    faults += [f"{event.type} tells what nobody may read" for event in arrived if _tells(event)]
    if here.fakes.outgoing is not None and here.fakes.outgoing.outbox.entries:
        faults.append("events still wait in the outbox")
    return ToldDay(arrived, faults)


def _tells(event: Received) -> list[Any]:
    return canaries.seen_in(json.dumps(event.document))


def print_told() -> int:
    """Print what a day came to; 0 when every declared type occurred and every event is valid."""
    day = told_day()
    for fault in day.faults[:20]:
        print(f"events: {fault}")
    told = ", ".join(
        f"{count} {kind.removeprefix('recording_archive.').removesuffix('.v1')}"
        for kind, count in sorted(day.counts.items())
    )
    print(f"events: a day of {len(day.events)} deliveries by two ways: {told}")
    print(f"events: {len(day.counts)} of {len(declared_types())} declared types occurred, {len(day.faults)} faults")
    return 1 if day.faults else 0
