"""The port Directory: the same promises from the fake and from the table; so for its keys and its queue."""

import base64
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.queue import QueueServiceClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from dev.in_memory.builders import task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.library import FakeDirectory, FakeFollowUps, FakeIndexKeys
from dev.in_memory.world import world
from recording.adapters.storage_queue import StorageFollowUps
from recording.adapters.table.directory import TableDirectory, TableIndexKeys, entity_of
from recording.adapters.table.tables import put_row
from recording.domain.find.directory import IndexRow, Span, inverse_month, inverse_ms, row_key
from recording.domain.find.find_query import FindQuery
from recording.domain.find.placement import place_of
from recording.library.directory import find
from recording.library.follow_up import follow_up_message
from recording.ports import Directory, FollowUps, IndexKeySource
from recording.settings import Settings

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOTH = ["fake", pytest.param("azurite", marks=pytest.mark.azurite)]


@pytest.fixture(params=BOTH)
def directory(request: pytest.FixtureRequest) -> Iterator[Directory]:
    if request.param == "fake":
        yield FakeDirectory()
        return
    adapter = TableDirectory(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


@pytest.fixture(params=BOTH)
def follow_ups(request: pytest.FixtureRequest) -> Iterator[FollowUps]:
    if request.param == "fake":
        yield FakeFollowUps(FakeClock())
        return
    adapter = StorageFollowUps(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


@pytest.fixture(params=BOTH)
def index_keys(request: pytest.FixtureRequest) -> Iterator[IndexKeySource]:
    if request.param == "fake":
        yield FakeIndexKeys()
        return
    adapter = TableIndexKeys(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def row(number: int, partition: str = "p!a", at: datetime | None = None, **changes: Any) -> IndexRow:
    started = at or NOON - timedelta(minutes=number)
    facts: dict[str, Any] = {"duration_ms": 1500.5, "length_bytes": 5_000_000_000, "formats": ("mp3", "wav")}
    facts |= {"marks": "0123abcd", "chunk_count": 3, **changes}
    name = f"recording-{number}"
    return IndexRow(partition=partition, row_key=row_key(started, name), recording_id=name, started_at=started, **facts)


ODD_ROWS: dict[str, dict[str, Any]] = {
    "no facts": {"recordingId": None, "startedAt": None},
    "a number for a recording": {"recordingId": 7},
    "no time": {"startedAt": "yesterday"},
    "a number for a time": {"startedAt": 7},
    "no length": {"lengthBytes": "long"},
    "a length beyond any": {"lengthBytes": "1e999"},
}


@pytest.mark.azurite
@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize("odd", ODD_ROWS.values(), ids=ODD_ROWS)
def test_a_row_of_another_hand_hides_no_other(storage: Settings, odd: dict[str, Any], most: int) -> None:
    """It finds its own if it names it, for the recording's row decides; one that does not is left out."""
    adapter = TableDirectory(storage)
    good = [row(0), row(2)]
    adapter.put(good)
    facts = {name: fact for name, fact in {**entity_of(row(1)), **odd}.items() if fact is not None}
    put_row(adapter._table, facts)
    found, after, is_end = list[IndexRow](), "", False
    while not is_end:
        page = adapter.read(Span("p!a", "p!a"), after, most)
        found += page.rows
        after, is_end = page.rows[-1].row_key if page.rows else after, page.is_end
    adapter.close()
    names = {one.recording_id for one in good} | ({"recording-1"} if "recordingId" not in odd else set())
    assert {one.recording_id for one in found} == names
    assert [one for one in found if one.recording_id != "recording-1"] == sorted(good, key=lambda one: one.row_key)


def whole(partition: str) -> Span:
    return Span(partition, partition)


def test_a_row_comes_back_as_it_was(directory: Directory) -> None:
    """Numbers beyond 32 bits, several formats, and what is not known."""
    written = [row(1), row(2, duration_ms=None, formats=(), marks="", length_bytes=0)]
    directory.put(written)
    page = directory.read(whole("p!a"))
    assert (list(page.rows), page.is_end) == (written, True)


def test_rows_are_in_the_order_of_their_keys_and_a_page_goes_on_behind_a_row(directory: Directory) -> None:
    """The newest first, whatever the order of writing."""
    directory.put([row(number) for number in (3, 1, 5, 2, 4)])
    first = directory.read(whole("p!a"), most=2)
    rest = directory.read(whole("p!a"), first.rows[-1].row_key, most=10)
    assert [one.recording_id for one in (*first.rows, *rest.rows)] == [f"recording-{number}" for number in range(1, 6)]
    assert (first.is_end, rest.is_end) == (False, True)


def test_writing_and_removing_again_changes_nothing(directory: Directory) -> None:
    """Every step of a follow-up is repeated when a worker dies."""
    for _ in range(2):
        directory.put([row(1), row(2)])
    for _ in range(2):
        directory.remove([place_of("p!a", row(1).row_key)])
    assert directory.read(whole("p!a")).rows == (row(2),)


def test_a_span_has_its_partitions_and_no_other(directory: Directory) -> None:
    """Months are partitions; their names sort the latest first, as the rows in them do."""
    months = [datetime(2026, 11, 5, tzinfo=UTC), datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 9, 5, tzinfo=UTC)]
    months += [datetime(2025, 12, 31, 23, 59, tzinfo=UTC)]
    written = [row(number, f"t!{inverse_month(at)}", at) for number, at in enumerate(months)]
    directory.put([*written, row(9, "g!x!1"), row(8, "u!a")])
    assert directory.read(Span("t!000000", "t!999999")).rows == tuple(written)
    inner = Span(f"t!{inverse_month(months[1])}", f"t!{inverse_month(months[3])}")
    assert directory.read(inner).rows == tuple(written[1:])
    assert directory.read(inner, written[1].row_key).rows == tuple(written[2:])
    assert directory.read(inner, written[1].row_key, most=1).rows == (written[2],)


def test_a_span_has_its_times_and_no_other(directory: Directory) -> None:
    """Edges in the middle of a month, in one month and over several."""
    times = [NOON - timedelta(days=days) for days in (0, 10, 22, 23, 40, 60, 80)]
    written = [row(number, f"t!{inverse_month(at)}", at) for number, at in enumerate(times)]
    directory.put(written)
    for newest in range(len(times)):
        for oldest in range(newest, len(times)):
            span = Span(
                f"t!{inverse_month(times[newest])}",
                f"t!{inverse_month(times[oldest])}",
                inverse_ms(times[newest]),
                f"{inverse_ms(times[oldest])}~",
            )
            assert directory.read(span).rows == tuple(written[newest : oldest + 1])


def test_a_page_goes_on_behind_every_row_of_every_span(directory: Directory) -> None:
    """Whatever month a position is in, the page behind it is the rest: also in tags of several months."""
    times = [NOON - timedelta(days=days) for days in (0, 0, 22, 23, 54, 330, 8000)]
    written = [row(number, f"g!a!{inverse_month(at)}", at) for number, at in enumerate(times)]
    directory.put([*written, row(20, "g!b!000000"), row(21, "g!A!999999")])
    everything = Span("g!a!000000", "g!a!999999")
    until, since = inverse_ms(times[2]), f"{inverse_ms(times[5])}~"
    inner = Span(f"g!a!{inverse_month(times[2])}", f"g!a!{inverse_month(times[5])}", until, since)
    for number, one in enumerate(written):
        assert directory.read(everything, one.row_key).rows == tuple(written[number + 1 :])
        assert directory.read(inner, one.row_key).rows == tuple(written[max(number + 1, 2) : 6])


MOMENTS = st.integers(-(10**12), 13 * 10**12).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@given(MOMENTS, MOMENTS)
def test_what_is_passed_over_holds_no_row_behind_the_position(here: datetime, there: datetime) -> None:
    """Months before the one of a position are not read: every row in them sorts before it."""
    left = Span("t!000000", "t!999999").behind(row_key(here, "recording"))
    if row_key(there, "another") > row_key(here, "recording"):
        assert f"t!{inverse_month(there)}" >= left.first_partition


@pytest.mark.azurite
def test_a_page_of_a_month_is_one_request(storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request costs a few milliseconds and is charged for; a page behind a position is one too."""
    adapter = TableDirectory(storage)
    adapter.put([row(number, f"t!{inverse_month(NOON)}", NOON - timedelta(minutes=number)) for number in range(8)])
    sent: list[str] = []
    plain = adapter._table.query_entities

    def counted(condition: str, **options: Any) -> Any:
        sent.append(condition)
        return plain(condition, **options)

    monkeypatch.setattr(adapter._table, "query_entities", counted)
    first = adapter.read(Span("t!000000", "t!999999"), most=3)
    assert (len(first.rows), len(sent)) == (3, 1)
    assert len(adapter.read(Span("t!000000", "t!999999"), first.rows[-1].row_key, most=3).rows) == 3
    adapter.close()
    assert len(sent) == 2


def test_an_empty_directory_has_no_rows_and_forgets_nothing(directory: Directory) -> None:
    """Before the first recording there may not even be a table."""
    directory.remove(["p!a|x"])
    page = directory.read(whole("p!a"))
    assert (page.rows, page.is_end) == ((), True)


def test_a_follow_up_is_sent_also_where_there_is_no_queue_yet(follow_ups: FollowUps) -> None:
    """The first recording of a new deployment."""
    follow_ups.send("rec-1")
    follow_ups.send("rec-2", 3, timedelta(seconds=1))
    follow_ups.log("recording.dismissed", {"action": "held", "index": 0})


@pytest.mark.azurite
def test_a_follow_up_is_a_message_that_names_the_recording(storage: Settings) -> None:
    """The function reads what was sent."""
    adapter = StorageFollowUps(storage)
    adapter.send("rec-1", 2)
    adapter.close()
    connection = storage.host_storage.connection_string
    assert connection is not None
    with QueueServiceClient.from_connection_string(connection.get_secret_value()) as service:
        (message,) = service.get_queue_client("recording-follow-ups").peek_messages(max_messages=1)
    assert message.content == "eyJyZWNvcmRpbmdJZCI6ICJyZWMtMSIsICJhdHRlbXB0IjogMn0="


@pytest.mark.azurite
def test_a_line_for_the_log_is_a_message_that_the_same_function_logs(
    storage: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator's decision ends an alert that reads the app's log."""
    adapter = StorageFollowUps(storage)
    adapter.log("recording.dismissed", {"action": "held", "index": 0})
    adapter.close()
    connection = storage.host_storage.connection_string
    assert connection is not None
    with QueueServiceClient.from_connection_string(connection.get_secret_value()) as service:
        messages = service.get_queue_client("recording-follow-ups").peek_messages(max_messages=32)
    with caplog.at_level(logging.INFO, logger="recording"):
        follow_up_message(base64.b64decode(messages[-1].content).decode(), world().ports)
    assert caplog.messages[-1] == 'recording.dismissed action="held" index=0'


@pytest.mark.azurite
def test_no_number_is_in_a_url_a_key_or_a_row(storage: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK logs each request with its address, and storage keeps a log of its own."""
    here = world()
    directory, keys = TableDirectory(storage), TableIndexKeys(storage)
    object.__setattr__(here.fakes, "directory", directory)
    object.__setattr__(here.fakes, "index_keys", keys)
    caplog.set_level("DEBUG", "azure")
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    for query in ({"number": PHONE}, {"participant": PARTICIPANT}, {"number": PHONE[-7:]}):
        assert len(find(FindQuery.read(query), here.ports, here.settings).items) == 1
    rows = directory.read(Span("!", "~")).rows
    directory.close()
    keys.close()
    assert len(rows) > 4
    assert "http://127.0.0.1" in caplog.text
    for text in (caplog.text, str(rows)):
        assert not [secret for secret in (PARTICIPANT, PHONE, PHONE[1:], PHONE[-7:]) if secret in text]


def test_the_key_stays_the_same(index_keys: IndexKeySource) -> None:
    """A second key would hide every recording that was indexed with the first."""
    assert index_keys.keys().keys == index_keys.keys().keys
    assert len(index_keys.keys().keys) == 1


@pytest.mark.azurite
def test_two_processes_make_one_key_and_a_given_key_comes_before_it(storage: Settings) -> None:
    """At the first deployment several instances begin at once; a rotation still finds by the old key."""
    one, other = TableIndexKeys(storage), TableIndexKeys(storage)
    assert one.keys() == other.keys()
    given = "bmV3IGtleSBvZiB0aGUgdGVzdHMsIDMyIGJ5dGVzIGxvbmc="
    rotating = TableIndexKeys(storage.model_copy(update={"index_keys": (SecretStr(given),)}))
    assert [key.id for key in rotating.keys().keys][1:] == [key.id for key in one.keys().keys]
    rotating.forget_kept()
    assert len(rotating.keys().keys) == 1
    for adapter in (one, other, rotating):
        adapter.close()
