"""Trail, quarantine, queues and dead letters within a scope: items about others, or about nothing, are not shown."""

import json

import pytest

from dev.in_memory.fakes.audit import FakeAudit
from dev.in_memory.fakes.quarantine import FakeDeadLetters, FakeQuarantine
from dev.in_memory.world import World, world
from recording.control.tenants import scoped
from recording.control.tenants.evidence import ScopedAudit, ScopedDeadLetters, ScopedQuarantine, ScopedQueue
from recording.control.tenants.reach import Reach
from recording.domain.incoming.requests import HeldFilter
from recording.domain.incoming.tenants import Scope
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageBusyError
from recording.operate.attention import NeedsAttention, needs_attention
from recording.operate.held import list_held
from recording.ports import MOST_SHOWN, AuditEntry, DeadLetter, QuarantineEntry

OWN, OTHERS = "recording-of-alpha", "recording-of-beta"


@pytest.fixture
def here() -> World:
    """A catalog with a recording of each of two tenants."""
    made = world()
    for name, tenant in ((OWN, "alpha"), (OTHERS, "beta")):
        made.fakes.catalog.add_recording(RecordingRecord(recording_id=name, tenant=tenant))
    return made


@pytest.fixture
def reach(here: World) -> Reach:
    """What alpha may see."""
    return Reach(here.fakes.catalog, Scope(frozenset({"alpha"})))


def test_a_request_for_anothers_recording_is_in_the_trail_and_in_no_timeline(here: World, reach: Reach) -> None:
    """Those who see all learn of it; its tenant's timeline does not change."""
    whole = FakeAudit()
    ScopedAudit(whole, reach).add(AuditEntry(here.now, "get_recording", OTHERS, "ada", "done", note="why not"))
    (kept,) = whole.written
    assert (kept.recording_id, kept.note) == (None, f"why not; out of reach: {OTHERS}")
    assert list(whole.entries_about(OTHERS)) == []
    assert list(ScopedAudit(whole, reach).entries(here.now)) == []


def test_an_entry_whose_payload_names_anothers_recording_is_not_shown(here: World, reach: Reach) -> None:
    """Its own field is only one of the places that say what it is about."""
    whole = FakeQuarantine()
    payloads = {"own": {"recordingId": OWN}, "other": {"recordingId": OTHERS}, "nothing": {}}
    for name, payload in payloads.items():
        for recording_id in (OWN, None):
            text = json.dumps({**payload, "id": f"{name} {recording_id}"})
            whole.put(QuarantineEntry("foreign_host", "", text, Origin.EVENT_QUEUE, here.now, recording_id))
    shown = [json.loads(entry.payload)["id"] for _, entry in ScopedQuarantine(whole, reach).entries()]
    assert sorted(shown) == [f"own {None}", f"own {OWN}"]


def test_dead_letters_of_others_do_not_end_the_list(here: World, reach: Reach) -> None:
    """The container lists a thousand at once; all of these may be of others."""
    letters = [DeadLetter(f"{number:05d}", json.dumps({"recordingId": OTHERS}), here.now) for number in range(1001)]
    own = DeadLetter("99999", json.dumps({"recordingId": OWN}), here.now)
    assert list(ScopedDeadLetters(FakeDeadLetters(*letters, own), reach).letters()) == [own]
    assert list(ScopedDeadLetters(FakeDeadLetters(*letters), reach).letters()) == []


def test_the_depth_of_a_queue_is_not_shown(here: World, reach: Reach) -> None:
    """How much others record could be read from it."""
    here.fakes.queue.send_again("anything")
    assert here.fakes.queue.depths()
    assert ScopedQueue(here.fakes.queue, reach).depths() == []


def looked_into_by_alpha(here: World, others: int) -> NeedsAttention:
    """Return what alpha sees with so many messages of others before its own in a poison queue."""
    for number in range(others):
        here.fakes.queue.poison(json.dumps({"recordingId": OTHERS, "number": number}))
    here.fakes.queue.poison(json.dumps({"recordingId": OWN}))
    return needs_attention(scoped(here.ports, Scope(frozenset({"alpha"}))), here.settings)


def test_own_messages_behind_those_of_others_are_not_called_absent(here: World) -> None:
    """The service shows the first messages of a queue only, and has no next page."""
    found = looked_into_by_alpha(here, MOST_SHOWN)
    assert (found.held, found.complete, found.unlisted) == ((), False, ("poison queues",))
    with pytest.raises(StorageBusyError, match="there may be more in poison queues"):
        list_held(scoped(here.ports, Scope(frozenset({"alpha"}))), here.settings, HeldFilter(id="message-99"))


def test_a_poison_queue_that_was_seen_to_its_end_leaves_nothing_open(here: World) -> None:
    """Whatever of it is of others."""
    found = looked_into_by_alpha(here, MOST_SHOWN - 2)
    assert (len(found.held), found.complete) == (1, True)
