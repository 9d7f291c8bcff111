"""An odd chunk or a harmless form costs no recording."""

import json
from typing import Any

import pytest

from dev.in_memory import canaries
from dev.in_memory.builders import (
    CALL_ID,
    EVENT_TIME,
    RECORDING_ID,
    SERVER_CALL_ID,
    chunk,
    document_id,
    event,
    location,
    task,
)
from dev.in_memory.world import World
from recording.control.recordings import get_recording
from recording.domain.state.chunk import ChunkState
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, EventRejectedError, StorageBusyError
from recording.ingest import ingest_event, ingest_text, take_event

EVIL = "https://evil.example/v1/objects/x"
ODD: list[tuple[str, int | None, dict[str, Any]]] = [
    ("foreign_host", 1, {"contentLocation": EVIL}),
    ("unsafe_location", 1, {"contentLocation": "http://x.asm.skype.com/v1"}),
    ("unreadable_chunk", 1, {"contentLocation": ""}),
    ("unreadable_chunk", 1, {"documentId": None}),
    ("unreadable_chunk", None, {"index": None}),
    ("unreadable_chunk", None, {"index": True}),
    ("unreadable_chunk", None, {"index": 1.5}),
    ("index_out_of_range", None, {"index": 1_000_001}),
    ("invalid_id", 1, {"documentId": "a/b"}),
]


@pytest.mark.parametrize(("reason", "index", "changes"), ODD)
@pytest.mark.parametrize("place", [1, 2])
def test_an_odd_chunk_is_held_alone(
    here: World, reason: str, index: int | None, changes: dict[str, Any], place: int
) -> None:
    """The others are archived, and the recording counts as incomplete until an operator has looked."""
    chunks = [chunk(number, **(changes if number == place else {})) for number in range(3)]
    good = [number for number in range(3) if number != place]
    for number in good:
        here.holds(task(number))
    here.announces(event(*chunks))
    here.runs(hours=2, until_quiet=False)

    assert {known.task.index: known.state for known in here.fakes.catalog.chunks.values()} == dict.fromkeys(
        good, ChunkState.SOURCE_DELETED
    )
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.recording_id) == (reason, RECORDING_ID)
    assert entry.index == (place if index is not None else None)
    told = get_recording(RECORDING_ID, here.ports, here.settings)
    assert (told["complete"], told["missingIndexes"], told["expectation"]) == (False, [place], "incomplete")
    assert here.manifest()["missingIndexes"] == [place]


def test_a_held_chunk_is_archived_once_the_setting_is_mended(here: World) -> None:
    """Its entry is an event of its own, which a redrive judges again."""
    extra = "files.contoso.example"
    here.announces(event(chunk(0), chunk(1, contentLocation=location(document_id(1), host=extra))))
    (entry,) = here.fakes.quarantine.kept.values()
    with pytest.raises(EventRejectedError):
        take_event(json.loads(entry.payload), entry.origin, here.ports, here.settings)
    mended = here.settings.model_copy(
        update={"acs": here.settings.acs.model_copy(update={"content_hosts": (f"{extra}",)})}
    )
    take_event(json.loads(entry.payload), entry.origin, here.ports, mended)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]


@pytest.mark.parametrize("value", [EVIL, "nonsense", "http://x.asm.skype.com/v1", 7, ["x"], "x" * 5000])
@pytest.mark.parametrize("place", ["metadataLocation", "deleteLocation"])
def test_an_odd_side_location_is_not_called_and_the_media_is_archived(here: World, place: str, value: Any) -> None:
    """Neither metadata nor a tidy source is worth a recording; the reason is in the task."""
    here.holds(task(0, metadata_location=None) if place == "metadataLocation" else task(0))
    here.announces(event(chunk(0, **{place: value})))
    (sent,) = here.fakes.queue.tasks
    refused = sent.metadata_refused if place == "metadataLocation" else sent.delete_refused
    assert refused in ("foreign_host", "unsafe_location")
    assert (sent.metadata_location is None, sent.delete_location) == (place == "metadataLocation", None)
    here.runs(hours=1)
    assert (here.state(), len(here.media_blobs()), here.fakes.quarantine.kept) == (ChunkState.CATALOGED, 1, {})
    assert "delete" not in here.source.calls, "the metadata may still be fetched by hand"


@pytest.mark.parametrize("envelope", [event(topic=None, eventType=None), event(topic=None)])
def test_what_only_the_trigger_strips_is_no_excuse_on_the_queue(here: World, envelope: dict[str, Any]) -> None:
    """Who can write to the queue could else leave out what would give the event away."""
    ingest_event(envelope, Origin.EVENT_QUEUE, here.ports, here.settings)
    assert (here.fakes.quarantine.reasons, here.fakes.queue.tasks) == (["other_resource"], [])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + json.dumps(event()),
        json.dumps(json.dumps(event())),
        json.dumps([event()]) + "\r\n",
        "\x1e" + json.dumps(event()) + "\n",
        json.dumps([json.dumps(event())]),
        json.dumps([[event()]]),
        json.dumps(json.dumps([json.dumps(event())])),
        json.dumps(event(data={"recordingStorageInfo": {"recordingChunks": chunk()}})),
        json.dumps(event(data={"recordingStorageInfo": {"recordingChunks": json.dumps([chunk()])}})),
        json.dumps(event(data={"recordingStorageInfo": json.dumps({"recordingChunks": [chunk()]})})),
    ],
    ids=[
        *("mark", "text of text", "array and newline", "json sequence", "array of texts", "array in array"),
        *("text of array of texts", "one chunk without its array", "chunks as text", "storage info as text"),
    ],
)
def test_harmless_clothing_does_not_cost_a_recording(here: World, text: str) -> None:
    """Whoever writes to a queue or a dead letter has habits."""
    ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
    assert (len(here.fakes.queue.tasks), here.fakes.quarantine.kept) == (1, {})


def test_json_lines_are_read_up_to_the_broken_one(here: World) -> None:
    """What can be read is taken, the rest is kept."""
    lines = "\n".join(json.dumps(event(chunk(number))) for number in range(2)) + '\n{"id": '
    ingest_text(lines, Origin.DEAD_LETTER, here.ports, here.settings)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]
    (entry,) = here.fakes.quarantine.kept.values()
    assert entry.payload == '{"id": '


def test_quarantine_keeps_no_phone_number(here: World) -> None:
    """An event is kept for what can be judged again; whom it names is not needed for that."""
    here.announces(event(subject="/recording", data={"recordingId": "tel:+4570123456"}))
    ingest_text('{"from": {"rawId": "4:+4570123456"}, ', Origin.EVENT_QUEUE, here.ports, here.settings)
    kept = "".join(entry.payload for entry in here.fakes.quarantine.kept.values())
    assert canaries.PHONE not in kept
    assert canaries.PARTICIPANT not in kept
    assert "4570123456" not in kept


@pytest.mark.parametrize("server_call", ["Zm9yZ2Vk", None])
def test_the_first_event_does_not_overwrite_what_a_start_noted(here: World, server_call: str | None) -> None:
    """A forged event would else choose the folder of all true files that follow."""
    started = RecordingRecord(
        recording_id=RECORDING_ID, started_here=True, started_at=EVENT_TIME, server_call_id=SERVER_CALL_ID
    )
    here.fakes.catalog.add_recording(started)
    middle = f"/serverCallId/{server_call}" if server_call else ""
    subject = f"/recording/call/FORGED-CALL{middle}/recordingId/{RECORDING_ID}"
    here.announces(event(chunk(0), subject=subject, data={"recordingStartTime": "2021-12-31T00:00:00Z"}))
    known = here.fakes.catalog.recordings[RECORDING_ID]
    assert (known.server_call_id, known.started_at, known.call_id) == (SERVER_CALL_ID, EVENT_TIME, None)
    assert (known.folder or "").startswith("2026/11/23/h-")
    here.announces(event(chunk(1)))
    later = here.fakes.catalog.recordings[RECORDING_ID]
    assert (later.folder, later.call_id) == (known.folder, CALL_ID)


def test_lost_races_end_in_another_delivery(here: World) -> None:
    """A record that keeps changing must not end in a stack of calls."""
    here.fakes.catalog.add_recording(RecordingRecord(recording_id=RECORDING_ID))
    here.fakes.catalog.fail_next("save_recording", ClaimLostError("changed"), times=2000)
    with pytest.raises(StorageBusyError):
        here.announces()


@pytest.mark.parametrize("together", [True, False])
def test_one_document_under_two_indexes_is_one_file(here: World, together: bool) -> None:
    """The second would find the source deleted, and be raised as lost although its bytes are archived."""
    twins = [chunk(0, document_id(0)), chunk(1, document_id(0))]
    here.holds(task(0))
    for told in [twins] if together else [[twin] for twin in twins]:
        here.announces(event(*told))
    here.runs(hours=30)
    assert (len(here.fakes.catalog.chunks), here.state()) == (1, ChunkState.SOURCE_DELETED)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.index, entry.recording_id) == ("duplicate_document", 1, RECORDING_ID)
