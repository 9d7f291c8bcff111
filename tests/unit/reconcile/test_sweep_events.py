"""Events that the host gave up on: an outage of storage must not cost a recording."""

import json
from contextlib import suppress

import pytest

from dev.in_memory.builders import CALL_ID, chunk, document_id, event, task
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import world
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.ports import DeadLetter


def test_a_poisoned_event_is_ingested_by_reconcile_and_its_chunk_archived() -> None:
    """Twenty failed tries take twenty minutes; ACS has the file for a day."""
    here = world()
    here.fakes.queue.poison_event(json.dumps(event()))

    found = here.reconciles()

    assert found.poisoned == 1
    assert len(here.fakes.queue.tasks) == 1
    assert list(here.fakes.queue.poison_bodies) == []


def test_an_unreadable_poisoned_event_goes_to_quarantine() -> None:
    """It is kept for a person instead of coming round for ever."""
    here = world()
    here.fakes.queue.poison_event("rubbish")

    here.reconciles()

    assert here.fakes.quarantine.reasons == ["unreadable_event"]
    assert here.fakes.queue.poison_bodies == []


@pytest.mark.parametrize("bad", [25, 250])
@pytest.mark.parametrize("place", ["poison queue", "dead letters"])
def test_many_in_a_row_that_always_fail_keep_no_other_event_waiting(place: str, bad: int) -> None:
    """Storage answers; only what it is asked for these is refused, run after run, and they are always the first."""
    here, letters = world(), []
    for number in range(bad + 3):
        name = f"bad-{number:03}" if number < bad else f"good-{number}"
        about = here.holds(task(0, document_id(number), recording_id=name))
        subject = f"/recording/call/{CALL_ID}/recordingId/{name}"
        text = json.dumps(event(chunk(0, about.document_id), subject=subject, id=name))
        if place == "poison queue":
            here.fakes.queue.poison_event(text)
        else:
            letters.append(DeadLetter(f"{number:03}", text, here.now))
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(*letters))
    plain = here.fakes.catalog.get_recording

    def refused(recording_id: str) -> RecordingRecord | None:
        if recording_id.startswith("bad"):
            raise StorageError("this row is refused")
        return plain(recording_id)

    object.__setattr__(here.fakes.catalog, "get_recording", refused)
    for _ in range(12):
        with suppress(StorageError):  # after all else was done
            here.reconciles()
        here.fakes.clock.advance(minutes=5)
        here.runs_due()
    assert {name for name, _ in here.fakes.catalog.chunks} == {f"good-{bad + number}" for number in range(3)}
