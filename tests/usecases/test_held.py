"""Held chunks: they are listed with the most urgent first, and only a person brings them back to work."""

import pytest

from recording.domain.chunk import ChunkState
from recording.domain.transitions import moved, redriven
from recording.errors import ClaimLostError, RecordingError, StorageBusyError
from recording.held import Chosen, Kind, chunk_id, held, redrive
from recording.ports import QuarantineEntry
from tests.builders import task
from tests.world import World, world


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


def test_a_refused_event_is_listed_but_stays_where_it_is(here: World) -> None:
    """Redriving is for chunks; nothing about a forged event should be one key away from being trusted."""
    name = here.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", "{", "event_queue", here.now))
    kinds = {one.id: one.kind for one in held(here.ports, here.settings)}
    assert kinds == {chunk_id(here.record()): Kind.CHUNK, name: Kind.REFUSED}
    assert redrive(here.ports, here.settings, Chosen(id=name)).sent == ()
