"""The start request is checked whole before ACS is asked, and every fault has a stable code."""

from typing import Any

import pytest

from dev.in_memory.builders import CONTAINER
from recording.domain.incoming.requests import MOST_TAGS, StartOptions, StartRequest, start_options
from recording.errors import RequestError

CALL = {"serverCallId": "aHR0cHM6Ly9"}
CONSENT = {"basis": "contract", "reference": "C-1", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}


def _options(body: Any, *, consent_required: bool = False) -> StartOptions:
    return start_options(StartRequest.read(body), (CONTAINER,), consent_required=consent_required)


@pytest.mark.parametrize("name", ["serverCallId", "callConnectionId", "groupCallId", "roomId"])
def test_each_locator_names_a_call(name: str) -> None:
    """Four ids, exactly one a request."""
    locator = _options({name: "x"}).locator
    assert (locator.kind, locator.value) == (name, "x")


@pytest.mark.parametrize("names", [("content", "channel", "format"), ("contentType", "channelType", "formatType")])
def test_types_go_by_several_names(names: tuple[str, str, str]) -> None:
    """ACS itself writes recordingContentType in requests and contentType elsewhere."""
    body = {**CALL, **dict(zip(names, ("AUDIO", "Unmixed", "wav"), strict=True))}
    assert str(_options(body).combination) == "audio unmixed wav"


def test_everything_a_caller_asks_for_reaches_acs() -> None:
    """A dropped option would be a recording that nobody asked for."""
    body = {
        **CALL,
        "recordingContentType": "audio",
        "recordingChannelType": "unmixed",
        "recordingFormatType": "wav",
        "channelAffinity": [{"channel": 0, "participant": "4:+1555"}, {"channel": 4, "participant": "8:acs:x"}],
        "audioChannelParticipantOrdering": ["8:acs:x"],
        "pauseOnStart": True,
        "recordingStateCallbackUri": "https://contoso.example:8443/hook?x=1",
        "externalStorageContainer": f"{CONTAINER}/",
        "tags": {"case": "77"},
        "consent": CONSENT,
        "requestedBy": "ada",
    }
    options = _options(body, consent_required=True)
    assert options.channel_affinity == ((0, "4:+1555"), (4, "8:acs:x"))
    assert options.participant_ordering == ("8:acs:x",)
    assert (options.pause_on_start, options.external_container) == (True, CONTAINER)
    assert options.callback_uri == "https://contoso.example:8443/hook?x=1"


def test_the_noted_request_reads_back_as_the_same_one() -> None:
    """Idempotency compares what was noted with what comes again."""
    request = StartRequest.read({**CALL, "format": "wav", "consent": CONSENT, "tags": {"a": "b"}})
    assert StartRequest.read(request.as_noted()) == request


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("locator_missing", {}),
        ("locator_missing", {"format": "wav"}),
        ("locator_ambiguous", {**CALL, "roomId": "x"}),
        ("locator_ambiguous", {"groupCallId": "x", "callConnectionId": "y"}),
        ("unknown_type", {**CALL, "format": "ogg"}),
        ("unknown_type", {**CALL, "content": "video"}),
        ("unknown_type", {**CALL, "channel": ""}),
        ("illegal_combination", {**CALL, "content": "audio", "format": "mp4"}),
        ("illegal_combination", {**CALL, "channel": "unmixed", "format": "mp3"}),
        ("channels_need_unmixed", {**CALL, "channelAffinity": [{"channel": 0, "participant": "x"}]}),
        ("channels_need_unmixed", {**CALL, "format": "mp3", "audioChannelParticipantOrdering": ["x"]}),
        (
            "duplicate_channel",
            {
                **CALL,
                "channel": "unmixed",
                "channelAffinity": [{"channel": 1, "participant": "x"}, {"channel": 1, "participant": "y"}],
            },
        ),
        ("invalid_callback", {**CALL, "recordingStateCallbackUri": "http://contoso.example/hook"}),
        ("invalid_callback", {**CALL, "recordingStateCallbackUri": "/hook"}),
        ("invalid_callback", {**CALL, "recordingStateCallbackUri": "https://user@contoso.example/hook"}),
        ("invalid_callback", {**CALL, "recordingStateCallbackUri": "https://contoso.example/a b"}),
        ("invalid_callback", {**CALL, "recordingStateCallbackUri": "https://contoso.example/a\\b"}),
        ("invalid_callback", {**CALL, "recordingStateCallbackUri": "https://contoso.example/\n"}),
        ("unknown_container", {**CALL, "externalStorageContainer": "https://evil.example/calls"}),
        ("unknown_container", {**CALL, "externalStorageContainer": f"{CONTAINER}?sig=x"}),
        ("unknown_container", {**CALL, "externalStorageContainer": ""}),
        ("invalid_request", None),
        ("invalid_request", []),
        ("invalid_request", "text"),
        ("invalid_request", 7),
        ("invalid_request", {**CALL, "recordEverything": True}),
        ("invalid_request", {"serverCallId": ""}),
        ("invalid_request", {"serverCallId": 5}),
        ("invalid_request", {"serverCallId": "x" * 2049}),
        ("invalid_request", {**CALL, "format": 3}),
        ("invalid_request", {**CALL, "pauseOnStart": "perhaps"}),
        ("invalid_request", {**CALL, "channelAffinity": [{"channel": 5, "participant": "x"}]}),
        ("invalid_request", {**CALL, "channelAffinity": [{"channel": -1, "participant": "x"}]}),
        ("invalid_request", {**CALL, "channelAffinity": [{"channel": 0}]}),
        ("invalid_request", {**CALL, "channelAffinity": [{"channel": 0, "participant": "x"}] * 6}),
        ("invalid_request", {**CALL, "audioChannelParticipantOrdering": ["x"] * 6}),
        ("invalid_request", {**CALL, "audioChannelParticipantOrdering": [""]}),
        ("invalid_request", {**CALL, "recordingStateCallbackUri": "https://contoso.example/" + "x" * 2048}),
        ("invalid_request", {**CALL, "tags": {str(number): "x" for number in range(MOST_TAGS + 1)}}),
        ("invalid_request", {**CALL, "tags": {"": "x"}}),
        ("invalid_request", {**CALL, "tags": {"a": 1}}),
        ("invalid_request", {**CALL, "tags": {"a": "x" * 257}}),
        ("invalid_request", {**CALL, "consent": {"basis": "contract"}}),
        ("invalid_request", {**CALL, "consent": {**CONSENT, "capturedAt": "yesterday"}}),
        ("invalid_request", {**CALL, "consent": {**CONSENT, "extra": "x"}}),
        ("invalid_request", {**CALL, "requestedBy": ""}),
        ("invalid_request", {**CALL, "requestedBy": "\ud800"}),
        ("invalid_request", {**CALL, "tags": {"\ud800": "x"}}),
        ("invalid_request", {"roomId": "\ud800"}),
        *(("invalid_request", {**CALL, "tags": {"a": f"x{odd}"}}) for odd in "\x00\x1b\x7f\x9b"),
        ("invalid_request", {**CALL, "tags": {"a\x1b[2J": "x"}}),
        ("invalid_request", {**CALL, "requestedBy": "\x07"}),
    ],
)
def test_a_bad_request_is_refused_with_a_stable_code(code: str, body: Any) -> None:
    """Callers program against the codes; ACS's own refusals come late and are hard to read."""
    with pytest.raises(RequestError) as raised:
        _options(body)
    assert (raised.value.code, raised.value.status, raised.value.retryable) == (code, 400, False)


def test_every_wrong_field_is_named_at_once() -> None:
    """One round of corrections instead of many."""
    with pytest.raises(RequestError) as raised:
        StartRequest.read({"serverCallId": "", "pauseOnStart": "perhaps", "extra": 1})
    assert all(name in str(raised.value) for name in ("serverCallId", "pauseOnStart", "extra"))


def test_a_refusal_repeats_no_value() -> None:
    """Ids and phone numbers must not come back in messages, nor get into logs through them."""
    for body in ({"serverCallId": ["canary"]}, {**CALL, "tags": {"a": ["canary"]}}, {**CALL, "format": "canary"}):
        with pytest.raises(RequestError) as raised:
            _options(body)
        assert "canary" not in str(raised.value)


def test_consent_may_be_required() -> None:
    """Then a start without evidence is refused before ACS hears of it."""
    with pytest.raises(RequestError) as raised:
        _options(CALL, consent_required=True)
    assert (raised.value.code, raised.value.status) == ("consent_required", 422)
    assert _options({**CALL, "consent": CONSENT}, consent_required=True).locator.value == CALL["serverCallId"]
