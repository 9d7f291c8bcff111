"""One instance whose clock is hours or days ahead: no other one lets a receiver, an event or a claim wait for that."""

from datetime import datetime, timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.world import World
from recording.domain.outgoing.delivery import CLAIM, DEAD_AFTER, Result
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.from_records import start_refused
from recording.domain.outgoing.message import NotifyTask
from recording.errors.codes import Code
from recording.library.keep.holds import place_hold
from recording.library.notify.catch_up import EXPORTS_LOOP, catch_up
from recording.ports.outgoing import Answer
from recording.ports.outgoing.announce import announce_event
from tests.unit.library.notify.outgoing_world import archived

FAILED = Answer(Result.FAILED, Code.ENDPOINT_REFUSED)
DELIVERED = Answer(Result.DELIVERED)
MINUTE = timedelta(minutes=1)
SUBJECT = Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)
AHEAD = [timedelta(minutes=30), timedelta(hours=26), timedelta(days=10)]


def passes(here: World, length: timedelta, step: timedelta = MINUTE) -> None:
    """Time goes by, and messages are delivered when they are due."""
    end = here.now + length
    while here.now < end:
        here.notifies()
        here.fakes.clock.advance(seconds=step.total_seconds())


def fails_once_ahead(here: World, way: FakeWay, ahead: timedelta) -> None:
    """The instance whose clock is ahead tries the receiver, which fails at that moment."""
    way.answer = lambda _: FAILED
    here.skew = ahead
    here.notifies()
    here.skew = timedelta()
    assert len(way.tried) == 1
    way.answer = lambda _: DELIVERED


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
def test_a_failure_that_it_noted_keeps_no_event_from_a_receiver(ahead: timedelta) -> None:
    """The receiver rested, and the event waited, until the others' clocks came to that time."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    fails_once_ahead(here, way, ahead)
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    passes(here, timedelta(minutes=10))
    assert way.types_got == ["archived", "held"]
    assert outgoing.outbox.ways["crm"].failing_since is None


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
def test_what_waits_for_its_time_is_sent_for_again_when_its_message_is_lost(ahead: timedelta) -> None:
    """By the timer, as with right clocks."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    fails_once_ahead(here, way, ahead)
    outgoing.queue.sent.clear()
    for _ in range(12):
        here.fakes.clock.advance(seconds=300)
        catch_up(here.ports)
        here.notifies()
    assert way.types_got == ["archived"]


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
def test_its_claim_ends_for_the_others_as_any_claim_does(ahead: timedelta) -> None:
    """It died while it sent; its message comes again."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    outgoing.queue.sent.clear()
    outgoing.queue.send(NotifyTask(subject=SUBJECT))
    here.notifies()
    way.got.clear()
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    outgoing.queue.sent.clear()

    def dies(_: object) -> Answer:
        raise KeyboardInterrupt

    way.answer = dies
    here.skew = ahead
    outgoing.queue.send(NotifyTask(subject=SUBJECT))
    with pytest.raises(KeyboardInterrupt):
        here.notifies()
    here.skew = timedelta()
    way.answer = lambda _: DELIVERED
    outgoing.queue.send(NotifyTask(subject=SUBJECT))
    passes(here, CLAIM + 2 * MINUTE)
    assert way.types_got == ["held"]


def test_it_disables_nobody_for_a_failure_of_a_moment() -> None:
    """Another instance's failure of a minute ago was days ago for it."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED
    here.notifies()
    here.fakes.clock.advance(seconds=60)
    here.skew = DEAD_AFTER + timedelta(days=1)
    here.notifies()
    assert len(way.tried) == 2
    assert not outgoing.outbox.ways["crm"].is_disabled


def test_its_timer_looks_for_nobody_else() -> None:
    """Exports are looked at each hour, and the history is kept for thirty days."""
    here, outgoing = archived()
    here.notifies()
    kept = len(outgoing.outbox.kept)
    here.skew = timedelta(days=40)
    catch_up(here.ports)
    assert len(outgoing.outbox.kept) == kept > 0
    told = here.fakes.catalog.cursor(EXPORTS_LOOP)
    assert not told or datetime.fromisoformat(told) <= here.now


def test_it_drops_no_event_that_only_its_message_keeps() -> None:
    """What happened today was weeks ago for it."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    outgoing.queue.sent.clear()
    announce_event(start_refused("request", "acs_error", here.now), here.ports)
    here.skew = timedelta(days=20)
    here.notifies()
    assert way.types_got == ["unrecorded"]
