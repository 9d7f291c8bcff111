"""The ports StartCounts and RunningCounts: the same promises from the fakes and from the table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from azure.data.tables import TableServiceClient, UpdateMode

from dev.in_memory.fakes.audit import FakeRunningCounts, FakeStartCounts
from dev.in_memory.fakes.catalog import FakeCatalog
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.rows import running_keys, start_count_keys
from recording.adapters.table.start_counts import TableRunningCounts, TableStartCounts
from recording.domain.incoming.running import MOST_PLACES, Place, RunningCount
from recording.domain.incoming.start_rate import StartCount, one_more
from recording.domain.state.recording import RecordingRecord
from recording.ports.start_counts import RunningCounts, StartCounts
from recording.settings import Settings

CALLER = "11111111-2222-3333-4444-555555555555"
NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def counts(request: pytest.FixtureRequest) -> Iterator[StartCounts]:
    if request.param == "fake":
        yield FakeStartCounts()
        return
    adapter = TableStartCounts(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def test_a_count_is_kept_as_it_was_written(counts: StartCounts) -> None:
    """Before the first start there may not even be a table."""
    assert counts.get(CALLER) is None
    assert counts.save(StartCount(CALLER, 29_000_000, 3, 7))
    kept = counts.get(CALLER)
    assert kept is not None
    assert kept.etag
    assert replace(kept, etag=None) == StartCount(CALLER, 29_000_000, 3, 7)


@pytest.mark.parametrize("other", [None, "somebody/else", "key", "!key"])
def test_each_caller_has_a_count_of_its_own(counts: StartCounts, other: str | None) -> None:
    """Also all who only show a key, and whoever's id looks like the name of that row."""
    assert counts.save(StartCount(CALLER, 1, 3))
    assert counts.get(other) is None
    assert counts.save(StartCount(other, 1, 5))
    kept = counts.get(CALLER), counts.get(other)
    assert [one.count for one in kept if one] == [3, 5]


def test_a_count_that_was_written_meanwhile_is_not_written_over(counts: StartCounts) -> None:
    """Else two starts of one moment would count as one."""
    assert counts.save(StartCount(CALLER, 1, 1))
    assert not counts.save(StartCount(CALLER, 1, 1)), "there is one already"
    seen = counts.get(CALLER)
    assert seen is not None
    assert counts.save(replace(seen, count=2))
    assert not counts.save(replace(seen, count=2)), "it has changed since it was read"


def test_starts_at_the_same_moment_are_all_counted(counts: StartCounts) -> None:
    """Several instances, one caller."""

    def start(_number: int) -> None:
        for _ in range(200):
            counted = one_more(counts.get(CALLER), CALLER, 100, NOW)
            assert isinstance(counted, StartCount)
            if counts.save(counted):
                return
        raise AssertionError("it never had its turn")

    with ThreadPoolExecutor(4) as instances:
        list(instances.map(start, range(12)))
    kept = counts.get(CALLER)
    assert kept is not None
    assert kept.count == 12


@pytest.mark.azurite
def test_a_row_that_a_hand_has_spoilt_counts_as_none(storage: Settings) -> None:
    """It must not keep a caller from recording for ever."""
    adapter = TableStartCounts(storage)
    assert adapter.save(StartCount(CALLER, 1, 3))
    connection = storage.host_storage.connection_string
    assert connection is not None
    with TableServiceClient.from_connection_string(connection.get_secret_value()) as service:
        spoilt = start_count_keys(CALLER) | {"window": "x", "count": -4, "before": 1.5}
        service.get_table_client("recordings").upsert_entity(spoilt, mode=UpdateMode.REPLACE)
    seen = adapter.get(CALLER)
    assert seen is not None
    assert (seen.window, seen.count, seen.before) == (0, 0, 0)
    assert adapter.save(replace(seen, window=2, count=1))
    adapter.close()


@pytest.mark.azurite
def test_counts_are_no_recordings(storage: Settings) -> None:
    """They share a table with them, and no listing shows them."""
    adapter, catalog = TableStartCounts(storage), TableCatalog(storage)
    for caller in (CALLER, None, "~"):
        assert adapter.save(StartCount(caller, 1, 3))
    catalog.add_recording(RecordingRecord(recording_id="rec-1"))
    assert [one.recording_id for one in catalog.recordings_page().items if isinstance(one, RecordingRecord)] == [
        "rec-1"
    ]
    assert [one.recording_id for one in catalog.open_recordings() if isinstance(one, RecordingRecord)] == ["rec-1"]
    assert FakeCatalog().recordings_page().items == ()
    adapter.close()
    catalog.close()


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def running(request: pytest.FixtureRequest) -> Iterator[RunningCounts]:
    if request.param == "fake":
        yield FakeRunningCounts()
        return
    adapter = TableRunningCounts(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def test_places_are_kept_as_they_were_written(running: RunningCounts) -> None:
    """As many as one caller may have; and each caller, and all who only show a key, have their own."""
    places = tuple(Place(f"{number:064x}", NOW) for number in range(MOST_PLACES))
    assert running.get(CALLER) is None
    assert running.save(RunningCount(CALLER, places))
    assert running.save(RunningCount(None, places[:1]))
    kept = running.get(CALLER)
    assert kept is not None
    assert kept.etag
    assert kept.places == places
    only_key = running.get(None)
    assert only_key is not None
    assert only_key.places == places[:1]


def test_places_that_were_taken_meanwhile_are_not_written_over(running: RunningCounts) -> None:
    """Else two starts of one moment would take one place."""
    assert running.save(RunningCount(CALLER))
    assert not running.save(RunningCount(CALLER)), "there is a row already"
    seen = running.get(CALLER)
    assert seen is not None
    taken = seen.with_place("a", 2, NOW)
    assert taken is not None
    assert running.save(taken)
    assert not running.save(taken), "it has changed since it was read"


@pytest.mark.azurite
def test_places_stand_beside_the_count_of_starts_and_a_spoilt_row_counts_as_none(storage: Settings) -> None:
    """A hand must not keep a caller from recording for ever."""
    adapter, counts = TableRunningCounts(storage), TableStartCounts(storage)
    assert counts.save(StartCount(CALLER, 1, 3))
    assert adapter.save(RunningCount(CALLER, (Place("a", NOW),)))
    connection = storage.host_storage.connection_string
    assert connection is not None
    with TableServiceClient.from_connection_string(connection.get_secret_value()) as service:
        for spoilt in ("x", "[1]", '[["a"]]', '[["a", 1e99]]'):
            row = running_keys(CALLER) | {"places": spoilt}
            service.get_table_client("recordings").upsert_entity(row, mode=UpdateMode.REPLACE)
            seen = adapter.get(CALLER)
            assert seen is not None
            assert seen.places == ()
    kept = counts.get(CALLER)
    assert kept is not None
    assert kept.count == 3
    adapter.close()
    counts.close()


@pytest.mark.parametrize("kind", ["starts", pytest.param("running")])
@pytest.mark.parametrize("where", ["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def test_an_erased_caller_has_no_row_any_more(kind: str, where: str, request: pytest.FixtureRequest) -> None:
    """The row's name is the caller's object id; those of others stay, and so does the other kind of row."""
    if where == "fake":
        starts, running = FakeStartCounts(), FakeRunningCounts()
    else:
        known = request.getfixturevalue("storage")
        starts, running = TableStartCounts(known), TableRunningCounts(known)  # type: ignore[assignment]
        request.addfinalizer(starts.close)  # type: ignore[attr-defined]
        request.addfinalizer(running.close)  # type: ignore[attr-defined]
    other = CALLER.replace("1", "9")
    one = starts if kind == "starts" else running
    assert one.forget(lambda _: True) == 0
    for caller in (CALLER, other, None):
        assert starts.save(StartCount(caller, 1, 3))
        assert running.save(RunningCount(caller, (Place("k", NOW),)))
    assert one.forget(lambda name: name == CALLER) == 1
    left = {caller: (starts.get(caller), running.get(caller)) for caller in (CALLER, other, None)}
    assert all(both[0] and both[1] for caller, both in left.items() if caller != CALLER)
    assert [found is None for found in left[CALLER]] == [kind == "starts", kind == "running"]
    assert one.forget(lambda name: name == CALLER) == 0
