"""The catalog's index of open chunks survives a death between any two writes, and people who redrive meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.data.tables import TableClient, TableServiceClient, UpdateMode

from recording.adapters.table import catalog as table_catalog
from recording.adapters.table import records, rows
from recording.adapters.table.catalog import TableCatalog
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.ports import Unreadable
from recording.ports.bulkhead import readable
from recording.settings import Settings
from tests.contract.chunks import added, chunk

pytestmark = pytest.mark.azurite


@pytest.fixture
def catalog(storage: Settings) -> Iterator[TableCatalog]:
    adapter = TableCatalog(storage)
    yield adapter
    adapter.close()


@pytest.fixture
def table(storage: Settings) -> Iterator[TableClient]:
    connection_string = storage.host_storage.connection_string
    assert connection_string is not None
    with TableServiceClient.from_connection_string(connection_string.get_secret_value()) as service:
        yield service.create_table_if_not_exists("chunks")


def index_rows(table: TableClient) -> list[str]:
    return [str(row["RowKey"]) for row in table.query_entities(f"PartitionKey eq '{rows.OPEN_PARTITION}'")]


def finished(catalog: TableCatalog, record: ChunkRecord) -> ChunkRecord:
    return catalog.save_chunk(record.model_copy(update={"state": ChunkState.QUARANTINED}))


def test_an_index_row_without_its_chunk_is_harmless(catalog: TableCatalog, table: TableClient) -> None:
    """The worker died after the first write: the chunk is announced again and then both are there."""
    table.upsert_entity(rows.open_row(chunk()))
    assert list(catalog.open_chunks()) == []
    record = added(catalog, chunk())
    assert [found.etag for found in readable(catalog.open_chunks(), "t")] == [record.etag]
    assert len(index_rows(table)) == 1


def test_a_stale_index_row_is_skipped_and_cleared_away_later(
    catalog: TableCatalog, table: TableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker died before the last write. A fresh row is left alone: somebody may be about to write its chunk."""
    record = finished(catalog, added(catalog, chunk()))
    table.upsert_entity(rows.open_row(record))
    assert list(catalog.open_chunks()) == []
    assert len(index_rows(table)) == 1
    monkeypatch.setattr(table_catalog, "STALE_AFTER", timedelta(minutes=-5))
    assert list(catalog.open_chunks()) == []
    assert index_rows(table) == []


def test_clearing_away_leaves_open_chunks_indexed(
    catalog: TableCatalog, table: TableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Age alone is no reason: a chunk may be open for a day."""
    monkeypatch.setattr(table_catalog, "STALE_AFTER", timedelta(minutes=-5))
    record = added(catalog, chunk())
    assert [found.etag for found in readable(catalog.open_chunks(), "t")] == [record.etag]
    assert len(index_rows(table)) == 1


def test_a_finished_chunk_leaves_no_index_row(catalog: TableCatalog, table: TableClient) -> None:
    """The index stays as small as the work at hand."""
    finished(catalog, added(catalog, chunk()))
    assert index_rows(table) == []


def test_a_redrive_between_finishing_and_unindexing_is_not_lost(
    catalog: TableCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person puts the chunk back to work in the very moment in which its worker clears the index."""
    save = records.save_record

    def save_then_redrive(table: TableClient, row: dict[str, Any], record: Any) -> Any:
        saved = save(table, row, record)
        monkeypatch.setattr(table_catalog, "save_record", save)
        catalog.save_chunk(saved.model_copy(update={"state": ChunkState.PENDING}))
        return saved

    record = added(catalog, chunk())
    monkeypatch.setattr(table_catalog, "save_record", save_then_redrive)
    finished(catalog, record)
    assert [found.key for found in readable(catalog.open_chunks(), "test")] == [record.key]


def stamp_of(table: TableClient, record: ChunkRecord) -> str:
    keys = rows.open_keys(record)
    return str(table.get_entity(keys["PartitionKey"], keys["RowKey"]).metadata["etag"])


def test_the_steps_of_one_worker_write_its_index_row_once(catalog: TableCatalog, table: TableClient) -> None:
    """The row that is there says all that a later step would write; each write costs time and money."""
    claimed = catalog.save_chunk(added(catalog, chunk()))
    stamp = stamp_of(table, claimed)
    copied = catalog.save_chunk(claimed.model_copy(update={"state": ChunkState.COPIED}))
    verified = catalog.save_chunk(copied.model_copy(update={"state": ChunkState.VERIFIED}))
    assert stamp_of(table, verified) == stamp
    finished(catalog, verified)
    assert index_rows(table) == []


def test_an_index_row_that_a_hand_removed_is_back_with_the_next_worker(
    catalog: TableCatalog, table: TableClient
) -> None:
    """A worker reads the chunk before it claims it; what its process knew of the index is forgotten with that."""
    claimed = catalog.save_chunk(added(catalog, chunk()))
    table.delete_entity(rows.OPEN_PARTITION, rows.open_keys(claimed)["RowKey"])
    found = catalog.get_chunk(claimed.key)
    assert found is not None
    catalog.save_chunk(found)
    assert index_rows(table) == [rows.open_keys(claimed)["RowKey"]]


def test_another_expiry_moves_the_index_row(catalog: TableCatalog, table: TableClient) -> None:
    """The index is sorted by it: the known row is at another place."""
    claimed = catalog.save_chunk(added(catalog, chunk()))
    later = claimed.model_copy(
        update={"task": claimed.task.model_copy(update={"expires_at": claimed.task.expires_at + timedelta(hours=5)})}
    )
    saved = catalog.save_chunk(later)
    assert rows.open_keys(saved)["RowKey"] in index_rows(table)
    assert [found.etag for found in readable(catalog.open_chunks(), "test")] == [saved.etag]


def test_a_chunk_that_another_worker_indexed_meanwhile_stays_indexed(
    catalog: TableCatalog, storage: Settings, table: TableClient
) -> None:
    """It is put back to work while its first worker finishes: the known index row is another one by now."""
    other = TableCatalog(storage)
    claimed = catalog.save_chunk(added(catalog, chunk()))
    table.upsert_entity(rows.open_row(claimed))  # the other worker's first write
    done = finished(catalog, claimed)
    assert index_rows(table) == [rows.open_keys(claimed)["RowKey"]]
    saved = other.save_chunk(done.model_copy(update={"state": ChunkState.PENDING}))
    other.close()
    assert [found.etag for found in readable(catalog.open_chunks(), "test")] == [saved.etag]


def test_a_save_that_failed_writes_the_index_row_again(
    catalog: TableCatalog, table: TableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the save arrived is not known, so nothing about the index is."""
    claimed = catalog.save_chunk(added(catalog, chunk()))
    stamp = stamp_of(table, claimed)

    def fail(*_: Any) -> Any:
        raise StorageError("503")

    with monkeypatch.context() as patched:
        patched.setattr(table_catalog, "save_record", fail)
        with pytest.raises(StorageError):
            catalog.save_chunk(claimed)
    saved = catalog.save_chunk(claimed)
    assert stamp_of(table, saved) != stamp


def test_a_person_can_read_and_query_the_rows(catalog: TableCatalog, table: TableClient) -> None:
    """Storage Explorer is the first tool at hand when something went wrong."""
    catalog.add_chunk(chunk(3, "0-eus-d1-aa").model_copy(update={"last_error": "source_busy"}))
    (row,) = table.query_entities("state eq 'PENDING' and isOpen eq true and index eq 3")
    assert (row["recordingId"], row["documentId"], row["lastError"]) == ("rec-1", "0-eus-d1-aa", "source_busy")
    assert row["expiresAt"] == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_row_that_cannot_be_read_hides_no_other(catalog: TableCatalog, table: TableClient) -> None:
    """Somebody edited a row by hand: the sweep handles all the others, and then says so."""
    for document_id in ("a", "b", "c"):
        catalog.add_chunk(chunk(0, document_id))
    bad = rows.chunk_row(chunk(0, "b")) | {"json00": "{}"}
    table.upsert_entity(bad)
    first, second, third = catalog.open_chunks()
    assert isinstance(first, ChunkRecord)
    assert isinstance(third, ChunkRecord)
    assert (first.task.document_id, third.task.document_id) == ("a", "c")
    assert second == Unreadable("rec-1/000000-b")
    assert [one for one in catalog.all_chunks() if isinstance(one, Unreadable)] == [second]
    assert [one.task.document_id for one in catalog.chunks_of("rec-1")] == ["a", "c"]
    found = catalog.chunk_rows_of("rec-1")
    assert [one if isinstance(one, Unreadable) else one.task.document_id for one in found] == ["a", second, "c"]
    with pytest.raises(StorageError) as unreadable:
        catalog.get_chunk(chunk(0, "b").key)
    assert unreadable.value.code == "unreadable_record"


ODD_COLUMNS = (None, 5, True, "", "nowhere", datetime(2026, 11, 23, tzinfo=UTC), b"x")


@pytest.mark.parametrize("value", ODD_COLUMNS, ids=repr)
@pytest.mark.parametrize("column", ["chunkPartition", "chunkRow"])
def test_an_index_row_that_points_nowhere_hides_no_chunk(
    catalog: TableCatalog, table: TableClient, column: str, value: object
) -> None:
    """One damaged row would blind the sweep, and the list of what is held, for everybody."""
    for document_id in ("a", "b", "c"):
        record = added(catalog, chunk(0, document_id))
        if document_id != "a":
            finished(catalog, record)
    catalog.save_cursor(table_catalog.HELD_INDEX, "whole")
    for partition, row_key in ((rows.OPEN_PARTITION, "0"), (rows.HELD_PARTITION, "0")):
        odd = {"chunkPartition": "rec-1", "chunkRow": "000000-x", column: value}
        keys = {"PartitionKey": partition, "RowKey": row_key}
        table.upsert_entity(keys | {name: one for name, one in odd.items() if one is not None})
    assert [one.task.document_id for one in readable(catalog.open_chunks(), "test")] == ["a"]
    assert [one.task.document_id for one in readable(catalog.open_chunks_page().items, "test")] == ["a"]
    assert [one.task.document_id for one in readable(catalog.held_chunks(), "test")] == ["b", "c"]


@pytest.mark.parametrize("value", ODD_COLUMNS, ids=repr)
@pytest.mark.parametrize("column", ["lookAt", "stands"])
def test_an_index_row_of_a_recording_with_an_odd_column_hides_no_recording(
    catalog: TableCatalog, storage: Settings, column: str, value: object
) -> None:
    """The alarm about missing files would never ring again, for any recording."""
    now = datetime(2026, 11, 24, tzinfo=UTC)
    for name in ("rec-1", "rec-2"):
        catalog.add_recording(RecordingRecord(recording_id=name))
    connection_string = storage.host_storage.connection_string
    assert connection_string is not None
    with TableServiceClient.from_connection_string(connection_string.get_secret_value()) as service:
        odd = rows.open_recording_row(RecordingRecord(recording_id="rec-1")) | {column: value}
        service.get_table_client("recordings").upsert_entity(
            {name: one for name, one in odd.items() if one is not None}
        )
    found = [one.recording_id for one in readable(catalog.due_recordings(now).items, "test")]
    assert found == ["rec-1", "rec-2"]


@pytest.mark.parametrize("value", [*ODD_COLUMNS, 1.5], ids=repr)
@pytest.mark.parametrize("column", ["lengthBytes", "readAt", "recordingId", "isOffline", "state"])
def test_a_row_with_an_odd_column_hides_no_media_from_the_scrub(
    catalog: TableCatalog, table: TableClient, column: str, value: object
) -> None:
    """These columns are for people and for the survey; nobody notices a scrub that reads nothing any more."""
    done = {"state": ChunkState.SOURCE_DELETED, "blob_name": "x", "length_bytes": 5, "sha256": "ab" * 32}
    for number in (0, 1):
        catalog.save_chunk(added(catalog, chunk(number, "abc"[number])).model_copy(update=done))
    odd = rows.chunk_row(chunk(0, "a").model_copy(update=done)) | {column: value}
    table.upsert_entity({name: one for name, one in odd.items() if one is not None}, mode=UpdateMode.REPLACE)
    page = catalog.media_ages()
    assert page.error is None
    assert "rec-1" in [age.recording_id for age in readable(page.items, "test")]


@pytest.mark.parametrize("year", ["0001", "0999", "1600"])
def test_a_date_that_no_table_holds_stops_no_listing(catalog: TableCatalog, table: TableClient, year: str) -> None:
    """An event of .NET's year 1 made a row that the SDK could not read back, and every listing with it."""
    odd = chunk(0, "odd")
    early = odd.task.model_copy(update={"expires_at": datetime(int(year), 1, 2, tzinfo=UTC)})
    odd = odd.model_copy(update={"task": early})
    assert catalog.add_chunk(odd)
    catalog.add_chunk(chunk(1, "good"))
    listed = [one.task.document_id for one in readable(catalog.open_chunks(), "test")]
    assert listed == ["odd", "good"]
    found = catalog.get_chunk(odd.key)
    assert found is not None
    assert found.task.expires_at == early.expires_at
    (row,) = table.query_entities("documentId eq 'odd'")
    assert "expiresAt" not in row


def test_a_row_with_a_date_of_an_old_version_is_read(catalog: TableCatalog, table: TableClient) -> None:
    """Version 0.1.0 wrote such columns; only the columns that are needed are asked for."""
    catalog.add_chunk(chunk(0, "odd"))
    table.upsert_entity(rows.chunk_row(chunk(0, "odd")) | {"expiresAt": datetime(1, 1, 2, tzinfo=UTC)})
    assert [one.task.document_id for one in readable(catalog.open_chunks(), "test")] == ["odd"]
    assert len(list(readable(catalog.all_chunks(), "test"))) == 1
    assert len(catalog.chunks_of("rec-1")) == 1
    assert catalog.get_chunk(chunk(0, "odd").key) is not None


def test_a_stale_index_row_of_a_recording_is_cleared_away_and_an_open_one_is_not(
    catalog: TableCatalog, storage: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same order of writes as for chunks, and the same deaths in between."""
    for name in ("rec-1", "rec-2"):
        catalog.add_recording(RecordingRecord(recording_id=name))
    first = catalog.get_recording("rec-1")
    assert first is not None
    catalog.save_recording(first.model_copy(update={"settled_at": datetime(2026, 11, 24, tzinfo=UTC)}))
    connection_string = storage.host_storage.connection_string
    assert connection_string is not None
    with TableServiceClient.from_connection_string(connection_string.get_secret_value()) as service:
        recordings = service.get_table_client("recordings")
        recordings.upsert_entity(rows.open_recording_row(first))
        recordings.upsert_entity(rows.open_recording_row(RecordingRecord(recording_id="never-added")))
        assert [record.recording_id for record in readable(catalog.open_recordings(), "test")] == ["rec-2"]
        assert len(index_rows(recordings)) == 3
        monkeypatch.setattr(table_catalog, "STALE_AFTER", timedelta(minutes=-5))
        assert [record.recording_id for record in readable(catalog.open_recordings(), "test")] == ["rec-2"]
        assert index_rows(recordings) == ["rec-2"]


def test_a_recording_that_cannot_be_read_hides_no_other(catalog: TableCatalog, storage: Settings) -> None:
    """As for chunks."""
    for name in ("rec-1", "rec-2", "rec-3"):
        catalog.add_recording(RecordingRecord(recording_id=name))
    connection_string = storage.host_storage.connection_string
    assert connection_string is not None
    with TableServiceClient.from_connection_string(connection_string.get_secret_value()) as service:
        bad = rows.recording_row(RecordingRecord(recording_id="rec-2")) | {"json00": "[]"}
        service.get_table_client("recordings").upsert_entity(bad)
    for listed in (catalog.open_recordings(), catalog.due_recordings(datetime.now(UTC)).items):
        first, second, third = listed
        assert isinstance(first, RecordingRecord)
        assert isinstance(third, RecordingRecord)
        assert (first.recording_id, third.recording_id) == ("rec-1", "rec-3")
        assert second == Unreadable("rec-2/recording")
