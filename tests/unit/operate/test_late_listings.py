"""Listings that break off late, and rows that cannot be read: what was seen is told, and so is that it is not all."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import document_id, event, record, task
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World, world
from recording.domain.archived.drift import SCRUB_CYCLE, DriftKind
from recording.domain.incoming.requests import HeldFilter
from recording.domain.names import BESIDE_THE_LINE
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched.attention import Attention
from recording.errors import RequestError, StorageBusyError, StorageError
from recording.operate.attention import needs_attention
from recording.operate.drift import look_for_drift
from recording.operate.held import Kind, list_held, redrive
from recording.operate.scrub import scrub
from recording.operate.verify_recording import verify
from recording.ports import DeadLetter, QuarantineEntry

BROKEN = StorageBusyError("page 2 does not come")
PLACES: Mapping[str, Callable[[World], None]] = {
    "catalog": lambda here: late(here.fakes.catalog, "held_chunks"),
    "quarantine": lambda here: late(here.fakes.quarantine, "entries"),
    "poison queues": lambda here: here.fakes.queue.fail_next("peek_poisoned", BROKEN, times=9),
    "dead letters": lambda here: late(here.fakes.dead_letters, "letters"),
}


def late(fake: Any, method: str) -> None:
    """Let a listing break off behind its first item."""
    plain = getattr(fake, method)

    def listed(*args: Any) -> Iterator[Any]:
        yield from list(plain(*args))[:1]
        raise BROKEN

    setattr(fake, method, listed)


def of_four_places() -> World:
    """Return a world in which two things are held in each of the four places."""
    here = world()
    for number in range(2):
        here.fakes.catalog.add_chunk(
            record(ChunkState.QUARANTINED, task=task(number, document_id(number)), quarantine_reason="media_suspect")
        )
        here.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", f"{number}", "event_queue", here.now))
        here.fakes.queue.poison(task(7, document_id(7 + number)).model_dump_json())
    letters = FakeDeadLetters(*(DeadLetter(f"letter-{number}", "[]", here.now) for number in range(2)))
    object.__setattr__(here.fakes, "dead_letters", letters)
    return here


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_breaks_off_hides_neither_itself_nor_the_others(place: str) -> None:
    """One account that does not answer is no reason to see nothing, and an empty list would be good news."""
    here = of_four_places()
    everything = list_held(here.ports, here.settings)
    PLACES[place](here)
    found = list_held(here.ports, here.settings)
    assert [(one.id, one.reason) for one in found if one.kind is Kind.UNREADABLE] == [(place, "storage_busy")]
    lost = {one.id for one in everything} - {one.id for one in found}
    assert len(lost) == (2 if place == "poison queues" else 1)
    items = needs_attention(here.ports, here.settings).items
    assert [item.id for item in items if item.kind is Attention.UNREADABLE] == [place]


@pytest.mark.parametrize("place", PLACES)
def test_what_may_be_behind_the_break_is_not_called_unknown(place: str) -> None:
    """Neither "there is no such thing" nor an empty list."""
    here = of_four_places()
    PLACES[place](here)
    for chosen in (HeldFilter(id="letter-9"), HeldFilter(reason="expired"), HeldFilter(recording_id="another")):
        with pytest.raises(StorageBusyError):
            list_held(here.ports, here.settings, chosen)
        with pytest.raises(StorageBusyError):
            redrive(here.ports, here.settings, chosen)
        with pytest.raises(StorageBusyError):
            needs_attention(here.ports, here.settings, chosen)


@pytest.mark.parametrize("place", PLACES)
def test_a_redrive_of_all_says_what_it_could_not_see(place: str) -> None:
    """It is skipped by its name; what was listed goes back to work."""
    here = of_four_places()
    PLACES[place](here)
    done = redrive(here.ports, here.settings, HeldFilter())
    assert place in done.skipped
    assert done.sent


def test_a_catalog_that_does_not_answer_at_all_is_an_error() -> None:
    """Then nothing is known."""
    here = of_four_places()
    here.fakes.catalog.fail_next("held_chunks", BROKEN, times=2)
    for look in (list_held, needs_attention):
        with pytest.raises(StorageBusyError):
            look(here.ports, here.settings)


# --- more than one look reads


def letters(here: World, others: int) -> None:
    """Put letters of another subscription before one of ours; nobody removes them."""
    other = event() | {"eventType": "Microsoft.Storage.BlobCreated"}
    found = [DeadLetter(f"2026/11/01/{number:06}", json.dumps([other]), here.now) for number in range(others)]
    ours = DeadLetter("2026/11/23/ours", "not an event", here.now)
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(*found, ours))


@pytest.mark.parametrize("others", [1, 999, 1000, 2500])
def test_letters_of_other_subscriptions_hide_none_of_ours(others: int) -> None:
    """A listing has a thousand, and those of others are never removed here."""
    here = world()
    letters(here, others)
    found = needs_attention(here.ports, here.settings)
    assert [one.id for one in found.items] == ["2026/11/23/ours"]
    assert found.complete
    assert [one.id for one in list_held(here.ports, here.settings, HeldFilter(id="2026/11/23/ours"))]


def of_too_many_letters(here: World) -> None:
    letters(here, 10_000)


def of_slow_letters(here: World) -> None:
    letters(here, 3_000)
    slow = here.ports.dead_letters
    assert slow is not None
    plain = slow.letters

    def slowly(after: str = "") -> Any:
        here.fakes.clock.advance(minutes=1, seconds=1)
        return plain(after)

    object.__setattr__(slow, "letters", slowly)


def of_poisoned(here: World) -> None:
    for number in range(40):
        here.fakes.queue.poison(task(7, document_id(7 + number)).model_dump_json())


def of_poisoned_beside_the_line(here: World) -> None:
    for _ in range(40):
        here.fakes.leftovers.gives_up(BESIDE_THE_LINE[0], "{}")


@pytest.mark.parametrize(
    ("fill", "place"),
    [
        (of_too_many_letters, "dead letters"),
        (of_slow_letters, "dead letters"),
        (of_poisoned, "poison queues"),
        (of_poisoned_beside_the_line, "poison queues"),
    ],
)
def test_what_may_be_behind_all_that_is_read_is_not_called_unknown(fill: Callable[[World], None], place: str) -> None:
    """The look is bounded, and says so."""
    here = world()
    assert needs_attention(here.ports, here.settings).complete
    fill(here)
    found = needs_attention(here.ports, here.settings)
    assert (found.complete, found.unlisted) == (False, (place,))
    for chosen in (HeldFilter(id="behind"), HeldFilter(recording_id="behind")):
        for look in (list_held, redrive, needs_attention):
            with pytest.raises(StorageBusyError):
                look(here.ports, here.settings, chosen)
    with pytest.raises(RequestError, match="unknown reason"):
        list_held(here.ports, here.settings, HeldFilter(reason="no such reason"))


@pytest.mark.parametrize("listing", ["open_chunks", "alarmed_recordings"])
def test_open_work_that_is_listed_in_part_is_not_called_complete(listing: str) -> None:
    """`status` shows the first page and says that there is more."""
    here = world()
    for number in range(3):
        here.fakes.catalog.add_chunk(record(task=task(number, document_id(number), expires_at=here.now)))
        here.fakes.catalog.add_recording(
            RecordingRecord(recording_id=f"r{number}", missing_since=here.now, stands="missing", started_here=True)
        )
    before = needs_attention(here.ports, here.settings)
    here.fakes.catalog.fails_after[listing] = 1
    found = needs_attention(here.ports, here.settings)
    assert before.complete
    assert not found.complete
    assert "catalog" in {item.id for item in found.items}
    assert {item.id for item in found.items} & {item.id for item in before.items}


# --- the archive and the catalog


def _task(recording: int, index: int = 0) -> ChunkTask:
    number = recording * 2 + index
    name = f"recording-{recording}"
    return task(index, document_id(number), recording_id=name, folder=f"2026/11/23/call/{name}")


def archived(recordings: int = 3) -> World:
    here = world()
    for recording in range(recordings):
        for index in range(2):
            here.works(here.holds(_task(recording, index)))
    return here


def unreadable(here: World, made: ChunkTask) -> str:
    key = (made.recording_id, str(made.key))
    here.fakes.catalog.unreadable.add(key)
    return "/".join(key)


def altered(here: World, made: ChunkTask) -> None:
    name = here.record(made).blob_name or ""
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = type(blob)(bytes(len(blob.data)), blob.media_type, blob.facts, '"x"', blob.blocks)


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_drift_tells_what_it_found_before_the_listing_broke_off(after: int) -> None:
    """And calls no blob a stranger whose recording it has not seen."""
    here = archived()
    altered(here, _task(0))
    here.fakes.catalog.fails_after["all_chunks"] = after
    report = look_for_drift(here.ports, here.settings, sample_percent=100)
    assert [drift.kind for drift in report.drifts] == [DriftKind.MEDIA_BYTES]
    assert (report.complete, report.failed) == (False, True)
    assert "the catalog: " in report.as_text()
    assert "(a listing broke off)" in report.as_text()


def test_drift_without_a_single_row_is_an_error() -> None:
    """Nothing was compared."""
    here = archived()
    here.fakes.catalog.fails_after["all_chunks"] = 0
    with pytest.raises(StorageError):
        look_for_drift(here.ports, here.settings)


@pytest.mark.parametrize("breaks", ["the archive", "the catalog"])
def test_strangers_are_told_only_when_everything_was_listed(breaks: str) -> None:
    """The second look at the catalog, which finds recordings that have just come, may break off as well."""
    here = archived()
    stranger = here.fakes.archive.blobs[here.record(_task(0)).blob_name or ""]
    here.fakes.archive.blobs["2026/11/23/call/recording-9/x.wav"] = stranger
    plain = here.fakes.archive.list

    def listed(prefix: str) -> Iterator[Any]:
        if prefix == "" and breaks == "the archive":
            yield from list(plain(prefix))[:1]
            raise BROKEN
        if prefix == "":
            here.fakes.catalog.fails_after["all_chunks"] = 1
        yield from plain(prefix)

    here.fakes.archive.list = listed  # type: ignore[method-assign]
    report = look_for_drift(here.ports, here.settings)
    assert (report.drifts, report.complete) == ((), False)
    assert [one.name for one in report.unread] == [breaks]


@pytest.mark.parametrize("indexes", [(0,), (1,), (0, 1)])
def test_the_files_of_a_row_that_cannot_be_read_are_unread_and_no_strangers(indexes: tuple[int, ...]) -> None:
    """A rollback makes rows of a newer version unreadable; their media is neither proved nor a stranger."""
    here = archived()
    names = [unreadable(here, _task(1, index)) for index in indexes]
    report = look_for_drift(here.ports, here.settings, sample_percent=100)
    assert report.drifts == ()
    assert report.failed
    assert [one.name for one in report.unread] == names


@pytest.mark.parametrize("indexes", [(0,), (1,), (0, 1)])
def test_a_recording_with_a_row_that_cannot_be_read_is_not_proved(indexes: tuple[int, ...]) -> None:
    """Not even where it is the last one, which leaves no gap."""
    here = archived(1)
    names = [unreadable(here, _task(0, index)) for index in indexes]
    found = verify("recording-0", here.ports, here.settings)
    assert found is not None
    assert not found.is_proved
    assert [line for line in found.unread if "not read" in line] == [
        f"{name}: not read: unreadable_record" for name in names
    ]
    assert not [line for line in found.differences if line.startswith("unknown_blob")]


def aged(here: World, made: ChunkTask) -> ChunkRecord:
    old = here.now - SCRUB_CYCLE - timedelta(days=1)
    known = here.record(made)
    return here.fakes.catalog.save_chunk(known.model_copy(update={"read_whole_at": old}))


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(line) for line in caplog.records if vars(line).get("event") == event]


@pytest.mark.parametrize("indexes", [(0,), (1,), (0, 1)])
def test_what_the_scrub_cannot_read_is_not_covered(indexes: tuple[int, ...], caplog: pytest.LogCaptureFixture) -> None:
    """Its coverage is a promise; the alarm rings until the row is repaired."""
    caplog.set_level("INFO")
    here = archived(2)
    for recording in range(2):
        for index in range(2):
            aged(here, _task(recording, index))
    for index in indexes:
        unreadable(here, _task(1, index))
    report = scrub(here.ports, here.settings)
    assert report.failed
    assert lines(caplog, "recording.scrubbed")[0]["coverage"] < 1
    assert [line["reason"] for line in lines(caplog, "recording.scrub.behind")] == ["unread"]
    here.fakes.catalog.unreadable.clear()
    caplog.clear()
    assert not scrub(here.ports, here.settings).failed
    assert lines(caplog, "recording.scrub.behind") == []
    assert lines(caplog, "recording.scrubbed")[0]["coverage"] == 1


def test_a_survey_that_breaks_off_is_read_as_far_as_it_came(caplog: pytest.LogCaptureFixture) -> None:
    """One page that never comes must not end all reading for ever; the alarm says that it was not all."""
    here = archived(2)
    for recording in range(2):
        for index in range(2):
            aged(here, _task(recording, index))
    here.fakes.catalog.fails_after["media_ages"] = 2
    with pytest.raises(StorageError):
        scrub(here.ports, here.settings)
    assert [line["reason"] for line in lines(caplog, "recording.scrub.behind")] == ["failed"]
    read = [here.record(_task(0, index)).read_whole_at for index in range(2)]
    assert read == [here.now, here.now]
