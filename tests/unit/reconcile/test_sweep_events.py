"""Events that the host gave up on: an outage of storage must not cost a recording."""

import json

from dev.in_memory.builders import event
from dev.in_memory.world import world


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
