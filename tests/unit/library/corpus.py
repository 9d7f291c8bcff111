"""A corpus in the in-memory world: recordings are put straight into catalog and archive, as the line leaves them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from dev.in_memory.builders import metadata, record, task
from dev.in_memory.world import World
from recording.domain.archived import layout
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkRecord, ChunkState, MetadataOutcome
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import changed
from tests.unit.library.reference import STATES, Truth

BASE = datetime(2026, 9, 28, 9, 0, tzinfo=UTC)
PEOPLE = ["8:acs:res_Ann", "8:acs:res_ben", "8:orgid:carl", "4:+493012345678", "+12025550123", "4:+447700900123"]
ASKED_PEOPLE = [*PEOPLE, "8:ACS:RES_ANN", "+49 (0)30 1234-5678", "0012025550123", "8:acs:nobody", "tel:+49 30 12345678"]
NUMBERS = ["+493012345678", "tel:+49-30-12345678", "2345678", "030 1234 5678", "001 202 555 0123", "0900123"]
NUMBERS += [
    "+1999999999",
    "4:+447700900123",
    "+49 30 1234 5678",
    "0049 (0)30-1234.5678",
    "tel:0900123",
    "(030) 12345678",
]
NUMBERS += ["\u202a+49\u00a030\u00a012345678\u202c", "4:+49 30 12345678", "\uff10\uff19\uff10\uff10\uff11\uff12\uff13"]
CALLS = ["call-a", "call-b", "call-c"]
TAGS = [("case", "1"), ("case", "2"), ("case:1", "2"), ("team", "north"), ("team", "")]
FORMATS = ["wav", "mp3", "mp4"]
MINUTES = st.integers(0, 90 * 24 * 60)


def truths() -> st.SearchStrategy[Truth]:
    """Recordings of three months, with few people, calls and tags, so that filters meet."""
    return st.builds(
        Truth,
        recording_id=st.integers(0, 400).map(lambda number: f"rec-{number:03d}"),
        started_at=(st.sampled_from([0, 1, 44_640, 44_641]) | MINUTES).map(lambda at: BASE + timedelta(minutes=at)),
        call=st.sampled_from(CALLS),
        kind=st.sampled_from(sorted(STATES)) | st.just("archived"),
        format=st.sampled_from(FORMATS),
        participants=st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True).map(tuple),
        tags=tags(),
    )


def tags() -> st.SearchStrategy[dict[str, str]]:
    """A few tags; a name may hold a colon, a value may be empty."""
    return st.lists(st.sampled_from(TAGS), max_size=2).map(dict)


_MOMENTS = st.sampled_from([0, 1, 2, 44_640, 44_641, 100_000]) | MINUTES
_TIMES = _MOMENTS.map(lambda at: (BASE + timedelta(minutes=at)).isoformat())
FIND_STATES = ["recording", "at_risk", "held", "missing", "incomplete", "archived"]
FILTERS: dict[str, st.SearchStrategy[str]] = {
    "participant": st.sampled_from(ASKED_PEOPLE),
    "number": st.sampled_from(NUMBERS),
    "call": st.sampled_from([*CALLS, "call-z"]),
    "tag": st.sampled_from([f"{name}:{value}" for name, value in TAGS]),
    "from": _TIMES,
    "to": _TIMES,
    "format": st.sampled_from(FORMATS),
    "state": st.sampled_from(FIND_STATES),
}
"""Every filter that there is, with what is asked by it; a test holds it against the documented ones."""


def queries() -> st.SearchStrategy[dict[str, Any]]:
    """Any combination of filters."""
    return st.fixed_dictionaries({}, optional=FILTERS).filter(
        lambda query: "from" not in query or "to" not in query or query["from"] < query["to"]
    )


def put(here: World, one: Truth) -> None:
    """Put a recording into catalog and archive, as the line and reconcile leave it."""
    here.fakes.catalog.recordings.pop(one.recording_id, None)
    for key in [key for key in here.fakes.catalog.chunks if key[0] == one.recording_id]:
        del here.fakes.catalog.chunks[key]
    here.fakes.catalog.add_recording(_record(here, one))
    for chunk in _chunks(here, one):
        here.fakes.catalog.add_chunk(chunk)
        if chunk.metadata is MetadataOutcome.ARCHIVED and chunk.blob_name:
            people = [{"participantId": person} for person in one.participants]
            document = metadata(chunk.task, participants=people, callId=one.call)
            here.fakes.archive.put_once(layout.metadata_name(chunk.blob_name), document, "application/json")


def retag(here: World, one: Truth, new: dict[str, str]) -> Truth:
    """Change the tags of a recording that is there."""
    known = here.fakes.catalog.recordings[one.recording_id]
    here.fakes.catalog.save_recording(changed(known, tags=dict(new)))
    return one.tagged(dict(new))


def ask(recording_id: str) -> str:
    """Return the message of a follow-up."""
    return json.dumps({"recordingId": recording_id})


def _record(here: World, one: Truth) -> RecordingRecord:
    is_over = one.kind != "running"
    return RecordingRecord(
        recording_id=one.recording_id,
        folder=f"f/{one.recording_id}",
        call_id=one.call,
        started_here=True,
        started_at=one.started_at,
        request={"tags": dict(one.tags)} if one.tags else {},
        last_action=LastAction.STOPPED if is_over else LastAction.STARTED,
        last_action_at=one.started_at,
        missing_since=here.now if one.kind == "missing" else None,
        incomplete_since=here.now if one.kind == "incomplete" else None,
    )


def _chunks(here: World, one: Truth) -> list[ChunkRecord]:
    states = {"archived": ChunkState.SOURCE_DELETED, "incomplete": ChunkState.CATALOGED, "held": ChunkState.QUARANTINED}
    if one.kind in ("running", "missing"):
        return []
    index = 1 if one.kind == "incomplete" else 0
    expires_at = here.now + timedelta(hours=1 if one.kind == "late" else 20)
    form = FormatType(one.format)
    asked = task(
        index, recording_id=one.recording_id, call_id=one.call, server_call_id=None, expires_at=expires_at, format=form
    )
    state = states.get(one.kind, ChunkState.PENDING)
    facts: dict[str, Any] = {"task": asked, "format": form}
    if state in (ChunkState.SOURCE_DELETED, ChunkState.CATALOGED):
        facts |= {"blob_name": f"f/{one.recording_id}/{index:04d}.{one.format}", "metadata": MetadataOutcome.ARCHIVED}
    return [record(state, **facts)]
