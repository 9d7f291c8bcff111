"""Anything in any field of an event, a message or a row ends no worker, deletes nothing unproven and delays no other.

The witness beside every DELETE (`dev/in_memory/world.py`) objects when the archive does not hold what is deleted.
"""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import azure.functions as func
import pytest
from azure.data.tables import TableEntity
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dev.in_memory.builders import EVENT_TIME, RECORDING_ID, chunk, cloud_event, document_id, event, metadata, task
from dev.in_memory.world import World, world
from recording.adapters.table import rows
from recording.adapters.table.records import UnreadableRecordError, read_record
from recording.archive.line import archive_message
from recording.control.recordings import get_recording
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.transitions import is_archived
from recording.errors import RecordingError
from recording.http.event_trigger import BINDING, envelope_of, keep_envelopes
from recording.ingest import ingest_event, ingest_text
from recording.operate.held import list_held
from recording.operate.timeline import overview, story

NEIGHBOUR = task(0, document_id(50), recording_id="neighbour")  # of another recording, and good
_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "true",
    "null",
    "../..",
    "a/b",
    "\u0000",
    "\ud800",
    "\u202e",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "2026-11-23T08:58:00+01:00",
    "https://weu-storage.asm.skype.com/v1/objects/x",
    "https://weu-storage.asm.skype.com/v1/objects/x/content/acsmetadata",
    "https://evil.example/v1/objects/x/content/video",
    "SOURCE_DELETED",
    "CATALOGED",
    "archived",
    "deleted",
    "external",
    "é" * 600,
)
Simple = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**20, 2**31, 1_000_001])
    | st.floats()
    | st.sampled_from(_TEXTS)
    | st.text(max_size=6)
)
Value = st.recursive(
    Simple,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, document: Any, most: int = 3) -> Any:
    """Return a document of which some places hold something else, or nothing, or are spelt otherwise."""
    content = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        places = list(_places(content))
        where, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["value", "value", "value", "gone", "text", "list", "case", "twice"]))
        if how == "gone":
            del where[key]
        elif how == "text":
            where[key] = json.dumps(where[key])
        elif how == "list":
            where[key] = [where[key]]
        elif how == "case" and isinstance(where, dict):
            where[str(key).upper()] = where.pop(key)
        elif how == "twice" and isinstance(where, list):
            where.append(copy.deepcopy(where[key]))
        else:
            where[key] = draw(Value)
        if not content:
            break
    return content


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(content, dict | list):
        for key in list(content) if isinstance(content, dict) else range(len(content)):
            yield content, key
            yield from _places(content[key])


def holding() -> World:
    """Return a world whose ACS has three chunks, one of them another recording's."""
    here = world()
    for of in (task(0), task(1), NEIGHBOUR):
        here.holds(of)
    check = here.source.witness

    def witness(location: str) -> None:
        """Check as ever, but what nobody announced is not missed: an event without metadata lets the source go."""
        for one in here.fakes.catalog.chunks.values():
            if one.metadata is MetadataOutcome.NOT_ANNOUNCED and one.task.document_id in here.truth:
                here.truth[one.task.document_id] = here.truth[one.task.document_id][0], None
        check(location)

    here.source.witness = witness
    return here


def neighbours_event() -> dict[str, Any]:
    """Return the event of the neighbour."""
    subject = event()["subject"].replace(RECORDING_ID, "neighbour")
    return event(chunk(0, document_id(50)), subject=subject, id="event-2")


def is_neighbour_archived(here: World) -> bool:
    """Return whether the good chunk of the other recording was archived."""
    found = here.fakes.catalog.chunks.get(("neighbour", str(NEIGHBOUR.key)))
    return found is not None and is_archived(found)


def everything_is_looked_at(here: World) -> None:
    """Let all who read the catalog read it; each answers, or names an error of its own."""
    assert here.reconciles().attention >= 0
    list_held(here.ports, here.settings)
    overview(here.ports)
    for recording_id in (RECORDING_ID, "neighbour"):
        with suppress(RecordingError):  # it has a name
            story(recording_id, here.ports)
        with suppress(RecordingError):
            json.dumps(get_recording(recording_id, here.ports, here.settings), allow_nan=False)


# --- events --------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    """As importing `function_app` does."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    before = registry.get(BINDING)
    assert keep_envelopes()
    yield
    registry._bindings[BINDING] = before


def by_the_webhook(told: object) -> Any:
    """Return what the function receives of an event."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    return envelope_of(registry.get(BINDING).decode(func.meta.Datum(json.dumps(told), "json"), trigger_metadata={}))


def end_of(here: World) -> tuple[Any, ...]:
    """Return what came of an event."""
    chunks = {key: (one.state, one.metadata, one.source) for key, one in here.fakes.catalog.chunks.items()}
    return chunks, sorted(here.fakes.quarantine.reasons), sorted(here.source.deleted)


@hypothesis_settings(max_examples=300)
@given(spoilt(event(chunk(0), chunk(1))) | spoilt(cloud_event(chunk(0), chunk(1))))
def test_an_event_with_anything_in_any_place_is_judged_alike_and_costs_no_other(told: Any) -> None:
    """By the webhook, or in a batch on the queue with a good one behind it."""
    ends = []
    for path in ("webhook", "queue"):
        here = holding()
        if path == "webhook":
            ingest_event(by_the_webhook(told), Origin.EVENT_GRID, here.ports, here.settings)
            ingest_event(by_the_webhook(neighbours_event()), Origin.EVENT_GRID, here.ports, here.settings)
        else:
            ingest_text(json.dumps([told, neighbours_event()]), Origin.EVENT_QUEUE, here.ports, here.settings)
        here.runs(hours=2)
        assert is_neighbour_archived(here)
        everything_is_looked_at(here)
        ends.append(end_of(here))
    if not isinstance(told, list | str):  # an array within the array is taken apart on the queue only
        assert ends[0] == ends[1]


# --- messages ------------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=300)
@given(spoilt(json.loads(task(0).model_dump_json())))
def test_a_message_with_anything_in_any_field_ends_no_worker(told: Any) -> None:
    """Another version wrote it, or a hand; as a message, and as one that the host gave up on."""
    here = holding()
    here.fakes.queue.poison(json.dumps(told))
    archive_message(json.dumps(told), here.ports, here.settings)
    here.fakes.queue.send(NEIGHBOUR)
    here.reconciles()
    here.runs(hours=2)
    assert is_neighbour_archived(here)
    everything_is_looked_at(here)


@hypothesis_settings(max_examples=300)
@given(spoilt(json.loads(metadata())))
def test_metadata_with_anything_in_any_place_keeps_no_media_waiting(told: Any) -> None:
    """The least important document must not decide; and what is archived in its place is what was served."""
    here = world()
    here.holds(task(0), document=json.dumps(told).encode())
    here.works(task(0))
    assert here.state() in (ChunkState.SOURCE_DELETED, ChunkState.VERIFIED, ChunkState.PENDING)
    here.runs(hours=2)
    everything_is_looked_at(here)


# --- rows ----------------------------------------------------------------------------------------------------------


def entity(row: rows.Row) -> TableEntity:
    """Return a row as the SDK would."""
    made = TableEntity(row)
    made._metadata = {"etag": '"1"', "timestamp": EVENT_TIME}
    return made


def with_document(row: rows.Row, told: Any) -> TableEntity:
    """Return a row with another document."""
    plain = {name: value for name, value in row.items() if not name.startswith(("json", "more"))}
    return entity(plain | rows.pieces_of(json.dumps(told)))


def record_in(model: Any, row: TableEntity) -> Any:
    """Return the record in a row; None for one that is named unreadable."""
    try:
        return read_record(model, row)
    except UnreadableRecordError:
        return None


def _at(state: ChunkState) -> ChunkRecord:
    """Return the record of a chunk that the line has taken so far."""
    here = holding()
    if state is ChunkState.VERIFIED:
        here.source.objects.pop(task(0).metadata_location or "")
    if state is not ChunkState.PENDING:
        here.works(task(0))
        return here.record(task(0))
    here.announces(event(chunk(0)))
    return here.record(task(0))


STATES = (ChunkState.PENDING, ChunkState.VERIFIED, ChunkState.SOURCE_DELETED)


@st.composite
def spoilt_chunks(draw: st.DrawFn) -> tuple[ChunkState, Any]:
    """Return a state, and the document of a chunk's row in it with something odd in it."""
    state = draw(st.sampled_from(STATES))
    document = rows.document_of(rows.chunk_row(_at(state)))
    return state, draw(spoilt(document, most=2))


@hypothesis_settings(max_examples=300)
@given(spoilt_chunks())
def test_a_row_with_anything_in_any_field_is_worked_on_or_named(told: tuple[ChunkState, Any]) -> None:
    """Every reader of the catalog meets it, and the chunk of another recording is archived beside it."""
    state, document = told
    here = holding()
    if state is ChunkState.VERIFIED:
        here.source.objects.pop(task(0).metadata_location or "")
    here.announces(event(chunk(0)))
    if state is not ChunkState.PENDING:
        here.runs_due()
    if state is ChunkState.VERIFIED:
        here.source.objects[task(0).metadata_location or ""] = metadata(task(0))
    place = (RECORDING_ID, str(task(0).key))
    before = here.fakes.catalog.chunks[place]
    found = record_in(ChunkRecord, with_document(rows.chunk_row(before), document))
    if found is None or found.key != before.key:
        here.fakes.catalog.unreadable.add(place)
    else:
        here.fakes.catalog.chunks[place] = found.model_copy(update={"etag": before.etag, "saved_at": before.saved_at})
    here.announces(neighbours_event())
    here.runs(hours=2)
    everything_is_looked_at(here)
    assert is_neighbour_archived(here)


OTHERS: dict[str, tuple[type[BaseModel], BaseModel]] = {
    "recording": (RecordingRecord, RecordingRecord(recording_id=RECORDING_ID, call_id="c", started_at=EVENT_TIME)),
    "reservation": (
        StartReservation,
        StartReservation(key="k", fingerprint="f", repeatability_id="r", first_sent=EVENT_TIME),
    ),
}


@hypothesis_settings(max_examples=200)
@given(st.sampled_from(sorted(OTHERS)).flatmap(lambda kind: st.tuples(st.just(kind), spoilt(_document(kind)))))
def test_a_row_about_a_recording_with_anything_in_any_field_is_read_or_named(told: tuple[str, Any]) -> None:
    """As for chunks; what is read is read by all."""
    kind, document = told
    found = record_in(OTHERS[kind][0], with_document({"PartitionKey": "p", "RowKey": "r"}, document))
    if kind != "recording":
        return
    here = holding()
    here.announces(event(chunk(0)))
    if found is None or found.recording_id != RECORDING_ID:
        here.fakes.catalog.unreadable.add(RECORDING_ID)
    else:
        etag = here.fakes.catalog.recordings[RECORDING_ID].etag
        here.fakes.catalog.recordings[RECORDING_ID] = found.model_copy(update={"etag": etag})
    here.announces(neighbours_event())
    here.runs(hours=2)
    everything_is_looked_at(here)
    assert is_neighbour_archived(here)


def _document(kind: str) -> Any:
    first = {"recording": rows.recording_row, "reservation": rows.reservation_row}[kind]
    return rows.document_of(first(OTHERS[kind][1]))  # type: ignore[operator]  # each takes its own kind


def test_the_fuzz_reaches_the_end_of_the_line() -> None:
    """Without spoiling anything, all three chunks are archived: otherwise the tests above would say nothing."""
    here = holding()
    told = json.dumps([event(chunk(0), chunk(1)), neighbours_event()])
    ingest_text(told, Origin.EVENT_QUEUE, here.ports, here.settings)
    here.runs(hours=2)
    assert [one.state for one in here.fakes.catalog.chunks.values()] == [ChunkState.SOURCE_DELETED] * 3
    assert isinstance(here.record(task(0)).task, ChunkTask)
    assert document_id(0) in here.source.deleted[0]
