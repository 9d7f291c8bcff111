"""What a queue's reader cannot read stays where an operator sees it, whichever queue it was on."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, event
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.world import World, world
from recording.archive.line import archive_message
from recording.control.guards.fire import guard_message
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.incoming.requests import HeldFilter
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.errors import StorageBusyError
from recording.errors.codes import Code
from recording.library.derived.make import derive_message
from recording.library.follow_up import follow_up_message
from recording.library.handover.export import export_message
from recording.library.notify.send import notify_message
from recording.operate.held import Kind, list_held, redrive
from tests.unit.control.calls import pauses, starts, under
from tests.unit.ingest.test_people_in_quarantine import TOLD, people_in

READERS: dict[str, Callable[[str, World], object]] = {
    "chunk_queue": lambda text, here: archive_message(text, here.ports, here.settings),
    "guards_queue": lambda text, here: guard_message(text, here.ports, here.settings),
    "outbox_queue": lambda text, here: notify_message(text, here.ports),
    "follow_ups_queue": lambda text, here: follow_up_message(text, here.ports),
    "exports_queue": lambda text, here: export_message(text, here.ports, here.settings),
    "derived_queue": lambda text, here: derive_message(text, here.ports),
}
ODD = [
    "",
    "null",
    "[]",
    "{}",
    "{",
    "\0",
    "[" * 10_000,
    '{"version": "x"}',
    '{"recordingId": 1}',
    '{"recordingId": "rec-1", "kind": "a new one"}',
    '{"subject": {"kind": "other", "id": "x"}}',
    '{"log": {"event": "recording.of.tomorrow"}}',
]


def here_with_receivers() -> World:
    """Return a world that reports to a receiver; without one its queue has no reader."""
    here = world()
    here.reports_to()
    return here


@pytest.mark.parametrize("queue", READERS)
@pytest.mark.parametrize("text", ODD)
def test_a_message_that_cannot_be_read_is_held(queue: str, text: str) -> None:
    """Dropped, it would be a pause that never ends or a receiver that is never told, and nobody would know."""
    here = here_with_receivers()
    if queue == "follow_ups_queue" and "rec-1" in text:
        pytest.skip("this one names a recording, which is all that a follow-up needs")
    READERS[queue](text, here)
    (one,) = list_held(here.ports, here.settings)
    assert (one.kind, one.reason, one.payload) == (Kind.REFUSED, Code.UNREADABLE_TASK, text)
    ((_, entry),) = here.fakes.quarantine.entries()
    assert entry.came_from == queue


@pytest.mark.parametrize("queue", READERS)
def test_a_message_that_cannot_be_stored_comes_again(queue: str) -> None:
    """The host deletes a message as soon as its function returns."""
    here = here_with_receivers()
    here.fakes.quarantine.fail_next("put", StorageBusyError("busy"))
    with pytest.raises(StorageBusyError):
        READERS[queue]("{", here)


@pytest.mark.parametrize("kind", GuardKind)
@pytest.mark.parametrize(
    "field", [{"seconds": 10**12}, {"seconds": 2**63}, {"seconds": -1}, {"mark": "rests " + "9" * 5000}]
)
def test_a_guard_with_a_number_that_no_call_has_is_held(kind: GuardKind, field: dict[str, object]) -> None:
    """It would end the worker each time, and go from the poison queue back to its own without end."""
    here = under(must_be_recorded=True)
    recording = starts(here)
    pause = pauses(here, recording)["pause"]
    text = json.dumps(
        {"version": 3, "recordingId": recording, "kind": kind.value, "mark": pause, "seconds": 5, **field}
    )
    guard_message(text, here.ports, here.settings)
    (one,) = list_held(here.ports, here.settings)
    assert (one.payload, one.reason) == (text, Code.UNREADABLE_TASK)


@pytest.mark.parametrize("queue", READERS)
@pytest.mark.parametrize("form", TOLD)
def test_no_person_is_in_what_a_queue_leaves_unread(queue: str, form: str) -> None:
    """An event may be on the wrong queue, encoded once more, or with its plus signs escaped as .NET does."""
    here = here_with_receivers()
    READERS[queue](TOLD[form](json.dumps({"kind": "x", "from": PHONE, "startedBy": PARTICIPANT})[:-1]), here)
    ((_, entry),) = here.fakes.quarantine.entries()
    assert not people_in(entry.payload)


def test_no_person_is_in_what_the_sweep_leaves_unread() -> None:
    """The host gave up on the message before a worker read it."""
    here = world()
    here.fakes.queue.poison(json.dumps(event()))
    here.reconciles()
    ((_, entry),) = here.fakes.quarantine.entries()
    assert (entry.reason, people_in(entry.payload)) == (Code.UNREADABLE_TASK, [])


def test_a_held_message_names_its_recording_and_no_person() -> None:
    """An operator looks for a recording; the quarantine is no place for a number."""
    here = world()
    guard_message(
        f'{{"recordingId": "{RECORDING_ID}", "kind": "a new one", "mark": "{PHONE}"}}', here.ports, here.settings
    )
    (one,) = list_held(here.ports, here.settings, HeldFilter(recording_id=RECORDING_ID))
    assert PHONE not in one.payload
    assert one.time_left is None


@pytest.mark.parametrize("queue", ["guards_queue", "outbox_queue"])
def test_a_held_message_that_is_read_now_goes_back_to_its_queue(queue: str) -> None:
    """A worker of another version could not read it; this one can."""
    here = here_with_receivers()
    READERS[queue]("{", here)
    (name,) = here.fakes.quarantine.kept
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).skipped == (name,)
    guard = GuardTask(recording_id="rec-1", kind=GuardKind.CONSENT).as_message()
    event = NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id="rec-1")).as_message()
    sent = guard if queue == "guards_queue" else event
    here.fakes.quarantine.kept[name] = replace(here.fakes.quarantine.kept[name], payload=sent)
    assert redrive(here.ports, here.settings, HeldFilter(id=name)).sent == (name,)
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    told = here.fakes.guards.sent if queue == "guards_queue" else outgoing.queue.sent
    assert told == [(sent, here.now + timedelta())]
    assert list_held(here.ports, here.settings) == []


@given(st.sampled_from(sorted(READERS)), st.text(max_size=80))
def test_no_text_ends_a_reader_or_is_lost(queue: str, text: str) -> None:
    """Hypothesis looks for a text that poisons its queue."""
    here = here_with_receivers()
    READERS[queue](text, here)
    assert [one.payload for one in list_held(here.ports, here.settings)] == [text]
