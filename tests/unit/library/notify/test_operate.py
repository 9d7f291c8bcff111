"""What once went wrong with an event, each as its kind: claims, what a process believes, replays, lost messages."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, task
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.world import World, world
from recording.domain.outgoing.delivery import CLAIM, DEAD_AFTER, LONGEST_REST, REST, Result, WayHealth
from recording.domain.outgoing.events import EventType, HoldData, OutgoingEvent, Subject, SubjectKind, event_of
from recording.domain.outgoing.message import NotifyTask
from recording.errors import RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.library.handover.export import export_message, request_export
from recording.library.keep.holds import place_hold
from recording.library.notify.catch_up import catch_up
from recording.library.notify.operate import Asked, Replayed, replay
from recording.library.notify.send import notify_message
from recording.ports.outgoing import Answer
from tests.unit.library.notify.outgoing_world import archived

FAILED = Answer(Result.FAILED, Code.ENDPOINT_REFUSED)
DELIVERED = Answer(Result.DELIVERED)
MESSAGE = NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)).as_message()
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def later(here: World, length: timedelta) -> None:
    here.fakes.clock.advance(seconds=length.total_seconds())


def holds(here: World, case: str) -> None:
    place_hold(RECORDING_ID, case, "because", "alice", here.ports)


def again(here: World, **chosen: Any) -> Replayed:
    return replay(Asked(here.now - DAY, here.now, **chosen), here.ports)


# --- claims ----------------------------------------------------------------------------------------------------------


def test_many_slow_receivers_do_not_outlast_the_claim() -> None:
    """Each takes most of its time: without a fresh claim another worker would begin, and send to all of them again."""
    ways = [FakeWay(f"slow-{number:02d}") for number in range(12)]
    here, _ = archived(*ways)

    def slowly(event: OutgoingEvent) -> Answer:
        later(here, timedelta(seconds=20))
        notify_message(MESSAGE, here.ports)  # another worker is handed the same subject meanwhile
        return DELIVERED

    for way in ways:
        way.answer = slowly
    here.notifies()
    later(here, CLAIM * 2)
    here.notifies()
    assert [way.types_got for way in ways] == [["archived"]] * 12


def test_what_waits_behind_a_failing_receiver_costs_no_write() -> None:
    """A backlog is looked at whenever its time comes; only what is tried is claimed and saved."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED
    for number in range(10):
        holds(here, f"case-{number}")
        later(here, timedelta(milliseconds=5))
    here.notifies()
    saved = outgoing.outbox.calls.count("save")
    notify_message(MESSAGE, here.ports)
    assert outgoing.outbox.calls.count("save") == saved
    assert len(outgoing.outbox.entries) == 11


def test_an_event_that_is_replayed_while_it_is_sent_is_sent_again() -> None:
    """Whoever asks at this very moment is not told that it is done and then forgotten."""
    here, outgoing = archived()
    (way,) = outgoing.ways

    def meanwhile(event: OutgoingEvent) -> Answer:
        way.answer = lambda _: DELIVERED
        assert again(here).events == 1
        return DELIVERED

    way.answer = meanwhile
    here.notifies()
    later(here, CLAIM * 2)
    here.notifies()
    assert way.types_got == ["archived", "archived"]
    assert outgoing.outbox.entries == {}


# --- what a process believes -----------------------------------------------------------------------------------------


def test_two_single_failures_five_days_apart_disable_nobody() -> None:
    """One instance noted the first and is gone; another one has delivered ever since, and never looked."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    here.notifies()  # this instance knows that all is well
    first = WayHealth(way="crm", failing_since=here.now, failed_at=here.now, code=FAILED.code, etag='"other"')
    outgoing.outbox.ways["crm"] = first
    for number in range(6):
        later(here, DAY)
        holds(here, f"case-{number}")
        here.notifies()
    assert len(way.got) == 7
    assert outgoing.outbox.ways["crm"].failing_since is None
    way.answer = lambda _: FAILED
    holds(here, "last")
    here.notifies()
    assert not outgoing.outbox.ways["crm"].is_disabled


def test_what_another_instance_disabled_is_sent_to_for_a_minute_at_most() -> None:
    """410 is an answer for all instances."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    here.notifies()
    outgoing.outbox.ways["crm"] = WayHealth(way="crm", failing_since=here.now, disabled_at=here.now, etag='"other"')
    later(here, timedelta(seconds=61))
    holds(here, "case")
    here.notifies()
    assert way.types_got == ["archived"]


def test_the_longer_a_receiver_fails_the_longer_it_is_left_alone() -> None:
    """A backlog of thousands would ask for days, every half minute, beside the line."""
    start = world().now
    health = WayHealth(way="crm", failing_since=start, failed_at=start)
    rests = []
    for hours in (0, 1, 2, 3, 100):
        rests.append(health.model_copy(update={"failed_at": start + timedelta(hours=hours)}).rest)
    assert rests == [REST, timedelta(minutes=3), timedelta(minutes=6), timedelta(minutes=9), LONGEST_REST]
    assert LONGEST_REST < DEAD_AFTER


# --- replays ---------------------------------------------------------------------------------------------------------


def test_a_replay_reaches_a_receiver_also_while_the_event_waits_for_another_one() -> None:
    """The entry is there already, and says that this one has delivered it."""
    crm, siem = FakeWay("crm"), FakeWay("siem")
    siem.answer = lambda _: FAILED
    here, outgoing = archived(crm, siem)
    here.notifies()
    assert crm.types_got == ["archived"]
    assert again(here, only=["crm"]).events == 1
    here.notifies()
    assert crm.types_got == ["archived", "archived"]
    siem.answer = lambda _: DELIVERED
    later(here, timedelta(minutes=10))
    here.notifies()
    assert siem.types_got == ["archived"]
    assert outgoing.outbox.entries == {}


def test_two_replays_for_two_receivers_reach_both() -> None:
    """The second one widens what the first one asked for."""
    crm, siem, bi = FakeWay("crm"), FakeWay("siem"), FakeWay("bi")
    here, outgoing = archived(crm, siem, bi)
    here.notifies()
    outgoing.queue.sent.clear()
    again(here, only=["crm"])
    again(here, only=["siem"])
    here.notifies()
    assert [len(way.got) for way in (crm, siem, bi)] == [2, 2, 1]
    again(here, only=["bi"])
    again(here)
    here.notifies()
    assert [len(way.got) for way in (crm, siem, bi)] == [3, 3, 2]


def test_a_replay_to_a_receiver_that_is_disabled_says_so() -> None:
    """Nothing is counted as sent that nobody is sent."""
    crm, siem = FakeWay("crm"), FakeWay("siem")
    here, outgoing = archived(crm, siem)
    here.notifies()
    outgoing.outbox.ways["crm"] = WayHealth(way="crm", failing_since=here.now, disabled_at=here.now, etag='"x"')
    outgoing.restarts()
    with pytest.raises(RequestError) as refused:
        again(here, only=["crm"])
    assert refused.value.code is Code.ENDPOINT_DISABLED
    assert again(here) == Replayed(events=1, subjects=1, left_out=("crm",))
    here.notifies()
    assert (len(crm.got), len(siem.got)) == (1, 2)


def test_a_replay_is_chosen_by_recording_and_goes_on_where_it_stopped() -> None:
    """So many in one go; those of one moment are never torn apart."""
    here, outgoing = archived()
    for number in range(4):
        later(here, timedelta(seconds=1))
        holds(here, f"case-{number}")
        holds(here, f"twin-{number}")
    here.notifies()
    (way,) = outgoing.ways
    told = len(way.got)
    assert told == 9
    assert again(here, recording_id="another").events == 0
    assert again(here, recording_id=RECORDING_ID).events == told
    here.notifies()
    since, seen, goes = here.now - DAY, 0, 0
    while True:
        done = replay(Asked(since, here.now, most=3), here.ports)
        seen, goes = seen + done.events, goes + 1
        if done.next is None:
            break
        assert done.next > since
        since = done.next
    assert (seen, goes) == (told, 3)


def at(moment: datetime, name: str) -> OutgoingEvent:
    """Return an event of this moment; the history has those of one millisecond in the order of their ids."""
    subject = Subject(kind=SubjectKind.RECORDING, id=RECORDING_ID)
    data = HoldData(recording_id=RECORDING_ID, holds=1)
    return event_of(EventType.HELD, subject, moment, data).model_copy(update={"id": name * 32})


@pytest.mark.parametrize("limit", ["most", "most_read"])
@pytest.mark.parametrize("many", [1, 2, 3, 5])
def test_a_replay_that_goes_on_leaves_out_no_event_of_a_millisecond(limit: str, many: int) -> None:
    """Their order within it is not that of their times, and where the next call begins was one of those times."""
    here, outgoing = archived()
    outgoing.outbox.kept.clear()
    first = here.now
    for milliseconds in (0, 1, 2):
        for number, name in enumerate("abc"):
            moment = first + timedelta(milliseconds=milliseconds, microseconds=900 - 400 * number)
            outgoing.outbox.keep(at(moment, f"{name}{milliseconds}"[:2]))
    since, sent, calls = first - DAY, 0, 0
    chosen: dict[str, Any] = {limit: many}
    while calls < 20:
        done = replay(Asked(since, here.now + MINUTE, **chosen), here.ports)
        calls, sent = calls + 1, sent + done.events
        if done.next is None:
            break
        assert done.next > since
        since = done.next
    assert sent == 9
    assert len(outgoing.outbox.entries) == 9


def test_a_replay_of_little_among_much_ends_in_time_and_goes_on() -> None:
    """A week of a large archive has millions of rows, and the caller waits for the answer."""
    here, outgoing = archived()
    for number in range(50):
        outgoing.outbox.keep(at(here.now + timedelta(seconds=number), f"{number:02d}"[::-1]))
    later(here, timedelta(hours=1))
    asked = Asked(here.now - DAY, here.now, only=["crm"], recording_id="another", most_read=10)
    done = replay(asked, here.ports)
    assert (done.events, done.next is not None) == (0, True)


# --- what was lost ---------------------------------------------------------------------------------------------------


def _exported(here: World, outgoing: FakeOutgoing) -> None:
    """Let an export be finished while the queue of events takes nothing."""
    made = request_export({"recordings": [RECORDING_ID]}, "alice", here.ports, here.settings)
    outgoing.queue.fail_next("send", StorageBusyError("down"), times=10)
    for _ in range(5):
        export_message(f'{{"exportId": "{made["exportId"]}"}}', here.ports, here.settings)
    outgoing.queue.fails_no_more("send")


def test_an_export_whose_announcements_were_lost_is_found_within_the_hour() -> None:
    """Its record says that it is done; all of the bundles are listed once an hour and no oftener."""
    here, outgoing = archived()
    here.notifies()
    catch_up(here.ports)
    _exported(here, outgoing)
    listed = here.fakes.bundles.calls.count("list")
    later(here, timedelta(minutes=30))
    assert catch_up(here.ports) == 0
    assert here.fakes.bundles.calls.count("list") == listed
    later(here, timedelta(minutes=31))
    assert catch_up(here.ports) == 1
    here.notifies()
    assert outgoing.ways[0].types_got == ["archived", "exported"]


def test_a_look_at_the_window_reads_each_row_once() -> None:
    """The page has the rows: nothing asks for them one by one."""
    here, _ = archived()
    here.notifies()
    here.fakes.catalog.calls.clear()
    catch_up(here.ports)
    assert here.fakes.catalog.calls.count("get_recording") == 0
    assert here.fakes.catalog.calls.count("recordings_page") == 1


def test_a_chunk_that_is_at_risk_a_second_time_is_told_a_second_time() -> None:
    """It was put back to work by a person and is in danger again: that is another alarm, with another id."""
    here = world()
    outgoing = here.reports_to()
    here.announces()
    (way,) = outgoing.ways
    for redrives in range(2):
        record = here.record()
        changes = {"redrives": redrives, "at_risk_since": here.now, "last_error": Code.SOURCE_BUSY}
        here.fakes.catalog.save_chunk(record.model_copy(update=changes))
        notify_message(MESSAGE, here.ports)
        later(here, timedelta(seconds=1))
    assert way.types_got == ["at_risk", "at_risk"]
    assert len({event.id for event in way.got}) == 2


def test_a_backlog_is_logged_with_the_age_of_what_is_overdue(caplog: pytest.LogCaptureFixture) -> None:
    """The alerts on queues read it; what waits for its time, behind a receiver that fails, is not overdue."""
    here, outgoing = archived()
    outgoing.ways[0].answer = lambda _: FAILED
    here.notifies()

    def seen() -> tuple[int, float]:
        caplog.clear()
        with caplog.at_level("INFO", "recording"):
            catch_up(here.ports)
        facts = [vars(record) for record in caplog.records if vars(record).get("event") == "recording.queue.seen"]
        (one,) = [fact for fact in facts if fact["queue"] == "outbox"]
        return one["count"], one["age_seconds"]

    assert seen() == (1, 0.0)
    outgoing.queue.sent.clear()
    later(here, timedelta(hours=5))
    count, age = seen()
    assert count == 1
    assert 4 * 3600 < age <= 5 * 3600


def test_an_event_that_happened_long_ago_and_was_written_just_now_is_not_overdue() -> None:
    """Its age is that of the entry: an outage that was caught up with is no backlog."""
    here = world()
    here.holds(task())
    here.announces()
    here.runs(hours=1)
    later(here, timedelta(days=3))
    outgoing = here.reports_to()
    outgoing.ways[0].answer = lambda _: FAILED
    later(here, timedelta(minutes=15))
    assert catch_up(here.ports) == 1
    here.notifies()
    outgoing.queue.sent.clear()
    assert catch_up(here.ports) == 0
    assert outgoing.ways[0].tried[0][0] == next(iter(outgoing.outbox.kept.values())).id
    assert {event.type for event in outgoing.outbox.kept.values()} == {EventType.ARCHIVED}
