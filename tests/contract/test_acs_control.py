"""The control adapter: what goes over the wire, and what becomes of every kind of answer."""

import json
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.loopback import Answer, World
from recording.adapters.acs.control import AcsControl
from recording.domain.formats import LEGAL_COMBINATIONS
from recording.domain.incoming.requests import CallLocator, StartOptions
from recording.errors import ControlError
from recording.settings import AcsConnection
from tests.contract.conftest import ACCESS_KEY, ENDPOINT

START = "/calling/recordings"
ONE = "/calling/recordings/rec-1"
FIRST_SENT = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)
OPTIONS = StartOptions(CallLocator("serverCallId", "aHR0cHM6Ly9hLmIvYw"), LEGAL_COMBINATIONS[0])


@pytest.fixture
def control(acs: AcsConnection, no_pauses: None) -> Iterator[AcsControl]:
    adapter = AcsControl(acs)
    yield adapter
    adapter.close()


def as_json(status: int, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def state(status: int = 200, word: str = "inactive") -> Answer:
    return as_json(status, {"recordingId": "rec-1", "recordingState": word, "recordingKind": "teams"})


def refusal(status: int, code: str, **headers: str) -> Answer:
    return as_json(status, {"error": {"code": code, "message": "Server talk of call 8:acs:secret-person."}}, **headers)


def start(control: AcsControl, options: StartOptions = OPTIONS) -> tuple[str, str]:
    return control.start(options, "repeat-1", FIRST_SENT)


def sent_body(world: World) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(world.script.seen[-1].body)
    return body


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("serverCallId", {"callLocator": {"kind": "serverCallLocator", "serverCallId": "id"}}),
        ("groupCallId", {"callLocator": {"kind": "groupCallLocator", "groupCallId": "id"}}),
        ("roomId", {"callLocator": {"kind": "roomCallLocator", "roomId": "id"}}),
        ("callConnectionId", {"callConnectionId": "id"}),
    ],
)
def test_exactly_one_locator_is_sent(control: AcsControl, world: World, kind: str, expected: dict[str, Any]) -> None:
    """The SDK would happily send two, and ACS wants one."""
    world.script.on("POST", START, state())
    start(control, StartOptions(CallLocator(kind, "id"), LEGAL_COMBINATIONS[0]))
    body = sent_body(world)
    assert {name: body[name] for name in ("callLocator", "callConnectionId") if name in body} == expected


def test_a_plain_start_sends_what_was_asked_and_no_more(control: AcsControl, world: World) -> None:
    """Defaults are ACS's, not the SDK's."""
    world.script.on("POST", START, state())
    assert start(control) == ("rec-1", "inactive")
    (seen,) = world.script.seen
    assert seen.headers["Repeatability-Request-ID"] == "repeat-1"
    assert seen.headers["Repeatability-First-Sent"] == "Tue, 03 Nov 2026 09:05:07 GMT"
    assert sent_body(world) == {
        "callLocator": {"kind": "serverCallLocator", "serverCallId": "aHR0cHM6Ly9hLmIvYw"},
        "recordingContentType": "audioVideo",
        "recordingChannelType": "mixed",
        "recordingFormatType": "mp4",
        "channelAffinity": [],
    }


def test_all_options_reach_acs(control: AcsControl, world: World) -> None:
    """A lost option is a recording that is not what was asked for."""
    world.script.on("POST", START, state())
    options = StartOptions(
        OPTIONS.locator,
        LEGAL_COMBINATIONS[3],
        pause_on_start=True,
        callback_uri="https://contoso.example/callback",
        channel_affinity=((0, "8:acs:guid_ada"), (1, "4:+4912345")),
        participant_ordering=("8:acs:guid_ada",),
        external_container="https://customer.blob.core.windows.net/calls",
    )
    start(control, options)
    body = sent_body(world)
    assert body["pauseOnStart"] is True
    assert body["recordingStateCallbackUri"] == "https://contoso.example/callback"
    assert [(entry["channel"], entry["participant"]["rawId"]) for entry in body["channelAffinity"]] == [
        (0, "8:acs:guid_ada"),
        (1, "4:+4912345"),
    ]
    assert body["audioChannelParticipantOrdering"][0]["communicationUser"] == {"id": "8:acs:guid_ada"}
    assert body["externalStorage"] == {
        "recordingStorageKind": "azureBlobStorage",
        "recordingDestinationContainerUrl": "https://customer.blob.core.windows.net/calls",
    }


def test_a_start_that_is_accepted_is_a_start(control: AcsControl, world: World) -> None:
    """202 came with SDK 1.5.0."""
    world.script.on("POST", START, state(202))
    assert start(control)[0] == "rec-1"


@pytest.mark.parametrize("word", ["active", "inactive", "suspended"])
def test_states_are_told_in_acss_own_words(control: AcsControl, world: World, word: str) -> None:
    """Also one of a future version."""
    world.script.on("GET", ONE, state(word=word))
    assert control.state("rec-1") == word


@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize("operation", ["stop", "pause", "resume"])
def test_any_2xx_is_success(control: AcsControl, world: World, operation: str, status: int) -> None:
    """The SDK raises on a stop that is answered 200, though the recording has stopped."""
    method, path = ("DELETE", ONE) if operation == "stop" else ("POST", f"{ONE}:{operation}")
    world.script.on(method, path, Answer(status))
    getattr(control, operation)("rec-1")
    assert len(world.script.seen) == 1


@pytest.mark.parametrize("faulty", [Answer(500), Answer(502), Answer(503), Answer(504), Answer(is_dropped=True)])
def test_a_start_survives_a_moments_failure(control: AcsControl, world: World, faulty: Answer) -> None:
    """ACS answers 500/9999 to a start now and then; the repeatability id makes trying again safe."""
    world.script.on("POST", START, faulty, faulty, state())
    assert start(control)[0] == "rec-1"
    assert {seen.headers["Repeatability-Request-ID"] for seen in world.script.seen} == {"repeat-1"}
    assert {seen.headers["Repeatability-First-Sent"] for seen in world.script.seen} == {"Tue, 03 Nov 2026 09:05:07 GMT"}


def test_trying_ends_after_two_retries(control: AcsControl, world: World) -> None:
    """The caller waits; the worker must not."""
    world.script.on("POST", START, refusal(500, "9999"))
    with pytest.raises(ControlError) as failed:
        start(control)
    assert len(world.script.seen) == 3
    assert (failed.value.code, failed.value.status, failed.value.acs_code) == ("acs_unavailable", 503, "9999")
    assert failed.value.retryable


@pytest.mark.parametrize("status", [404, 429, 503])
def test_a_long_retry_after_never_parks_the_worker(control: AcsControl, world: World, status: int) -> None:
    """azure-core would sleep for an hour here."""
    world.script.on("POST", START, refusal(status, "1", Retry_After="3600"))
    began = time.monotonic()
    with pytest.raises(ControlError) as failed:
        start(control)
    assert time.monotonic() - began < 2
    assert failed.value.retry_after == timedelta(hours=1)
    assert len(world.script.seen) == 1


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (refusal(400, "8501"), "call_not_established", 409),
        (refusal(404, "8522"), "call_not_found", 404),
        (refusal(400, "8559"), "already_recording", 409),
        (refusal(403, "7504"), "acs_forbidden", 502),
        (refusal(429, "8589"), "throttled", 429),
        (Answer(401), "acs_unauthorized", 502),
        (Answer(403), "acs_forbidden", 502),
        (Answer(400, b"<!DOCTYPE html>", {"Content-Type": "text/html"}), "invalid_argument", 400),
        (Answer(418, b"{", {"Content-Type": "application/json"}), "acs_error", 502),
        (Answer(302, headers={"Location": "https://evil.example/"}), "acs_error", 502),
        (Answer(503), "acs_unavailable", 503),
        (Answer(is_dropped=True), "acs_unreachable", 503),
        (Answer(200, b'{"recordingId": "rec', {"Content-Type": "application/json"}), "acs_unavailable", 503),
        (as_json(200, {"recordingState": "active"}), "acs_error", 502),
        (as_json(200, {"recordingId": "../x", "recordingState": "active"}), "acs_error", 502),
    ],
)
def test_every_failed_start_has_a_stable_code(
    control: AcsControl, world: World, answer: Answer, code: str, status: int
) -> None:
    """Callers act on the code; nothing of the SDK comes through."""
    world.script.on("POST", START, answer)
    with pytest.raises(ControlError) as failed:
        start(control)
    assert (failed.value.code, failed.value.status) == (code, status)
    assert "evil.example:443" not in world.proxy.asked


CALLS: dict[str, tuple[str, str, Callable[[AcsControl], object]]] = {
    "start": ("POST", START, start),
    "state": ("GET", ONE, lambda control: control.state("rec-1")),
    "pause": ("POST", f"{ONE}:pause", lambda control: control.pause("rec-1")),
    "resume": ("POST", f"{ONE}:resume", lambda control: control.resume("rec-1")),
    "stop": ("DELETE", ONE, lambda control: control.stop("rec-1")),
}


@pytest.mark.parametrize("location", ["https://evil.example/", f"{ENDPOINT}/elsewhere"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", CALLS)
def test_the_control_plane_follows_no_redirect(
    control: AcsControl, world: World, operation: str, status: int, location: str
) -> None:
    """I5: azure-core would send the same signed request again, wherever the answer points."""
    method, path, call = CALLS[operation]
    world.script.on(method, path, Answer(status, headers={"Location": location}))
    with pytest.raises(ControlError) as failed:
        call(control)
    assert failed.value.code == "acs_error"
    assert {seen.path.partition("?")[0] for seen in world.script.seen} == {path}  # tried again there, and nowhere else
    assert set(world.proxy.asked) <= {f"{ENDPOINT.removeprefix('https://')}:443"}


def test_a_state_that_acs_has_forgotten_is_none(control: AcsControl, world: World) -> None:
    """Ended and unknown look alike."""
    world.script.on("GET", ONE, refusal(404, "8522"))
    assert control.state("rec-1") is None


def test_an_unreachable_acs_is_told_as_such(acs: AcsConnection, no_pauses: None) -> None:
    """Nobody listens there."""
    control = AcsControl(acs.model_copy(update={"proxy_url": "http://127.0.0.1:9"}))
    with pytest.raises(ControlError) as failed:
        control.stop("rec-1")
    assert (failed.value.code, failed.value.status) == ("acs_unreachable", 503)
    control.close()


@pytest.mark.parametrize("answer", [refusal(400, "8523"), Answer(401), Answer(is_dropped=True), Answer(500)])
def test_errors_tell_neither_people_nor_credentials(control: AcsControl, world: World, answer: Answer) -> None:
    """ACS's messages may name participants; error texts are logged and answered."""
    world.script.on("POST", START, answer)
    with pytest.raises(ControlError) as failed:
        start(control)
    lines = traceback.format_exception(failed.value)
    text = "".join(line for line in lines if not line.startswith("  File"))
    for secret in ("secret-person", "HMAC-SHA256", "Signature", ACCESS_KEY, "aHR0cHM6Ly9hLmIvYw"):
        assert secret not in text
