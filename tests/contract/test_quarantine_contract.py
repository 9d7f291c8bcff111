"""The port Quarantine: the same promises from the fake and from Blob storage."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobServiceClient

from dev.in_memory.fakes.quarantine import FakeQuarantine
from dev.in_memory.world import world
from recording.adapters.blob.quarantine import READERS, BlobQuarantine, read_entry, written
from recording.domain.names import QUARANTINE_CONTAINER
from recording.domain.state.quarantine import Origin
from recording.operate.held import list_held
from recording.ports import Quarantine, QuarantineEntry
from recording.settings import Settings

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ENTRY = QuarantineEntry(
    reason="unreadable_event",
    detail="the event's data cannot be read",
    payload='{"any": "thing", "ü": "\\u0000"}\x00',
    came_from="event_grid",
    at=NOW,
    recording_id="rec-1",
)


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def quarantine(request: pytest.FixtureRequest) -> Iterator[Quarantine]:
    if request.param == "fake":
        yield FakeQuarantine()
        return
    adapter = BlobQuarantine(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def test_an_entry_comes_back_as_it_was(quarantine: Quarantine) -> None:
    """A person must see exactly what came in."""
    name = quarantine.put(ENTRY)
    assert list(quarantine.entries()) == [(name, ENTRY)]


def test_nothing_is_quarantined_before_the_container_exists(quarantine: Quarantine) -> None:
    """A healthy deployment never makes the container, and a sweep still looks."""
    assert list(quarantine.entries()) == []


def test_the_same_payload_for_the_same_reason_on_one_day_is_one_entry(quarantine: Quarantine) -> None:
    """Event Grid repeats a refused event for a day; a person wants to see it once."""
    name = quarantine.put(ENTRY)
    assert quarantine.put(replace(ENTRY, at=NOW + timedelta(hours=3), detail="again")) == name
    assert list(quarantine.entries()) == [(name, ENTRY)]


@pytest.mark.parametrize(
    "other", [{"payload": "else"}, {"reason": "foreign_host"}, {"at": NOW + timedelta(days=1)}], ids=str
)
def test_another_payload_reason_or_day_is_another_entry(quarantine: Quarantine, other: dict[str, object]) -> None:
    """Nothing is hidden behind something else."""
    quarantine.put(ENTRY)
    quarantine.put(replace(ENTRY, **other))  # type: ignore[arg-type]
    assert len(list(quarantine.entries())) == 2


def test_a_redriven_entry_stays_with_its_time(quarantine: Quarantine) -> None:
    """What was decided must be found later."""
    name, later = quarantine.put(ENTRY), NOW + timedelta(hours=2)
    quarantine.mark_redriven(name, later)
    assert list(quarantine.entries()) == [(name, replace(ENTRY, redriven_at=later))]
    quarantine.mark_redriven("2026/11/23/foreign_host/gone.json", later)


def test_a_redriven_entry_that_is_refused_again_waits_again(quarantine: Quarantine) -> None:
    """A setting went back to what it was; the event must not be lost behind its old mark."""
    name = quarantine.put(ENTRY)
    quarantine.mark_redriven(name, NOW)
    again = replace(ENTRY, at=NOW + timedelta(hours=1))
    assert quarantine.put(again) == name
    assert list(quarantine.entries()) == [(name, again)]


def test_entries_come_oldest_first(quarantine: Quarantine) -> None:
    """What waits longest is looked at first, whatever its reason."""
    for hours, reason in ((5, "a"), (1, "z"), (30, "b"), (-30, "y")):
        quarantine.put(replace(ENTRY, reason=reason, at=NOW + timedelta(hours=hours)))
    assert [entry.reason for _, entry in quarantine.entries()] == ["y", "z", "a", "b"]


@pytest.mark.azurite
def test_entries_are_read_many_at_once(storage: Settings) -> None:
    """A request after the other, 20,000 entries take longer than the 230 s that an answer of HTTP may take."""
    adapter = BlobQuarantine(storage)
    names = [adapter.put(replace(ENTRY, payload=str(number))) for number in range(READERS)]
    container, together = adapter._container, threading.Barrier(READERS)
    get = container.get

    def wait_for_the_others(name: str) -> tuple[bytes, str] | None:
        together.wait(30)
        return get(name)

    container.get = wait_for_the_others  # type: ignore[method-assign]  # the test stands before the container
    assert sorted(name for name, _ in adapter.entries()) == sorted(names)
    adapter.close()


def service_of(storage: Settings) -> BlobServiceClient:
    """Return the SDK's own client of the account: a hand beside the app."""
    connection = storage.host_storage.connection_string
    assert connection is not None
    return BlobServiceClient.from_connection_string(connection.get_secret_value())


@pytest.mark.azurite
def test_an_entry_that_cannot_be_read_as_it_is_stored_hides_no_other(storage: Settings) -> None:
    """A rule or a hand may move a blob to the archive tier: reading it is then refused for good."""
    adapter = BlobQuarantine(storage)
    archived, fine = adapter.put(ENTRY), adapter.put(replace(ENTRY, reason="other"))
    with service_of(storage) as service:
        service.get_blob_client("recording-quarantine", archived).set_standard_blob_tier("Archive")
    found = dict(adapter.entries())
    assert found[fine] == replace(ENTRY, reason="other")
    assert found[archived].reason == "unreadable_entry"
    adapter.close()


@pytest.mark.azurite
@pytest.mark.parametrize("name", ["note.txt", "2026/11/22/x/y.json"])
def test_a_foreign_blob_in_the_container_does_not_hide_the_entries(storage: Settings, name: str) -> None:
    """Somebody put a note there; the sweep must go on, and show it."""
    adapter = BlobQuarantine(storage)
    kept = adapter.put(ENTRY)
    with service_of(storage) as service:
        service.get_blob_client(QUARANTINE_CONTAINER, name).upload_blob(b"a note")
    found = dict(adapter.entries())
    assert found[kept] == ENTRY
    assert found[name].reason == "unreadable_entry"
    assert found[name].payload == "a note"
    adapter.close()


ODD_FACTS: dict[str, dict[str, object]] = {
    **{
        f"{name} is {kind}": {name: value}
        for name in ("reason", "detail", "payload", "came_from")
        for kind, value in (("none", None), ("a number", 5), ("a list", ["x"]))
    },
    **{f"{name} is a number": {name: 5} for name in ("recording_id", "document_id", "note")},
    "index is text": {"index": "x"},
    "index is a truth": {"index": True},
    "no time": {"at": None},
    "a number for a time": {"at": 5},
    "a word for a time": {"redriven_at": "soon"},
}


@pytest.mark.parametrize("odd", ODD_FACTS.values(), ids=ODD_FACTS)
def test_an_entry_of_another_form_is_shown_as_foreign(odd: dict[str, object]) -> None:
    """Every reader of entries relies on their forms; one blob must not stop the list of what is held."""
    raw = json.dumps({**json.loads(written(ENTRY)), **odd}).encode()
    found = read_entry(raw, "2026/11/23")
    assert (found.reason, found.origin, found.payload) == ("unreadable_entry", Origin.FOREIGN, raw.decode())
    assert found.at == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("at", ["2026-11-23T09:00:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00+05:00"])
def test_every_time_of_an_entry_can_be_compared(at: str) -> None:
    """Without a zone it is UTC; one from the edge of the calendar is no error."""
    whole = json.loads(written(ENTRY))
    for changes in ({"at": at}, {"redriven_at": at}, {"dismissed_at": at}):
        found = read_entry(json.dumps({**whole, **changes}).encode(), "2026/11/23")
        moments = [one for one in (found.at, found.redriven_at, found.dismissed_at, ENTRY.at) if one is not None]
        assert sorted(moment.astimezone(UTC) for moment in moments)
        assert found.reason == ENTRY.reason


@pytest.mark.parametrize("odd", ODD_FACTS.values(), ids=ODD_FACTS)
def test_an_entry_of_another_form_does_not_stop_the_list(odd: dict[str, object]) -> None:
    """What is held is listed, and the odd one with it."""
    here = world()
    for number, facts in enumerate(({}, odd)):
        raw = json.dumps({**json.loads(written(ENTRY)), **facts}).encode()
        here.fakes.quarantine.kept[f"2026/11/23/x/{number}.json"] = read_entry(raw, "2026/11/23")
    assert sorted(str(one.reason) for one in list_held(here.ports, here.settings)) == sorted(
        (ENTRY.reason, "unreadable_entry")
    )


@pytest.mark.azurite
@pytest.mark.parametrize("mark", ["redriven", "dismissed"])
def test_what_a_newer_version_wrote_into_an_entry_stays_when_it_is_marked(storage: Settings, mark: str) -> None:
    """Both versions work side by side during an upgrade, and a rollback must not cost what the newer one noted."""
    quarantine = BlobQuarantine(storage)
    name = quarantine.put(ENTRY)
    with service_of(storage) as service:
        blob = service.get_blob_client(QUARANTINE_CONTAINER, name)
        later = {"later": {"kept": [1, "two"]}}
        blob.upload_blob(json.dumps({**json.loads(blob.download_blob().readall()), **later}), overwrite=True)
        if mark == "redriven":
            quarantine.mark_redriven(name, NOW)
        else:
            quarantine.mark_dismissed(name, NOW, "seen")
        document = json.loads(blob.download_blob().readall())
    ((_, entry),) = quarantine.entries()
    quarantine.close()
    assert document["later"] == later["later"]
    assert not entry.is_open
