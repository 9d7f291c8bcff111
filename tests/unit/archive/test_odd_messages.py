"""Odd facts in a task on the queue or in a row are judged as the same facts in an event are."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import chunk, event, record, task
from dev.in_memory.world import World, world
from recording.archive.line import archive_message
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome, SourceOutcome
from recording.domain.state.transitions import is_archived
from recording.operate.held import redrive

ODD = [
    "5",
    "-1",
    "1e400",
    "[]",
    "{}",
    '["https://weu-storage.asm.skype.com/v1/objects/x"]',
    "true",
    '""',
    '"  "',
    "null",
]
FOREIGN = ['"https://files.example.org/x"', '"not a location"', '"http://weu-storage.asm.skype.com/v1/objects/x"']
EMPTY = ('""', '"  "', "null")
LONG = f'"https://weu-storage.asm.skype.com/v1/objects/{"x" * 5000}"'
PLACES = {"metadataLocation": "metadata_location", "deleteLocation": "delete_location"}


def holding(place: str, text: str) -> World:
    """Return a world whose ACS has the chunk, with its metadata unless none is announced."""
    here = world()
    here.holds(task(), document=b"" if place == "metadataLocation" and text in EMPTY else None)
    return here


def told_by_event(place: str, text: str) -> World:
    """Return the end of a chunk whose event has this text as one of its locations."""
    here = holding(place, text)
    content = json.loads(
        json.dumps(event(chunk(0, None, **{place: "@"}))).replace('"@"', text.replace("1e400", "1e300"))
    )
    here.announces(content)
    here.runs(hours=40)
    return here


def told_by_task(place: str, text: str) -> World:
    """Return the end of a chunk whose task has this text as the same location."""
    here = holding(place, text)
    content = json.loads(task().model_dump_json()) | {PLACES[place]: "@"}
    archive_message(json.dumps(content).replace('"@"', text), here.ports, here.settings)
    here.runs(hours=40)
    return here


def end_of(here: World) -> tuple[Any, ...]:
    found = here.record()
    return found.state, found.metadata, found.source, here.fakes.quarantine.reasons, here.source.deleted


@pytest.mark.parametrize("text", [*ODD, *FOREIGN, LONG])
@pytest.mark.parametrize("place", PLACES)
def test_a_task_is_judged_as_its_event_would_be(place: str, text: str) -> None:
    """What a writer of events may get wrong, a writer of messages may too; the media is archived either way."""
    by_event, by_task = told_by_event(place, text), told_by_task(place, text)
    assert end_of(by_event) == end_of(by_task)
    assert is_archived(by_task.record())


@pytest.mark.parametrize("text", [text for text in ODD if text not in EMPTY])
def test_an_odd_metadata_location_is_not_an_absent_one(text: str) -> None:
    """Absent metadata lets the source go; this one may still be at ACS."""
    here = told_by_task("metadataLocation", text)
    assert (here.record().metadata, here.record().source) == (
        MetadataOutcome.NOT_ASKED,
        SourceOutcome.LEFT_TO_EXPIRE,
    )
    assert here.source.deleted == []


@pytest.mark.parametrize("text", EMPTY)
def test_an_empty_location_is_none(text: str) -> None:
    """Seen in events: an empty text where there is nothing."""
    here = told_by_task("metadataLocation", text)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.NOT_ANNOUNCED)


ODD_FIELDS = {
    "version": ["null"],
    "home": ["null"],
    "is_contested": ["null"],
    "event_id": ["7", "null", "[]", "{}", "1e300", "true"],
    "event_time": [
        "null",
        '"yesterday"',
        "[]",
        "{}",
        "true",
        '""',
        '"0001-01-01T00:00:00+14:00"',
        '"2026-11-23T08:58:00"',
    ],
    "expires_at": [
        "null",
        '"2026-11-24T08:58:00"',
        '"tomorrow"',
        "[]",
        "{}",
        '""',
        '"9999-12-31T23:59:59-14:00"',
        '"2026-11-24T08:58:00.1234567Z"',
    ],
    "server_call_id": ["5", "[]", "null", '""'],
    "metadata_refused": ["null"],
    "delete_refused": ["null"],
    "unknown": ["5", "[]", "null", '{"a": [null]}'],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ODD_FIELDS.items() for text in texts])
def test_a_task_with_one_odd_field_is_worked_on(name: str, text: str) -> None:
    """Another version or a hand wrote it; a time that cannot be read is an absent time."""
    here = world()
    here.holds(task())
    content = json.loads(task().model_dump_json()) | {name: "@"}
    archive_message(json.dumps(content).replace('"@"', text), here.ports, here.settings)
    here.runs(hours=1)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.SOURCE_DELETED, [])


UNSAFE: dict[str, list[Any]] = {
    "folder": ["../../other", "a/../b", "a//b", "/a", "a/", ".", "", "a\\b", "a\nb", "x" * 901, 5, None],
    "recording_id": ["../x", "a/b", "a b", "...", "", "x" * 513, 5, None],
    "document_id": ["../x", "a\u0000", "", "é", None],
    "call_id": ["..", "a\x1b[31m", "", [], None],
    "index": [-1, 1_000_001, 10**30, 0.5, True, "one", None],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in UNSAFE.items() for value in values])
def test_what_decides_is_as_strict_in_a_task_as_in_an_event(name: str, value: object) -> None:
    """A name in the archive or a row is made of it: kept as it came, for a person, without any request."""
    here = world()
    here.holds(task())
    text = json.dumps(json.loads(task().model_dump_json()) | {name: value})
    archive_message(text, here.ports, here.settings)
    assert [(entry.reason, entry.payload) for entry in here.fakes.quarantine.kept.values()] == [
        ("unreadable_task", text)
    ]
    assert (here.source.calls, here.fakes.archive.calls, here.fakes.catalog.chunks) == ([], [], {})


@pytest.mark.parametrize("name", ["event_time", "expires_at"])
@pytest.mark.parametrize("text", ["null", '"soon"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"'])
def test_a_time_that_was_never_meant_puts_no_known_deadline_off(name: str, text: str) -> None:
    """The chunk's own event gave a time: the alarms about it count from that one."""
    here = world()
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(hours=3)
    content = json.loads(task().model_dump_json()) | {name: "@"}
    archive_message(json.dumps(content).replace('"@"', text), here.ports, here.settings)
    assert here.record().task.expires_at == task().expires_at
    assert {sent.expires_at for sent in here.fakes.queue.tasks} == {task().expires_at}


def test_nor_does_it_where_the_message_comes_from_the_poison_queue() -> None:
    """The sweep and a redrive know the chunk's record as well."""
    for put_back in (lambda here: here.reconciles(), lambda here: redrive(here.ports, here.settings, HeldFilter())):
        here = world()
        here.announces()
        here.fakes.queue.sent.clear()
        here.fakes.queue.poison(json.dumps(json.loads(task().model_dump_json()) | {"expires_at": "soon"}))
        here.fakes.clock.advance(hours=3)
        put_back(here)
        assert {sent.expires_at for sent in here.fakes.queue.tasks} == {task().expires_at}


@pytest.mark.parametrize("hours", [25, -25, 400])
def test_a_time_that_was_never_meant_is_now_by_the_clock_of_all(hours: int) -> None:
    """One instance's clock is wrong; ACS forgets the file a day after it arrived."""
    here = world()
    content = json.loads(task().model_dump_json()) | {"event_time": None, "expires_at": None}
    here.skew = timedelta(hours=hours)
    archive_message(json.dumps(content), here.ports, here.settings)
    assert here.record().task.expires_at == here.now + timedelta(hours=24)


@pytest.mark.parametrize("text", ["5", "[]", "{}", "true"])
def test_a_reason_of_unknown_form_still_refuses(text: str) -> None:
    """Whatever stands there, an earlier worker did not want anything to be deleted."""
    here = world()
    here.holds(task())
    content = json.loads(task().model_dump_json()) | {"delete_refused": "@"}
    archive_message(json.dumps(content).replace('"@"', text), here.ports, here.settings)
    here.runs(hours=1)
    assert (here.state(), here.record().source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert here.source.deleted == []


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("name", PLACES.values())
def test_a_row_with_an_odd_location_is_read(name: str, text: str) -> None:
    """An unreadable row is skipped and told, but its chunk would not be archived."""
    stored = json.loads(record().model_dump_json())
    stored["task"][name] = "@"
    read = ChunkRecord.model_validate_json(json.dumps(stored).replace('"@"', text))
    is_none = text in EMPTY
    refused = getattr(read.task, name.replace("location", "refused"))
    assert (getattr(read.task, name), refused) == (None, None if is_none else "unsafe_location")
    assert ChunkRecord.model_validate_json(read.model_dump_json()) == read


def test_only_what_was_stored_is_read_leniently() -> None:
    """In the code a wrong type is a mistake, and is refused before it is stored."""
    with pytest.raises(ValueError, match="metadata_location"):
        ChunkTask(**{**dict(task()), "metadata_location": 5})
    with pytest.raises(ValueError, match="expires_at"):
        ChunkTask(**{**dict(task()), "expires_at": "tomorrow"})
