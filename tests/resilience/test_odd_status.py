"""Anything in any row or timer's note: `held`, `status`, doctor and deep health answer, and name each odd row once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, event, task
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World
from recording.adapters.table import rows
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched import looks
from recording.domain.watched.attention import Attention
from recording.domain.watched.looks import ReconcileLook, ScrubLook, SealLook
from recording.http.views.attention import HeldListView
from recording.http.views.status import DeepHealthView, StatusView
from recording.operate.attention import needs_attention
from recording.operate.doctor import examine
from recording.operate.timeline import overview
from tests.resilience.test_odd_input import (
    holding,
    is_neighbour_archived,
    neighbours_event,
    record_in,
    spoilt,
    spoilt_chunks,
    with_document,
)

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
LOOKS = {
    looks.RECONCILED: ReconcileLook(at=AT),
    looks.SCRUBBED: ScrubLook(at=AT, oldest_at=AT),
    looks.COMPARED: SealLook(at=AT, began_at=AT),
}


def answers(here: World) -> list[tuple[str, str]]:
    """Let every list and verdict answer, in JSON that any client reads; return what they name, by kind and id."""
    found = needs_attention(here.ports, here.settings)
    views = [
        HeldListView.of(found).plain(),
        StatusView.of(overview(here.ports), found, ()).plain(),
        DeepHealthView.of(examine(lambda: (here.ports, here.settings), lambda _: FakeProbe())).plain(),
    ]
    for view in views:
        json.dumps(view, allow_nan=False)
    return [(item.kind.value, item.id) for item in found.items]


def archiving() -> World:
    """Return a world with a chunk that waits, and another recording's beside it."""
    here = holding()
    here.announces(event(chunk(0)))
    here.announces(neighbours_event())
    return here


@hypothesis_settings(max_examples=150)
@given(spoilt_chunks())
def test_an_odd_row_of_a_chunk_is_counted_or_named_once(told: tuple[Any, Any]) -> None:
    """It hides nothing else, whatever its times, counts and words are."""
    here = archiving()
    place = (RECORDING_ID, str(task(0).key))
    before = here.fakes.catalog.chunks[place]
    found = record_in(ChunkRecord, with_document(rows.chunk_row(before), told[1]))
    if found is None or found.key != before.key:
        here.fakes.catalog.unreadable.add(place)
    else:
        here.fakes.catalog.chunks[place] = found.model_copy(update={"etag": before.etag})
    named = answers(here)
    assert len(named) == len(set(named))
    is_odd = place in here.fakes.catalog.unreadable
    assert named.count((Attention.UNREADABLE.value, "/".join(place))) == int(is_odd)
    here.runs(hours=2)
    answers(here)
    assert is_neighbour_archived(here)


WHOLE = RecordingRecord(
    recording_id=RECORDING_ID,
    started_at=AT,
    started_here=True,
    missing_since=AT,
    incomplete_since=AT,
    call_alarm="pause_overdue",
    call_alarm_since=AT,
    stands="missing",
)


@hypothesis_settings(max_examples=150)
@given(spoilt(rows.document_of(rows.recording_row(WHOLE))))
def test_an_odd_row_of_a_recording_is_counted_or_named_once(told: Any) -> None:
    """Its alarms have times of their own."""
    here = archiving()
    found = record_in(RecordingRecord, with_document({"PartitionKey": "p", "RowKey": "r"}, told))
    if found is None or found.recording_id != RECORDING_ID:
        here.fakes.catalog.unreadable.add(RECORDING_ID)
    else:
        etag = here.fakes.catalog.recordings[RECORDING_ID].etag
        here.fakes.catalog.recordings[RECORDING_ID] = found.model_copy(update={"etag": etag})
    named = answers(here)
    assert len(named) == len(set(named))


@hypothesis_settings(max_examples=200)
@given(st.sampled_from(sorted(LOOKS)).flatmap(lambda name: st.tuples(st.just(name), _notes(name))))
def test_an_odd_note_of_a_timer_ends_no_list_and_stops_no_timer(told: tuple[str, str]) -> None:
    """It is written again by the next run."""
    here = archiving()
    here.fakes.catalog.cursors[told[0]] = told[1]
    answers(here)
    here.runs(hours=1)
    answers(here)
    assert is_neighbour_archived(here)


def _notes(name: str) -> st.SearchStrategy[str]:
    whole = json.loads(LOOKS[name].model_dump_json())
    return spoilt(whole).map(json.dumps) | st.text(max_size=20)


YEARS = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize("year", YEARS)
def test_a_note_from_a_year_that_was_never_meant_hides_no_silent_timer(year: str) -> None:
    """One of the year 9999 would say for ever that reconcile has just run."""
    here = archiving()
    here.fakes.catalog.cursors[looks.RECONCILED] = json.dumps({"at": year})
    here.fakes.catalog.cursors[looks.SCRUBBED] = json.dumps({"at": year, "oldest_at": year})
    here.fakes.clock.advance(hours=40)
    kinds = {kind for kind, _ in answers(here)}
    assert kinds >= {Attention.RECONCILE_LATE.value, Attention.SCRUB_BEHIND.value}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", str(10**30), "-1", '"x"', "null", "true"])
def test_a_number_that_was_never_meant_is_no_broken_answer(number: str) -> None:
    """JSON has no NaN: a page that reads the answer would read nothing."""
    here = archiving()
    at = (here.now - timedelta(minutes=1)).isoformat()
    here.fakes.catalog.cursors[looks.SCRUBBED] = f'{{"at": "{at}", "coverage": {number}, "chunks": {number}}}'
    here.fakes.catalog.cursors[looks.RECONCILED] = f'{{"at": "{at}", "missing": {number}}}'
    answers(here)
