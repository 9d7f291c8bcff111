"""A chunk's row that cannot be read takes nothing out of the directory, and its recording is not called archived."""

from typing import Any

import pytest

from dev.in_memory.builders import CALL_ID, RECORDING_ID, chunk, document_id, event, metadata, task
from dev.in_memory.canaries import PARTICIPANT
from dev.in_memory.world import World, world
from recording.domain.find.find_query import FindQuery, FindState
from recording.domain.formats import MORE_TO_COME
from recording.domain.outgoing.events import EventType
from recording.domain.outgoing.from_records import of_recording
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.http.views.library import FoundPageView
from recording.library.directory import find
from recording.library.follow_up import follow_up
from recording.library.reindex import reindex
from recording.ports.stored import all_chunks_of


def archived(of: int = 2) -> World:
    """Return a world with a recording whose second chunk alone names the participant."""
    here = world()
    for index in range(of):
        named = {} if index == of - 1 else {"document": metadata(participants=[])}
        here.holds(task(index, document_id(index)), **named)
    ends = {index: MORE_TO_COME if index < of - 1 else "SessionEnded" for index in range(of)}
    here.announces(event(*[chunk(index, document_id(index), endReason=ends[index]) for index in range(of)]))
    here.runs_due()
    here.follows_up()
    return here


def spoil(here: World, *indexes: int, code: Code = Code.UNREADABLE_RECORD) -> None:
    """Let rows be another version's, and the directory follow."""
    here.fakes.catalog.unreadable = {key for key, one in here.fakes.catalog.chunks.items() if one.task.index in indexes}
    here.fakes.catalog.unreadable_code = code
    follow_up(RECORDING_ID, here.ports)


def told(here: World, **query: Any) -> dict[str, Any]:
    """Return the answer to a query."""
    return FoundPageView.of(find(FindQuery.read(query), here.ports, here.settings)).plain()


def ids(answer: dict[str, Any]) -> list[str]:
    """Return the recordings in an answer."""
    return [one["recordingId"] for one in answer["recordings"]]


@pytest.mark.parametrize("indexes", [(0,), (1,), (0, 1)])
def test_its_recording_is_not_found_as_archived_but_as_one_that_needs_attention(indexes: tuple[int, ...]) -> None:
    """The last chunk of a recording leaves no gap: without its row the others look like all of it."""
    here = archived()
    assert ids(told(here, state="archived")) == [RECORDING_ID]
    spoil(here, *indexes)
    answer = told(here, state="archived")
    assert (ids(answer), answer["unreadable"]) == ([], [RECORDING_ID])
    (one,) = told(here, state="held")["recordings"]
    assert (one["states"], one["chunkCount"], len(one["unreadable"])) == (["held"], 2, len(indexes))
    for state in (FindState.MISSING, FindState.INCOMPLETE, FindState.RECORDING):
        assert ids(told(here, state=state.value)) == []
    here.fakes.catalog.unreadable.clear()
    assert follow_up(RECORDING_ID, here.ports)
    assert ids(told(here, state="archived")) == [RECORDING_ID]
    assert ids(told(here, state="held")) == []


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("query", [{"participant": PARTICIPANT}, {"call": CALL_ID}, {"format": "wav"}, {}])
def test_it_is_found_by_all_that_is_known_from_its_chunks(query: dict[str, Any], *, again: bool) -> None:
    """A request for erasure or an export of a person finds its recordings in the directory."""
    here = archived()
    assert ids(told(here, **query)) == [RECORDING_ID]
    spoil(here, 0, 1)
    follow_up(RECORDING_ID, here.ports, again=again)
    assert ids(told(here, **query)) == [RECORDING_ID]
    record = here.fakes.catalog.recordings[RECORDING_ID]
    assert record.facts is not None
    assert record.facts.unread


def test_a_new_key_waits_until_the_row_can_be_read() -> None:
    """The names in that chunk's document are not known under the new key; by the old one it is still found."""
    here = archived()
    spoil(here, 1, code=Code.NEWER_RECORD)
    here.fakes.index_keys.secrets.insert(0, b"a newer key of these tests, 32 by")
    with pytest.raises(StorageError) as caught:
        follow_up(RECORDING_ID, here.ports)
    assert caught.value.code == Code.NEWER_RECORD
    assert reindex(here.ports).problems == [(RECORDING_ID, Code.NEWER_RECORD)]
    assert ids(told(here, participant=PARTICIPANT)) == [RECORDING_ID]
    here.fakes.catalog.unreadable.clear()
    assert reindex(here.ports).problems == []
    assert ids(told(here, participant=PARTICIPANT)) == [RECORDING_ID]


@pytest.mark.parametrize("since", ["missing_since", "incomplete_since"])
def test_what_receivers_of_events_hear_counts_such_a_chunk_as_announced(since: str) -> None:
    """A CRM that hears "0 chunks" writes the call off."""
    here = archived(1)
    spoil(here, 0)
    record = here.fakes.catalog.recordings[RECORDING_ID].model_copy(update={since: here.now})
    chunks, unread = all_chunks_of(RECORDING_ID, here.ports.catalog)
    (heard,) = of_recording(record, chunks, None, here.now, unread)
    assert heard.type in (EventType.MISSING, EventType.INCOMPLETE)
    assert heard.data["chunks"] == 1
