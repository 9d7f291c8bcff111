"""Dead letters: an event that Event Grid gave up on is found, ingested and its recording archived."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.event_grid.dead_letters import dead_letter_document
from dev.event_grid.envelope import Schema
from dev.event_grid.policy import NOT_TRIED
from dev.in_memory.builders import EVENT_TIME, chunk, event, task
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState
from recording.errors import StorageBusyError, StorageRefusedError
from recording.operate.held import Kind, list_held, redrive
from recording.ports import DeadLetter, Unreadable
from recording.ports.bulkhead import Bulkhead
from recording.reconcile.sweep import sweep

NAME = "contoso-voice/TO-FUNCTION/2026/11/23/13/9d1.json"


def letter(here: World, *envelopes: dict[str, Any], schema: Schema = "EventGridSchema") -> DeadLetter:
    """A letter as Event Grid writes it."""
    body = dead_letter_document(
        [{"dataVersion": "1", "metadataVersion": "1", **each} for each in envelopes],
        schema,
        reason="MaxDeliveryAttemptsExceeded",
        attempts=12,
        last=NOT_TRIED,
        published_at=EVENT_TIME,
        last_attempt_at=here.now,
    )
    return DeadLetter(NAME, body.decode(), here.now)


def post(here: World, *letters: DeadLetter) -> FakeDeadLetters:
    """Dead letters that lie there now."""
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(*letters))
    assert here.fakes.dead_letters is not None
    return here.fakes.dead_letters


@pytest.fixture
def here() -> World:
    """Five hours after an event that nobody took: ACS still has the file."""
    made = world()
    made.holds(task())
    made.fakes.clock.advance(hours=5)
    return made


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_a_dead_letter_is_ingested_archived_and_removed(here: World, schema: Schema) -> None:
    """Both doors were shut for hours; the recording is still saved."""
    letters = post(here, letter(here, event(), schema=schema))
    here.reconciles()
    here.runs()
    assert (here.state(), letters.kept) == (ChunkState.SOURCE_DELETED, {})
    assert here.record().task.expires_at == EVENT_TIME + here.settings.retention


def test_a_letter_is_removed_only_after_its_events_are_kept(here: World) -> None:
    """A death in between costs nothing."""
    letters = post(here, letter(here, event()))
    here.fakes.queue.fail_next("send", StorageBusyError("503"))
    with pytest.raises(StorageBusyError):
        here.reconciles()
    assert list(letters.kept) == [NAME]
    here.reconciles()
    assert letters.kept == {}


def test_a_letter_that_cannot_be_removed_is_ingested_again_for_nothing(here: World) -> None:
    """The role to delete is missing: told each time, archived once."""
    letters = post(here, letter(here, event()))
    for _ in range(3):
        letters.fail_next("remove", StorageRefusedError("403"))
        assert sweep(here.ports, here.settings, Bulkhead()) == 1
        here.runs_due()
    assert len(here.media_blobs()) == 1
    assert list(letters.kept) == [NAME]


def test_dead_letters_that_cannot_be_read_stop_nothing_else(here: World) -> None:
    """They lie in an account of their own."""
    post(here).fail_next("letters", StorageRefusedError("403"))
    here.fakes.queue.poison_event(json.dumps(event()))
    assert here.reconciles().poisoned == 1
    assert len(here.fakes.queue.tasks) == 1


@pytest.mark.parametrize("body", ["", "[]", "rubbish", '[{"id": 1}]', "null"])
def test_an_unreadable_letter_goes_to_quarantine_and_does_not_come_round(here: World, body: str) -> None:
    """It is kept for a person."""
    letters = post(here, DeadLetter(NAME, body, here.now))
    here.reconciles()
    assert letters.kept == {}
    assert [entry.came_from for entry in here.fakes.quarantine.kept.values()] == ["dead_letter"]


def test_a_forged_event_among_the_dead_is_no_more_trusted_for_it(here: World) -> None:
    """The same guards stand before this door."""
    forged = event(chunk(contentLocation="https://evil.example.org/v1/objects/a/content/video"))
    post(here, letter(here, forged))
    here.reconciles()
    assert here.fakes.quarantine.reasons == ["foreign_host"]
    assert here.fakes.queue.tasks == []


OTHERS = "/subscriptions/6f1c0d52-3a4e-4f0b-9d2a-5b7f6f0e11a3/resourcegroups/rg/providers/microsoft.communication/x"


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
@pytest.mark.parametrize(
    ("changes", "is_listed"), [({"eventType": "Microsoft.Communication.CallStarted"}, False), ({"topic": OTHERS}, True)]
)
def test_a_letter_of_another_subscription_is_left_for_its_own_reader(
    here: World, schema: Schema, changes: dict[str, Any], is_listed: bool
) -> None:
    """Two subscriptions or two deployments share a container: removing the other's letters loses its events."""
    others = replace(letter(here, event(**changes), event(**changes, id="event-2"), schema=schema), name="a")
    letters = post(here, others, letter(here, event(), schema=schema))
    for _ in range(3):
        assert here.reconciles().attention == 0
    here.runs_due()
    assert (list(letters.kept), here.fakes.quarantine.kept) == (["a"], {})
    assert len(here.media_blobs()) == 1
    assert [one.id for one in list_held(here.ports, here.settings)] == (["a"] if is_listed else [])


@pytest.mark.parametrize("topic", [None, "", 5])
def test_a_letter_that_does_not_say_whose_it_is_is_kept_for_a_person(here: World, topic: object) -> None:
    """Another reader would not take it either."""
    letters = post(here, letter(here, event(topic=topic)))
    here.reconciles()
    assert (letters.kept, here.fakes.quarantine.reasons) == ({}, ["other_resource"])


def test_one_event_of_ours_in_a_letter_is_enough_to_take_it(here: World) -> None:
    """Event Grid writes a letter for one subscription, and one without a filter has all types."""
    letters = post(here, letter(here, event(eventType="Microsoft.Communication.CallStarted"), event()))
    here.reconciles()
    assert (letters.kept, len(here.fakes.queue.tasks)) == ({}, 1)


def test_a_dead_letter_is_listed_with_reason_tries_and_time_left(here: World) -> None:
    """The time left counts from the event."""
    post(here, letter(here, event()))
    (one,) = list_held(here.ports, here.settings)
    assert (one.kind, one.id, one.reason, one.attempts) == (Kind.DEAD_LETTER, NAME, "MaxDeliveryAttemptsExceeded", 12)
    assert one.time_left == EVENT_TIME + timedelta(hours=24) - here.now
    assert "recordingChunks" in one.payload


def test_a_person_can_put_a_dead_letter_back_at_once(here: World) -> None:
    """Without waiting for the timer."""
    letters = post(here, letter(here, event()))
    assert redrive(here.ports, here.settings, HeldFilter(), dry_run=True).sent == (NAME,)
    assert list(letters.kept) == [NAME]
    assert redrive(here.ports, here.settings, HeldFilter(id=NAME)).sent == (NAME,)
    assert letters.kept == {}
    assert len(here.fakes.queue.tasks) == 1


class CountedLetters(FakeDeadLetters):
    """Letters of a megabyte, and how many of them were read and not yet removed at once."""

    def __init__(self, here: World, count: int) -> None:
        envelope = event(chunks=[chunk()])
        body = json.dumps([envelope, {"eventType": "Other.Type", "data": "x" * (1 << 20)}])
        super().__init__(*(DeadLetter(f"{number:04d}.json", body, here.now) for number in range(count)))
        self.waiting = self.most_waiting = 0

    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        for one in list(super().letters(after)):
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
            yield one

    def remove(self, letter: DeadLetter) -> None:
        super().remove(letter)
        self.waiting -= 1


def test_letters_of_an_outage_take_little_memory_at_once(here: World) -> None:
    """Event Grid writes many events into one, and a sweep held a thousand of them."""
    letters = CountedLetters(here, 100)
    object.__setattr__(here.fakes, "dead_letters", letters)
    here.reconciles()
    assert letters.kept == {}
    assert letters.most_waiting <= 20


def test_letters_of_an_outage_leave_time_for_the_rest_of_the_turn(here: World) -> None:
    """The host ends a turn after half an hour, and with it the worker: no chunk would be looked at while they last."""
    letters = CountedLetters(here, 100)
    object.__setattr__(here.fakes, "dead_letters", letters)
    real = letters.remove

    def slowly(letter: DeadLetter) -> None:
        here.fakes.clock.advance(seconds=60)
        real(letter)

    letters.remove = slowly  # type: ignore[method-assign]
    turns: list[timedelta] = []
    while letters.kept and len(turns) < 20:
        began = here.now
        here.reconciles()
        turns.append(here.now - began)
    assert letters.kept == {}
    assert max(turns) < timedelta(minutes=30)


def test_letters_before_one_that_cannot_be_listed_are_ingested(here: World) -> None:
    """A listing that breaks off has told of those before."""
    letters = post(
        here, *(replace(letter(here, event(chunks=[chunk()])), name=f"{number}.json") for number in range(3))
    )
    plain = letters.letters

    def breaks_off(after: str = "") -> Iterator[DeadLetter | Unreadable]:
        yield next(plain(after))
        raise StorageBusyError("down")

    letters.letters = breaks_off  # type: ignore[method-assign]
    here.reconciles()
    assert sorted(letters.kept) == ["1.json", "2.json"]
