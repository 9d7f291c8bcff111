"""The port Catalog: the same promises from the fake and from Table storage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dev.in_memory.fakes.catalog import FakeCatalog
from recording.adapters.table.catalog import TableCatalog
from recording.domain.archived.drift import MediaAge
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, SourceOutcome
from recording.domain.state.recording import LastAction, RecordingRecord, StartReservation
from recording.errors import ClaimLostError
from recording.ports import Catalog, Page
from recording.ports.bulkhead import readable

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def catalog(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    if request.param == "fake":
        yield FakeCatalog()
        return
    adapter = TableCatalog(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def chunk(
    index: int = 0, document_id: str = "0-eus-d1-aa", *, recording_id: str = "rec-1", hours: int = 24
) -> ChunkRecord:
    task = ChunkTask(
        recording_id=recording_id,
        call_id="call-1",
        document_id=document_id,
        index=index,
        content_location=f"https://storage.asm.skype.com/v1/objects/{document_id}/content/audio",
        event_id="event-1",
        event_time=NOW,
        expires_at=NOW + timedelta(hours=hours),
        folder="2026/11/23/call-1/rec-1",
    )
    return ChunkRecord(task=task, first_seen_at=NOW, changed_at=NOW)


def stored(catalog: Catalog, record: ChunkRecord) -> ChunkRecord:
    found = catalog.get_chunk(record.key)
    assert found is not None
    return found


def added(catalog: Catalog, record: ChunkRecord) -> ChunkRecord:
    assert catalog.add_chunk(record)
    return stored(catalog, record)


def test_a_chunk_comes_back_as_it_was_added(catalog: Catalog) -> None:
    """Nothing may be lost on the way through a table row."""
    record = chunk()
    found = added(catalog, record)
    assert found.etag
    assert found.saved_at is not None
    assert found.model_copy(update={"etag": None, "saved_at": None}) == record


def test_absent_things_are_none_even_before_the_tables_exist(catalog: Catalog) -> None:
    """The first worker of a new deployment asks before anything was written."""
    assert catalog.get_chunk(chunk().key) is None
    assert catalog.get_recording("rec-1") is None
    assert catalog.get_reservation("key") is None
    assert catalog.chunks_of("rec-1") == []
    assert list(catalog.open_chunks()) == []


def test_a_known_chunk_is_not_added_again(catalog: Catalog) -> None:
    """I7: a duplicate announcement changes nothing."""
    first = added(catalog, chunk())
    assert not catalog.add_chunk(chunk().model_copy(update={"attempts": 7}))
    assert stored(catalog, first) == first


def test_chunks_are_found_by_their_document(catalog: Catalog) -> None:
    """One file may be announced of several recordings or indexes; whoever comes second must find the first."""
    assert catalog.chunks_of_document("0-eus-d1-aa") == []
    ones = [added(catalog, chunk(0)), added(catalog, chunk(3)), added(catalog, chunk(0, recording_id="rec/2"))]
    added(catalog, chunk(1, "0-eus-d1-bb"))
    assert not catalog.add_chunk(chunk(0)), "announced again"
    moved = catalog.save_chunk(ones[0].model_copy(update={"attempts": 4}))
    found = catalog.chunks_of_document("0-eus-d1-aa")
    assert sorted(one.task.recording_id for one in found) == ["rec-1", "rec-1", "rec/2"]
    assert {one.attempts for one in found if one.key == moved.key} == {4}
    every = [one for one in catalog.all_chunks() if isinstance(one, ChunkRecord)]
    assert len(every) == 4, "index rows are no chunks"


def test_saving_returns_the_record_with_its_next_etag(catalog: Catalog) -> None:
    """A worker saves after each step without reading in between."""
    first = added(catalog, chunk())
    second = catalog.save_chunk(first.model_copy(update={"attempts": 1}))
    third = catalog.save_chunk(second.model_copy(update={"attempts": 2}))
    assert third.saved_at is not None  # the service's own time: a worker whose clock is wrong goes by it
    assert stored(catalog, first).model_copy(update={"saved_at": third.saved_at}) == third
    assert len({first.etag, second.etag, third.etag}) == 3


def test_a_record_that_changed_meanwhile_cannot_be_saved(catalog: Catalog) -> None:
    """The claim rests on this: of two workers one wins."""
    record = added(catalog, chunk())
    catalog.save_chunk(record.model_copy(update={"claim_owner": "fast"}))
    with pytest.raises(ClaimLostError):
        catalog.save_chunk(record.model_copy(update={"claim_owner": "slow"}))
    assert stored(catalog, record).claim_owner == "fast"


@pytest.mark.parametrize("etag", [None, "W/\"datetime'2026-11-23T09%3A00%3A00.0000000Z'\""])
def test_a_record_that_is_not_there_cannot_be_saved(catalog: Catalog, etag: str | None) -> None:
    """Saving never creates: only `add_chunk` does."""
    catalog.add_chunk(chunk(recording_id="another"))
    with pytest.raises(ClaimLostError):
        catalog.save_chunk(chunk().model_copy(update={"etag": etag}))
    assert catalog.get_chunk(chunk().key) is None


def test_chunks_of_a_recording_come_by_index(catalog: Catalog) -> None:
    """Manifest and answers list them in the order of the call; two documents of one index are both there."""
    for index, document in ((10, "d-a"), (2, "d-b"), (0, "d-d"), (0, "d-c")):
        catalog.add_chunk(chunk(index, document))
    catalog.add_chunk(chunk(1, "d-x", recording_id="another"))
    found = [(record.task.index, record.task.document_id) for record in catalog.chunks_of("rec-1")]
    assert found == [(0, "d-c"), (0, "d-d"), (2, "d-b"), (10, "d-a")]
    rows = [row for row in catalog.chunk_rows_of("rec-1") if isinstance(row, ChunkRecord)]
    assert [(row.task.index, row.task.document_id) for row in rows] == found
    assert catalog.chunk_rows_of("unknown") == []


def test_open_chunks_come_by_expiry(catalog: Catalog) -> None:
    """Work is ordered by what ACS forgets first."""
    for hours, document in ((24, "late"), (1, "soon"), (12, "middle")):
        catalog.add_chunk(chunk(0, document, hours=hours))
    assert [record.task.document_id for record in readable(catalog.open_chunks(), "t")] == ["soon", "middle", "late"]


def test_held_chunks_are_those_that_wait_for_a_person(catalog: Catalog) -> None:
    """The list must not read all that was ever archived."""
    for number, state in enumerate(ChunkState):
        record = added(catalog, chunk(number, f"d-{number}"))
        catalog.save_chunk(record.model_copy(update={"state": state}))
    assert {record.state for record in readable(catalog.held_chunks(), "t")} == {
        ChunkState.QUARANTINED,
        ChunkState.EXPIRED,
    }
    assert len(list(catalog.held_chunks())) == 2


@pytest.mark.parametrize(
    "finish",
    [
        {"state": ChunkState.SOURCE_DELETED},
        {"state": ChunkState.QUARANTINED},
        {"state": ChunkState.EXPIRED},
        {"state": ChunkState.CATALOGED, "source": SourceOutcome.LEFT_TO_EXPIRE},
    ],
)
def test_a_finished_chunk_is_not_open(catalog: Catalog, finish: dict[str, object]) -> None:
    """A sweep must not work through all that was ever archived."""
    record = added(catalog, chunk())
    catalog.save_chunk(record.model_copy(update=finish))
    assert list(catalog.open_chunks()) == []


def test_a_chunk_between_its_steps_is_open_with_its_latest_etag(catalog: Catalog) -> None:
    """I4: whatever a dead worker left is found."""
    record = added(catalog, chunk())
    for state in (ChunkState.COPIED, ChunkState.VERIFIED, ChunkState.CATALOGED):
        record = catalog.save_chunk(record.model_copy(update={"state": state}))
        assert [found.etag for found in readable(catalog.open_chunks(), "t")] == [record.etag]


@pytest.mark.parametrize("rest", [ChunkState.QUARANTINED, ChunkState.EXPIRED])
@pytest.mark.parametrize("again", [ChunkState.PENDING, ChunkState.COPIED])
def test_a_redriven_chunk_is_open_again(catalog: Catalog, rest: ChunkState, again: ChunkState) -> None:
    """A person put it back to work: if it fails once more, it must not be forgotten."""
    record = added(catalog, chunk())
    record = catalog.save_chunk(record.model_copy(update={"state": rest}))
    record = catalog.save_chunk(record.model_copy(update={"state": again}))
    assert [found.etag for found in readable(catalog.open_chunks(), "t")] == [record.etag]


def test_a_save_that_is_refused_does_not_close_a_chunk(catalog: Catalog) -> None:
    """A worker that lost its claim must not take the chunk out of sight with its last breath."""
    record = added(catalog, chunk())
    latest = catalog.save_chunk(record.model_copy(update={"claim_owner": "other"}))
    with pytest.raises(ClaimLostError):
        catalog.save_chunk(record.model_copy(update={"state": ChunkState.QUARANTINED}))
    assert [found.etag for found in readable(catalog.open_chunks(), "t")] == [latest.etag]


def test_the_largest_task_fits_into_the_catalog(catalog: Catalog) -> None:
    """A task of 48 KiB is legal in the queue; a table's property holds half of that."""
    big = chunk()
    task = big.task.model_copy(update={"server_call_id": "x" * 47_000, "end_reason": "\N{GRINNING FACE}" * 500})
    record = big.model_copy(update={"task": task, "last_error": "long " * 3000})
    assert added(catalog, record).task == task


def test_a_document_of_many_pieces_comes_back_whole(catalog: Catalog) -> None:
    """Most documents are short and are read by few columns; one that is longer than those is read again."""
    remarks = tuple(f"{number}: {'odd ' * 240}" for number in range(150))
    record = added(catalog, chunk().model_copy(update={"remarks": remarks}))
    assert record.remarks == remarks
    long = RecordingRecord(recording_id="rec-1", started_here=True, request={f"n{n}": "x" * 1000 for n in range(100)})
    assert catalog.add_recording(long)
    (found,) = catalog.get_recordings(["rec-1"])
    assert isinstance(found, RecordingRecord)
    assert found.request == long.request


def test_ids_that_tables_do_not_allow_are_no_trouble(catalog: Catalog) -> None:
    """Recording ids are 160 characters of base64url; some ids hold dots and tildes."""
    record = chunk(document_id="0~eus.d1=" + "z" * 400, recording_id="eyJQbGF0Zm9ybUVuZHBvaW50SWQiOi" * 6)
    assert added(catalog, record).key == record.key
    assert [found.key for found in catalog.chunks_of(record.task.recording_id)] == [record.key]


@pytest.mark.parametrize("name", ["open", "reservation", "recording"])
def test_a_recording_named_like_our_own_partitions_is_kept_apart(catalog: Catalog, name: str) -> None:
    """Ids come from outside and may be any plain word."""
    catalog.add_chunk(chunk(recording_id=name))
    catalog.add_chunk(chunk(recording_id="rec-1"))
    assert catalog.add_recording(RecordingRecord(recording_id=name))
    assert catalog.add_reservation(reservation(key="recording"))
    assert len(catalog.chunks_of(name)) == 1
    assert len(list(catalog.open_chunks())) == 2


def test_a_recording_is_added_once_and_saved_under_its_etag(catalog: Catalog) -> None:
    """Control calls and first events of one recording meet here."""
    record = RecordingRecord(recording_id="rec-1", started_here=True, request={"tags": {"case": "7"}}, started_at=NOW)
    assert catalog.add_recording(record)
    assert not catalog.add_recording(record)
    first = catalog.get_recording("rec-1")
    assert first is not None
    assert first.model_copy(update={"etag": None}) == record
    second = catalog.save_recording(first.model_copy(update={"last_action": LastAction.PAUSED}))
    assert catalog.get_recording("rec-1") == second
    with pytest.raises(ClaimLostError):
        catalog.save_recording(first)


def reservation(key: str = "order 66 / first try?") -> StartReservation:
    return StartReservation(key=key, fingerprint="ab", repeatability_id="r-1", first_sent=NOW)


def test_open_chunks_can_be_listed_from_an_expiry_on(catalog: Catalog) -> None:
    """What is lost already must not hide what is at risk."""
    for number, hours in enumerate([-1, 0, 1, 5]):
        catalog.add_chunk(chunk(number, f"d{number}", hours=hours))
    found = [
        record.task.index
        for record in readable(catalog.open_chunks(expiring_after=NOW + timedelta(milliseconds=300)), "t")
    ]
    assert found == [1, 2, 3]
    assert [
        record.task.index for record in readable(catalog.open_chunks(expiring_after=NOW + timedelta(hours=2)), "t")
    ] == [3]


def test_all_chunks_are_there_and_those_of_a_recording_lie_together(catalog: Catalog) -> None:
    """The whole archive is compared with them, recording by recording; finished ones count most."""
    assert list(catalog.all_chunks()) == []
    for recording_id, index in [("rec-2", 1), ("rec-1", 0), ("rec-2", 0), ("Rec-3", 0)]:
        catalog.add_chunk(chunk(index, recording_id=recording_id))
    catalog.save_chunk(stored(catalog, chunk(0, recording_id="rec-1")).model_copy(update={"state": ChunkState.EXPIRED}))
    found = [(record.task.recording_id, record.task.index) for record in readable(catalog.all_chunks(), "t")]
    assert len(found) == 4
    assert found == sorted(found)


def test_a_recording_is_open_until_it_is_settled(catalog: Catalog) -> None:
    """Reconcile asks every five minutes whose files have not come, without scanning all of them."""
    assert list(catalog.open_recordings()) == []
    for name in ("rec-1", "rec-2"):
        assert catalog.add_recording(RecordingRecord(recording_id=name))
    first = catalog.get_recording("rec-1")
    assert first is not None
    settled = catalog.save_recording(first.model_copy(update={"settled_at": NOW}))
    assert [record.recording_id for record in readable(catalog.open_recordings(), "t")] == ["rec-2"]
    catalog.save_recording(settled.model_copy(update={"settled_at": None}))
    assert {record.recording_id for record in readable(catalog.open_recordings(), "t")} == {"rec-1", "rec-2"}


def test_an_idempotency_key_is_reserved_once(catalog: Catalog) -> None:
    """Two requests with one key must not both start a recording."""
    assert catalog.add_reservation(reservation())
    assert not catalog.add_reservation(reservation().model_copy(update={"fingerprint": "other"}))
    found = catalog.get_reservation(reservation().key)
    assert found is not None
    assert found.fingerprint == "ab"


def test_a_reservation_is_completed_whoever_comes_last(catalog: Catalog) -> None:
    """All who complete it write what ACS answered, which is the same for one repeatability id."""
    catalog.add_reservation(reservation())
    complete = reservation().model_copy(update={"recording_id": "rec-1", "acs_state": "inactive"})
    catalog.save_reservation(complete)
    catalog.save_reservation(complete)
    found = catalog.get_reservation(reservation().key)
    assert found is not None
    assert found.model_copy(update={"etag": None}) == complete


def finished(index: int, recording_id: str, read: datetime, **changes: object) -> ChunkRecord:
    facts = {"state": ChunkState.SOURCE_DELETED, "blob_name": f"f/{index}.wav", "sha256": "ab", "length_bytes": 7}
    facts |= {"verified_at": read, **changes}
    return chunk(index, f"d-{index}", recording_id=recording_id).model_copy(update=facts)


def test_the_ages_of_media_are_listed_page_by_page(catalog: Catalog) -> None:
    """The scrub surveys the whole catalog by a few columns, and goes on at any row."""
    assert catalog.media_ages() == Page()
    read = [NOW - timedelta(days=number) for number in range(4)]
    for index in (0, 1):
        added(catalog, finished(index, "rec-1", read[index]))
    added(catalog, finished(0, "rec-2", read[2], offline_seen_at=read[0]))
    added(catalog, finished(0, "rec-3", read[3], disposed_at=NOW))
    added(catalog, chunk(5, "d-5"))

    ages: list[object] = []
    position = ""
    while True:
        page = catalog.media_ages(position, 2)
        ages += page.items
        position = page.next
        if not position:
            break
    assert sorted(ages, key=str) == sorted(
        [MediaAge("rec-1", read[0], 7), MediaAge("rec-1", read[1], 7), MediaAge("rec-2", read[0], 7, is_offline=True)],
        key=str,
    )


def test_an_age_follows_the_record(catalog: Catalog) -> None:
    known = added(catalog, finished(0, "rec-1", NOW - timedelta(days=9)))
    catalog.save_chunk(known.model_copy(update={"read_whole_at": NOW}))
    assert catalog.media_ages().items == (MediaAge("rec-1", NOW, 7),)


def test_several_recordings_are_read_at_once_in_the_order_asked_for(catalog: Catalog) -> None:
    """A page of what was found is read so."""
    for name in ("rec-1", "rec-2", "rec-3"):
        catalog.add_recording(RecordingRecord(recording_id=name))
    found = catalog.get_recordings(["rec-3", "unknown", "rec-1"])
    assert [one.recording_id if isinstance(one, RecordingRecord) else one for one in found] == ["rec-3", None, "rec-1"]
    assert catalog.get_recordings([]) == []


def test_all_recordings_are_listed_page_by_page_settled_or_not(catalog: Catalog) -> None:
    """A walk over everything, such as a rotation of the index key."""
    names = [f"rec-{number}" for number in range(5)]
    for number, name in enumerate(names):
        settled_at = datetime(2026, 11, 23, tzinfo=UTC) if number % 2 else None
        catalog.add_recording(RecordingRecord(recording_id=name, settled_at=settled_at))
    catalog.add_chunk(chunk())
    catalog.add_reservation(StartReservation(key="k", fingerprint="f", repeatability_id="r", first_sent=NOW))
    seen: list[str] = []
    position, pages = "", 0
    while True:
        page = catalog.recordings_page(position, 2)
        seen += [one.recording_id for one in page.items if isinstance(one, RecordingRecord)]
        position, pages = page.next, pages + 1
        if not position:
            break
    assert (seen, pages) == (names, 3)


def test_held_chunks_are_found_by_their_index_once_all_have_one(catalog: Catalog) -> None:
    """With a million rows the service would look through all of them."""
    held = {"state": ChunkState.QUARANTINED, "quarantine_reason": "media_suspect"}
    first = added(catalog, chunk(0).model_copy(update=held))
    known = added(catalog, chunk(1, "d-1"))
    assert catalog.media_ages().items == ()  # the survey has seen the whole table
    expired = catalog.save_chunk(known.model_copy(update={"state": ChunkState.EXPIRED}))
    added(catalog, chunk(2, "d-2"))
    assert {one.key for one in readable(catalog.held_chunks(), "t")} == {first.key, expired.key}
    catalog.save_chunk(expired.model_copy(update={"state": ChunkState.PENDING}))
    assert {one.key for one in readable(catalog.held_chunks(), "t")} == {first.key}


def test_recordings_in_an_alarm_are_listed_whatever_else_is_open(catalog: Catalog) -> None:
    """Fifty thousand that run must not hide the one that is missing."""
    assert list(catalog.alarmed_recordings()) == []
    for name, stands in (("rec-1", None), ("rec-2", "missing"), ("rec-3", "incomplete"), ("rec-4", "missing")):
        assert catalog.add_recording(RecordingRecord(recording_id=name, stands=stands))
    over = catalog.get_recording("rec-4")
    assert over is not None
    catalog.save_recording(over.model_copy(update={"settled_at": NOW}))
    assert {one.recording_id for one in readable(catalog.alarmed_recordings(), "t")} == {"rec-2", "rec-3"}


def test_a_cursor_is_kept_until_it_is_empty(catalog: Catalog) -> None:
    """A loop goes on where it ended; one that has ended leaves nothing behind."""
    assert catalog.cursor("loop") == ""
    catalog.save_cursor("loop", "")  # before there is a table, too
    catalog.save_cursor("loop", "here")
    catalog.save_cursor("other", "there")
    assert (catalog.cursor("loop"), catalog.cursor("other")) == ("here", "there")
    catalog.save_cursor("loop", "")
    catalog.save_cursor("loop", "")
    assert (catalog.cursor("loop"), catalog.cursor("other")) == ("", "there")


def test_the_catalog_tells_its_own_time(catalog: Catalog) -> None:
    """Before there is a table, too; each answer is of its own moment, and no row of a chunk comes with it."""
    first, second = catalog.time(), catalog.time()
    assert first.utcoffset() == second.utcoffset() == timedelta()
    assert timedelta() <= second - first < timedelta(minutes=5)
    saved = catalog.save_chunk(added(catalog, chunk()))
    assert saved.saved_at is not None
    assert abs(saved.saved_at - second) < timedelta(minutes=5)
    assert len(list(readable(catalog.all_chunks(), "t"))) == 1
