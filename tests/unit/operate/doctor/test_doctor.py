"""The doctor: with one thing broken, exactly that check fails, and it says what to do."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func
import pytest

from dev.in_memory import builders
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.cli.__main__ import main
from recording.errors import ControlError
from recording.errors.codes import Code
from recording.http import routes as http_api
from recording.http.views.status import DeepHealthView
from recording.operate.doctor import CHECKS, examine
from recording.operate.doctor.findings import State, run_check
from recording.operate.doctor.seal import check_seal
from recording.ports import Ports
from recording.settings import Settings, read_settings
from tests.repo.docs.openapi import check
from tests.unit.library.seal.seal_world import acts, seal_of, sealed_world, seals
from tests.unit.operate.patient import BROKEN, REFUSED, Patient, healthy


@pytest.fixture
def patient() -> Patient:
    """A healthy app."""
    return healthy()


def test_a_healthy_app_is_told_so(patient: Patient, tmp_path: Path) -> None:
    """Green must mean something: every check has looked."""
    found = patient.findings(tmp_path)
    assert {finding.check: finding.found for finding in found if finding.state is not State.OK} == {}
    assert [finding.check for finding in found] == ["python", "settings", "host_json", "retention", *CHECKS]


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_thing_is_named_and_nothing_else(name: str, patient: Patient, tmp_path: Path) -> None:
    """Whoever deploys this knows at once what to do, and each finding says it."""
    expected, break_it = BROKEN[name]
    break_it(patient)
    failed = [finding for finding in patient.findings(tmp_path) if finding.state is State.FAILED]
    assert [finding.check for finding in failed] == [expected]
    assert failed[0].remedy


@pytest.mark.parametrize("error", [OverflowError("https://x/?sig=s"), AttributeError("x"), KeyError("y"), ValueError()])
@pytest.mark.parametrize("asked", ["server_time", "protection", "subscriptions", "queue", "dead_letters", "post_event"])
def test_an_answer_that_makes_no_sense_fails_its_own_checks_only(
    patient: Patient, tmp_path: Path, asked: str, error: Exception
) -> None:
    """A date in the year 1, or a page instead of JSON: all other checks were lost with it, and what was asked for."""

    def raises(*_: object, **__: object) -> None:
        raise error

    setattr(patient.probe, asked, raises)
    found = patient.findings(tmp_path)
    failed = [finding for finding in found if finding.state is State.FAILED]
    assert [finding.check for finding in found] == ["python", "settings", "host_json", "retention", *CHECKS]
    assert 1 <= len(failed) <= 3
    assert all(type(error).__name__ in finding.found and finding.remedy for finding in failed)
    assert "sig=" not in f"{failed}"


def test_every_check_has_a_fault_that_it_finds() -> None:
    """A check that never fails proves nothing."""
    assert {"python", "settings", "host_json", "retention", *CHECKS} - {check for check, _ in BROKEN.values()} == {
        "table_recordings",  # the same as chunks, with another name
        "table_audit",
        "acs_end",  # warns, below
        "erasure_clock",  # warns, below
    }
    assert len(BROKEN) >= 25


def test_an_erasure_that_takes_longer_than_the_law_allows_is_a_warning(patient: Patient, tmp_path: Path) -> None:
    """Immutability and soft delete add up; nothing is wrong before somebody asks for an erasure."""
    patient.probe.protected = replace(patient.probe.protected, soft_delete_days=30, immutability_days=30)
    (found,) = [finding for finding in patient.findings(tmp_path) if finding.check == "erasure_clock"]
    assert (found.state, "61 days" in found.found, "30 days" in (found.remedy or "")) == (State.WARNING, True, True)


def test_what_is_switched_off_is_not_looked_at(tmp_path: Path) -> None:
    """A small deployment is healthy without it."""
    patient = Patient(world())
    object.__setattr__(patient.world.fakes, "log", None)
    object.__setattr__(patient.world.fakes, "outgoing", None)
    found = {finding.check: finding.state for finding in patient.findings(tmp_path)}
    assert State.FAILED not in found.values()
    skipped = {check for check, state in found.items() if state is State.SKIPPED}
    assert skipped == {
        "archive_protection",
        "erasure_clock",
        "archive_delete",
        "fallback",
        "dead_letters",
        "acs_log",
        "event_subscriptions",
        "seal",
        "events_topic",
        "webhooks",
    }


def test_an_identity_that_may_not_read_subscriptions_is_no_fault(patient: Patient, tmp_path: Path) -> None:
    """The app does not need that role to work."""
    patient.probe.fail_next("subscriptions", REFUSED)
    found = {finding.check: finding.state for finding in patient.findings(tmp_path)}
    assert found["event_subscriptions"] is State.SKIPPED


def test_wrong_settings_are_told_by_name_and_without_their_values(tmp_path: Path) -> None:
    """The doctor's answer is copied into tickets."""

    def read() -> tuple[Ports, Settings]:
        return Fakes().ports, read_settings({"ACS_CONNECTION_STRING": "endpoint=x;accesskey=c2VjcmV0LWtleQ=="})

    found = examine(read, lambda _: FakeProbe(), tmp_path / "host.json")
    (bad,) = [finding for finding in found if finding.state is State.FAILED]
    assert "AzureWebJobsStorage" in bad.found
    assert "c2VjcmV0" not in bad.found


@pytest.mark.parametrize("is_unhealthy", [False, True])
def test_the_command_tells_and_exits(patient: Patient, is_unhealthy: bool) -> None:
    """A pipeline looks at the exit code and the JSON, a person at the lines."""
    if is_unhealthy:
        patient.probe.fail_next("archive", REFUSED, times=4)
    told: list[str] = []
    code = main(["doctor"], patient.read, told.append, lambda _: patient.probe)
    assert code == int(is_unhealthy)
    assert "".join(told).split()[:2] == (["failed", "archive"] if is_unhealthy else ["ok", "python"])
    told.clear()
    assert main(["doctor", "--json"], patient.read, told.append, lambda _: patient.probe) == int(is_unhealthy)
    states = {each["check"]: each["state"] for each in json.loads("".join(told))["findings"]}
    assert states["archive"] == ("failed" if is_unhealthy else "ok")


def test_deep_health_says_the_same_over_http(patient: Patient) -> None:
    """For who cannot reach the storage from his desk."""
    request = func.HttpRequest("GET", "https://app/api/health/deep", body=b"")
    good = http_api.deep_health(request, patient.read, lambda _: patient.probe)
    patient.probe.fail_next("archive", REFUSED)
    bad = http_api.deep_health(request, patient.read, lambda _: patient.probe)
    assert (good.status_code, bad.status_code) == (200, 503)
    for answer in (good, bad):
        check("DeepHealth", json.loads(answer.get_body()))


def test_health_with_deep_sends_the_caller_to_the_route_with_a_key() -> None:
    """The plain route is open to all, and so tells nothing more (ADR 0014)."""
    request = func.HttpRequest("GET", "https://app/api/health", params={"deep": "true"}, body=b"")
    answer = http_api.health(request, builders.settings)
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://app/api/health/deep")


@pytest.mark.parametrize(("at", "state"), [((2027, 3, 1), "ok"), ((2027, 6, 1), "warning"), ((2028, 10, 1), "warning")])
def test_the_end_of_standalone_acs_is_announced_in_time(
    patient: Patient, tmp_path: Path, at: tuple[int, int, int], state: str
) -> None:
    """A year and a half ahead; and a warning alone does not make the app unhealthy."""
    then = datetime(*at, tzinfo=UTC)
    patient.world.fakes.clock.advance(seconds=(then - patient.world.now).total_seconds())
    patient.probe.time = then
    found = {finding.check: finding for finding in patient.findings(tmp_path)}
    assert found["acs_end"].state == state
    assert (found["acs_end"].remedy is None) is (state == "ok")
    assert DeepHealthView.of([found["acs_end"]]).status == "ok"


def test_a_person_is_not_blamed_for_what_only_the_app_may_do(patient: Patient) -> None:
    """With a reader's role from a desk: nothing is red that is right."""
    patient.probe.is_read_only = True
    patient.world.fakes.control.fail_next("state", ControlError("403", code=Code.ACS_FORBIDDEN, acs_status=403))
    found = {each.check: each.state for each in examine(patient.read, lambda _: patient.probe, as_person=True)}
    assert State.FAILED not in found.values()
    assert {check for check, state in found.items() if state is State.SKIPPED} >= {
        "acs",
        "archive_delete",
        "acs_download",
    }
    assert found["archive"] is State.OK


def test_an_installed_command_line_has_no_host_json(patient: Patient, tmp_path: Path) -> None:
    """It is the app's."""
    found = examine(patient.read, lambda _: patient.probe, tmp_path / "host.json")
    assert {each.state for each in found if each.check == "host_json"} == {State.SKIPPED}


def test_the_doctor_looks_at_the_end_of_the_seals_log() -> None:
    """Not set, going on, standing still, and with its end cut off."""

    def found(here: World) -> tuple[State, str]:
        finding = run_check("seal", lambda: check_seal(here.ports, here.settings, FakeProbe()))
        return finding.state, finding.found

    assert found(world())[0] is State.SKIPPED
    here = sealed_world()
    assert found(here) == (State.OK, "no checkpoint yet")
    acts(here)
    seals(here)
    assert found(here)[0] is State.OK
    here.fakes.clock.advance(hours=27)
    assert found(here) == (State.WARNING, "the last checkpoint is 27 hours old")
    seal_of(here).store.blobs.clear()
    state, told = found(here)
    assert (state, "seal_altered" in told) == (State.FAILED, True)
