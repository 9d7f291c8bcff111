"""Outgoing events: ids that follow from what happened, thin data, and documents that others can read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.messaging import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import FAKE_CLOCK_START
from recording.domain.outgoing.documents import cloud_event, webhook_body
from recording.domain.outgoing.events import (
    DATA,
    CallData,
    EventType,
    HoldData,
    OutgoingEvent,
    Subject,
    SubjectKind,
    event_id,
    event_of,
    read_stored,
    type_named,
)
from recording.domain.outgoing.message import VERSION, NotifyTask, read_task
from recording.domain.schema import is_newer_message

NOW = FAKE_CLOCK_START
SUBJECT = Subject(kind=SubjectKind.RECORDING, id="rec-1")
MARKS = st.lists(st.one_of(st.text(max_size=8), st.integers(), st.datetimes(timezones=st.just(UTC))), max_size=4)


def held(at: datetime = NOW) -> OutgoingEvent:
    return event_of(EventType.HELD, SUBJECT, at, HoldData(recording_id="rec-1", holds=1), "case", at)


@given(MARKS, MARKS)
def test_the_same_facts_have_the_same_id_and_others_another(one: list[object], other: list[object]) -> None:
    """Marks are told apart by their lengths too: ("ab", "c") is not ("a", "bc")."""
    first = event_id(EventType.HELD, SUBJECT, *one)
    assert first == event_id(EventType.HELD, SUBJECT, *list(one))
    said = [[str(mark) for mark in marks] for marks in (one, other)]
    if said[0] != said[1] and not any(isinstance(mark, datetime) for mark in (*one, *other)):
        assert first != event_id(EventType.HELD, SUBJECT, *other)
    assert first != event_id(EventType.RELEASED, SUBJECT, *one)


def test_every_type_has_a_form_and_a_name_on_the_wire() -> None:
    """The name is what receivers filter by; it is never reused for another form."""
    assert set(DATA) == set(EventType)
    for kind in EventType:
        assert kind.wire_name == f"recording_archive.{kind.value}.v1"
        for spelling in (kind.wire_name, kind.value, kind.value.replace("_", "-"), f" {kind.value} "):
            assert type_named(spelling) is kind
    assert type_named("recording_archive.other.v1") is None


def test_an_event_of_one_type_does_not_say_what_another_says() -> None:
    """The form belongs to the type, so that a schema can be written for it."""
    with pytest.raises(TypeError):
        event_of(EventType.HELD, SUBJECT, NOW, CallData(recording_id="rec-1", reason="overdue"))


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=8))
def test_sequences_sort_as_the_times_do(milliseconds: list[int]) -> None:
    """Receivers order the events of a subject by comparing texts."""
    events = [held(NOW + timedelta(milliseconds=each)) for each in milliseconds]
    assert [event.at for event in sorted(events, key=lambda event: event.sequence)] == sorted(
        event.at for event in events
    )


def test_a_cloud_event_is_one_to_azures_own_reader() -> None:
    """Version 1.0, with the attribute `sequence` as an extension."""
    document = cloud_event(held(), "https://archive.contoso.com/api")
    read: CloudEvent[dict[str, Any]] = CloudEvent.from_dict(document)
    assert (read.id, read.type, read.source) == (
        held().id,
        "recording_archive.held.v1",
        "https://archive.contoso.com/api",
    )
    assert read.extensions == {"sequence": held().sequence}
    assert read.data is not None
    assert read.data["link"] == "https://archive.contoso.com/api/recordings/rec-1"
    assert read.time == NOW.replace(microsecond=NOW.microsecond // 1000 * 1000)


def test_a_webhook_has_type_timestamp_and_data_and_is_the_same_bytes_each_time() -> None:
    """The signature is over the bytes, and a redelivery is compared by its id."""
    body = webhook_body(held(), "")
    assert body == webhook_body(read_stored(held().model_dump_json()) or held(), "")
    assert json.loads(body) == {
        "type": "recording_archive.held.v1",
        "timestamp": json.loads(body)["timestamp"],
        "subject": "recordings/rec-1",
        "sequence": held().sequence,
        "data": {"recordingId": "rec-1", "holds": 1},
    }


def test_an_id_with_odd_characters_is_one_segment_of_a_link() -> None:
    """Nobody's id leads a receiver to another route."""
    subject = Subject(kind=SubjectKind.RECORDING, id="a/../b?c=d")
    event = event_of(EventType.HELD, subject, NOW, HoldData(recording_id=subject.id, holds=1))
    assert cloud_event(event, "https://x.example/api")["subject"] == "recordings/a%2F..%2Fb%3Fc%3Dd"


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "{", '{"id":1}', "[" * 100_000, '{"version": 2}'])
def test_what_is_no_stored_event_or_message_is_none(text: str) -> None:
    """Rows and messages may be damaged, or of a newer version."""
    assert read_stored(text) is None
    assert read_task(text) is None


def test_an_event_of_a_newer_version_or_with_more_to_say_is_left_to_that_version() -> None:
    """An unknown field of the row is kept; unknown data is not passed on unseen."""
    stored = json.loads(held().model_dump_json())
    assert read_stored(json.dumps(stored | {"later": 1})) is not None
    assert read_stored(json.dumps(stored | {"version": 2})) is None
    assert read_stored(json.dumps(stored | {"data": {**stored["data"], "number": "+49"}})) is None


def test_a_message_of_a_newer_version_is_told_from_a_damaged_one() -> None:
    """It waits for a worker that knows more."""
    text = NotifyTask(subject=SUBJECT, event=held()).as_message()
    assert read_task(text) == NotifyTask(subject=SUBJECT, event=held())
    assert not is_newer_message(text, VERSION)
    assert is_newer_message(text.replace('"version":1', '"version":2', 1), VERSION)
    waits = [NotifyTask(subject=SUBJECT, attempt=each).wait() for each in (0, 1, 20, 2000)]
    assert waits == [timedelta(seconds=5), timedelta(seconds=10), timedelta(minutes=10), timedelta(minutes=10)]
