"""The port Catalog: the same promises from the fake and from Table storage."""

from datetime import datetime, timedelta

import pytest

from recording.domain.archived.drift import MediaAge
from recording.domain.ids import name_of
from recording.domain.state.chunk import ChunkRecord, ChunkState, SourceOutcome
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError
from recording.ports import Catalog, Page
from recording.ports.bulkhead import readable
from tests.contract.chunks import NOW, added, chunk, stored


@pytest.mark.parametrize("length_bytes", [1, 2**31 - 1, 2**31, 3_000_000_000, 2**40])
def test_a_file_of_any_length_is_saved(catalog: Catalog, length_bytes: int) -> None:
    """Five channels for four hours are 2.3 GB, more than a table's ordinary whole number holds."""
    done = {"state": ChunkState.SOURCE_DELETED, "blob_name": "x", "length_bytes": length_bytes, "sha256": "ab" * 32}
    record = added(catalog, chunk())
    catalog.save_chunk(record.model_copy(update=done))
    assert stored(catalog, record).length_bytes == length_bytes
    ages = readable(catalog.media_ages().items, "test")
    assert [age.length_bytes for age in ages] == [length_bytes]


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
    first, *others = dict.fromkeys(recording_id for recording_id, _ in found)
    behind = list(readable(catalog.all_chunks(name_of(first)), "t"))
    assert list(dict.fromkeys(one.task.recording_id for one in behind)) == others


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
