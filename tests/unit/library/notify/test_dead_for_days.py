"""A receiver that is dead for days: nothing goes out unasked, and a replay brings all of it in order."""

from dev.in_memory.builders import RECORDING_ID
from recording.domain.outgoing.delivery import Result
from recording.errors.codes import Code
from recording.library.keep.holds import place_hold
from recording.library.notify.catch_up import catch_up
from recording.library.notify.operate import Asked, enable, replay
from recording.ports.outgoing import Answer
from tests.unit.library.notify.outgoing_world import archived
from tests.unit.library.notify.test_send import goes_on

DAYS = 8


def test_a_receiver_that_was_dead_for_days_hears_all_of_it_once_and_in_order() -> None:
    """A new event each day; the process restarts, the timer runs; then it answers, and an operator replays."""
    here, outgoing = archived()
    began, (way,) = here.now, outgoing.ways
    way.answer = lambda _: Answer(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
    for day in range(DAYS):
        place_hold(RECORDING_ID, f"case-{day}", "because", "alice", here.ports)
        goes_on(here, hours=24)
        outgoing.restarts()
        catch_up(here.ports)
    assert outgoing.outbox.ways["crm"].is_disabled
    way.answer = lambda _: Answer(Result.DELIVERED)
    tried = len(way.tried)
    goes_on(here, hours=48)
    catch_up(here.ports)
    goes_on(here, hours=1)
    assert (way.got, len(way.tried), outgoing.outbox.entries) == ([], tried, {})
    enable("crm", here.ports)
    found = replay(Asked(since=began, until=here.now), here.ports)
    goes_on(here, hours=1)
    assert found.events == len(way.got) == DAYS + 1
    assert way.types_got == ["archived", *["held"] * DAYS]
    assert [event.sequence for event in way.got] == sorted(event.sequence for event in way.got)
    assert outgoing.outbox.entries == {}
