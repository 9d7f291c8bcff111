"""Catching up, replay and the operator's view: what was lost is found again."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import FAKE_CLOCK_START as NOW
from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.world import world
from recording.domain.model import with_changes
from recording.domain.outgoing.delivery import Result, WayHealth
from recording.domain.outgoing.events import EventType, Subject
from recording.domain.state.quarantine import Origin
from recording.domain.watched.attention import Attention
from recording.errors import RequestError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ingest import ingest_text
from recording.library.keep.holds import place_hold, release_hold
from recording.library.notify.catch_up import catch_up
from recording.library.notify.operate import Asked, Replayed, enable, replay
from recording.operate.attention import needs_attention
from recording.ports.outgoing import Answer
from tests.unit.library.notify.outgoing_world import archived

FAILED = Answer(Result.FAILED, Code.ENDPOINT_REFUSED)
LATER = timedelta(minutes=15)


def test_an_event_whose_message_was_lost_is_found_by_its_missing_mark() -> None:
    """The catalog says that the chunk is archived, and no mark says that it was reported."""
    here, outgoing = archived()
    outgoing.queue.sent.clear()
    assert catch_up(here.ports) == 0  # not yet: its message may be on its way
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    assert catch_up(here.ports) == 1
    here.notifies()
    assert outgoing.ways[0].types_got == ["archived"]
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    assert catch_up(here.ports) == 0


def test_a_lost_row_of_the_outbox_is_written_again_with_the_same_id() -> None:
    """The whole table may be lost: what happened is in the records."""
    here, outgoing = archived()
    here.notifies()
    (first,) = outgoing.ways[0].got
    outgoing.outbox.entries.clear()
    outgoing.outbox.lists.clear()
    outgoing.outbox.kept.clear()
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    catch_up(here.ports)
    here.notifies()
    assert [event.id for event in outgoing.ways[0].got] == [first.id, first.id]


def test_an_entry_that_waits_and_has_no_message_is_sent_for_again() -> None:
    """A worker wrote it and died, or the message expired during a long outage."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED
    here.notifies()
    outgoing.queue.sent.clear()
    way.answer = lambda _: Answer(Result.DELIVERED)
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    assert catch_up(here.ports) == 1
    here.notifies()
    assert way.types_got == ["archived"]


def test_a_hold_whose_announcements_were_both_lost_is_found() -> None:
    """The queue was down while an operator held a recording: the hold is in force, and reported later."""
    here, outgoing = archived()
    here.notifies()
    outgoing.queue.fail_next("send", StorageBusyError("down"), times=2)
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    assert catch_up(here.ports) == 1
    here.notifies()
    assert outgoing.ways[0].types_got == ["archived", "held"]


def test_one_part_that_fails_does_not_keep_the_others_from_running() -> None:
    """And the run ends with the failure, so that it is seen."""
    here, outgoing = archived()
    outgoing.queue.sent.clear()
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    outgoing.outbox.fail_next("waiting", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        catch_up(here.ports)
    here.notifies()
    assert outgoing.ways[0].types_got == ["archived"]


def test_the_history_is_kept_for_thirty_days() -> None:
    """What is older costs nothing any more."""
    here, outgoing = archived()
    here.notifies()
    here.fakes.clock.advance(days=29)
    catch_up(here.ports)
    assert len(outgoing.outbox.kept) == 1
    here.fakes.clock.advance(days=2)
    catch_up(here.ports)
    assert outgoing.outbox.kept == {}


def test_without_receivers_the_timer_looks_at_nothing() -> None:
    """Off costs nothing: not one call of the catalog."""
    here = world()
    before = list(here.fakes.catalog.calls)
    assert catch_up(here.ports) == 0
    assert here.fakes.catalog.calls == before


def test_a_replay_sends_the_events_of_a_time_again_to_whom_it_is_for() -> None:
    """Under their ids, by type and by receiver."""
    crm, siem = FakeWay("crm"), FakeWay("siem")
    here, _ = archived(crm, siem)
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.fakes.clock.advance(seconds=1)
    release_hold(RECORDING_ID, "case", "over", "alice", here.ports)
    here.notifies()
    ids = [event.id for event in crm.got]
    done = replay(Asked(NOW, here.now, [EventType.HELD, EventType.RELEASED], ["crm"]), here.ports)
    assert done == Replayed(events=2, subjects=1)
    here.notifies()
    assert [event.id for event in crm.got] == [*ids, *ids[1:]]
    assert len(siem.got) == 3
    assert replay(Asked(NOW - timedelta(days=2), NOW - timedelta(days=1)), here.ports) == Replayed()
    with pytest.raises(RequestError):
        replay(Asked(NOW, here.now, only=["other"]), here.ports)


def test_a_disabled_receiver_is_enabled_by_name_and_gets_what_it_missed_by_a_replay() -> None:
    """The way back after an outage of a week."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    outgoing.outbox.ways["crm"] = WayHealth(way="crm", failing_since=NOW, disabled_at=NOW, given_up=3, etag='"x"')
    here.notifies()
    assert way.got == []
    assert not enable("crm", here.ports).is_disabled
    assert enable("crm", here.ports).given_up == 3
    replay(Asked(NOW - timedelta(days=1), here.now), here.ports)
    here.notifies()
    assert way.types_got == ["archived"]
    with pytest.raises(RequestError):
        enable("other", here.ports)


def test_a_receiver_that_fails_for_long_needs_attention_until_it_is_over() -> None:
    """In the same list as everything else that an operator looks at."""
    here, outgoing = archived()
    (way,) = outgoing.ways
    way.answer = lambda _: FAILED

    def kinds() -> list[Attention]:
        return [item.kind for item in needs_attention(here.ports, here.settings).items]

    here.notifies()
    assert Attention.ENDPOINT not in kinds()
    here.fakes.clock.advance(hours=2)
    assert Attention.ENDPOINT in kinds()
    way.answer = lambda _: Answer(Result.DELIVERED)
    here.notifies()
    assert Attention.ENDPOINT not in kinds()


def test_our_own_events_that_come_back_end_there() -> None:
    """A subscription that points at our own function makes no loop: nothing is kept, and nothing is announced."""
    here, outgoing = archived()
    here.notifies()
    sent = len(outgoing.queue.sent)
    text = (
        '{"specversion": "1.0", "id": "x", "source": "https://x/api", "type": "recording_archive.archived.v1",'
        ' "subject": "recordings/rec-1", "time": "2026-01-01T00:00:00Z", "data": {"recordingId": "rec-1"}}'
    )
    for came_from in (Origin.EVENT_GRID, Origin.EVENT_QUEUE, Origin.DEAD_LETTER):
        ingest_text(text, came_from, here.ports, here.settings)
    assert here.fakes.quarantine.kept == {}
    assert len(outgoing.queue.sent) == sent


@pytest.mark.parametrize("bad", [1, 30, 250])
def test_recordings_whose_marks_cannot_be_read_keep_no_other(bad: int) -> None:
    """Their alarms stay, so they would come before all others in each run."""
    here, outgoing = archived()
    outgoing.queue.sent.clear()
    here.fakes.clock.advance(seconds=LATER.total_seconds())
    known = here.fakes.catalog.recordings[RECORDING_ID]
    for number in range(bad):
        name = f"{number:03}-bad"
        here.fakes.catalog.add_recording(
            with_changes(known, {"recording_id": name, "stands": "missing", "missing_since": NOW})
        )
    plain = outgoing.outbox.marks

    def refused(subject: Subject) -> object:
        if subject.id.endswith("bad"):
            raise StorageError("this partition is refused")
        return plain(subject)

    object.__setattr__(outgoing.outbox, "marks", refused)
    for _ in range(12):
        with pytest.raises(StorageError):
            catch_up(here.ports)
        here.fakes.clock.advance(minutes=6)
    assert RECORDING_ID in str(outgoing.queue.sent)
