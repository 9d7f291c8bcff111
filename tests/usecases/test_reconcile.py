"""Reconcile: what fell by the wayside is put back to work until the deadline, and everybody hears of what is late."""

import logging
from datetime import timedelta

import pytest

from recording.domain.chunk import ChunkState
from tests.builders import chunk, document_id, event, task
from tests.world import World, world


def announced_and_forgotten() -> World:
    """A chunk whose queue message has vanished."""
    here = world()
    here.holds(task())
    here.announces()
    here.fakes.queue.sent.clear()
    return here


def test_a_chunk_whose_message_vanished_is_found_and_archived() -> None:
    """The catalog knows a chunk before the queue does."""
    here = announced_and_forgotten()
    here.fakes.clock.advance(minutes=11)

    assert here.reconciles().redriven == 1
    here.runs()

    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_chunk_is_not_sent_again_while_it_may_still_be_on_its_way() -> None:
    """A host's lease lasts ten minutes; redriving earlier only makes duplicates."""
    here = announced_and_forgotten()
    here.fakes.clock.advance(minutes=9)
    assert here.reconciles().redriven == 0
    here.fakes.clock.advance(minutes=2)
    assert here.reconciles().redriven == 1
    here.fakes.clock.advance(minutes=5)
    assert here.reconciles().redriven == 0
    assert len(here.fakes.queue.tasks) == 1


def test_the_most_urgent_chunk_is_redriven_first() -> None:
    """When there is more than can be done, what expires first comes first."""
    here = world()
    for number, minutes in ((0, 30), (1, 5), (2, 60)):
        told = task(number, document_id(number))
        told = told.model_copy(update={"expires_at": here.now + timedelta(hours=5, minutes=minutes)})
        here.fakes.queue.poison(told.model_dump_json())

    here.reconciles()

    assert [sent.index for sent in here.fakes.queue.tasks] == [1, 0, 2]


def test_poison_goes_back_to_work_and_out_of_the_poison_queue() -> None:
    """The host gives up after an attempt count; we give up at the deadline (I9)."""
    here = world()
    here.holds(task())
    here.fakes.queue.poison(task().model_dump_json())

    assert here.reconciles().poisoned == 1
    here.runs()

    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.fakes.queue.poison_bodies == []


def test_poison_of_a_finished_chunk_is_only_removed() -> None:
    """Redriving what is done would never end."""
    here = world()
    here.holds(task())
    here.works(task())
    here.fakes.queue.poison(task().model_dump_json())

    here.reconciles()

    assert (here.fakes.queue.tasks, here.fakes.queue.poison_bodies) == ([], [])


def test_unreadable_poison_is_kept_for_a_person() -> None:
    """A message that is no task cannot be archived, and must not be lost."""
    here = world()
    here.fakes.queue.poison("{}")

    here.reconciles()

    assert here.fakes.quarantine.reasons == ["unreadable_task"]
    assert here.fakes.queue.poison_bodies == []


def test_a_poison_message_is_there_twice_rather_than_never_when_the_sweep_dies() -> None:
    """Enqueue first, remove then."""
    here = world()
    here.fakes.queue.poison(task().model_dump_json())
    here.fakes.queue.fail_next("remove_poisoned", KeyboardInterrupt())  # type: ignore[arg-type]  # the process ends

    with pytest.raises(KeyboardInterrupt):
        here.reconciles()

    assert len(here.fakes.queue.tasks) == 1
    assert len(here.fakes.queue.poison_bodies) == 1


def test_a_chunk_at_risk_is_told_once_with_the_time_left(caplog: pytest.LogCaptureFixture) -> None:
    """An alarm in time is worth more than one about what is gone."""
    caplog.set_level(logging.INFO)
    here = world()
    here.announces()
    here.fakes.clock.advance(hours=19)

    first = here.reconciles()
    here.reconciles()

    assert first.at_risk == 1
    assert here.record().at_risk_since is not None
    assert sum("recording.chunk.at_risk" in line for line in caplog.messages) == 1


def test_what_acs_forgot_before_it_was_archived_expires_with_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    """I2: a lost chunk rests in a state that alarms, and its source was not deleted by us."""
    caplog.set_level(logging.INFO)
    here = world()
    here.announces()  # ACS never has the object

    here.runs(hours=60)

    assert here.state() is ChunkState.EXPIRED
    assert here.source.deleted == []
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    assert len(here.fakes.quarantine.kept) == 1


def test_trying_stops_at_the_deadline_and_not_before() -> None:
    """I9: an object that can be read only in the last hour is archived."""
    here = world()
    here.announces()
    here.runs(hours=22.5, until_quiet=False)
    here.holds(task())
    here.runs(hours=2)

    assert here.state() is ChunkState.SOURCE_DELETED


def test_past_the_deadline_a_chunk_nobody_tried_gets_one_last_try() -> None:
    """Older documents say 48 hours: the start of ACS's clock is not known, and a try costs one request."""
    here = announced_and_forgotten()
    here.fakes.clock.advance(hours=30)

    here.reconciles()
    here.runs()

    assert here.state() in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)
    assert len(here.media_blobs()) == 1


def test_an_event_of_many_chunks_is_archived_whole_after_a_day_of_mishaps() -> None:
    """Six chunks, the queue down, then the archive down, then all is well."""
    here = world()
    for number in range(6):
        here.holds(task(number))
    here.announces(event(*[chunk(number) for number in range(6)]))
    here.fakes.queue.sent.clear()
    here.runs(hours=2)

    assert {record.state for record in here.fakes.catalog.chunks.values()} == {ChunkState.SOURCE_DELETED}
    assert here.manifest()["complete"] is True
