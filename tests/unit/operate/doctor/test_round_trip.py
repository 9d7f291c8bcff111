"""The doctor's own event: it goes the way of every event, is recognised at its end, and leaves nothing behind."""

import json

import pytest

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.domain.incoming.probe_event import PROBE_TYPE, nonce_of, note_of, probe_event
from recording.domain.state.quarantine import Origin
from recording.errors import StorageBusyError
from recording.ingest import ingest_event, ingest_text
from recording.operate.doctor.round_trip import by_post, by_queue


def app_of(here: World) -> FakeProbe:
    """A probe whose events an app takes."""
    probe = FakeProbe()
    probe.takes = lambda envelope, path: ingest_event(envelope, Origin(path), here.ports, here.settings)
    return probe


def test_both_paths_are_recognised_and_leave_nothing() -> None:
    """No chunk, no recording, nothing in quarantine, no note."""
    here = world()
    probe = app_of(here)
    assert by_queue(here.ports, probe) is not None
    assert by_post(here.ports, probe) is True
    assert here.fakes.catalog.cursors == {}
    assert (here.fakes.catalog.chunks, here.fakes.catalog.recordings) == ({}, {})
    assert list(here.ports.quarantine.entries()) == []
    assert (here.fakes.queue.sent, probe.queued) == ([], [])


def test_an_event_that_nobody_takes_is_taken_back() -> None:
    """An app that is down must not find a thousand of them on its first morning."""
    here = world()
    probe = FakeProbe()
    assert by_queue(here.ports, probe) is None
    assert (probe.queued, here.fakes.catalog.cursors) == ([], {})


def test_without_a_key_the_function_is_not_asked() -> None:
    """That is no fault: the queue's path tells whether the app lives."""
    here = world()
    probe = app_of(here)
    probe.has_webhook = False
    assert by_post(here.ports, probe) is None


def test_an_event_that_came_the_other_way_proves_nothing_of_this_one() -> None:
    """The queue's event must not stand for the function's."""
    here = world()
    probe = FakeProbe()
    probe.takes = lambda envelope, _: ingest_event(envelope, Origin.EVENT_QUEUE, here.ports, here.settings)
    assert by_post(here.ports, probe) is False


def test_a_probe_event_that_nobody_awaits_is_ignored() -> None:
    """Whoever can post events can post these: nothing is written because of them."""
    here = world()
    ingest_text(json.dumps(probe_event("a" * 32, here.now)), Origin.EVENT_QUEUE, here.ports, here.settings)
    assert here.fakes.catalog.cursors == {}
    assert list(here.ports.quarantine.entries()) == []


@pytest.mark.parametrize("nonce", ["", "../chunks", "A" * 32, 5, None, "a" * 33])
def test_a_forged_nonce_is_no_name_of_a_note(nonce: object) -> None:
    """What is looked up under it must not be chosen by a stranger."""
    assert nonce_of({"eventType": PROBE_TYPE, "id": nonce}) is None


def test_an_awaited_event_answers_once_and_says_which_way_it_came() -> None:
    """A duplicate changes nothing (I7)."""
    here = world()
    here.fakes.catalog.save_cursor(note_of("b" * 32), "waiting")
    for path in ("event_grid", "event_queue"):
        ingest_event(probe_event("b" * 32, here.now), Origin(path), here.ports, here.settings)
    assert here.fakes.catalog.cursors == {note_of("b" * 32): "event_grid"}


def test_the_note_goes_even_when_the_queue_does_not_answer() -> None:
    """The doctor names the fault, and the table stays clean."""
    here = world()
    probe = FakeProbe()
    probe.fail_next("queue_event", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        by_queue(here.ports, probe)
    assert here.fakes.catalog.cursors == {}
