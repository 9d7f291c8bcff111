"""Every form in which a recording event has been seen is read; everything else is rejected with a stable reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import (
    CALL_ID,
    RECORDING_ID,
    RESOURCE,
    SERVER_CALL_ID,
    chunk,
    cloud_event,
    document_id,
    event,
    event_file,
)
from recording.domain.formats import ChannelType, ContentType, FormatType
from recording.domain.incoming.events import (
    EVENT_TYPE,
    HIGHEST_INDEX,
    MOST_CHUNKS,
    RecordingFileStatusUpdated,
    text_of_location,
)
from recording.domain.incoming.events import read_event as read_event_at
from recording.errors import EventRejectedError

EVENT_MOMENT = datetime(2026, 11, 23, 8, 58, 3, 765432, tzinfo=UTC)
BY_CALL = f"call-{CALL_ID}"
ARRIVED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def read_event(envelope: dict[str, Any]) -> RecordingFileStatusUpdated:
    """The event as it is read two minutes after it was written."""
    return read_event_at(envelope, ARRIVED)


@pytest.mark.parametrize(
    ("name", "recording_id", "server_call_id", "format_type"),
    [
        ("event_grid_server_call_and_recording", RECORDING_ID, SERVER_CALL_ID, FormatType.WAV),
        ("event_grid_recording_only", RECORDING_ID, None, FormatType.MP3),
        ("event_grid_server_call_only", BY_CALL, SERVER_CALL_ID, FormatType.WAV),
        ("event_grid_call_only_2021", BY_CALL, None, None),
        ("event_grid_mixed_case_topic", RECORDING_ID, SERVER_CALL_ID, FormatType.MP4),
        ("event_grid_without_optional_fields", RECORDING_ID, SERVER_CALL_ID, None),
        ("event_grid_external_storage", RECORDING_ID, SERVER_CALL_ID, FormatType.MP3),
        ("cloud_event", RECORDING_ID, SERVER_CALL_ID, FormatType.WAV),
        ("cloud_event_misspelt_spec_version", RECORDING_ID, None, FormatType.MP3),
        ("cloud_event_with_junk_attributes", RECORDING_ID, SERVER_CALL_ID, FormatType.WAV),
    ],
)
def test_every_published_form_is_read(
    name: str, recording_id: str, server_call_id: str | None, format_type: FormatType | None
) -> None:
    """Four subjects, two schemas and one misspelling were published; a form that is not read is a lost recording."""
    told = read_event(event_file(name))
    assert (told.recording_id, told.server_call_id, told.format) == (recording_id, server_call_id, format_type)
    assert (told.call_id, told.event_time) == (CALL_ID, EVENT_MOMENT)
    assert [found.index for found in told.chunks] == [0]


def test_both_schemas_tell_the_same() -> None:
    """Which schema a subscription delivers is the operator's choice and may not change the outcome."""
    assert read_event(event()) == read_event(cloud_event())


def test_all_chunks_of_an_event_are_kept_in_order() -> None:
    """A twenty-hour call comes as six chunks; samples in the wild read only the first."""
    told = read_event(event_file("event_grid_six_chunks"))
    assert [found.index for found in told.chunks] == list(range(6))
    assert {found.end_reason for found in told.chunks[:5]} == {"ChunkMaximumSizeExceeded"}


def test_an_event_may_hold_as_many_chunks_as_any_recording_can_have() -> None:
    """The bound is there against floods, not against recordings."""
    assert len(read_event(event(*[chunk(index) for index in range(MOST_CHUNKS)])).chunks) == MOST_CHUNKS


def test_types_are_read_whatever_their_case() -> None:
    """REST writes camelCase, events PascalCase, metadata lower case."""
    told = read_event(event_file("event_grid_mixed_case_topic"))
    assert (told.content, told.channel) == (ContentType.AUDIO_VIDEO, ChannelType.MIXED)


def test_unknown_types_are_absent_types() -> None:
    """A format of a future version is archived all the same; metadata and bytes tell what it is."""
    told = read_event(event(data={"recordingFormatType": "Opus", "recordingContentType": "Hologram"}))
    assert (told.format, told.content) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recordingStartTime", "yesterday"),
        ("recordingStartTime", 5),
        ("recordingStartTime", "0001-01-01T00:00:00+14:00"),
        ("recordingStartTime", "9999-12-31T23:59:59-14:00"),
        ("recordingStartTime", ["2026-11-23"]),
        ("recordingDurationMs", "long"),
        ("recordingDurationMs", -1),
        ("recordingDurationMs", float("nan")),
        ("recordingDurationMs", float("inf")),
        ("recordingDurationMs", {}),
        ("sessionEndReason", 7),
        ("sessionEndReason", "x" * 100_000),
        ("recordingContentType", ["Audio"]),
        ("recordingChannelType", 3.5),
        ("recordingFormatType", {"name": "Wav"}),
        ("storageType", 1),
        ("recordingId", 12),
        ("recordingId", ""),
    ],
)
def test_a_malformed_optional_fact_is_an_absent_fact(field: str, value: Any) -> None:
    """An optional field in an unknown form must not cost a recording."""
    told = read_event(event(data={field: value}))
    assert told.recording_id == RECORDING_ID
    python_name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)
    place = told if field == "recordingStartTime" else told.data
    assert not getattr(place, python_name)


@pytest.mark.parametrize("value", [5, ["SessionEnded"], "x" * 100_000])
def test_a_malformed_end_reason_is_an_absent_one(value: Any) -> None:
    """The end reason only helps to see that another chunk is coming."""
    assert read_event(event(chunk(endReason=value))).chunks[0].end_reason is None


@pytest.mark.parametrize("value", ["", "  ", None])
def test_an_empty_location_is_an_absent_one(value: str | None) -> None:
    """Events of external storage carry empty delete locations; an empty text is no place to ask."""
    assert text_of_location(value) is None


@pytest.mark.parametrize("value", [5, 0, [], False, {}, "x" * 5000, "\ud800"])
def test_a_location_of_unknown_form_is_not_taken_for_an_absent_one(value: Any) -> None:
    """Absent metadata lets the source be deleted; a malformed location must not."""
    with pytest.raises(ValueError, match=r".+"):
        text_of_location(value)


ODD_CHUNKS: list[tuple[str, int | None, dict[str, Any]]] = [
    ("unreadable_chunk", 1, {"documentId": None}),
    ("unreadable_chunk", 1, {"documentId": ""}),
    ("unreadable_chunk", 1, {"contentLocation": None}),
    ("unreadable_chunk", 1, {"contentLocation": ""}),
    ("unreadable_chunk", 1, {"contentLocation": "  "}),
    ("unreadable_chunk", 1, {"contentLocation": "x" * 5000}),
    ("unreadable_chunk", None, {"index": None}),
    ("unreadable_chunk", None, {"index": -1}),
    ("unreadable_chunk", None, {"index": "first"}),
    ("unreadable_chunk", None, {"index": 1.5}),
    ("index_out_of_range", None, {"index": 1e7}),
    ("unreadable_chunk", None, {"index": float("inf")}),
    ("unreadable_chunk", None, {"index": True}),
    ("unreadable_chunk", None, {"index": float("nan")}),
    ("index_out_of_range", None, {"index": HIGHEST_INDEX + 1}),
    ("index_out_of_range", None, {"index": 10**30}),
    ("invalid_id", 1, {"documentId": "../../x"}),
    ("invalid_id", 1, {"documentId": "a b"}),
    ("invalid_id", 1, {"documentId": "."}),
]


@pytest.mark.parametrize(("reason", "index", "changes"), ODD_CHUNKS)
def test_one_odd_chunk_costs_no_other(reason: str, index: int | None, changes: dict[str, Any]) -> None:
    """ACS forgets the healthy files after a day, whatever stands beside them."""
    told = read_event(event(chunk(0), chunk(1, **changes), chunk(2)))
    assert [good.index for good in told.chunks] == [0, 2]
    (odd,) = told.odd_chunks
    assert (odd.reason, odd.index) == (reason, index)


@pytest.mark.parametrize("index", [1, 1.0, "1"])
def test_a_whole_number_is_read_however_it_is_written(index: object) -> None:
    """A writer without whole numbers writes all of them so, and a redrive could never help."""
    told = read_event(event(chunk(1, index=index)))
    assert [type(good.index) for good in told.chunks] == [int]
    assert told.chunks[0].index == 1


@pytest.mark.parametrize("name", ["type", "EventType", "EVENTTYPE"])
@pytest.mark.parametrize("is_last", [True, False])
def test_an_event_of_two_types_is_kept_for_a_person(name: str, is_last: bool) -> None:
    """One of another type is counted and not kept; who tells two could be believed either way."""
    whole, other = event(), {name: "Microsoft.Communication.CallStarted"}
    with pytest.raises(EventRejectedError) as caught:
        read_event({**whole, **other} if is_last else {**other, **whole})
    assert caught.value.code == "unreadable_event"


@pytest.mark.parametrize(
    "told", ["order/created", "com.example:changed", "my event", "#", "x" * 300, "urn:x:8:acs:canary"]
)
@pytest.mark.parametrize("envelope", [event(), cloud_event()], ids=["Event Grid", "CloudEvents"])
def test_types_of_others_have_many_forms(envelope: dict[str, Any], told: str) -> None:
    """Publishers choose them freely; such events are not ours to keep, and a hostile text is not repeated."""
    name = "type" if "type" in envelope else "eventType"
    with pytest.raises(EventRejectedError) as caught:
        read_event({**envelope, name: told})
    assert (caught.value.code, str(caught.value)) == ("other_event_type", "a type of another form")


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_type_is_an_absent_type(blank: str) -> None:
    """Some senders fill in the names of both schemas, and have a value for one."""
    assert read_event({**event(), "type": blank}) == read_event(event())
    assert read_event(event(eventType=blank)) == read_event(event(eventType=None))


@pytest.mark.parametrize("name", ["type", "EventType"])
def test_one_type_told_twice_is_one_type(name: str) -> None:
    """Some senders fill in the names of both schemas."""
    assert read_event({**event(), name: EVENT_TYPE}) == read_event(event())


def test_the_highest_index_is_read() -> None:
    """The bound is there against floods, not against recordings."""
    assert read_event(event(chunk(0, index=HIGHEST_INDEX))).chunks[0].index == HIGHEST_INDEX


def test_unknown_fields_are_kept() -> None:
    """What Microsoft adds tomorrow is there for whoever needs it."""
    told = read_event(event(chunk(codec="opus"), data={"tenant": "blue", "startedBy": None}))
    assert told.data.model_extra == {"tenant": "blue"}
    assert told.chunks[0].model_extra == {"codec": "opus"}


def test_the_recording_id_may_come_from_the_data() -> None:
    """Events of bring-your-own-storage name the recording there, not in the subject."""
    told = read_event(event(subject=f"/recording/call/{CALL_ID}/serverCallId/x", data={"recordingId": "rec-1"}))
    assert told.recording_id == "rec-1"


def test_without_a_recording_id_files_stay_together_by_call() -> None:
    """The oldest subject names only the call."""
    assert read_event(event(subject=f"/recording/call/{CALL_ID}")).recording_id == BY_CALL


def test_a_server_call_id_may_hold_slashes() -> None:
    """Ids of calls are opaque; a slash in one must not be taken for the end of it."""
    told = read_event(event(subject=f"/recording/call/{CALL_ID}/serverCallId/a/b==/recordingId/{RECORDING_ID}"))
    assert (told.server_call_id, told.recording_id) == ("a/b==", RECORDING_ID)


@pytest.mark.parametrize("missing", ["topic", "id", "dataVersion", "metadataVersion", "eventType"])
def test_the_envelope_may_lack_what_a_trigger_drops(missing: str) -> None:
    """The Functions trigger loses attributes of a CloudEvent whose `specversion` is misspelt, the type among them."""
    assert read_event(event(**{missing: None})).recording_id == RECORDING_ID


def test_an_envelope_without_a_time_takes_the_end_of_the_recording_for_it() -> None:
    """The same misspelling loses the time; the recording's end is the safe, early bound for the clock that counts."""
    told = read_event(event(eventTime=None))
    assert told.event_time == datetime(2026, 11, 23, 8, 56, 2, 123456, tzinfo=UTC)


def _reason(envelope: dict[str, Any]) -> str:
    with pytest.raises(EventRejectedError) as raised:
        read_event(envelope)
    return raised.value.code


@pytest.mark.parametrize(
    ("reason", "envelope"),
    [
        ("other_event_type", event_file("event_grid_call_ended")),
        ("other_event_type", event_file("event_grid_subscription_validation")),
        ("other_event_type", event(eventType="Microsoft.Communication.RecordingFileStatusUpdated2")),
        ("other_event_type", cloud_event(type="Microsoft.Communication.RecordingStateChanged")),
        ("unreadable_event", {}),
        ("unreadable_event", event(eventType=["Microsoft.Communication.RecordingFileStatusUpdated"])),
        ("unreadable_event", event(eventType=7)),
        ("unreadable_event", event(eventType="Microsoft.Communication.RecordingFileStatusUpdated\x00x")),
        ("unreadable_event", event(eventType="Microsoft.Communication.RecordingFileStatusUpdated/2")),
        ("unreadable_event", event(eventType="Événement")),
        ("unreadable_event", event(data=None) | {"data": "{"}),
        ("unreadable_event", cloud_event() | {"data": None, "data_base64": "%%%"}),
        ("unreadable_event", {**event(), "data": None}),
        ("unreadable_event", {**event(), "data": "text"}),
        ("unreadable_event", {**event(), "data": [1]}),
        ("unreadable_event", event(data={"recordingStorageInfo": None})),
        ("unreadable_event", event(data={"recordingStorageInfo": {}})),
        ("unreadable_event", event(data={"recordingStorageInfo": {"recordingChunks": []}})),
        ("unreadable_event", event(*[chunk(index) for index in range(MOST_CHUNKS + 1)])),
        ("unreadable_subject", event(subject=None)),
        ("unreadable_subject", event(subject=7)),
        ("unreadable_subject", event(subject="")),
        ("unreadable_subject", event(subject="/recording")),
        ("unreadable_subject", event(subject="/recording/call/")),
        ("unreadable_subject", event(subject=f"/call/{CALL_ID}")),
        ("unreadable_subject", event(subject=f"x/recording/call/{CALL_ID}")),
        ("unreadable_subject", event(subject=f"/recording/call/{CALL_ID}/recordingId/a/b")),
        ("unreadable_subject", event(subject=f"/recording/call/{CALL_ID}\n/recordingId/a")),
        ("unreadable_subject", event(subject=f"/recording/call/{CALL_ID}/serverCallId/\r/recordingId/a")),
        ("unreadable_subject", event(subject=f"/recording/call/{CALL_ID}/serverCallId/{'s' * 5000}")),
        ("unreadable_subject", event(subject=f"/recording/call/{CALL_ID}/serverCallId/\ud800/recordingId/a")),
        ("invalid_id", event(subject="/recording/call/../recordingId/a")),
        ("invalid_id", event(subject=f"/recording/call/{CALL_ID}/recordingId/..")),
        ("invalid_id", event(subject=f"/recording/call/{CALL_ID}/recordingId/a%2fb")),
        ("invalid_id", event(subject=f"/recording/call/{CALL_ID}/recordingId/é")),
        ("invalid_id", event(subject=f"/recording/call/{CALL_ID}/recordingId/{'a' * 513}")),
    ],
)
def test_what_cannot_be_trusted_is_rejected_with_a_stable_reason(reason: str, envelope: dict[str, Any]) -> None:
    """Alerts and people's queries rely on the reasons."""
    assert _reason(envelope) == reason


def test_a_rejection_repeats_no_value() -> None:
    """The reason goes to the log; a hostile or personal value must not come with it."""
    canary = "8:acs:canary"
    with pytest.raises(EventRejectedError) as raised:
        read_event(event(subject=canary))
    assert canary not in str(raised.value)
    for changes in ({"index": canary}, {"documentId": canary}, {"contentLocation": [canary]}):
        (odd,) = read_event(event(chunk(**changes))).odd_chunks
        assert canary not in odd.detail


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(place=st.sampled_from(["id", "topic", "subject", "eventType", "eventTime", "data"]), value=Json)
def test_any_envelope_is_either_read_or_rejected(place: str, value: Any) -> None:
    """An unexpected exception would be a poisoned message that nobody looks at."""
    _read_or_rejected({**event(), place: value})


@given(field=st.sampled_from([*event()["data"], "recordingId", "storageType"]), value=Json)
def test_any_data_is_either_read_or_rejected(field: str, value: Any) -> None:
    """As above, for the event's data."""
    _read_or_rejected(event(data={field: value}))


@given(field=st.sampled_from(list(chunk())), value=Json)
def test_any_chunk_is_either_read_or_rejected(field: str, value: Any) -> None:
    """As above, for a chunk."""
    _read_or_rejected(event(chunk(**{field: value})))


@given(text=st.text(st.characters(categories=["Lu", "Cs", "Cc", "Po", "Nd"]), max_size=12))
def test_any_subject_is_either_read_or_rejected(text: str) -> None:
    """Subjects are the one place where the ids are; lone surrogates and control characters are tried too."""
    _read_or_rejected(event(subject=f"/recording/call/a{text}/serverCallId/b{text}/recordingId/c{text}", id=text))


def _read_or_rejected(envelope: dict[str, Any]) -> None:
    try:
        told = read_event(envelope)
    except EventRejectedError:
        return
    assert isinstance(told, RecordingFileStatusUpdated)
    json.dumps(told.model_dump(mode="json"))


@pytest.mark.parametrize("told", ["AzureBlob", "blobstorage", "BlobStorage ", "External", "customer"])
def test_an_external_event_says_so(told: str) -> None:
    """Only these may name the customer's own containers, in whatever words."""
    assert read_event(event(data={"storageType": told})).is_external


@pytest.mark.parametrize("told", ["ACS", "acs", "AcsStorage", "", " ", None, 7, ["blob"]])
def test_an_ordinary_event_is_about_acss_storage(told: Any) -> None:
    """The events of 2026 name it."""
    assert not read_event(event(data={"storageType": told})).is_external


def test_the_resource_is_the_topic_or_the_source() -> None:
    """Events of other resources are refused by it."""
    assert read_event(event()).resource == read_event(cloud_event()).resource == RESOURCE
    assert read_event(event(topic=None)).resource is None


def test_a_document_id_in_the_services_form_is_accepted() -> None:
    """The builder's ids are the service's."""
    assert read_event(event()).chunks[0].document_id == document_id()
