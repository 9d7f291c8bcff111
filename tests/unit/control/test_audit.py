"""Every control action leaves a trail: who asked for what, when, and what came of it."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import azure.functions as func
import pytest

from dev.in_memory.builders import FAKE_CLOCK_START
from dev.in_memory.world import World, world
from recording.control.audit import check_rate
from recording.domain.incoming.start_rate import StartCount
from recording.errors import ControlError, RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.http import routes as http_api
from recording.ports import AuditEntry
from tests.unit.http.test_roles import principal

CALLER = "11111111-2222-3333-4444-555555555555"
SWITCHES: dict[str, Callable[..., func.HttpResponse]] = {
    "pause_recording": http_api.pause_recording,
    "resume_recording": http_api.resume_recording,
    "stop_recording": http_api.stop_recording,
}


@pytest.fixture
def here() -> World:
    return world(platform_auth=True)


def request(recording_id: str = "") -> func.HttpRequest:
    body = b"" if recording_id else json.dumps({"serverCallId": "aHR0cHM6Ly9jYWxs"}).encode()
    headers = {"X-MS-CLIENT-PRINCIPAL": principal("Recording.Admin"), "X-MS-CLIENT-PRINCIPAL-ID": CALLER}
    url = "https://app.azurewebsites.net/api/recordings"
    return func.HttpRequest(
        method="POST", url=url, headers=headers, route_params={"recordingId": recording_id}, body=body
    )


def started(here: World) -> str:
    answer = http_api.start_recording(request(), lambda: (here.ports, here.settings))
    assert answer.status_code == 201
    return str(json.loads(answer.get_body())["recordingId"])


def trail(here: World) -> list[tuple[str, str | None, str | None, str]]:
    written = here.fakes.audit.written
    assert all(entry.at == FAKE_CLOCK_START for entry in written)
    return [(entry.operation, entry.recording_id, entry.caller, entry.outcome) for entry in written]


def test_a_start_is_noted_before_and_after(here: World) -> None:
    """The entry before says who asked, the one after which recording it became."""
    recording_id = started(here)
    assert trail(here) == [
        ("start_recording", None, CALLER, "asked"),
        ("start_recording", recording_id, CALLER, "done"),
    ]


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_is_noted(here: World, name: str) -> None:
    """Also the one that ends a recording."""
    recording_id = started(here)
    here.fakes.audit.written.clear()
    if name == "resume_recording":
        here.fakes.control.pause(recording_id)
    SWITCHES[name](request(recording_id), lambda: (here.ports, here.settings))
    assert trail(here) == [(name, recording_id, CALLER, "asked"), (name, recording_id, CALLER, "done")]


def test_a_refusal_is_noted_with_its_code(here: World) -> None:
    """Who tried and failed is what an auditor asks first."""
    here.fakes.control.fail_next("stop", ControlError("no", code=Code.ACS_FORBIDDEN))
    http_api.stop_recording(request("rec-1"), lambda: (here.ports, here.settings))
    assert [entry[3] for entry in trail(here)] == ["asked", Code.ACS_FORBIDDEN]


@pytest.mark.parametrize(
    ("name", "goes_ahead"), [("pause_recording", True), ("resume_recording", False), ("stop_recording", True)]
)
def test_without_a_trail_nothing_begins_but_everything_can_end(here: World, name: str, goes_ahead: bool) -> None:
    """A recording that nobody can be asked about is not begun; ending one is never hindered."""
    recording_id = started(here)
    if name == "resume_recording":
        here.fakes.control.pause(recording_id)
    here.fakes.audit.fail_next("add", StorageBusyError("down"), times=2)
    here.fakes.control.calls.clear()
    answer = SWITCHES[name](request(recording_id), lambda: (here.ports, here.settings))
    assert (answer.status_code == 202) is goes_ahead
    assert bool(here.fakes.control.calls) is goes_ahead


def test_a_start_that_cannot_be_noted_does_not_begin(here: World) -> None:
    """The answer says to send it again; ACS was not asked."""
    here.fakes.audit.fail_next("add", StorageBusyError("down"))
    answer = http_api.start_recording(request(), lambda: (here.ports, here.settings))
    assert (answer.status_code, json.loads(answer.get_body())["code"]) == (503, "storage_busy")
    assert here.fakes.control.calls == []


def test_what_was_done_stays_done_when_only_the_second_entry_fails(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The first entry stands; the log tells the operator."""
    plain = here.fakes.audit.add
    calls = 0

    def second_fails(entry: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StorageBusyError("down")
        plain(entry)  # type: ignore[arg-type]  # passes on what it was given

    here.fakes.audit.add = second_fails  # type: ignore[method-assign]  # fails once
    assert started(here)
    assert "recording.audit_failed" in caplog.text


def test_the_limit_is_each_callers_own_and_ends_after_a_minute() -> None:
    """One runaway script must not keep others from recording, nor itself for ever."""
    here = world(platform_auth=True, start_rate_per_minute=3)

    def asks() -> func.HttpResponse:
        return http_api.start_recording(request(), lambda: (here.ports, here.settings))

    assert [asks().status_code for _ in range(3)] == [201, 409, 409]  # ACS records a call once; each was asked
    here.fakes.clock.advance(seconds=20)
    refused = asks()
    assert (refused.status_code, json.loads(refused.get_body())["code"]) == (429, "too_many_starts")
    wait = int(refused.headers["Retry-After"])
    check_rate("somebody else", 3, here.ports)
    here.fakes.clock.advance(seconds=wait - 2)
    assert asks().status_code == 429, "the wait is not longer than it must be"
    here.fakes.clock.advance(seconds=2)
    assert asks().status_code == 409, "ACS is asked again"


@pytest.mark.parametrize("before", [0, 100_000])
def test_a_start_costs_the_same_however_many_there_were(here: World, before: int) -> None:
    """Reading the trail of a minute for each start made 173 starts a minute the most that storage gave."""
    for _ in range(before // 10_000):
        here.fakes.audit.written += [AuditEntry(here.now, "start_recording", None, CALLER, "asked")] * 10_000
    check_rate(CALLER, 300, here.ports)
    assert (here.fakes.audit.calls, here.fakes.start_counts.calls) == ([], ["get", "save"])


def test_starts_of_one_moment_are_all_counted(here: World) -> None:
    """Each loses its race against the others now and then, and none is let in uncounted."""
    counts, meanwhile = here.fakes.start_counts, iter([2, 0, 1, 0])
    plain = counts.save

    def save(counted: StartCount) -> bool:
        for _ in range(next(meanwhile, 0)):  # other instances write in between
            known = counts.rows.get(CALLER)
            assert plain(replace(known, count=known.count + 1) if known else StartCount(CALLER, counted.window, 1))
        return plain(counted)

    counts.save = save  # type: ignore[method-assign]  # the test stands between the app and the fake
    for _ in range(2):
        check_rate(CALLER, 5, here.ports)
    assert counts.rows[CALLER].count == 5
    with pytest.raises(RequestError):
        check_rate(CALLER, 5, here.ports)


@pytest.mark.parametrize("apart", [-3, -2, 0, 2, 3, 600])
def test_instances_whose_clocks_differ_by_minutes_share_one_count(here: World, apart: int) -> None:
    """Each took the other's count for one of another time and began anew: no start was ever refused."""
    started = 0
    for number in range(60):
        here.skew = timedelta(minutes=apart) if number % 2 else timedelta()
        with suppress(RequestError):
            check_rate(CALLER, 10, here.ports)
            started += 1
        here.skew = timedelta()
        here.fakes.clock.advance(seconds=0.5)
    assert 10 <= started <= 11


def test_a_count_that_never_settles_refuses_the_start(here: World) -> None:
    """A limit that lets in whom it cannot count is none."""
    counts = here.fakes.start_counts
    counts.save = lambda counted: False  # type: ignore[method-assign]  # another start is always faster
    with pytest.raises(RequestError) as refused:
        check_rate(CALLER, 5, here.ports)
    assert (refused.value.code, refused.value.retry_after) == (Code.TOO_MANY_STARTS, timedelta(seconds=1))


@pytest.mark.parametrize("method", ["get", "save"])
def test_a_count_that_cannot_be_kept_begins_no_recording(here: World, method: str) -> None:
    """As with the trail: the answer says to send it again."""
    here.fakes.start_counts.fail_next(method, StorageBusyError("down"))
    answer = http_api.start_recording(request(), lambda: (here.ports, here.settings))
    assert (answer.status_code, here.fakes.control.calls) == (503, [])


def test_who_is_not_vouched_for_is_not_named() -> None:
    """A header that anybody can send must not end up in an audit trail."""
    here = world()
    started(here)
    assert {entry[2] for entry in trail(here)} == {None}
