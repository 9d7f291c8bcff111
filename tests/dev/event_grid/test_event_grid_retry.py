"""Deliveries that fail: tried again on the schedule, then dead-lettered or dropped."""

import re
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from dev.event_grid import DeadLettersMissingError, DeadLettersUnavailableError
from tests.dev.event_grid.receiver import NEVER, KeptDeadLetters, event, on_a_loop, receiver, world


@on_a_loop
async def test_a_failed_delivery_is_tried_again_on_the_schedule() -> None:
    """Ten seconds, half a minute, a minute: not sooner, and with a count that grows."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.extend([500, 500, 500])
        await w.publish(event())
        for wait, attempts_before in ((10, 1), (30, 2), (60, 3)):
            await w.let_pass(seconds=wait - 5)
            assert len(w.receiver.notifications) == attempts_before
            await w.let_pass(seconds=5)
        assert [got.headers["aeg-delivery-count"] for got in w.receiver.notifications] == ["0", "1", "2", "3"]
        assert w.results()[-1] == "delivered Delivered 4"
        assert w.grid.pending() == ()


@on_a_loop
async def test_no_answer_for_30_seconds_is_a_failure_and_the_event_comes_again() -> None:
    """A slow ingest sees its event twice although it worked."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.append(NEVER)
        w.grid.publish(event())
        while not w.receiver.notifications:
            await w.clock.sleep(0.005)
        assert w.grid.pending()[0].stage == "sending"
        w.clock.advance(timedelta(seconds=31))
        await w.grid.settle(timeout=10)
        await w.let_pass(seconds=10)
        assert w.results() == ["failed TimedOut 1", "delivered Delivered 2"]
        assert w.receiver.ids == ["1", "1"]


@on_a_loop
async def test_a_subscriber_that_is_down_is_tried_again() -> None:
    """A restart of the host must not cost an event."""
    async with world() as w:
        async with receiver() as gone:
            await w.subscribe(url=gone.url)
        await w.publish(event())
        assert w.results() == ["failed SocketError 1"]
        [waiting] = w.grid.pending()
        assert (waiting.stage, waiting.attempts, waiting.event_ids) == ("waiting", 1, ("1",))
        assert waiting.due is not None
        assert timedelta(seconds=5) < waiting.due - w.clock.now() <= timedelta(seconds=10)


@on_a_loop
async def test_a_redirect_is_not_followed() -> None:
    """It is a failure like any other; an app that answers 307 to its own webhook gets nothing."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.append(307)
        await w.publish(event())
        assert w.results() == ["failed GenericError 1"]


@on_a_loop
async def test_a_refused_event_is_dropped_without_a_dead_letter_place() -> None:
    """What the real service does on 400: no second attempt, no trace but a metric."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.append(400)
        await w.publish(event())
        await w.let_pass(hours=25)
        assert w.results() == ["failed BadRequest 1", "dropped UndeliverableDueToHttpBadRequest 1"]
        assert w.grid.pending() == ()


@on_a_loop
async def test_a_function_that_answers_401_is_tried_again_after_five_minutes() -> None:
    """The rule for Azure resources; a plain webhook would lose the event."""
    async with world() as w:
        await w.subscribe(endpoint_type="AzureFunction")
        w.receiver.statuses.append(401)
        await w.publish(event())
        await w.let_pass(seconds=295)
        assert len(w.receiver.notifications) == 1
        await w.let_pass(seconds=6)
        assert w.results()[-1] == "delivered Delivered 2"


@on_a_loop
async def test_a_refused_event_is_dead_lettered_five_minutes_later() -> None:
    """The delay eats into the 24 hours, so the archive has to count on it."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(name="to-function", dead_letter=letters)
        w.receiver.statuses.append(413)
        await w.publish(event())
        await w.let_pass(minutes=4, seconds=55)
        assert list(letters) == []
        await w.let_pass(seconds=6)
        [[letter]] = letters
        assert letter["deadLetterReason"] == "UndeliverableDueToHttpPayloadTooLarge"
        assert (letter["deliveryAttempts"], letter["lastDeliveryOutcome"]) == (1, "PayloadTooLarge")
        assert letter["lastHttpStatusCode"] == 413
        assert letter["publishTime"] <= letter["lastDeliveryAttemptTime"]
        assert {name: letter[name] for name in event()} == event()
        assert w.results()[-1] == "dead-lettered UndeliverableDueToHttpPayloadTooLarge 1"


@on_a_loop
async def test_dead_letters_have_the_name_of_the_real_ones() -> None:
    """The sweep finds them by prefix; days and hours have no leading zeros."""
    letters = KeptDeadLetters()
    async with world(topic="/subscriptions/s/communicationservices/acs-1") as w:
        w.clock.advance(datetime(2030, 2, 3, 4, 5, tzinfo=UTC) - w.clock.now())
        await w.subscribe(name="to-function", dead_letter=letters)
        w.receiver.statuses.append(400)
        await w.publish(event())
        await w.let_pass(minutes=5)
        [name] = letters.kept
        assert re.fullmatch(r"acs-1/TO-FUNCTION/2030/2/3/4/[0-9a-f-]{36}\.json", name)


@on_a_loop
async def test_dead_letters_of_cloud_events_have_lower_case_names() -> None:
    """Extension attributes allow nothing else."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(schema="CloudEventSchemaV1_0", dead_letter=letters)
        w.receiver.statuses.append(400)
        await w.publish(event())
        await w.let_pass(minutes=5)
        [[letter]] = letters
        assert (letter["deadletterreason"], letter["deliveryattempts"]) == ("UndeliverableDueToHttpBadRequest", 1)
        assert (letter["specversion"], letter["data"]) == ("1.0", event()["data"])


@on_a_loop
async def test_attempts_are_limited() -> None:
    """Whichever limit is reached first ends it; here the number of attempts."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(max_attempts=2, dead_letter=letters)
        w.receiver.statuses.extend([500] * 9)
        await w.publish(event())
        await w.let_pass(seconds=10)
        await w.let_pass(minutes=5)
        [[letter]] = letters
        assert (letter["deadLetterReason"], letter["deliveryAttempts"]) == ("MaxDeliveryAttemptsExceeded", 2)
        assert len(w.receiver.notifications) == 2


@on_a_loop
async def test_time_to_live_is_limited() -> None:
    """The event ends when its time is over, not at the next attempt."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(ttl_minutes=1, dead_letter=letters)
        w.receiver.statuses.extend([500] * 9)
        await w.publish(event())
        await w.let_pass(seconds=10)
        await w.let_pass(seconds=30)
        await w.let_pass(seconds=21)  # the third retry would be due at 100 seconds
        assert w.grid.pending()[0].stage == "dead-lettering"
        await w.let_pass(minutes=5)
        [[letter]] = letters
        assert (letter["deadLetterReason"], letter["deliveryAttempts"]) == ("TimeToLiveExceeded", 3)


@on_a_loop
async def test_an_unavailable_dead_letter_place_is_tried_again() -> None:
    """A storage outage of minutes is survived."""
    letters = KeptDeadLetters(deque([DeadLettersUnavailableError(), DeadLettersUnavailableError()]))
    async with world() as w:
        await w.subscribe(dead_letter=letters)
        w.receiver.statuses.append(400)
        await w.publish(event())
        for _ in range(3):
            assert list(letters) == []
            await w.let_pass(minutes=5)
        assert len(letters.kept) == 1


@on_a_loop
async def test_after_four_hours_without_a_dead_letter_place_the_event_is_dropped() -> None:
    """The one way in which an event with a dead-letter place is lost all the same."""
    letters = KeptDeadLetters(deque(DeadLettersUnavailableError() for _ in range(100)))
    async with world() as w:
        await w.subscribe(dead_letter=letters)
        w.receiver.statuses.append(400)
        await w.publish(event())
        for _ in range(60):
            await w.let_pass(minutes=5)
        assert w.results()[-1] == "dropped DeadLettersUnavailable 1"
        assert w.grid.pending() == ()


@on_a_loop
async def test_a_missing_dead_letter_place_drops_the_event_at_once() -> None:
    """A container that nobody created is a silent loss in Azure."""
    async with world() as w:
        await w.subscribe(dead_letter=KeptDeadLetters(deque([DeadLettersMissingError()])))
        w.receiver.statuses.append(400)
        await w.publish(event())
        await w.let_pass(minutes=5)
        assert w.results()[-1] == "dropped DeadLettersMissing 1"


@on_a_loop
async def test_a_broken_sink_is_heard_of() -> None:
    """A fault in the local world must not look like a lost event."""
    async with world() as w:
        await w.subscribe(dead_letter=KeptDeadLetters(deque([KeyError("bug")])))
        w.receiver.statuses.append(400)
        await w.publish(event())
        with pytest.raises(ExceptionGroup, match="deliveries broke"):
            await w.let_pass(minutes=5)


@on_a_loop
async def test_jitter_only_lengthens_waits_and_is_the_same_for_the_same_seed() -> None:
    """The real service adds a little chance; a test that fails must fail again."""
    dues = []
    for _ in range(2):
        async with world(jitter_seed=7) as w:
            await w.subscribe()
            w.receiver.statuses.append(500)
            await w.publish(event())
            due = w.grid.pending()[0].due
            assert due is not None
            dues.append((due - w.grid.deliveries()[0].at).total_seconds())
    assert dues[0] == pytest.approx(dues[1], abs=0.05)
    assert 10.05 < dues[0] < 11.05


@on_a_loop
async def test_settle_has_a_limit() -> None:
    """A subscriber that hangs must not hang the test."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.append(NEVER)
        w.grid.publish(event())
        with pytest.raises(TimeoutError):
            await w.grid.settle(timeout=0.05)
