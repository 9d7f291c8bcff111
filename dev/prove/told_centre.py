"""A day of a contact centre through the app's own derivation of events, beside the day on which every type occurs.

Calls, people and tags are the made ones of `dev/contact_centre.py`; a seed decides what goes wrong with them. Every
event is held against its schema in both forms and read by Microsoft's own CloudEvent, and none may say who called, who
answered, what a tag, a case or a reason says, or where a file is.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from azure.core.messaging import CloudEvent

from dev.contact_centre import TEAMS, Made, recordings
from dev.event_grid.receiver import BY_GRID, BY_WEBHOOK, Received
from dev.in_memory import canaries
from dev.in_memory.builders import settings
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World
from dev.prove import told
from dev.prove.published_forms import declared_types, faults_of
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.calls.pauses import CommandedPause, PauseEnd
from recording.domain.find.index_keys import IndexKey
from recording.domain.outgoing.documents import cloud_event, webhook_body
from recording.domain.outgoing.events import OutgoingEvent
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.library.keep.holds import place_hold, release_hold
from recording.ports.outgoing.announce import announce

CALLS = 1000
WHO = "4:+15550001234"  # says the reason of a pause, and who captured consent
CASE = "case of Mrs Canary"  # no number may name a case
KEY = IndexKey(b"a key of this day, 32 bytes long")
PERSONAL = re.compile(
    "|".join((r"8:acs:", r"\+?1555\d{4,}", r"\bC-\d", r"\b(?:{})\b".format("|".join(TEAMS)), "card of", "case of"))
)
PLACES = re.compile(r"https?://(?!archive\.contoso\.com/api\b)|\.wav|\.mp3|sig=|contact-centre/")


@dataclass
class CentreDay:
    """What a day of the centre came to."""

    calls: int
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def centre_day(calls: int = CALLS, seed: int = 1) -> CentreDay:
    """Return a day of so many calls: how many events of each type left, and every difference from what is published."""
    way = FakeWay()
    here = World(settings=settings(call_policies=(told.POLICY,)), pool=one_thread_pool())
    outgoing = FakeOutgoing(here.fakes.clock, way)
    for name, fake in (("seal", FakeSeal()), ("outgoing", outgoing)):
        object.__setattr__(here.fakes, name, fake)
    attached(here.fakes)
    told.live(here)
    _centre(here, calls, random.Random(seed))
    here.notifies()
    day = CentreDay(calls)
    for event in way.got:
        day.counts[event.type.wire_name] += 1
        day.faults += faults_in(event)
    day.faults += [f"{kind} is declared and did not occur" for kind in sorted(declared_types() - set(day.counts))]
    ids = [event.id for event in way.got]
    day.faults += [f"{len(ids) - len(set(ids))} events left twice"] if len(ids) != len(set(ids)) else []
    if outgoing.outbox.entries:
        day.faults.append("events still wait in the outbox")
    return day


def faults_in(event: OutgoingEvent) -> list[str]:
    """Return what is wrong with an event in either form, and what it says that nobody may read."""
    document = cloud_event(event, told.API)
    posted = json.loads(webhook_body(event, told.API))
    faults = list(_differences(document))
    for way, form in ((BY_GRID, document), (BY_WEBHOOK, posted)):
        arrived = Received(way, event.id, event.type.wire_name, document["subject"], document["time"], form)
        faults += faults_of(arrived)
        text = json.dumps(form)
        if said := [*canaries.seen_in(text), *PERSONAL.findall(text), *PLACES.findall(text)]:
            faults.append(f"{event.type.wire_name} by {way} tells what nobody may read: {len(said)} words")
    return faults


def _differences(document: dict[str, object]) -> Iterator[str]:
    """Yield what Microsoft's CloudEvent reads otherwise than it was written."""
    try:
        read: CloudEvent[Any] = CloudEvent.from_dict(json.loads(json.dumps(document)))
    except ValueError as error:
        yield f"{document['type']} is no CloudEvent: {error}"
        return
    for name in ("id", "source", "type", "subject", "data", "specversion", "datacontenttype"):
        if getattr(read, name) != document[name]:
            yield f"{document['type']}: {name} is read otherwise"
    if read.extensions != {"sequence": document["sequence"]}:
        yield f"{document['type']}: its extensions are read otherwise"


# --- the day ---------------------------------------------------------------------------------------------------------


def _centre(here: World, calls: int, chance: random.Random) -> None:
    for made in recordings(calls, KEY, here.now - timedelta(days=1)):
        record, chunk = _lived(made, chance)
        here.fakes.catalog.add_recording(record)
        here.fakes.catalog.add_chunk(chunk)
        if chance.random() < 0.02:
            place_hold(record.recording_id, CASE, "lawsuit", "alice", here.ports)
            here.fakes.clock.advance(seconds=1)
            release_hold(record.recording_id, CASE, "settled", "alice", here.ports)
        announce(record.recording_id, here.ports)


def _lived(made: Made, chance: random.Random) -> tuple[RecordingRecord, ChunkRecord]:
    """Return a call as it went: most are archived, a few have troubles, some were paused by words that name people."""
    record, chunk, drawn = made.recording, made.chunk, chance.random()
    at = chunk.first_seen_at + timedelta(minutes=1)
    if drawn < 0.02:
        chunk = chunk.model_copy(
            update={"state": ChunkState.QUARANTINED, "quarantine_reason": "media_suspect", "changed_at": at}
        )
    elif drawn < 0.04:
        chunk = chunk.model_copy(
            update={"state": ChunkState.EXPIRED, "last_error": "source_gone", "changed_at": at, "at_risk_since": at}
        )
    elif drawn < 0.06:
        record = changed(record, missing_since=at)
    elif drawn < 0.08:
        record = changed(record, incomplete_since=at)
    else:
        chunk = changed(chunk, cataloged_at=at, at_risk_since=at if drawn < 0.1 else None)
    if chance.random() < 0.05:
        how = chance.choice((PauseEnd.TIME_UP, PauseEnd.RESUMED))
        pause = CommandedPause(
            id=f"{chance.getrandbits(64):x}", at=at, reason=f"card of {WHO}", by=WHO, ended_at=at, how=how
        )
        given = ConsentEntry(step=ConsentStep.GIVEN, at=at, by=WHO, captured_by=WHO)
        record = changed(record, pauses=(pause,), consents=(given,))
    return record, chunk


def print_centre(calls: int = CALLS) -> int:
    """Print what the day came to; 0 when every declared type occurred, and each event is valid and names nobody."""
    day = centre_day(calls)
    for fault in day.faults[:20]:
        print(f"events: {fault}")
    print(
        f"events: a contact centre's day of {day.calls:,} calls: {sum(day.counts.values()):,} events, "
        f"{len(day.counts)} of {len(declared_types())} declared types, each in both forms and by the SDK's CloudEvent; "
        f"{len(day.faults)} faults"
    )
    return 1 if day.faults else 0
