"""Events and messages that are refused cost nothing, and are kept for an operator."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import (
    CONTAINER,
    RESOURCE,
    chunk,
    cloud_event,
    event,
    event_file,
)
from dev.in_memory.world import World, world
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import LARGEST_TASK
from recording.domain.state.quarantine import Origin
from recording.errors import StorageBusyError
from recording.ingest import ingest_event, ingest_text
from recording.operate.held import redrive
from recording.ports.unread import LONGEST_PAYLOAD
from tests.unit.ingest.test_queue_tasks import asked_nobody

FORGED: list[tuple[str, dict[str, Any]]] = [
    ("other_resource", event(topic=RESOURCE.replace("contoso", "fabrikam"))),
    ("other_resource", event(topic=None)),
    ("other_resource", event(topic=RESOURCE + "/")),
    ("other_resource", cloud_event(source="/subscriptions/x")),
    ("other_resource", event_file("event_grid_recording_only")),
    ("unreadable_event", event(eventType="Microsoft.Communication.Recording\nFileStatusUpdated")),
    ("unreadable_event", event(eventType=["Microsoft.Communication.RecordingFileStatusUpdated"])),
    ("unreadable_subject", event(subject="/recording")),
    ("invalid_id", event(chunk(documentId="a/b"))),
    ("foreign_host", event(chunk(contentLocation="https://evil.example/v1/objects/x"))),
    ("foreign_host", event(chunk(contentLocation=f"{CONTAINER}/a.mp3"))),
    (
        "foreign_host",
        event(chunk(contentLocation="https://other.blob.core.windows.net/x"), data={"storageType": "blob"}),
    ),
    ("unsafe_location", event(chunk(contentLocation="http://x.asm.skype.com/v1"))),
    ("unsafe_location", event(chunk(contentLocation="https://127.0.0.1:1\\@x.asm.skype.com/v1"))),
    ("unreadable_event", event(data={"recordingStorageInfo": None})),
]


def _plain(envelope: dict[str, Any]) -> dict[str, Any]:
    """An event without what names people, and without what its data does not have."""
    facts = {name: value for name, value in (envelope["data"] or {}).items() if name != "startedBy" and value}
    return {**envelope, "data": {**facts, "recordingStartTime": facts.get("recordingStartTime")}}


@pytest.mark.parametrize(("reason", "envelope"), FORGED)
def test_a_forged_event_costs_nobody_anything(here: World, reason: str, envelope: dict[str, Any]) -> None:
    """No request, no task, no record; one entry with the event in it."""
    here.announces(envelope)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.came_from) == (reason, "event_queue")
    assert _plain(json.loads(entry.payload)) == _plain(envelope)
    assert (here.fakes.queue.tasks, here.fakes.catalog.chunks) == ([], {})
    assert asked_nobody(here)


def test_without_a_configured_resource_every_topic_is_accepted() -> None:
    """The setting is optional; the key of the subscription is then what is trusted."""
    here = world(acs={"resource_id": None})
    here.announces(event(topic=None))
    assert len(here.fakes.queue.tasks) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "7", "null", '"x"', "[]", "[[]]", "[1]", "\x00", "<html>", "[" * 2000 + "]" * 2000, "[" * 100_000]
)
def test_a_message_that_is_no_event_is_kept(here: World, text: str) -> None:
    """Whatever lands on the queue is either ingested or kept, never dropped (I6)."""
    ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert entry.reason == "unreadable_event"
    assert entry.payload == text[:LONGEST_PAYLOAD] or text.startswith("[")


@pytest.mark.parametrize("depth", [50, 300, 900, 1500, 5000])
def test_an_event_of_any_depth_is_kept_or_read(here: World, depth: int) -> None:
    """Deep nesting ends some parsers; an exception here would be a poisoned message that nobody reads."""
    deep = json.dumps(event())[:-1] + ', "extra": ' + "[" * depth + "]" * depth + "}"
    ingest_text(deep, Origin.EVENT_QUEUE, here.ports, here.settings)
    ingest_text(deep.replace("RecordingFile", "Other"), Origin.EVENT_QUEUE, here.ports, here.settings)
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("place", ["envelope", "id", "data", "chunk", "location"])
def test_no_nesting_ends_ingest_or_the_sweep(place: str) -> None:
    """Some depths are followed by one reader and not by the next: whichever it is, the event before it counts too."""
    for depth in (*range(20, 60), *range(900, 1010)):
        here = world()
        text = nested(place, depth)
        ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
        assert here.fakes.queue.tasks or here.fakes.quarantine.kept, (place, depth)
        here.fakes.queue.poison_event(text)
        here.fakes.queue.poison_event(json.dumps(event(chunk(1))))
        assert here.reconciles().attention == 0, (place, depth)
        assert 1 in [sent.index for sent in here.fakes.queue.tasks], (place, depth)


def nested(place: str, depth: int) -> str:
    """Return an event of a good chunk and one at a foreign host, with a deep list in one of its places."""
    odd = chunk(2, None, contentLocation="https://files.example.org/x")
    told = event(chunk(0), odd)
    where, name = {
        "envelope": (told, "unknown"),
        "id": (told, "id"),
        "data": (told["data"], "unknown"),
        "chunk": (odd, "unknown"),
        "location": (odd, "metadataLocation"),
    }[place]
    where[name] = "@"
    return json.dumps(told).replace('"@"', "[" * depth + "]" * depth)


def test_a_large_message_is_kept_up_to_a_limit(here: World) -> None:
    """Quarantine is for reading, not for storing what somebody sends."""
    ingest_text("x" * (LONGEST_PAYLOAD + 1), Origin.EVENT_QUEUE, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert len(entry.payload) == LONGEST_PAYLOAD


@pytest.mark.parametrize("chunks", [1, 600, 1000])
def test_an_event_of_any_size_can_be_redriven(chunks: int) -> None:
    """Event Grid takes a mebibyte, in letters of any alphabet: once the setting is corrected, all of it is ingested."""
    here = world(acs={"resource_id": RESOURCE.replace("contoso", "fabrikam").lower()})
    told = event(*[chunk(index, note="") for index in range(chunks)])
    missing = 2**20 - len(json.dumps(told, ensure_ascii=False).encode())
    told["data"]["recordingStorageInfo"]["note"] = "ü" * (missing // 2 - 20)
    assert 2**20 - 100 < len(json.dumps(told, ensure_ascii=False).encode()) <= 2**20
    here.announces(told)
    assert (here.fakes.quarantine.reasons, here.fakes.queue.tasks) == (["other_resource"], [])
    done = redrive(here.ports, world().settings, HeldFilter(reason="other_resource"))
    assert (len(done.sent), done.skipped, len(here.fakes.queue.tasks)) == (1, (), chunks)


def test_a_batch_is_taken_apart(here: World) -> None:
    """A webhook delivers arrays, with foreign events among ours."""
    batch = [event(chunk(0)), event_file("event_grid_call_ended"), event(chunk(1)), 7]
    ingest_text(json.dumps(batch), Origin.EVENT_QUEUE, here.ports, here.settings)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]
    assert here.fakes.quarantine.reasons == ["unreadable_event"]


def test_every_task_fits_a_queue_message(here: World) -> None:
    """64 KiB is the limit after base64; the longest that passes the guards is far below."""
    longest = {"endReason": "\U0001f600" * 1024}
    base = "https://x.asm.skype.com/v1/objects/" + "d" * 512
    places = ("contentLocation", "metadataLocation", "deleteLocation")
    longest |= {name: base + "/" + "x" * (2048 - len(base) - 1) for name in places}
    here.announces(
        event(
            chunk(0, "d" * 512, **longest),
            subject=f"/recording/call/{'c' * 512}/serverCallId/{'s' * 2500}/recordingId/{'r' * 512}",
            data={"sessionEndReason": "\U0001f600" * 1024},
        )
    )
    (sent,) = here.fakes.queue.tasks
    assert len(sent.model_dump_json().encode()) < LARGEST_TASK


def test_an_entry_that_cannot_be_kept_is_delivered_again(here: World) -> None:
    """Answering would let Event Grid forget it."""
    here.fakes.quarantine.fail_next("put", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.announces(event(subject="/recording"))


@pytest.mark.parametrize("method", ["get_recording", "add_recording", "add_chunk"])
def test_an_event_that_cannot_be_noted_is_delivered_again(here: World, method: str) -> None:
    """As above, for the catalog."""
    here.fakes.catalog.fail_next(method, StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.announces()
    here.announces()
    assert len(here.fakes.queue.tasks) == 1


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(place=st.sampled_from([*event(), "specversion"]), inside=st.sampled_from([None, *event()["data"]]), value=Json)
def test_whatever_is_delivered_is_ingested_or_kept(place: str, inside: str | None, value: Any) -> None:
    """No input makes ingest raise, and none vanishes."""
    here = world(acs={"resource_id": None})
    forged = event(data={inside: value}) if inside else {**event(), place: value}
    ingest_event(forged, Origin.EVENT_GRID, here.ports, here.settings)
    ignored = isinstance(forged.get("eventType"), str) and forged["eventType"] != EVENT_TYPE
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) == (0 if ignored else 1) or ignored
    for sent in here.fakes.queue.tasks:
        assert sent.model_dump_json().encode()


@given(field=st.sampled_from(list(chunk())), value=Json)
def test_whatever_a_chunk_holds_is_ingested_or_kept(field: str, value: Any) -> None:
    """As above, one level deeper."""
    here = world()
    ingest_event(event(chunk(**{field: value})), Origin.EVENT_GRID, here.ports, here.settings)
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) == 1
