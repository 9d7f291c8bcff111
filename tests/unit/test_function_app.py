"""function_app.py as the host sees it: through azure-functions' converters, and on 3.13 through the worker library."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import cloud_event, event
from dev.in_memory.world import World, world
from recording.domain.state.quarantine import Origin
from recording.http import routes as http_api
from recording.http.event_trigger import envelope_of, keep_envelopes
from recording.ingest import ingest_event
from recording.settings import SettingsError
from tests.repo.docs.triggers import fresh_app

REPOSITORY = Path(__file__).resolve().parents[2]
LISTING = """
import json, sys
import function_app
found = {}
for function in function_app.app.get_functions():
    trigger = function.get_trigger()
    facts = trigger.get_dict_repr()
    wanted = ("type", "route", "methods", "authLevel", "queueName")
    found[function.get_function_name()] = {name: facts.get(name) for name in wanted}
sdks = ("azure.storage", "azure.communication", "azure.data", "azure.identity")
heavy = [name for name in sys.modules if name.startswith(sdks)]
rooms = ("archive", "control", "http", "ingest", "library", "operate", "ports", "reconcile", "settings")
heavy += [name for name in sys.modules if name.startswith(tuple(f"recording.{room}." for room in rooms))]
heavy += [name for name in ("pydantic", "recording.ports", "recording.settings") if name in sys.modules]
print(json.dumps({"functions": found, "heavy": heavy}, default=str))
"""
CONTRACT = {
    "start_recording": ("recordings", ["POST"], "FUNCTION"),
    "get_recording": ("recordings/{recordingId}", ["GET"], "FUNCTION"),
    "find_recordings": ("recordings", ["GET"], "FUNCTION"),
    "search_recordings": ("recordings/find", ["POST"], "FUNCTION"),
    "recording_timeline": ("recordings/{recordingId}/timeline", ["GET"], "FUNCTION"),
    "chunk_media": ("recordings/{recordingId}/chunks/{index}/media", ["GET", "HEAD"], "FUNCTION"),
    "chunk_peaks": ("recordings/{recordingId}/chunks/{index}/peaks", ["GET"], "FUNCTION"),
    "derive_recording": ("recordings/{recordingId}/derived", ["POST"], "FUNCTION"),
    "list_derived": ("recordings/{recordingId}/derived", ["GET"], "FUNCTION"),
    "derived_media": ("recordings/{recordingId}/derived/{derivedId}/media", ["GET", "HEAD"], "FUNCTION"),
    "tag_recording": ("recordings/{recordingId}", ["PATCH"], "FUNCTION"),
    "hold_recording": ("recordings/{recordingId}/holds/{case}", ["PUT"], "FUNCTION"),
    "release_recording": ("recordings/{recordingId}/holds/{case}", ["DELETE"], "FUNCTION"),
    "list_recordings_on_hold": ("holds", ["GET"], "FUNCTION"),
    "recording_disposition": ("recordings/{recordingId}/disposition", ["GET"], "FUNCTION"),
    "list_disposition": ("disposition", ["GET"], "FUNCTION"),
    "request_erasure": ("erasures", ["POST"], "FUNCTION"),
    "approve_erasure": ("erasures/{erasureId}/approve", ["POST"], "FUNCTION"),
    "get_erasure": ("erasures/{erasureId}", ["GET"], "FUNCTION"),
    "get_retention_rules": ("retention/rules", ["GET"], "FUNCTION"),
    "set_retention_rules": ("retention/rules", ["PUT"], "FUNCTION"),
    "pause_recording": ("recordings/{recordingId}/pause", ["POST"], "FUNCTION"),
    "resume_recording": ("recordings/{recordingId}/resume", ["POST"], "FUNCTION"),
    "stop_recording": ("recordings/{recordingId}/stop", ["POST"], "FUNCTION"),
    "recording_vcon": ("recordings/{recordingId}/vcon", ["GET"], "FUNCTION"),
    "request_export": ("exports", ["POST"], "FUNCTION"),
    "get_export": ("exports/{exportId}", ["GET"], "FUNCTION"),
    "list_receivers": ("events/receivers", ["GET"], "FUNCTION"),
    "enable_receiver": ("events/receivers/{name}/enable", ["POST"], "FUNCTION"),
    "replay_events": ("events/replay", ["POST"], "FUNCTION"),
    "tell_consent": ("recordings/{recordingId}/consent", ["POST"], "FUNCTION"),
    "report_pauses": ("reports/pauses", ["GET"], "FUNCTION"),
    "list_held": ("held", ["GET"], "FUNCTION"),
    "redrive_held": ("held/redrive", ["POST"], "FUNCTION"),
    "accept_held": ("held/accept", ["POST"], "FUNCTION"),
    "dismiss_held": ("held/dismiss", ["POST"], "FUNCTION"),
    "retry_held": ("held/retry", ["POST"], "FUNCTION"),
    "deep_health": ("health/deep", ["GET"], "FUNCTION"),
    "health": ("health", ["GET"], "ANONYMOUS"),
    "console": ("console/{*path}", ["GET", "HEAD"], "ANONYMOUS"),
    "console_api": ("console/api/{*path}", ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"], "ANONYMOUS"),
}


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """What a fresh process without any setting lists."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING], cwd=REPOSITORY, env={"PATH": ""}, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_triggers_are_those_of_the_contract(listed: dict[str, Any]) -> None:
    """Other people's scripts rely on names, routes and queues."""
    functions = listed["functions"]
    http = {name: facts for name, facts in functions.items() if facts["type"] == "httpTrigger"}
    queues = {name: facts["queueName"] for name, facts in functions.items() if facts["type"] == "queueTrigger"}

    assert {name: (f["route"], f["methods"], f["authLevel"]) for name, f in http.items()} == CONTRACT
    assert queues == {
        "ingest_queued_event": "recording-events",
        "archive_chunk": "recording-chunks",
        "follow_up": "recording-follow-ups",
        "export": "recording-exports",
        "guard": "recording-guards",
        "derive": "recording-derived",
        "notify": "recording-outbox",
    }
    assert functions["ingest_event"]["type"] == "eventGridTrigger"
    assert functions["reconcile"]["type"] == "timerTrigger"
    assert functions["scrub"]["type"] == "timerTrigger"
    assert functions["seal"]["type"] == "timerTrigger"
    assert functions["compare_seal"]["type"] == "timerTrigger"
    assert functions["export_directory"]["type"] == "timerTrigger"
    assert functions["dispose"]["type"] == "timerTrigger"
    timers_and_grid = 8
    assert len(functions) == len(http) + len(queues) + timers_and_grid


def test_listing_needs_no_settings_and_loads_no_use_case(listed: dict[str, Any]) -> None:
    """A cold start pays only for the function that is called: no SDK, no models, no use case is loaded before it."""
    assert listed["heavy"] == ["recording.http.event_trigger"]


def test_every_function_finds_what_it_calls() -> None:
    """Functions import on their first call, so a name that is wrong would show only then."""
    called = _calls_by_function()

    assert set(called) == {function.get_function_name() for function in fresh_app().get_functions()}
    for name, (module, attribute) in called.items():
        assert callable(getattr(importlib.import_module(module), attribute)), name


def _calls_by_function() -> dict[str, tuple[str, str]]:
    """Return the module and the name in it that each function of `function_app` imports and calls."""
    found = {}
    for function in ast.parse((REPOSITORY / "function_app.py").read_text(encoding="utf-8")).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        imports = next(node for node in ast.walk(function) if isinstance(node, ast.ImportFrom))
        alias = imports.names[0]
        used = next(
            node.attr
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == (alias.asname or alias.name)
        )
        found[function.name] = (f"{imports.module}.{alias.name}", used)
    return found


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> World:
    """The app over fakes."""
    fresh = world()
    monkeypatch.setattr("recording.wiring.dependencies", lambda: (fresh.ports, fresh.settings))
    return fresh


def request(body: bytes = b"", headers: dict[str, str] | None = None, **route: str) -> func.HttpRequest:
    """An HTTP request as the converter makes it."""
    return func.HttpRequest(
        method="POST",
        url="http://localhost:7071/api/recordings?code=a-key",
        headers=headers or {},
        route_params=route,
        body=body,
    )


def test_a_start_answers_201_with_a_location_without_the_key(here: World) -> None:
    """The key in the caller's URL must not be handed on."""
    answer = http_api.start_recording(request(b'{"serverCallId":"abc"}'), lambda: (here.ports, here.settings))
    started = json.loads(answer.get_body())

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"http://localhost:7071/api/recordings/{started['recordingId']}"


def test_missing_settings_are_a_problem_document_and_health_names_them() -> None:
    """503, because a person must act; never a value."""

    def broken() -> Any:
        raise SettingsError({"ACS_ENDPOINT": "is missing"})

    problem = http_api.get_recording(request(recordingId="x"), broken)
    health = http_api.health(func.HttpRequest("GET", "http://localhost/api/health", body=b""), broken)

    assert (problem.status_code, problem.mimetype) == (503, "application/problem+json")
    assert json.loads(problem.get_body())["code"] == "settings_invalid"
    assert json.loads(health.get_body())["faults"] == {"ACS_ENDPOINT": "is missing"}


def test_an_unexpected_error_is_a_problem_document_and_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text may hold anything."""
    secret = "-".join(("very", "secret"))  # put together here, since a traceback shows lines of code

    def broken() -> Any:
        raise LookupError(secret)

    answer = http_api.pause_recording(request(recordingId="x"), broken)

    assert answer.status_code == 500
    assert secret not in answer.get_body().decode() + caplog.text


@pytest.mark.parametrize("told", [event(), cloud_event()], ids=["event grid schema", "cloud event"])
def test_an_event_is_put_together_again_as_it_was_delivered(here: World, told: dict[str, Any]) -> None:
    """Through the very converter that the platform uses."""
    datum = func.meta.Datum(json.dumps(told), "json")
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    decoded = registry.get("eventGridTrigger").decode(datum, trigger_metadata={})

    envelope = envelope_of(decoded)
    here.announces(json.loads(json.dumps(envelope, default=str)))

    assert len(here.fakes.queue.tasks) == 1
    assert here.fakes.quarantine.kept == {}


def test_a_cloud_event_that_misspells_its_version_is_ingested(here: World) -> None:
    """A published sample does; the library's own converter would hand out neither type nor source."""
    assert keep_envelopes()
    told = cloud_event()
    told["specVersion"] = told.pop("specversion")
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    decoded = registry.get("eventGridTrigger").decode(func.meta.Datum(json.dumps(told), "json"), trigger_metadata={})

    envelope = envelope_of(decoded)
    ingest_event(json.loads(json.dumps(envelope, default=str)), Origin.EVENT_GRID, here.ports, here.settings)

    assert here.fakes.quarantine.reasons == []
    assert len(here.fakes.queue.tasks) == 1
