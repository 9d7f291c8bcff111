"""Faults that Event Grid's contract allows, on demand: the archive has to survive each of them."""

import pytest
from pydantic import ValidationError

from dev.event_grid import DeliveryPlan, InvalidEventError
from tests.dev.event_grid.receiver import NEVER, KeptDeadLetters, event, on_a_loop, receiver, world


@on_a_loop
async def test_duplicate_delivers_twice_and_then_as_usual() -> None:
    """At-least-once delivery: the commonest surprise. The plan ends after its count."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="duplicate"))
        await w.publish(event("a"), event("b"))
        assert sorted(w.receiver.ids) == ["a", "a", "b"]


@on_a_loop
async def test_a_duplicate_may_come_later_under_another_id() -> None:
    """Deduplicating by event id is not enough."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="duplicate", new_id=True, delay_seconds=600))
        await w.publish(event("a"))
        assert w.receiver.ids == ["a"]
        await w.let_pass(seconds=600)
        first, second = (got.content[0] for got in w.receiver.notifications)
        assert first["id"] != second["id"]
        assert first["data"] == second["data"]


@on_a_loop
async def test_reorder_holds_events_and_delivers_them_in_reverse() -> None:
    """Event Grid promises no order; the second waits until the first is answered, so the order is certain."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="reorder", count=3))
        await w.publish(event("a"), event("b"))
        assert w.receiver.ids == []
        assert [(pending.stage, pending.event_ids) for pending in w.grid.pending()] == [
            ("held", ("a",)),
            ("held", ("b",)),
        ]
        await w.publish(event("c"))
        assert w.receiver.ids == ["c", "b", "a"]


@on_a_loop
async def test_reordered_events_wait_for_the_answer_to_the_one_before() -> None:
    """Otherwise the order would be left to chance."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="reorder", count=2))
        w.receiver.statuses.append(NEVER)
        w.grid.publish(event("a"))
        w.grid.publish(event("b"))
        with pytest.raises(TimeoutError):
            await w.grid.settle(timeout=0.2)
        assert w.receiver.ids == ["b"]
        await w.let_pass(seconds=31)
        assert w.receiver.ids == ["b", "a"]


@on_a_loop
async def test_held_events_can_be_released_early() -> None:
    """A call may end with fewer chunks than a plan waits for."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="reorder", count=9))
        await w.publish(event("a"), event("b"))
        w.grid.release()
        await w.grid.settle()
        await w.publish(event("c"))
        assert w.receiver.ids == ["b", "a", "c"]
        w.grid.release()
        await w.grid.settle()
        assert len(w.receiver.ids) == 3


@on_a_loop
async def test_batch_delivers_several_events_in_one_array_with_a_foreign_one() -> None:
    """Output batching can be switched on by anybody with access to the subscription."""
    async with world() as w:
        await w.subscribe()
        foreign = event("foreign", eventType="Microsoft.Communication.CallStarted")
        w.grid.script(DeliveryPlan(fault="batch", count=2, foreign=foreign))
        w.receiver.statuses.append(500)
        await w.publish(event("a"), event("b"))
        await w.let_pass(seconds=10)
        assert [got.ids for got in w.receiver.notifications] == [["foreign", "a", "b"]] * 2
        assert [(r.event_id, r.result) for r in w.grid.deliveries()][:3] == [
            ("foreign", "failed"),
            ("a", "failed"),
            ("b", "failed"),
        ]


@on_a_loop
async def test_a_batch_of_cloud_events_is_an_array_with_its_own_content_type() -> None:
    """The batched mode of CloudEvents; a batch that is given up is one dead letter with all its events."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(schema="CloudEventSchemaV1_0", dead_letter=letters)
        w.grid.script(DeliveryPlan(fault="batch", count=2))
        w.receiver.statuses.append(400)
        await w.publish(event("a"), event("b"))
        [got] = w.receiver.notifications
        assert got.headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
        assert got.ids == ["a", "b"]
        await w.let_pass(minutes=5)
        assert [[letter["id"] for letter in document] for document in letters] == [["a", "b"]]


@on_a_loop
async def test_delay_delivers_late() -> None:
    """Minutes are normal; hours happen."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="delay", delay_seconds=7200))
        await w.publish(event())
        await w.let_pass(seconds=7190)
        assert w.receiver.ids == []
        await w.let_pass(seconds=10)
        assert w.receiver.ids == ["1"]


@on_a_loop
async def test_a_delay_beyond_the_time_to_live_never_arrives() -> None:
    """The event expires without an attempt, and says so."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(ttl_minutes=10, dead_letter=letters)
        w.grid.script(DeliveryPlan(fault="delay", delay_seconds=7200))
        await w.publish(event())
        await w.let_pass(minutes=10)
        await w.let_pass(minutes=5)
        [[letter]] = letters
        assert (letter["deadLetterReason"], letter["deliveryAttempts"]) == ("TimeToLiveExceeded", 0)
        assert "lastDeliveryAttemptTime" not in letter


@on_a_loop
async def test_drop_loses_the_event_and_the_log_knows() -> None:
    """The event that never comes: only reconciling finds the recording."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="drop"))
        await w.publish(event("a"), event("b"))
        assert w.receiver.ids == ["b"]
        assert w.results()[0] == "dropped scripted 0"


@on_a_loop
async def test_probation_dead_letters_without_an_attempt() -> None:
    """After failures Event Grid may not even try."""
    letters = KeptDeadLetters()
    async with world() as w:
        await w.subscribe(dead_letter=letters)
        w.grid.script(DeliveryPlan(fault="probation"))
        await w.publish(event())
        await w.let_pass(minutes=5)
        [[letter]] = letters
        assert (letter["lastDeliveryOutcome"], letter["deliveryAttempts"]) == ("Probation", 0)
        assert w.receiver.ids == []


@on_a_loop
async def test_a_plan_may_be_for_one_subscription_only() -> None:
    """One path fails, the other one delivers: the reason for having two."""
    async with world() as w, receiver() as other:
        await w.subscribe()
        await w.subscribe(name="other", url=other.url)
        w.grid.script(DeliveryPlan(fault="drop", subscription="main"))
        await w.publish(event())
        assert (w.receiver.ids, other.ids) == ([], ["1"])


@on_a_loop
async def test_plans_run_one_after_the_other() -> None:
    """A script, not a set."""
    async with world() as w:
        await w.subscribe()
        w.grid.script(DeliveryPlan(fault="drop", count=2))
        w.grid.script(DeliveryPlan(fault="duplicate"))
        await w.publish(event("a"), event("b"), event("c"), event("d"))
        assert sorted(w.receiver.ids) == ["c", "c", "d"]


@on_a_loop
async def test_a_plan_that_cannot_work_is_refused() -> None:
    """A scenario with a mistyped fault would prove nothing."""
    async with world() as w:
        with pytest.raises(LookupError):
            w.grid.script(DeliveryPlan(fault="drop"))
        await w.subscribe()
        with pytest.raises(LookupError, match="nobody"):
            w.grid.script(DeliveryPlan(fault="drop", subscription="nobody"))
        with pytest.raises(InvalidEventError):
            w.grid.script(DeliveryPlan(fault="batch", foreign={"id": "x"}))
        with pytest.raises(ValidationError):
            DeliveryPlan.model_validate({"fault": "dorp"})


@pytest.mark.parametrize("name", ["delaySeconds", "delay_seconds"])
def test_a_plan_is_written_as_all_other_bodies_are(name: str) -> None:
    """camelCase, as the page says; the older spelling is still read."""
    plan = DeliveryPlan.model_validate({"fault": "delay", name: 7})
    assert plan.delay_seconds == 7
    assert plan.model_dump(by_alias=True)["delaySeconds"] == 7
