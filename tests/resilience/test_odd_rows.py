"""Anything in any column of a row from elsewhere ends no loop over custody, outbox, seal, trail and directory.

Each row is read as the adapter reads it; what it reads is put among good ones, and what it names unreadable is named.
"""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.fakes.outgoing import DELIVERED, FakeWay
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached, days_pass, put_rule
from dev.in_memory.world import World, world
from recording.adapters.table import audit, directory, keeping, outbox, seal_list
from recording.adapters.table.records import UnreadableRecordError
from recording.adapters.table.rows import Row
from recording.domain.find.find_query import FindQuery
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody
from recording.domain.keep.erasure import Erasure
from recording.domain.outgoing.delivery import Entry, Progress, Result, WayHealth
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.http.views.library import TimelineView
from recording.library.directory import find
from recording.library.follow_up import follow_up
from recording.library.keep.erasures import erasure_status, list_erasures, request_erasure
from recording.library.keep.explain import explain
from recording.library.keep.holds import all_held, place_hold
from recording.library.notify.catch_up import catch_up
from recording.library.notify.operate import health_of_ways
from recording.library.notify.write import write_events
from recording.library.seal.compare_audit import compare_audit
from recording.library.seal.turn import seal
from recording.library.seal.waiting import seal_file, seal_recording
from recording.operate.timeline import story
from recording.ports import Unreadable
from recording.ports.outgoing import Answer
from tests.resilience.test_odd_input import entity, spoilt, with_document

OTHER = "neighbour"


def archived(**fakes: Any) -> World:
    """Return a world with two archived recordings and everything that is kept about them."""
    here = world()
    for name, fake in fakes.items():
        object.__setattr__(here.fakes, name, fake)
    attached(here.fakes)
    for of, one in ((RECORDING_ID, task(0)), (OTHER, task(0, document_id(50), recording_id=OTHER))):
        here.holds(one)
        subject = event()["subject"].replace(RECORDING_ID, of)
        here.announces(event(chunk(0, one.document_id), subject=subject, id=f"event-{of[:9]}"))
    here.runs_due()
    here.follows_up()
    return here


@st.composite
def spoilt_columns(draw: st.DrawFn, row: Row) -> Any:
    """Return a row of which some columns hold something else; its keys stay, for the service demands them."""
    columns = {name: value for name, value in row.items() if name not in ("PartitionKey", "RowKey")}
    kept = draw(spoilt(columns, most=2))
    odd_key = draw(st.sampled_from([row["RowKey"], row["RowKey"], "x", "0", "~", "9999-99-99", "-"]))
    plain = kept if isinstance(kept, dict) else {}
    return entity({**plain, "PartitionKey": row["PartitionKey"], "RowKey": odd_key})


def is_left(here: World) -> bool:
    """Return whether the archive still has files of the neighbour."""
    folder = here.record(task(0, document_id(50), recording_id=OTHER)).task.folder
    return any(name.startswith(folder) for name in here.fakes.archive.blobs)


# --- custody and requests --------------------------------------------------------------------------------------------


def _kept() -> World:
    here = archived()
    put_rule(here, "delete", 1)
    place_hold(RECORDING_ID, "L-1", "lawsuit", "alice", here.ports)
    return here


CUSTODY = json.loads(_kept().fakes.keeping.rows[name_of(RECORDING_ID)].model_dump_json())


@hypothesis_settings(max_examples=200)
@given(spoilt(CUSTODY))
def test_a_custody_row_with_anything_in_any_field_keeps_no_other_recording_waiting(told: Any) -> None:
    """The daily run destroys what is due beside it, and the row is read or named."""
    here = _kept()
    name = name_of(RECORDING_ID)
    row = with_document({"PartitionKey": name, "RowKey": "custody"}, told)
    found = keeping._readable(row)
    if isinstance(found, Custody):
        here.fakes.keeping.rows[name] = found.model_copy(update={"etag": here.fakes.keeping.rows[name].etag})
    else:
        here.fakes.keeping.unreadable.add(name)
    days_pass(here, 20)
    assert not is_left(here)
    list(all_held(here.ports))
    with suppress(RecordingError):
        explain(RECORDING_ID, here.ports, here.settings)


REQUEST = json.loads(
    request_erasure({"recordings": [RECORDING_ID], "reason": "letter"}, "alice", _kept().ports, world().settings)
    .model_copy(update={"approved_by": "bob"})
    .model_dump_json()
)


@hypothesis_settings(max_examples=200)
@given(spoilt({**REQUEST, "approved_at": REQUEST["requested_at"], "state": "approved"}))
def test_a_request_with_anything_in_any_field_ends_no_daily_run(told: Any) -> None:
    """Others are carried out beside it."""
    here = _kept()
    fakes = here.fakes
    row = with_document({"PartitionKey": "!erasures", "RowKey": name_of(REQUEST["erasure_id"])}, told)
    try:
        made = keeping._document(Erasure, row)
    except UnreadableRecordError:
        made = Erasure.model_validate({**REQUEST})
        fakes.keeping.unreadable.add(made.erasure_id)
    fakes.keeping.requests[made.erasure_id] = made.model_copy(update={"etag": '"1"'})
    days_pass(here, 20)
    assert not is_left(here)
    list_erasures(here.ports)
    with suppress(RecordingError):
        erasure_status(made.erasure_id, here.ports, here.settings)


# --- outbox ----------------------------------------------------------------------------------------------------------


def _waiting() -> tuple[World, FakeWay]:
    """Return a world with two recordings whose events wait to be sent."""
    here, way = archived(), FakeWay()
    outgoing = here.reports_to(way)
    for of in (RECORDING_ID, OTHER):
        assert write_events(Subject(kind=SubjectKind.RECORDING, id=of), here.ports, outgoing.ports)
    return here, way


def _first(entries: Any) -> tuple[str, str]:
    """Return the key of the first event that waits about the recording of the builders."""
    found: tuple[str, str] = min(key for key, one in entries.items() if one.event.subject.id == RECORDING_ID)
    return found


ENTRY = _waiting()[0].fakes.outgoing.outbox.entries  # type: ignore[union-attr]  # it reports
_MADE = ENTRY[_first(ENTRY)].with_progress("fake", Progress(tries=1, due=world().now)).claimed(world().now)


@hypothesis_settings(max_examples=200)
@given(spoilt(json.loads(_MADE.model_dump_json())))
def test_an_entry_of_the_outbox_with_anything_in_any_field_delays_no_other_event(told: Any) -> None:
    """It is sent, or named; and what it says of a year that is not, stops nobody."""
    here, way = _waiting()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    key = _first(outgoing.outbox.entries)
    row = with_document(outbox._pending_row(_MADE), told)
    found = outbox._entry(row)
    if isinstance(found, Entry):
        etag = outgoing.outbox.entries[key].etag
        outgoing.outbox.entries[key] = found.model_copy(update={"etag": etag})
    else:
        outgoing.outbox.unreadable.add(key)
    for _ in range(12):
        here.fakes.clock.advance(minutes=20)
        catch_up(here.ports)
        here.notifies()
    assert OTHER in {one.subject.id for one in way.got}
    assert {one.event.subject.id for one in outgoing.outbox.entries.values()} <= {RECORDING_ID}


HEALTH = WayHealth(way="crm", failing_since=world().now, failed_at=world().now, code="x", given_up=1)


@hypothesis_settings(max_examples=200)
@given(spoilt(json.loads(HEALTH.model_dump_json())))
def test_the_health_of_a_receiver_with_anything_in_any_field_keeps_no_event_back(told: Any) -> None:
    """A receiver that failed in the year 9999 would rest until then, and one since the year 1 be given up."""
    here, way = _waiting()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    found = outbox._document(WayHealth, with_document({"PartitionKey": "ways", "RowKey": "crm"}, told))
    if found is not None:
        outgoing.outbox.ways["crm"] = found.model_copy(update={"way": "crm"})
    before = found is not None and found.is_disabled
    for _ in range(12):
        here.fakes.clock.advance(minutes=20)
        catch_up(here.ports)
        here.notifies()
    health_of_ways(here.ports)
    assert before or OTHER in {one.subject.id for one in way.got}


# --- seal and trail --------------------------------------------------------------------------------------------------

ITEM = {"PartitionKey": "waiting", "RowKey": "0", "what": "recording", "name": RECORDING_ID, "secret": "00" * 32}


@hypothesis_settings(max_examples=200)
@given(spoilt_columns({**ITEM, "facts": "{}"}))
def test_an_item_of_the_seal_with_anything_in_any_column_keeps_no_other_waiting(row: Any) -> None:
    """It is sealed, or waits for the version that knows it."""
    here = archived(seal=FakeSeal())
    assert here.fakes.seal is not None
    seal_file("_certificates/good.json", here.ports)
    (good,) = (place for place, one in here.fakes.seal.waiting.items.items() if one.name.endswith("good.json"))
    found = seal_list._item(row)
    if found is not None:
        here.fakes.seal.waiting.items["00"] = replace(found, place="00")
    seal(here.ports)
    assert good not in here.fakes.seal.waiting.items


LINE = {"PartitionKey": "!rec", "RowKey": "2026-11-23T09:00:00.000000+00:00-ab", "operation": "stop_recording"}


@hypothesis_settings(max_examples=200)
@given(
    spoilt_columns({**LINE, "recordingId": RECORDING_ID, "caller": "c", "outcome": "done", "note": "n", "part": "p"})
)
def test_a_row_of_the_trail_with_anything_in_any_column_is_told_and_sealed(row: Any) -> None:
    """Timeline, seal and comparison read on behind it."""
    here = archived(seal=FakeSeal())
    assert here.fakes.seal is not None
    found = audit._entry(row)
    here.fakes.audit.written.append(replace(found, recording_id=RECORDING_ID))
    told = story(RECORDING_ID, here.ports)
    assert told is not None
    json.dumps(TimelineView.of(RECORDING_ID, told).plain(), allow_nan=False)
    seal(here.ports)
    compare_audit(here.now - timedelta(days=1), here.ports, here.fakes.seal.ports)


# --- directory -------------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=200)
@given(st.data())
def test_a_row_of_the_directory_with_anything_in_any_column_hides_no_other_recording(data: st.DataObject) -> None:
    """It finds its own as long as it names it; a row that does not is derived, and can be written again."""
    here = archived()
    rows, named = [row for row in here.fakes.directory.rows.values() if row.recording_id == RECORDING_ID], False
    for row in rows:
        found = directory._row(data.draw(spoilt_columns(directory.entity_of(row))))
        here.fakes.directory.remove([f"{row.partition}|{row.row_key}"])
        if found is not None:
            here.fakes.directory.put([found])
            is_same = (found.recording_id, found.row_key) == (row.recording_id, row.row_key)
            named = named or (is_same and row.partition.startswith("t!"))
    seen, query = set(), FindQuery.read({"limit": 1})
    while True:
        page = find(query, here.ports, here.settings)
        seen |= {one.recording.recording_id for one in page.items}
        if page.next is None:
            break
        query = query.model_copy(update={"next": page.next})
    assert seen >= ({OTHER, RECORDING_ID} if named else {OTHER})
    follow_up(RECORDING_ID, here.ports, again=True)
    assert {one.recording_id for one in here.fakes.directory.rows.values()} >= {RECORDING_ID, OTHER}


# --- what was found so, and stays -------------------------------------------------------------------------------------

YEARS = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("field", ["failing_since", "failed_at", "both"])
@pytest.mark.parametrize("answers", [DELIVERED, Answer(Result.FAILED, Code.ENDPOINT_REFUSED)], ids=["well", "failing"])
def test_a_receivers_times_that_were_never_meant_rest_and_disable_nothing(
    answers: Answer, field: str, year: str
) -> None:
    """It is tried as any other, and given up after days of failures only."""
    here, way = _waiting()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    names = ("failing_since", "failed_at") if field == "both" else (field,)
    told = {**json.loads(HEALTH.model_dump_json()), **dict.fromkeys(names, year)}
    outgoing.outbox.ways["crm"] = WayHealth.model_validate({**told, "way": "crm"})
    way.answer = lambda _event: answers
    for _ in range(6):
        here.fakes.clock.advance(minutes=20)
        catch_up(here.ports)
        here.notifies()
    assert way.tried
    assert not outgoing.outbox.health("crm").is_disabled
    health_of_ways(here.ports)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("field", ["claimed_until", "added_at", "due"])
def test_an_entrys_times_that_were_never_meant_hold_it_back_from_nobody(field: str, year: str) -> None:
    """Claimed until the year 9999, it would wait until then, and all behind it in its order."""
    here, way = _waiting()
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    key = _first(outgoing.outbox.entries)
    entry = outgoing.outbox.entries[key]
    told = json.loads(entry.model_dump_json())
    told |= {"ways": {"crm": {"tries": 1, "due": year}}} if field == "due" else {field: year}
    outgoing.outbox.entries[key] = Entry.model_validate(told).model_copy(update={"etag": entry.etag})
    for _ in range(6):
        here.fakes.clock.advance(minutes=20)
        catch_up(here.ports)
        here.notifies()
    assert outgoing.outbox.entries == {}
    assert {one.subject.id for one in way.got} == {RECORDING_ID, OTHER}


def test_many_recordings_that_cannot_be_read_end_no_turn_of_the_seal() -> None:
    """Each turn would have ended at the same ones, and nothing behind them been sealed."""
    here = archived(seal=FakeSeal())
    assert here.fakes.seal is not None
    for number in range(50):
        seal_recording(f"odd-{number}", here.ports)
        here.fakes.catalog.unreadable.add(f"odd-{number}")
    seal_file("_certificates/good.json", here.ports)
    seal(here.ports)
    assert {one.name[:4] for one in here.fakes.seal.waiting.items.values()} == {"odd-"}


@pytest.mark.parametrize("kind", ["custody", "entry"])
def test_a_copy_of_a_row_under_another_key_decides_nothing(kind: str) -> None:
    """A hold would be lifted by a copy of another recording's row; an entry could be neither saved nor removed."""
    if kind == "custody":
        found: object = keeping._readable(with_document({"PartitionKey": "another", "RowKey": "custody"}, CUSTODY))
    else:
        row = {**outbox._pending_row(_MADE), "RowKey": "another"}
        found = outbox._entry(with_document(row, json.loads(_MADE.model_dump_json()))) or Unreadable("another")
    assert isinstance(found, Unreadable)
