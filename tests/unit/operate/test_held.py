"""Held chunks: they are listed with the most urgent first, and only a person brings them back to work."""

import json
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, chunk, document_id, event, location, task
from dev.in_memory.world import World, world
from recording.domain.chunk import ChunkState
from recording.domain.transitions import moved, redriven
from recording.errors import ClaimLostError, RecordingError, StorageBusyError
from recording.operate.held import Chosen, Kind, chunk_id, held, redrive
from recording.ports import QuarantineEntry


@pytest.fixture
def here() -> World:
    """A world in which one chunk was quarantined, while ACS still has its file."""
    made = world()
    made.announces()
    made.holds(task())
    made.fakes.queue.sent.clear()
    record = made.record()
    made.fakes.catalog.save_chunk(moved(record, ChunkState.QUARANTINED, quarantine_reason="source_forbidden"))
    return made


def test_a_held_chunk_is_listed_with_its_reason_and_time_left(here: World) -> None:
    """Whoever is called at night sees at once what and how long."""
    (one,) = held(here.ports, here.settings)
    assert (one.kind, one.reason, one.id) == (Kind.CHUNK, "source_forbidden", chunk_id(here.record()))
    assert one.time_left == here.record().task.expires_at - here.now


def test_a_redriven_chunk_is_archived_under_its_own_identity(here: World) -> None:
    """The whole point: the file is still there, the reason is gone."""
    assert redrive(here.ports, here.settings, Chosen(reason="source_forbidden")).sent == (chunk_id(here.record()),)
    assert here.fakes.queue.tasks == [here.record().task]
    here.runs()
    assert (here.state(), len(here.media_blobs()), here.record().redrives) == (ChunkState.SOURCE_DELETED, 1, 1)
    assert held(here.ports, here.settings) == []


def test_a_dry_run_tells_the_same_and_changes_nothing(here: World) -> None:
    """Look first."""
    before = here.record()
    assert redrive(here.ports, here.settings, Chosen(), dry_run=True).sent == (chunk_id(before),)
    assert (here.record(), here.fakes.queue.tasks) == (before, [])


@pytest.mark.parametrize("other", [{"reason": "x"}, {"id": "x"}, {"recording_id": "x"}])
def test_what_is_not_meant_stays_held(here: World, other: dict[str, str]) -> None:
    """A filter that matches nothing is not a filter that matches all."""
    assert redrive(here.ports, here.settings, Chosen(**other)).sent == ()  # type: ignore[arg-type]  # texts only
    assert here.state() is ChunkState.QUARANTINED


def test_before_and_after_are_about_the_time_of_the_event(here: World) -> None:
    """`after` includes its moment, `before` does not: two neighbouring spans never share a chunk."""
    at = here.record().task.event_time
    assert not held(here.ports, here.settings, Chosen(before=at))
    assert held(here.ports, here.settings, Chosen(after=at))


def test_a_second_redrive_finds_nothing_to_do(here: World) -> None:
    """Two people at once send it once."""
    redrive(here.ports, here.settings, Chosen())
    assert redrive(here.ports, here.settings, Chosen()).sent == ()
    assert len(here.fakes.queue.tasks) == 1


def test_a_chunk_that_somebody_changed_meanwhile_is_skipped(here: World) -> None:
    """The ETag decides, and the answer says so."""
    here.fakes.catalog.fail_next("save_chunk", ClaimLostError("changed"))
    assert redrive(here.ports, here.settings, Chosen()).skipped == (chunk_id(here.record()),)
    assert here.fakes.queue.tasks == []


def test_a_redrive_whose_task_was_never_sent_is_finished_by_reconcile(here: World) -> None:
    """A death between the two writes loses nothing."""
    here.fakes.queue.fail_next("send", StorageBusyError("503"))
    with pytest.raises(StorageBusyError):
        redrive(here.ports, here.settings, Chosen())
    here.fakes.clock.advance(minutes=15)
    here.reconciles()
    here.runs()
    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_chunk_that_fails_again_is_held_again_and_nothing_loops(here: World) -> None:
    """It comes back with its count, and waits for a person, however often the timer fires."""
    here.forgets(task())
    redrive(here.ports, here.settings, Chosen())
    here.runs()
    (one,) = [one for one in held(here.ports, here.settings) if one.kind is Kind.CHUNK]
    assert (here.state(), one.redrives) == (ChunkState.EXPIRED, 1)
    here.fakes.clock.advance(hours=1)
    here.reconciles()
    assert here.fakes.queue.tasks == []


def test_only_a_held_chunk_can_be_redriven(here: World) -> None:
    """What is archived never goes back to the start."""
    redrive(here.ports, here.settings, Chosen())
    here.runs()
    with pytest.raises(RecordingError, match="is not held"):
        redriven(here.record(), here.now)


def _refuse(here: World, envelope: dict[str, Any]) -> str:
    """An event that comes and is refused; the entry's name."""
    before = set(here.fakes.quarantine.kept)
    here.announces(envelope)
    (name,) = set(here.fakes.quarantine.kept) - before
    return name


def test_a_refused_event_that_passes_now_is_taken_and_its_entry_kept_for_the_record(here: World) -> None:
    """A new host of Microsoft's was not in the settings; now it is."""
    host = "eu-storage.asm.example.net"
    late = event(chunk(7, document_id(7), contentLocation=location(document_id(7), host=host)), id="late")
    name = _refuse(here, late)
    acs = here.settings.acs.model_copy(update={"content_hosts": (*here.settings.acs.content_hosts, host)})
    allowed = here.settings.model_copy(update={"acs": acs})
    assert redrive(here.ports, allowed, Chosen(reason="foreign_host")).sent == (name,)
    assert [sent.index for sent in here.fakes.queue.tasks] == [7]
    assert here.fakes.quarantine.kept[name].redriven_at == here.now
    assert name not in {one.id for one in held(here.ports, allowed)}


def test_a_refused_event_that_is_refused_again_stays_as_it_was(here: World) -> None:
    """Asking twice does not make a forged event true, and leaves no second entry."""
    name = _refuse(here, event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged"))
    kept = dict(here.fakes.quarantine.kept)
    here.fakes.clock.advance(hours=30)
    assert redrive(here.ports, here.settings, Chosen(id=name)).skipped == (name,)
    assert here.fakes.quarantine.kept == kept
    assert here.fakes.queue.tasks == []


@pytest.mark.parametrize("payload", ["{", "[[", '{"no": "event"}', "[" * 100_000])
def test_what_cannot_be_read_is_listed_and_stays(here: World, payload: str) -> None:
    """Whatever came, somebody may look at it."""
    name = here.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", payload, "event_queue", here.now))
    assert {one.id: one.kind for one in held(here.ports, here.settings)}[name] is Kind.REFUSED
    assert redrive(here.ports, here.settings, Chosen(id=name)).skipped == (name,)


def test_time_left_counts_from_the_event_and_not_from_when_it_was_refused(here: World) -> None:
    """A dead letter is hours old when it comes."""
    here.fakes.clock.advance(hours=5)
    name = _refuse(here, event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged"))
    (one,) = held(here.ports, here.settings, Chosen(id=name))
    assert one.time_left == EVENT_TIME + here.settings.retention - here.now


def test_poisoned_messages_are_listed_and_can_be_put_back_at_once(here: World) -> None:
    """The sweep comes every five minutes; a person need not wait for it."""
    here.fakes.queue.poison(task(3, document_id(3)).model_dump_json())
    here.fakes.queue.poison_event(json.dumps(event(chunk(4, document_id(4)), id="poisoned")))
    found = [one for one in held(here.ports, here.settings) if one.kind is Kind.POISONED]
    assert [one.index for one in found] == [3, None]
    assert all(one.payload and one.time_left for one in found)
    done = redrive(here.ports, here.settings, Chosen(reason="poisoned"))
    assert (len(done.sent), done.skipped) == (2, ())
    assert sorted(sent.index for sent in here.fakes.queue.tasks) == [3, 4]
    assert here.fakes.queue.poison_bodies == []


def test_one_chosen_message_leaves_the_others(here: World) -> None:
    """A filter is kept to."""
    for number in (3, 4):
        here.fakes.queue.poison(task(number, document_id(number)).model_dump_json())
    ids = {one.index: one.id for one in held(here.ports, here.settings) if one.kind is Kind.POISONED}
    assert redrive(here.ports, here.settings, Chosen(id=ids[4])).sent == (ids[4],)
    assert [sent.index for sent in here.fakes.queue.tasks] == [4]
    assert len(here.fakes.queue.poison_bodies) == 1
