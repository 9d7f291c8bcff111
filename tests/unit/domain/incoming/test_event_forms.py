"""Times, ids and forms of an event that must not cost a recording; and envelopes as Microsoft's models make them."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, SystemEventNames

from dev.in_memory.builders import (
    CALL_ID,
    EVENT_TIME,
    RECORDING_ID,
    RESOURCE,
    cloud_event,
    event,
)
from recording.domain.incoming.events import (
    RecordingFileStatusUpdated,
    believable_time,
)
from recording.domain.incoming.events import read_event as read_event_at
from recording.errors import EventRejectedError
from recording.operate.held_items import recording_of

ARRIVED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def read_event(envelope: dict[str, Any]) -> RecordingFileStatusUpdated:
    """The event as it is read two minutes after it was written."""
    return read_event_at(envelope, ARRIVED)


ODD_TIMES: list[Any] = [
    *("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2020-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    *("2026-11-24T09:00:01Z", "11/23/2026 08:58:00", "Mon, 23 Nov 2026 08:58:00 GMT", "2026-11-23T08:58:00"),
    *("2026-12-31T23:59:60Z", "2026-11-23T24:01:00Z", "soon", "", " ", 1795820400, 1e300, -1, True, [], {}, None),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
]


@pytest.mark.parametrize("value", ODD_TIMES)
def test_a_time_outside_of_reason_is_an_absent_time(value: Any) -> None:
    """Then the end of the recording counts, and when that is not known either, the arrival; nothing is refused."""
    assert believable_time(value, ARRIVED) is None
    assert read_event({**event(), "eventTime": value}).event_time == datetime(
        2026, 11, 23, 8, 56, 2, 123456, tzinfo=UTC
    )
    without_start = event(data={"recordingStartTime": value}) | {"eventTime": value}
    told = read_event(without_start)
    assert (told.event_time, told.recording_start_time) == (ARRIVED, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T09:58:00.1234567+01:00", EVENT_TIME.replace(microsecond=123456)),
        ("2026-11-24T08:59:59Z", datetime(2026, 11, 24, 8, 59, 59, tzinfo=UTC)),
        ("2021-01-01T00:00:00Z", datetime(2021, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_within_reason_is_believed(text: str, moment: datetime) -> None:
    """A late delivery and a clock that is ahead are ordinary."""
    assert believable_time(text, ARRIVED) == moment


def test_the_end_of_a_recording_is_never_later_than_the_arrival() -> None:
    """A duration of years must not put the deadline off."""
    assert read_event(event(eventTime="x", data={"recordingDurationMs": 1e12})).event_time == ARRIVED


@pytest.mark.parametrize("spelling", [RECORDING_ID, RECORDING_ID + "=="])
@pytest.mark.parametrize("other", [RECORDING_ID, RECORDING_ID + "==", "c2f5e8aa-93d0-4f9f-8a51-7e6d0b4f9c31"])
def test_one_recording_has_one_id_however_it_is_spelt(spelling: str, other: str) -> None:
    """Padding, or the bare GUID within the id: the live service's spelling in the data is unknown."""
    subject = f"/recording/call/{CALL_ID.upper()}/serverCallId/x/recordingId/{spelling}"
    told = read_event(event(subject=subject, data={"recordingId": other, "storageType": "ACS"}))
    assert (told.recording_id, told.call_id, told.ids_differ) == (RECORDING_ID, CALL_ID, False)


def test_where_subject_and_data_differ_the_subject_counts() -> None:
    """A recording must not be lost for a field that adds nothing; the difference is told."""
    told = read_event(event(data={"recordingId": "another"}))
    assert (told.recording_id, told.ids_differ) == (RECORDING_ID, True)


def _as_base64(envelope: dict[str, Any], spelt: Callable[[str], str] = str) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(envelope["data"]).encode()).decode()
    return {name: value for name, value in envelope.items() if name != "data"} | {"data_base64": spelt(data)}


STANDARD = base64.b64encode(b'{"ResourceId":"~~?>>~?"}').decode()
NO_SLASH = base64.b64encode(b'{"ResourceId":"~~>"}').decode()


@pytest.mark.parametrize(
    ("spelling", "kept", "asked_for"),
    [
        (f"{RECORDING_ID}%3D%3D", RECORDING_ID, f"{RECORDING_ID}=="),
        (f"{RECORDING_ID}%3d", RECORDING_ID, f"{RECORDING_ID}="),
        (STANDARD, STANDARD.replace("+", "-").replace("/", "_").rstrip("="), STANDARD),
        (quote(NO_SLASH, safe=""), NO_SLASH.replace("+", "-").rstrip("="), NO_SLASH),
    ],
)
def test_an_id_in_another_alphabet_or_with_escapes_is_read(spelling: str, kept: str, asked_for: str) -> None:
    """Base64 has two alphabets, and a subject looks like a path; ACS is asked in the spelling that it used."""
    if "/" not in spelling:
        told = read_event(event(subject=f"/recording/call/{CALL_ID}/serverCallId/x/recordingId/{spelling}"))
        assert (told.recording_id, told.acs_id, told.ids_differ) == (kept, asked_for, False)
    by_data = read_event(event(subject=f"/recording/call/{CALL_ID}/serverCallId/x", data={"recordingId": spelling}))
    assert (by_data.recording_id, by_data.acs_id) == (kept, asked_for)


@pytest.mark.parametrize("spelling", ["%2e%2e", "a%2Fb%00", "a%0ab", "%ff%fe", "a%20b", "a%25b", "%"])
def test_escapes_hide_nothing(spelling: str) -> None:
    """What they stand for is judged, not they."""
    with pytest.raises(EventRejectedError) as refused:
        read_event(event(subject=f"/recording/call/{CALL_ID}/serverCallId/x/recordingId/{spelling}"))
    assert refused.value.code == "invalid_id"


@pytest.mark.parametrize(
    "envelope",
    [
        _as_base64(cloud_event()),
        {**event(), "data": json.dumps(event()["data"])},
        {**event(), "data": "\ufeff" + json.dumps(event()["data"])},
        {name.upper(): value for name, value in event().items()},
        _as_base64(cloud_event(), lambda text: text.rstrip("=")),
        _as_base64(cloud_event(), lambda text: text.replace("+", "-").replace("/", "_")),
        _as_base64(cloud_event(), lambda text: "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))),
        event(subject=f"  {event()['subject']} ", eventType=event()["eventType"].upper() + " "),
    ],
    ids=["base64", "text", "text with a mark", "capitals", "unpadded", "of URLs", "in lines", "blanks"],
)
def test_harmless_forms_are_read(envelope: dict[str, Any]) -> None:
    """Senders differ in what is only clothing."""
    told, plain = read_event(envelope), read_event(event())
    assert (told.chunks, told.recording_id, told.event_time) == (plain.chunks, plain.recording_id, plain.event_time)


# --- Microsoft's own models of the envelopes -------------------------------------------------------------------------


def test_what_azure_eventgrid_makes_is_read() -> None:
    """Its model and its name of the event are the ones that a sender uses."""
    told = event()
    made = EventGridEvent(
        subject=told["subject"],
        event_type=SystemEventNames.AcsRecordingFileStatusUpdatedEventName,
        data=told["data"],
        data_version="1.0",
        topic=told["topic"],
    )
    made.event_time = EVENT_TIME
    read = read_event(dict(made.serialize()))
    assert (read.recording_id, read.event_time, read.resource) == (RECORDING_ID, EVENT_TIME, RESOURCE)


def test_what_azure_core_makes_of_our_cloud_events_means_the_same() -> None:
    """`azure.core.messaging.CloudEvent` is the oracle of what an envelope says."""
    for envelope in (cloud_event(), _as_base64(cloud_event())):
        parsed: CloudEvent[Any] = CloudEvent.from_dict(dict(envelope))
        read = read_event(envelope)
        data: Any = json.loads(parsed.data) if isinstance(parsed.data, bytes) else parsed.data
        assert (parsed.source, parsed.time, parsed.id) == (read.resource, read.event_time, read.event_id)
        assert data["recordingStorageInfo"]["recordingChunks"][0]["documentId"] == read.chunks[0].document_id


GUID_IN_ID = json.loads(base64.urlsafe_b64decode(RECORDING_ID + "=" * (-len(RECORDING_ID) % 4)))["ResourceSpecificId"]


@pytest.mark.parametrize("guid", [GUID_IN_ID, GUID_IN_ID.upper()])
@pytest.mark.parametrize("spelt", [RECORDING_ID, RECORDING_ID + "==", RECORDING_ID + "%3D%3D"])
def test_a_subject_with_the_guid_within_the_id_names_no_other_recording(guid: str, spelt: str) -> None:
    """As a recording of its own its files would be under no hold of the whole id, and would be destroyed."""
    subject = f"/recording/call/{CALL_ID}/serverCallId/x/recordingId/{guid}"
    told = read_event(event(subject=subject, data={"recordingId": spelt}))
    assert (told.recording_id, told.ids_differ) == (RECORDING_ID, False)
    assert recording_of({"subject": subject, "data": {"recordingId": spelt}}) == RECORDING_ID


@pytest.mark.parametrize("other", [None, "rec-1", "c2f5e8aa-93d0-4f9f-8a51-7e6d0b4f9c32"])
def test_a_subject_with_a_guid_of_its_own_counts_before_the_data(other: str | None) -> None:
    """Event Grid filters by the subject."""
    subject = f"/recording/call/{CALL_ID}/serverCallId/x/recordingId/{GUID_IN_ID}"
    told = read_event(event(subject=subject, data={"recordingId": other}))
    assert (told.recording_id, told.ids_differ) == (GUID_IN_ID, other is not None)
