"""The local receiver, and through it both ways as the app sends: Microsoft's publishing client, and signed webhooks."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from dev.event_grid.outgoing import OutgoingEvents
from dev.event_grid.receiver import BY_GRID, BY_WEBHOOK, Received, page
from dev.in_memory.builders import settings as built
from recording.adapters.outgoing.event_grid import EventGridTopic
from recording.adapters.outgoing.webhooks import WebhookWay
from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.events import (
    EventType,
    HoldData,
    OutgoingEvent,
    Subject,
    SubjectKind,
    event_of,
    type_named,
)
from recording.errors.codes import Code
from recording.ports.outgoing import Answer
from recording.settings import Settings, read_settings

NOW = datetime.now(UTC)  # the verifiers look at the clock of this machine


@pytest.fixture(autouse=True)
def _at_the_time_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite may run for longer than the five minutes after which a signature is too old."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=YWNjb3VudC1rZXk="
USUAL = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage": ACCOUNT,
    "ARCHIVE_STORAGE": ACCOUNT,
}


def event() -> OutgoingEvent:
    subject = Subject(kind=SubjectKind.RECORDING, id="rec-1")
    return event_of(EventType.HELD, subject, NOW, HoldData(recording_id="rec-1", holds=1), "case")


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def here(lines: list[str]) -> Iterator[OutgoingEvents]:
    with OutgoingEvents(lines.append) as running:
        running.subscribe()
        yield running


@pytest.fixture
def known(here: OutgoingEvents) -> Settings:
    return read_settings(USUAL | here.settings("https://archive.contoso.com/api"))


def test_microsofts_client_publishes_a_cloud_event_with_its_sequence(here: OutgoingEvents, known: Settings) -> None:
    """The id, the type and the extension arrive as they were meant; a redelivery is the same event."""
    topic = EventGridTopic(known)
    try:
        assert topic.send(event(), NOW) == Answer(Result.DELIVERED)
        assert topic.send(event(), NOW) == Answer(Result.DELIVERED)
    finally:
        topic.close()
    (got,) = here.receiver.wait_for(lambda events: [one.deliveries for one in events] == [2])
    assert (got.way, got.id, got.type) == (BY_GRID, event().id, "recording_archive.held.v1")
    assert got.document["sequence"] == event().sequence
    assert got.document["data"]["link"] == "https://archive.contoso.com/api/recordings/rec-1"


def test_a_topic_that_refuses_or_does_not_answer_is_an_answer(here: OutgoingEvents, known: Settings) -> None:
    """A role that is missing is told apart from a topic that is down."""
    assert known.events_topic is not None
    wrong = known.events_topic.model_copy(update={"key": built().acs.access_key})
    topic = EventGridTopic(known.model_copy(update={"events_topic": wrong}))
    nobody = known.events_topic.model_copy(update={"endpoint": "http://127.0.0.1:9/api/events"})
    away = EventGridTopic(known.model_copy(update={"events_topic": nobody}))
    try:
        assert topic.send(event(), NOW) == Answer(Result.FAILED, Code.TOPIC_REFUSED)
        assert away.send(event(), NOW) == Answer(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
    finally:
        topic.close()
        away.close()
    assert here.receiver.events() == []


def test_a_webhook_is_verified_listed_and_said(here: OutgoingEvents, known: Settings, lines: list[str]) -> None:
    """What a developer sees in the terminal, and at the address."""
    way = WebhookWay(known, known.webhooks[0])
    assert way.send(event(), NOW) == Answer(Result.DELIVERED)
    assert lines == ["event by webhook: recording_archive.held.v1 · recordings/rec-1"]
    with urllib.request.urlopen(here.receiver.url) as answer:  # noqa: S310 - loopback
        (shown,) = json.loads(answer.read())
    assert (shown["id"], shown["way"]) == (event().id, BY_WEBHOOK)
    asked = urllib.request.Request(here.receiver.url, headers={"Accept": "text/html"})  # noqa: S310 - loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - loopback
        assert event().id in answer.read().decode()


def test_what_is_not_signed_is_refused(here: OutgoingEvents, known: Settings) -> None:
    """The receiver shows what a careful receiver does."""
    endpoint = known.webhooks[0]
    other = endpoint.model_copy(update={"secrets": (SecretStr("whsec_" + "QQ" * 20),)})
    assert WebhookWay(known, other).send(event(), NOW) == Answer(Result.FAILED, Code.ENDPOINT_REFUSED)
    assert here.receiver.events() == []


def test_nothing_in_an_event_is_markup_on_the_page() -> None:
    """A tag or an id may hold anything."""
    odd = Received(BY_WEBHOOK, "1", "<script>x</script>", "a&b", "now", {"data": "</pre><img src=x>"})
    shown = page([odd])
    assert "<script>x" not in shown
    assert "<img" not in shown
    assert "a&amp;b" in shown


def test_the_doctors_probe_is_of_a_type_of_its_own_and_says_nothing(here: OutgoingEvents, known: Settings) -> None:
    """Published as every event is, so it proves the same; nobody takes it for something that happened."""
    topic = EventGridTopic(known)
    try:
        assert topic.probe(NOW) == Answer(Result.DELIVERED)
    finally:
        topic.close()
    (got,) = here.receiver.wait_for(lambda events: len(events) == 1)
    assert got.type == "recording_archive.probe.v1"
    assert got.document["subject"] == "probe"
    assert got.document.get("data") in ({}, None)
    assert type_named(got.type) is None
