"""Old events, new ones, wrong clocks and odd rows: nothing is final too early, and what comes again is worked on."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dev.in_memory.builders import (
    EVENT_TIME,
    event,
    record,
    task,
)
from dev.in_memory.world import world
from recording.archive.line import archive_message
from recording.domain.state.chunk import ChunkState
from recording.errors import (
    ContentConflictError,
)


def test_an_old_event_before_its_file_does_not_outweigh_the_true_one() -> None:
    """The later deadline holds, and an EXPIRED chunk that is announced again goes back to work."""
    here = world()
    here.announces(event(eventTime=(EVENT_TIME - timedelta(hours=30)).isoformat(), id="early"))
    here.runs(hours=2)
    assert here.state() is ChunkState.EXPIRED
    here.holds(task())
    here.announces(event(eventTime=(EVENT_TIME + timedelta(hours=1)).isoformat(), id="true"))
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("again", ["event-1", "another"])
def test_a_chunk_that_is_announced_again_goes_back_to_work_whenever_it_was_given_up(again: str) -> None:
    """ACS says once more that there is a file; how long ago the chunk was given up says nothing about that."""
    here, old = world(), (EVENT_TIME - timedelta(hours=30)).isoformat()
    here.announces(event(eventTime=old))
    here.runs(hours=2)
    assert here.state() is ChunkState.EXPIRED
    here.holds(task())
    here.announces(event(eventTime=old, id=again))
    here.runs(hours=1)
    assert here.record().blob_name is not None


def test_another_event_reopens_at_once_and_its_second_delivery_path_does_not() -> None:
    """Two delivery paths bring one event within seconds of each other: that is one announcement."""
    here = world()
    here.source.fail_next("open_content", ContentConflictError("lasting"), times=2)
    for path in range(2):
        here.announces()
        assert here.state() is (ChunkState.QUARANTINED if path else ChunkState.PENDING)
        here.runs(hours=0.01)
        assert here.state() is ChunkState.QUARANTINED
    here.announces(event(id="another"))
    assert here.state() is ChunkState.PENDING
    here.runs(hours=0.01)
    assert here.state() is ChunkState.QUARANTINED
    here.announces(event(id="another"))
    assert here.state() is ChunkState.QUARANTINED
    here.fakes.clock.advance(minutes=11)
    here.holds(task())
    here.announces(event(id="another"))
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("hours", [25, 49, 6, -3])
def test_one_instance_with_a_wrong_clock_decides_nothing_final(hours: int) -> None:
    """It claims, fails and reports by the time that the catalog's answers tell."""
    here = world()

    class Skewed:
        def now(self) -> object:
            return here.now + timedelta(hours=hours)

    ports = replace(here.ports, clock=Skewed())
    here.fakes.catalog.add_chunk(record(first_seen_at=here.now, changed_at=here.now))
    for _ in range(4):
        archive_message(task().model_dump_json(), ports, here.settings)
        here.fakes.queue.sent.clear()
        here.fakes.clock.advance(minutes=40)
        assert here.state() is ChunkState.PENDING
        assert not here.record().is_claimed(here.now)
    here.holds(task())
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_claim_far_in_the_future_is_honoured_for_one_claim_only() -> None:
    """A worker with a wrong clock died with it."""
    here = world()
    here.holds(task())
    here.fakes.catalog.add_chunk(record(claim_owner="dead", claim_expires_at=here.now + timedelta(hours=25)))
    here.fakes.queue.send(task())
    here.runs(hours=0.2)
    assert here.state() is ChunkState.SOURCE_DELETED


ODD_FACTS = {
    "recording_duration_ms": ["NaN", "Infinity", "-5", "1e400", '"long"', "{}"],
    "format": ['"Wav"', '"ogg"', "7", "null"],
    "content": ['"Hologram"', "[]"],
    "channel": ['"quadro"', "true"],
    "end_reason": ["5", "[]"],
    "chunks_in_event": ["null", "0", "-1", "1e30", '"one"'],
    "recording_start_time": ['"yesterday"', '"0001-01-01T00:00:00+14:00"', "[]"],
    "attempt": ["-7", "null", "1e30", '"first"'],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ODD_FACTS.items() for text in texts])
def test_a_message_with_an_odd_fact_is_worked_on_without_it(name: str, text: str) -> None:
    """Another version or a hand wrote it; what only describes a recording must not cost it."""
    here = world()
    here.holds(task())
    document = json.loads(task().model_dump_json()) | {name: "@"}
    archive_message(json.dumps(document).replace('"@"', text), here.ports, here.settings)
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("year", ["0001", "0999", "1601", "9999"])
def test_a_row_whose_deadline_was_never_meant_takes_the_messages(year: str) -> None:
    """A deadline of the year 9999 would never be at risk, one of the year 1 would leave the source."""
    here = world()
    here.holds(task())
    odd = task().expiring_at(datetime.fromisoformat(f"{year}-12-31T23:59:59+00:00"))
    here.fakes.catalog.add_chunk(record(task=odd))
    here.works(task())
    assert (here.state(), here.record().task.expires_at) == (ChunkState.SOURCE_DELETED, task().expires_at)
