"""Custom topics, held against Microsoft's own client: filters, retries by the schedule, dead letters, refusals."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from dev.event_grid import SubscriptionRefusedError, WebhookSubscription
from dev.event_grid.cloud_events import LARGEST_REQUEST
from dev.event_grid.custom_topics import KEY, CustomTopics
from dev.event_grid.receiver import GRID_PATH, Receiver

TOPIC = "recordings"
GONE = "http://127.0.0.1:9/event-grid"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def topics() -> Iterator[CustomTopics]:
    with CustomTopics() as running:
        running.create(TOPIC)
        yield running


@pytest.fixture
def publisher(topics: CustomTopics) -> Iterator[EventGridPublisherClient]:
    with client(topics, KEY) as made:
        yield made


def client(topics: CustomTopics, key: str, topic: str = TOPIC) -> EventGridPublisherClient:
    return EventGridPublisherClient(f"{topics.url}/{topic}/api/events", AzureKeyCredential(key), retry_total=0)


def told(event_id: str, kind: str = "a.v1", **more: Any) -> CloudEvent[Any]:
    return CloudEvent(source="/archive", type=kind, id=event_id, subject="recordings/1", data={"é": 1}, **more)


def wanted(url: str, name: str = "all", **more: Any) -> WebhookSubscription:
    return WebhookSubscription(name=name, url=url, schema="CloudEventSchemaV1_0", **more)


class KeptDeadLetters:
    """A place for dead letters that keeps them in memory."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []

    async def write(self, name: str, body: bytes) -> None:
        assert name.startswith(TOPIC)
        self.documents += json.loads(body)


def test_a_batch_arrives_as_it_was_published(
    topics: CustomTopics, publisher: EventGridPublisherClient, receiver: Receiver
) -> None:
    """Attributes, extensions and data; each event once."""
    topics.subscribe(TOPIC, wanted(f"{receiver.url}{GRID_PATH}"))
    publisher.send([told("1", extensions={"sequence": "0007"}), told("2", datacontenttype="application/json")])
    first, second = sorted(receiver.wait_for(lambda events: len(events) == 2), key=lambda event: event.id)
    assert first.document["sequence"] == "0007"
    assert (first.document["source"], first.document["subject"]) == ("/archive", "recordings/1")
    assert (first.document["data"], second.document["specversion"]) == ({"é": 1}, "1.0")


def test_a_filter_lets_only_its_types_through(
    topics: CustomTopics, publisher: EventGridPublisherClient, receiver: Receiver
) -> None:
    """As `includedEventTypes` of a subscription does."""
    topics.subscribe(TOPIC, wanted(f"{receiver.url}{GRID_PATH}", included_event_types=frozenset({"b.v1"})))
    publisher.send([told("1"), told("2", "b.v1")])
    topics.settle()
    assert [event.id for event in receiver.events()] == ["2"]


def test_what_cannot_be_delivered_is_tried_by_the_schedule_and_then_a_dead_letter(
    topics: CustomTopics, publisher: EventGridPublisherClient, receiver: Receiver
) -> None:
    """The receiver goes away after the handshake; three tries, and nothing is lost in silence."""
    letters = KeptDeadLetters()
    with Receiver() as leaving:
        topics.subscribe(TOPIC, wanted(f"{leaving.url}{GRID_PATH}", max_attempts=3, dead_letter=letters))
    topics.subscribe(TOPIC, wanted(f"{receiver.url}{GRID_PATH}", "other"))
    publisher.send(told("1"))
    for seconds in (0, 11, 31, 301):
        topics.advance(timedelta(seconds=seconds))
    results = [record.result for record in topics.deliveries(TOPIC) if record.subscription == "all"]
    assert results == ["failed", "failed", "failed", "dead-lettered"]
    (letter,) = letters.documents
    assert (letter["id"], letter["deadletterreason"]) == ("1", "MaxDeliveryAttemptsExceeded")
    assert [event.id for event in receiver.events()] == ["1"], "one subscription's trouble is not another's"
    assert topics.pending(TOPIC) == ()
    with urllib.request.urlopen(topics.url) as answer:  # noqa: S310 - loopback
        shown = json.loads(answer.read())[TOPIC]
    assert (shown["published"], shown["subscriptions"][0]["dead-lettered"]) == (1, 1)


def test_an_endpoint_that_does_not_take_part_in_the_handshake_gets_nothing(topics: CustomTopics) -> None:
    """Nobody is sent events who has not agreed to it."""
    with pytest.raises(SubscriptionRefusedError):
        topics.subscribe(TOPIC, wanted(GONE))
    with Receiver() as running, pytest.raises(SubscriptionRefusedError):
        topics.subscribe(TOPIC, wanted(f"{running.url}/webhook"))


def test_a_wrong_key_another_schema_and_an_unknown_topic_are_refused(
    topics: CustomTopics, publisher: EventGridPublisherClient
) -> None:
    """A topic that takes anything from anybody would hide a sender's wrong configuration."""
    with client(topics, "d3Jvbmc=") as stranger, pytest.raises(ClientAuthenticationError):
        stranger.send(told("1"))
    with client(topics, KEY, "other") as lost, pytest.raises(HttpResponseError):
        lost.send(told("1"))
    with pytest.raises(HttpResponseError, match="CloudEvents"):
        publisher.send(EventGridEvent(subject="s", event_type="t", data={}, data_version="1"))
    with pytest.raises(HttpResponseError) as refusal:
        publisher.send(told("1", extensions={"big": "x" * LARGEST_REQUEST}))
    assert refusal.value.status_code == 413
    with pytest.raises(ValueError, match="CloudEvents"):
        topics.subscribe(TOPIC, WebhookSubscription(name="old", url=GONE))


@pytest.mark.parametrize(
    "change",
    [{"id": ""}, {"source": None}, {"type": 1}, {"specversion": "0.3"}, {"time": "yesterday"}, {"Odd": "x"}],
)
def test_one_bad_event_of_a_batch_refuses_all_of_it(
    topics: CustomTopics, receiver: Receiver, change: dict[str, Any]
) -> None:
    """A sender that gets an error sends all of it again, and must not have sent half."""
    topics.subscribe(TOPIC, wanted(f"{receiver.url}{GRID_PATH}"))
    good = {"specversion": "1.0", "id": "1", "source": "/archive", "type": "a.v1"}
    sent = urllib.request.Request(  # noqa: S310 - loopback
        f"{topics.url}/{TOPIC}/api/events",
        data=json.dumps([good, {**good, "id": "2", **change}]).encode(),
        headers={"aeg-sas-key": KEY, "Content-Type": "application/cloudevents-batch+json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(sent)  # noqa: S310 - loopback
    with refusal.value as answer:
        assert answer.status == 400
    topics.settle()
    assert receiver.events() == []
