"""Notify: what happened arrives, at least once, in order, whatever dies or fails in between."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.canaries import seen_in
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.outgoing.delivery import Result, WayHealth
from recording.domain.outgoing.documents import cloud_event, webhook_body
from recording.domain.outgoing.events import EventType, Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.errors import RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.library.keep.holds import place_hold, release_hold
from recording.library.notify.send import notify_message
from recording.ports.outgoing import Answer
from tests.unit.library.notify.outgoing_world import archived

pytestmark = pytest.mark.slow

FAILED = Answer(Result.FAILED, Code.ENDPOINT_REFUSED)
SUBJECT = Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)
MESSAGE = NotifyTask(subject=SUBJECT).as_message()


def goes_on(here: World, *, hours: float) -> None:
    """Time goes by, and messages about events are delivered when they are due."""
    assert here.fakes.outgoing is not None
    queue, end = here.fakes.outgoing.queue, here.now + timedelta(hours=hours)
    for _ in range(2000):
        if here.now >= end:
            return
        here.notifies()
        waiting = [visible_at for _, visible_at in queue.sent]
        step = min([*waiting, end])
        here.fakes.clock.advance(seconds=max((step - here.now).total_seconds(), 0.001))
    raise AssertionError("messages go round and round")


def test_an_archived_chunk_is_reported_to_everybody_once() -> None:
    """The line does its work; the follow-up asks that it be reported; nobody of them knows of receivers."""
    one, other = FakeWay("crm"), FakeWay("siem")
    here, outgoing = archived(one, other)
    assert one.got == []
    here.notifies()
    for way in (one, other):
        (got,) = way.got
        assert got.type is EventType.ARCHIVED
        assert got.data["recordingId"] == RECORDING_ID
        assert got.data["sha256"] == here.record().sha256
        assert got.at == here.record().cataloged_at
    assert outgoing.outbox.entries == {}
    assert list(outgoing.outbox.kept.values()) == one.got


def test_where_nobody_wants_to_know_nothing_is_asked_and_nothing_is_kept() -> None:
    """Without a topic and without endpoints there is no queue message and no look at a table."""
    here = world()
    here.holds(task())
    here.announces()
    here.runs(hours=1)
    assert here.fakes.ports.outgoing is None
    notify_message(MESSAGE, here.ports)  # left over from before it was turned off


def test_duplicate_messages_send_nothing_twice() -> None:
    """Queues deliver more than once, and several chunks of a recording ask for the same."""
    here, outgoing = archived()
    for _ in range(3):
        notify_message(MESSAGE, here.ports)
    assert outgoing.ways[0].types_got == ["archived"]


def test_receivers_hear_only_of_what_they_want() -> None:
    """The types of an endpoint; of what nobody wants only the history knows."""
    here, outgoing = archived(FakeWay("crm", frozenset({EventType.HELD})))
    here.notifies()
    assert outgoing.ways[0].got == []
    assert outgoing.outbox.entries == {}
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.notifies()
    assert outgoing.ways[0].types_got == ["held"]
    assert len(outgoing.outbox.kept) == 2


def test_holds_and_releases_are_reported_in_order_and_count_who_holds() -> None:
    """The event does not name the case: a case may be named after people."""
    here, outgoing = archived()
    here.notifies()
    for case in ("Smith v. Jones", "audit"):
        place_hold(RECORDING_ID, case, "because", "alice", here.ports)
        here.fakes.clock.advance(seconds=1)
    here.notifies()
    release_hold(RECORDING_ID, "audit", "over", "alice", here.ports)
    goes_on(here, hours=1)
    (way,) = outgoing.ways
    assert way.types_got == ["archived", "held", "held", "released"]
    assert [event.data.get("holds") for event in way.got] == [None, 1, 2, 1]
    assert "Smith" not in str(way.got)


@pytest.mark.parametrize("failing", [1, 2, 5, 9])
def test_what_is_refused_is_sent_again_by_the_schedule_with_the_same_id(failing: int) -> None:
    """Nobody loses an event because a receiver was restarted."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED if len(way.tried) <= failing else Answer(Result.DELIVERED)
    goes_on(here, hours=100)
    assert way.types_got == ["archived"]
    assert len({event_id for event_id, _ in way.tried}) == 1
    assert len(way.tried) == failing + 1
    assert outgoing.outbox.entries == {}


def test_an_event_is_given_up_after_the_schedule_and_the_next_one_is_tried() -> None:
    """It stays in the history, from which it can be replayed."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda event: FAILED if event.type is EventType.ARCHIVED else Answer(Result.DELIVERED)
    here.notifies()
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    goes_on(here, hours=60)
    assert way.got == []  # in order: the hold waits for the chunk
    goes_on(here, hours=60)
    assert way.types_got == ["held"]
    assert outgoing.outbox.entries == {}
    assert len(outgoing.outbox.kept) == 2


def test_one_receiver_that_fails_does_not_keep_another_from_hearing() -> None:
    """Each way has its own progress."""
    broken, well = FakeWay("broken"), FakeWay("well")
    broken.answer = lambda _: FAILED
    here, _ = archived(broken, well)
    here.notifies()
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.notifies()
    assert well.types_got == ["archived", "held"]
    assert broken.got == []


def test_a_receiver_that_says_gone_or_fails_for_days_is_disabled() -> None:
    """Then nothing is sent there, and the others go on."""
    gone, well = FakeWay("gone"), FakeWay("well")
    gone.answer = lambda _: Answer(Result.GONE, Code.ENDPOINT_GONE)
    here, outgoing = archived(gone, well)
    here.notifies()
    assert outgoing.outbox.ways["gone"].is_disabled
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    outgoing.restarts()
    here.notifies()
    assert len(gone.tried) == 1
    assert well.types_got == ["archived", "held"]
    assert outgoing.outbox.entries == {}


def test_a_receiver_that_is_down_is_not_tried_by_every_event() -> None:
    """After one failure the others wait half a minute, and their own tries are not used up."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED
    for number in range(20):
        name = f"rec-{number:04d}-other"
        outgoing.queue.send(NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=name)))
    here.notifies()
    assert len(way.tried) == 1


def test_a_receiver_that_recovers_is_noted_as_well() -> None:
    """And costs no row any more."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED if len(way.tried) <= 2 else Answer(Result.DELIVERED)
    goes_on(here, hours=2)
    assert outgoing.outbox.ways["crm"].failing_since is None
    written = outgoing.outbox.calls.count("save_health")
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.notifies()
    assert outgoing.outbox.calls.count("save_health") == written


def test_events_of_years_are_not_reported_when_somebody_begins_to_listen() -> None:
    """An archive that turns events on reports what happens from now on, and what happened in the last days."""
    here = world()
    here.holds(task())
    here.announces()
    here.runs(hours=1)
    here.fakes.clock.advance(days=400)
    outgoing = here.reports_to()
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.notifies()
    assert outgoing.ways[0].types_got == ["held"]


def test_nothing_personal_is_in_what_goes_out() -> None:
    """Numbers, participants, signatures and keys are planted in everything that comes in."""
    here, outgoing = archived()
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.notifies()
    for got in outgoing.ways[0].got:
        told = webhook_body(got, "https://x.example/api").decode() + json.dumps(cloud_event(got, ""))
        assert seen_in(told) == []
        assert "alice" not in told
        assert "because" not in told


def test_the_line_does_not_notice_that_nobody_can_be_told() -> None:
    """I14: queue, outbox and receivers fail for as long as they like; everything is archived, and told afterwards."""
    here = world()
    outgoing = here.reports_to()
    outgoing.queue.fail_next("send", StorageBusyError("down"), times=10_000)
    here.holds(task())
    here.announces()
    here.runs(hours=1)
    assert here.record().source_deleted_at is not None
    outgoing.queue.fails_no_more("send")
    notify_message(MESSAGE, here.ports)
    assert outgoing.ways[0].types_got == ["archived"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(16))
def test_a_worker_that_dies_at_any_call_loses_nothing(call: int, after: bool) -> None:
    """Every port call of notify is the last one of its worker, before and after its effect."""
    here, outgoing = archived()
    seen = 0

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal seen
        seen += 1
        return (WorkerDiedError(), after) if seen == call + 1 else (None, False)

    intercept(here, decide)
    here.notifies()
    leave_alone(here)
    outgoing.restarts()
    goes_on(here, hours=1)
    (way,) = outgoing.ways
    assert {event.type for event in way.got} == {EventType.ARCHIVED}
    assert len({event.id for event in way.got}) == 1
    assert len(way.got) <= 2
    assert outgoing.outbox.entries == {}


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_however_workers_die_and_storage_fails_every_event_arrives_in_the_end(data: Any) -> None:
    """Three chunks, a hold, a release, and a failure at any call of anything; at least once, with one id each."""
    here = world()
    way = FakeWay()
    outgoing = here.reports_to(way)
    chaos = [data.draw(st.integers(0, 11)) for _ in range(40)]

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        number = chaos.pop() if chaos else 11
        errors: list[Exception] = [StorageBusyError("busy"), WorkerDiedError()]
        return (errors[number % 2], number >= 2) if number < 4 else (None, False)

    for index in range(3):
        here.holds(task(index, document_id(index)))
        here.announces(event(chunk(index), id=f"event-{index}"))
    here.runs_due()
    here.follows_up()
    intercept(here, decide)
    here.notifies()
    for act in (place_hold, release_hold):
        for _ in range(50):
            try:
                act(RECORDING_ID, "case", "because", "alice", here.ports)
            except (StorageBusyError, WorkerDiedError):
                outgoing.restarts()
                continue
            except RequestError:  # it was released by the try whose answer was lost
                pass
            break
        here.fakes.clock.advance(seconds=1)
        here.notifies()
    leave_alone(here)
    notify_message(MESSAGE, here.ports)
    goes_on(here, hours=100)
    told = {event.id: event.type.value for event in way.got}
    assert sorted(told.values()) == ["archived", "archived", "archived", "held", "released"]
    assert outgoing.outbox.entries == {}


def test_two_workers_at_once_do_not_send_the_same_event_twice() -> None:
    """The claim is one conditional write: who comes second goes on later, when nothing is left."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    plain = way.answer

    def meanwhile(got: Any) -> Answer:
        way.answer = plain
        notify_message(MESSAGE, here.ports)
        return Answer(Result.DELIVERED)

    way.answer = meanwhile
    here.notifies()
    goes_on(here, hours=1)
    assert way.types_got == ["archived"]


@pytest.mark.parametrize("text", ["", "null", "{}", "[" * 10_000, '{"subject": {"kind": "other", "id": "x"}}'])
def test_a_message_that_is_none_sends_nothing(text: str) -> None:
    """Only the app writes to its queue."""
    here, outgoing = archived()
    notify_message(text, here.ports)
    assert outgoing.ways[0].got == []


def test_a_message_of_a_newer_version_waits_for_that_version() -> None:
    """During a rolling deployment another worker may be offered it."""
    here, outgoing = archived()
    outgoing.queue.sent.clear()
    text = MESSAGE.replace('"version":1', '"version":9')
    notify_message(text, here.ports)
    assert outgoing.queue.sent == [(text, here.now + timedelta(minutes=1))]


def test_a_way_that_is_disabled_stays_so_for_a_process_that_starts_anew() -> None:
    """The row says so, not the memory of one instance."""
    here, outgoing = archived()
    outgoing.outbox.ways["crm"] = WayHealth(way="crm", failing_since=here.now, disabled_at=here.now, etag='"x"')
    here.notifies()
    assert outgoing.ways[0].tried == []
