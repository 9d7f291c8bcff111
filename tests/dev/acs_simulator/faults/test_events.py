"""What a fault makes of one true event."""

from typing import Any

import pytest

from dev.acs_simulator.faults.events import events_instead
from dev.acs_simulator.faults.kinds import Argument, FaultKind, Operation
from dev.acs_simulator.faults.script import Fault


def true_event() -> dict[str, Any]:
    """Three chunks."""
    chunks = [
        {
            "documentId": f"0-eus-d12-{number:032x}",
            "index": number,
            "contentLocation": f"https://storage.asm.skype.com/v1/objects/0-eus-d12-{number:032x}/content/video",
            "metadataLocation": f"https://storage.asm.skype.com/v1/objects/0-eus-d12-{number:032x}/content/acsmetadata",
            "deleteLocation": f"https://us-storage.asm.skype.com/v1/objects/0-eus-d12-{number:032x}",
        }
        for number in range(3)
    ]
    return {"id": "first", "topic": "/ours", "data": {"recordingStorageInfo": {"recordingChunks": chunks}}}


def spoiled(kind: FaultKind, **arguments: Argument) -> list[dict[str, Any]]:
    return events_instead(true_event(), [Fault(kind, Operation.EVENT, arguments=arguments)])


def chunks_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return chunks


def indexes(event: dict[str, Any]) -> list[int]:
    return [chunk["index"] for chunk in chunks_of(event)]


def test_without_a_fault_the_event_is_told_as_it_is() -> None:
    """The usual case, and the one all others are compared with."""
    assert events_instead(true_event(), []) == [true_event()]


def test_a_duplicate_has_the_same_content_and_the_same_or_a_new_id() -> None:
    """Event Grid repeats ids; ACS itself may tell twice under two."""
    first, second = spoiled(FaultKind.DUPLICATE)
    assert first == second == true_event()
    told = spoiled(FaultKind.DUPLICATE, copies=2, new_id=True)
    assert len({event["id"] for event in told}) == len(told) == 3
    assert all(event["data"] == true_event()["data"] for event in told)


def test_chunks_can_come_in_two_events_that_overlap() -> None:
    """A set of chunks is then known twice, and no event is complete."""
    first, second = spoiled(FaultKind.SPLIT_CHUNKS)
    assert (indexes(first), indexes(second)) == ([0, 1], [1, 2])
    assert first["id"] != second["id"]


def test_chunks_can_be_reversed_or_missing() -> None:
    """The index orders them, not their place; and a list may be empty."""
    assert indexes(spoiled(FaultKind.REVERSE_CHUNKS)[0]) == [2, 1, 0]
    assert indexes(spoiled(FaultKind.EMPTY_CHUNKS)[0]) == []


@pytest.mark.parametrize("field", ["contentLocation", "metadataLocation", "deleteLocation"])
def test_a_location_can_be_hostile_or_absent(field: str) -> None:
    """The app sends credentials to these places, so the worst must be possible here."""
    url = "https://127.0.0.1:1234\\@storage.asm.skype.com/v1"
    hostile = chunks_of(spoiled(FaultKind.HOSTILE_URL, field=field, url=url)[0])
    absent = chunks_of(spoiled(FaultKind.DROP_FIELD, field=field)[0])
    assert [chunk[field] for chunk in hostile] == [url] * 3
    assert [field in chunk for chunk in absent] == [False] * 3


def test_a_delete_location_can_name_another_document() -> None:
    """Calling it would delete somebody else's recording; a sample in the docs is like that."""
    for chunk in chunks_of(spoiled(FaultKind.OTHER_DELETE_LOCATION)[0]):
        assert chunk["documentId"] not in chunk["deleteLocation"]
        assert chunk["deleteLocation"].startswith("https://us-storage.asm.skype.com/v1/objects/0-eus-d12-")


def test_names_can_have_the_wrong_case_and_the_topic_can_be_another() -> None:
    """Both were seen in samples, and both must be answered on purpose."""
    (event,) = spoiled(FaultKind.WRONG_CASE)
    assert event["data"]["RecordingStorageInfo"]["RecordingChunks"][0]["DocumentId"].startswith("0-eus")
    assert spoiled(FaultKind.OTHER_RESOURCE, topic="/theirs")[0]["topic"] == "/theirs"


def test_faults_add_up() -> None:
    """The demo doubles an event whose chunks are reversed."""
    faults = [Fault(kind, Operation.EVENT) for kind in (FaultKind.DUPLICATE, FaultKind.REVERSE_CHUNKS)]
    assert [indexes(event) for event in events_instead(true_event(), faults)] == [[2, 1, 0]] * 2


def test_a_lost_event_is_not_told() -> None:
    """The recording is then known from its start alone."""
    assert spoiled(FaultKind.LOSE) == []
