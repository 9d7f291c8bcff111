"""The port Catalog: recordings, start requests, cursors and the time, from the fake and from Table storage."""

from datetime import UTC, datetime, timedelta

import pytest

from recording.domain.state.recording import LastAction, RecordingRecord, StartReservation
from recording.errors import ClaimLostError
from recording.ports import Catalog
from recording.ports.bulkhead import readable
from tests.contract.chunks import NOW, added, chunk


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
