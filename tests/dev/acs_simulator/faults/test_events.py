"""What a fault makes of one true event."""

from typing import Any

import pytest

from dev.acs_simulator.faults.events import events_instead
from dev.acs_simulator.faults.kinds import Argument, FaultKind, Operation
from dev.acs_simulator.faults.odd_forms import CHUNK_FORMS, ID_FORMS, LOCATION_FORMS
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.state.identifiers import recording_id_of


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


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "11/27/2026 23:00:00", 1795820400, "", None])
@pytest.mark.parametrize("field", ["eventTime", "recordingStartTime"])
def test_a_time_can_be_anything_or_nothing(field: str, value: Argument) -> None:
    """A time outside of reason is an absent time; one event must not stop the rest."""
    (told,) = spoiled(FaultKind.ODD_TIME, field=field, value=value)
    place = told if field == "eventTime" else told["data"]
    assert place.get(field, "absent") == ("absent" if value is None else value)
    assert chunks_of(told) == chunks_of(true_event())


@pytest.mark.parametrize("form", LOCATION_FORMS)
@pytest.mark.parametrize("field", ["contentLocation", "metadataLocation", "deleteLocation"])
def test_one_location_of_one_chunk_is_odd_and_nothing_else(field: str, form: str) -> None:
    """The least important part must not decide: all that is good is still there."""
    (told,) = spoiled(FaultKind.ODD_LOCATION, field=field, form=form, chunk=1)
    true, odd = chunks_of(true_event()), chunks_of(told)
    assert (odd[0], odd[2]) == (true[0], true[2])
    assert odd[1][field] != true[1][field]
    assert {**odd[1], field: true[1][field]} == true[1]


@pytest.mark.parametrize(
    ("form", "location"),
    [
        ("trailing_slash", "https://us-storage.asm.skype.com/v1/objects/0-eus-d12-{}/"),
        ("port_443", "https://us-storage.asm.skype.com:443/v1/objects/0-eus-d12-{}"),
        ("capitals", "https://US-STORAGE.ASM.SKYPE.COM/v1/objects/0-eus-d12-{}"),
        ("foreign_host", "https://files.example.org/v1/objects/0-eus-d12-{}"),
    ],
)
def test_a_form_of_a_location_is_what_its_name_says(form: str, location: str) -> None:
    """The forms that bug reports and hostile events had."""
    (told,) = spoiled(FaultKind.ODD_LOCATION, form=form)
    assert [chunk["deleteLocation"] for chunk in chunks_of(told)] == [location.format(f"{n:032x}") for n in range(3)]


@pytest.mark.parametrize("form", CHUNK_FORMS)
def test_one_chunk_is_odd_and_its_neighbours_are_good(form: str) -> None:
    """Nothing that is wrong with one chunk is a reason to lose the others."""
    (told,) = spoiled(FaultKind.ODD_CHUNK, form=form)
    true, odd = chunks_of(true_event()), chunks_of(told)
    assert (odd[0], odd[2]) == (true[0], true[2])
    assert odd[1] != true[1]


def test_the_event_of_2026_repeats_the_recording_id_in_its_data() -> None:
    """Ordinary since 2026; how the id is spelled there is not documented."""
    guid = "c2f5e8aa-93d0-4f9f-8a51-7e6d0b4f9c31"
    recording_id = recording_id_of("5d1b7c0e-52a8-4d13-9a43-0c3a6c7f1b22", guid)
    event = {**true_event(), "subject": f"/recording/call/c/serverCallId/s/recordingId/{recording_id}"}
    told = {
        form: events_instead(event, [Fault(FaultKind.DATA_IDS, Operation.EVENT, arguments={"form": form})])[0]["data"]
        for form in ID_FORMS
    }
    assert {data["storageType"] for data in told.values()} == {"ACS"}
    assert told["same"]["recordingId"] == recording_id
    assert told["padded"]["recordingId"] == recording_id + "=" * (-len(recording_id) % 4) != recording_id
    assert told["guid"]["recordingId"] == guid
    assert told["other"]["recordingId"] not in {recording_id, guid}


def test_a_true_event_is_never_changed_in_place() -> None:
    """A second fault, or the next subscriber, would get what the first one spoiled."""
    event = true_event()
    for kind in (FaultKind.ODD_TIME, FaultKind.ODD_LOCATION, FaultKind.ODD_CHUNK):
        events_instead(event, [Fault(kind, Operation.EVENT)])
    assert event == true_event()
