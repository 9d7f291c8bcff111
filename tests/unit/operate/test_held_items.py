"""Held items: whatever is held is described in one form, and what can still be saved stands first."""

import json
from datetime import timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID, event, settings, task
from recording.operate.held_items import (
    Held,
    Kind,
    by_urgency,
    first_event,
    of_leftover,
    of_letter,
    of_message,
    recording_of,
)
from recording.ports import DeadLetter, PoisonMessage
from tests.unit.domain.incoming.test_event_forms import ARRIVED, ODD_TIMES

NOW = EVENT_TIME + timedelta(hours=1)


def item(name: str, hours: float | None) -> Held:
    """An item with so much time left."""
    return Held(name, Kind.CHUNK, "r", NOW, "", time_left=None if hours is None else timedelta(hours=hours))


def test_what_can_still_be_saved_is_first_and_what_is_lost_is_last() -> None:
    """Hours that have passed sort below hours that are left, and what has no deadline comes in between."""
    items = [item("lost", -3), item("no deadline", None), item("soon", 0.5), item("lost now", 0), item("later", 9)]
    assert [one.id for one in sorted(items, key=by_urgency)] == ["soon", "later", "no deadline", "lost", "lost now"]


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", "[7]", "null", '["a"]', "[" * 100_000])
def test_a_text_without_an_event_is_an_empty_one(text: str) -> None:
    """Anyone with a key may write it, and it must not hide the other items."""
    assert first_event(text) == {}
    letter = DeadLetter(name="letter", body=text, at=NOW)
    one = of_letter(letter, settings(), NOW)
    assert (one.kind, one.reason, one.recording_id, one.attempts) == (Kind.DEAD_LETTER, "unreadable_event", None, 0)


def test_an_event_says_its_recording_in_the_subject_or_in_its_data() -> None:
    """The subject is Event Grid's, so it counts first; what has not the form of an id names nothing."""
    assert recording_of(first_event(json.dumps([event()]))) == RECORDING_ID
    assert recording_of({"data": {"recordingId": RECORDING_ID}}) == RECORDING_ID
    assert recording_of({"subject": "nothing", "data": {"recordingId": "two words"}}) is None
    assert recording_of({"data": [RECORDING_ID]}) is None


def test_a_poisoned_task_has_the_times_of_its_chunk_and_an_event_its_own() -> None:
    """An operator sees how much time is left of either."""
    of_task = of_message(PoisonMessage(id="one", body=task(attempt=4).model_dump_json(), at=NOW), settings(), NOW)
    assert (of_task.recording_id, of_task.index, of_task.attempts) == (RECORDING_ID, 0, 4)
    assert of_task.time_left == timedelta(hours=23)
    of_event = of_message(PoisonMessage(id="two", body=json.dumps(event()), at=NOW), settings(), NOW)
    assert (of_event.recording_id, of_event.index, of_event.time_left) == (RECORDING_ID, None, timedelta(hours=23))


@pytest.mark.parametrize(
    ("body", "recording_id"),
    [
        ({"recordingId": RECORDING_ID}, RECORDING_ID),
        ({"subject": {"kind": "recordings", "id": RECORDING_ID}}, RECORDING_ID),
        ({"subject": {"kind": "exports", "id": "e-1"}}, None),
        ({"recordingId": "../up"}, None),
        ({"recordingId": 7}, None),
    ],
)
def test_a_message_of_a_secondary_queue_says_what_it_is_about(
    body: dict[str, object], recording_id: str | None
) -> None:
    """Follow-ups, guards and notifications each name it in their own way."""
    one = of_leftover(PoisonMessage(id="one", body=json.dumps(body), at=NOW), NOW)
    assert (one.kind, one.recording_id, one.time_left) == (Kind.POISONED, recording_id, None)


@pytest.mark.parametrize("told", ODD_TIMES)
def test_a_time_outside_of_reason_leaves_the_time_since_the_arrival(told: object) -> None:
    """As at ingest: by an unset date of .NET the file would stand among the lost ones, and nobody would hurry."""
    body = json.dumps({**event(), "eventTime": told})
    one = of_letter(DeadLetter(name="letter", body=body, at=ARRIVED), settings(), ARRIVED)
    assert (one.event_time, one.time_left) == (None, timedelta(hours=24))
