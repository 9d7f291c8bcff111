"""A call that must be recorded and is not is reported, once, whichever worker dies: withdrawn, stopped, or refused."""

import json
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.world import dies_at, world
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.calls.policy import CallPolicy, ConsentRule, Withdrawal
from recording.errors import ControlError, RecordingError, StorageBusyError
from recording.errors.codes import Code
from recording.http import routes as http_api
from tests.unit.control.calls import (
    CALL,
    EVIDENCE,
    GIVEN,
    WITHDRAWN,
    passes,
    pauses,
    starts,
    state,
    tells,
    told,
    watched,
)
from tests.unit.http.test_roles import principal


@pytest.mark.parametrize("rule", list(Withdrawal))
@pytest.mark.parametrize("is_paused", [False, True])
def test_a_withdrawal_is_told_of_what_must_be_recorded_once(
    rule: Withdrawal, is_paused: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody has to end the call; its guard half a minute later tells nobody anew."""
    here = watched(on_withdrawal=rule)
    recording = starts(here, consent=EVIDENCE)
    if is_paused:
        pauses(here, recording)
    tells(here, recording, WITHDRAWN)
    passes(here, 600)
    assert told(here) == [(recording, "consent_withdrawn")]
    said = [record for record in caplog.records if getattr(record, "event", "") == "recording.unrecorded"]
    assert len(said) == 1


def test_each_withdrawal_is_told() -> None:
    """It was given again in between."""
    here = watched()
    recording = starts(here, consent=EVIDENCE)
    for _ in range(2):
        tells(here, recording, WITHDRAWN)
        passes(here, 60)
        tells(here, recording, GIVEN)
        passes(here, 60)
    assert told(here) == [(recording, "consent_withdrawn")] * 2


@pytest.mark.parametrize("call", range(1, 16))
@pytest.mark.parametrize("rule", list(Withdrawal))
def test_a_withdrawal_is_told_whoever_dies(rule: Withdrawal, call: int) -> None:
    """In doubt the same event twice, which receivers see by its id; never none."""
    here = watched(on_withdrawal=rule)
    recording = starts(here, consent=EVIDENCE)
    dies_at(here, call, lambda: tells(here, recording, WITHDRAWN))
    here.runs(hours=0.5, until_quiet=False)
    is_noted = bool(here.fakes.catalog.recordings[recording].consents)
    assert told(here) == ([(recording, "consent_withdrawn")] if is_noted else [])


def test_a_withdrawal_after_the_call_alarms_nobody() -> None:
    """Nothing is recorded because nobody speaks any more."""
    here = watched()
    recording = starts(here, consent=EVIDENCE)
    del here.fakes.control.states[recording]
    tells(here, recording, WITHDRAWN)
    passes(here, 60)
    assert told(here) == []


@pytest.mark.parametrize(
    "policy",
    [
        {"longest_recording_seconds": 600, "warn_before_seconds": 0},
        {"consent": ConsentRule.FIRST, "consent_within_seconds": 600},
    ],
)
@pytest.mark.parametrize("call", range(12))
def test_a_stop_by_a_guard_is_told_of_what_must_be_recorded(policy: dict[str, Any], call: int) -> None:
    """The policy stops it, and the call goes on without."""
    here = watched(**policy)
    recording = starts(here)
    here.fakes.clock.advance(seconds=601)
    dies_at(here, call, here.guards)
    here.runs(hours=0.5, until_quiet=False)
    assert (told(here), state(here, recording)) == ([(recording, "stopped")], None)


def test_a_stop_that_is_sent_twice_is_told_once() -> None:
    """The second one finds nothing to stop."""
    here = watched()
    recording = starts(here)
    for _ in range(2):
        stop_recording(recording, here.ports, here.settings)
        here.fakes.clock.advance(seconds=5)
    assert told(here) == [(recording, "stopped")]


REFUSED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "ACS refuses": ({}, "start", None),
    "no evidence of consent": ({"consent": ConsentRule.AT_START}, "", "consent_required"),
    "every place is taken": ({}, "places", "too_many_running"),
    "storage is down": ({}, "add_reservation", "storage_busy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_refuses_a_start_is_told_of_what_must_be_recorded(name: str) -> None:
    """It is the same to those on the call, whether ACS, storage, a limit or the policy has said no."""
    policy, way, code = REFUSED[name]
    here = world(
        call_policies=(CallPolicy(name="test", must_be_recorded=True, **policy),),
        running_per_caller=1 if way == "places" else None,
    )
    here.reports_to()
    if way == "places":
        start_recording(CALL, "another key", "ada", here.ports, here.settings)
    if way == "start":
        here.fakes.control.fail_next("start", ControlError("busy", code=Code.ACS_UNAVAILABLE))
    if way == "add_reservation":
        here.fakes.catalog.fail_next(way, StorageBusyError("503"))
    with pytest.raises(RecordingError) as refusal:
        starts(here)
    assert refusal.value.code == (code or "acs_unavailable")
    assert told(here) == [(None, "start_refused")]


def test_a_start_that_runs_and_is_not_noted_is_not_told_as_refused() -> None:
    """The call is recorded; its caller sends the same again."""
    here = watched()
    here.fakes.catalog.fail_next("save_reservation", StorageBusyError("503"))
    with pytest.raises(StorageBusyError):
        starts(here)
    assert told(here) == []


def test_the_rate_limit_is_told_like_any_other_refusal() -> None:
    """It refuses before anything is read of the start; a body that is no request is nobody's call."""
    here = world(
        platform_auth=True, start_rate_per_minute=1, call_policies=(CallPolicy(name="test", must_be_recorded=True),)
    )
    here.reports_to()
    asked = [
        http_api.start_recording(starting(body), lambda: (here.ports, here.settings))
        for body in (CALL, CALL, {"a": "b"})
    ]
    assert [answer.status_code for answer in asked] == [201, 429, 429]
    assert told(here) == [(None, "start_refused")]


@pytest.mark.parametrize("method", ["add", "get"])
def test_a_trail_or_a_count_that_cannot_be_written_is_told_like_any_other_refusal(method: str) -> None:
    """Nothing is started without evidence of it, and those on the call must hear that they are not recorded."""
    here = world(platform_auth=True, call_policies=(CallPolicy(name="test", must_be_recorded=True),))
    here.reports_to()
    failing = here.fakes.audit if method == "add" else here.fakes.start_counts
    failing.fail_next(method, StorageBusyError("503"))
    answer = http_api.start_recording(starting(CALL), lambda: (here.ports, here.settings))
    assert (answer.status_code, here.fakes.control.started) == (503, {})
    assert told(here) == [(None, "start_refused")]


def test_a_key_that_is_no_key_is_told_as_well() -> None:
    """The body says which call it is, and it is not recorded."""
    here = world(platform_auth=True, call_policies=(CallPolicy(name="test", must_be_recorded=True),))
    here.reports_to()
    asked = starting(CALL, **{"Idempotency-Key": "x" * 300})
    answer = http_api.start_recording(asked, lambda: (here.ports, here.settings))
    assert answer.status_code == 400
    assert told(here) == [(None, "start_refused")]


def starting(body: dict[str, str], **more: str) -> func.HttpRequest:
    headers = {"X-MS-CLIENT-PRINCIPAL": principal("Recording.Admin"), **more}
    return func.HttpRequest(
        method="POST", url="https://app/api/recordings", headers=headers, body=json.dumps(body).encode()
    )
