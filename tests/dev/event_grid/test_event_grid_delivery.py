"""What a subscriber receives, and what the log says about it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dev.event_grid import InvalidEventError
from tests.dev.event_grid.receiver import event, on_a_loop, receiver, world


@on_a_loop
async def test_a_webhook_gets_an_array_with_one_event_and_the_real_headers() -> None:
    """The shape every trigger and sample relies on."""
    async with world() as w:
        await w.subscribe(name="to-function")
        await w.publish(event())
        [got] = w.receiver.notifications
        assert got.content == [event()]
        assert {name.lower(): value for name, value in got.headers.items() if name.lower().startswith("aeg-")} == {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": "TO-FUNCTION",
            "aeg-delivery-count": "0",
            "aeg-data-version": "1.0",
            "aeg-metadata-version": "1",
        }
        assert got.headers["Content-Type"] == "application/json; charset=utf-8"
        assert int(got.headers["Content-Length"]) > 0


@on_a_loop
async def test_cloud_events_come_one_by_one_as_objects() -> None:
    """The same event in the other schema; its names differ, its data do not."""
    async with world() as w:
        await w.subscribe(schema="CloudEventSchemaV1_0")
        await w.publish(event())
        [got] = w.receiver.notifications
        assert got.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
        assert got.content == {
            "specversion": "1.0",
            "id": "1",
            "source": event()["topic"],
            "type": event()["eventType"],
            "subject": event()["subject"],
            "time": event()["eventTime"],
            "datacontenttype": "application/json",
            "data": event()["data"],
        }


@on_a_loop
async def test_each_subscription_gets_the_event_whatever_the_others_do() -> None:
    """Two independent paths into one app: the second must arrive although the first is down."""
    async with world() as w, receiver() as other:
        await w.subscribe()
        await w.subscribe(name="other", url=other.url)
        w.receiver.statuses.append(500)
        await w.publish(event())
        assert other.ids == ["1"]
        assert [(r.subscription, r.result, r.status) for r in w.grid.deliveries() if r.subscription == "main"] == [
            ("main", "failed", 500)
        ]
        assert [pending.subscription for pending in w.grid.pending()] == ["main"]


@on_a_loop
async def test_the_log_tells_who_got_what_when() -> None:
    """Tests and the demo print it."""
    async with world() as w:
        await w.subscribe()
        before = w.clock.now()
        await w.publish(event("a"))
        [record] = w.grid.deliveries()
        assert (record.subscription, record.event_id, record.attempt) == ("main", "a", 1)
        assert (record.result, record.outcome, record.status) == ("delivered", "Delivered", 200)
        assert before <= record.at <= w.clock.now()
        assert w.grid.pending() == ()


@on_a_loop
async def test_a_filter_lets_only_its_types_through() -> None:
    """The recording subscription must not be flooded with call events."""
    async with world() as w:
        await w.subscribe(included_event_types=frozenset({event()["eventType"]}))
        await w.publish(event("call", eventType="Microsoft.Communication.CallStarted"), event("recording"))
        assert w.receiver.ids == ["recording"]


@on_a_loop
async def test_later_changes_to_a_published_event_do_not_matter() -> None:
    """What was published is what is delivered, hours later too."""
    async with world() as w:
        await w.subscribe()
        published = event()
        w.grid.publish(published)
        published["data"].clear()
        await w.grid.settle()
        assert w.receiver.notifications[0].content == [event()]


@on_a_loop
async def test_topic_and_metadata_version_are_stamped_when_they_are_missing() -> None:
    """As Event Grid does it for custom topics."""
    async with world(topic="/providers/x/acs-2") as w:
        await w.subscribe()
        bare = {name: value for name, value in event().items() if name not in ("topic", "metadataVersion")}
        await w.publish(bare)
        [got] = w.receiver.notifications[0].content
        assert (got["topic"], got["metadataVersion"]) == ("/providers/x/acs-2", "1")


@pytest.mark.parametrize("broken", [{"id": ""}, {"eventType": None}, {"data": {1, 2}}])
@on_a_loop
async def test_what_the_service_would_refuse_is_refused(broken: dict[str, Any]) -> None:
    """A mistake in the simulator should show where it is made."""
    async with world() as w:
        await w.subscribe()
        with pytest.raises(InvalidEventError):
            w.grid.publish(event(**broken))


@on_a_loop
async def test_after_closing_nothing_is_taken_any_more() -> None:
    """A late event would otherwise vanish without a word; closing itself may happen twice."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.append(500)
        await w.publish(event())
        await w.grid.close()
        assert w.grid.pending() == ()
        with pytest.raises(RuntimeError, match="closed"):
            w.grid.publish(event())
        with pytest.raises(RuntimeError, match="closed"):
            await w.subscribe(name="late")


@on_a_loop
async def test_closing_right_after_the_clock_was_moved_ends_everything() -> None:
    """Both wake the same sleeper; on Python 3.11 a single cancellation was lost and closing took hours."""
    async with world() as w:
        await w.subscribe()
        w.receiver.statuses.append(500)
        await w.publish(event())
        w.clock.advance(timedelta(seconds=1))
        async with asyncio.timeout(5):
            await w.grid.close()
        assert w.grid.pending() == ()
