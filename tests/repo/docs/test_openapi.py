"""docs/openapi.yaml against the routes, the answers of the running code, and the table of codes."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import azure.functions as func
import pytest
from openapi_spec_validator import validate

import recording
from dev.in_memory import builders
from dev.in_memory.fakes.ports import Fakes
from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS, ROOT
from recording import __version__
from recording.domain.incoming.requests import ChannelAffinity, Consent, StartRequest
from recording.domain.state.chunk import ChunkState
from recording.http import routes as http_api
from recording.settings import SettingsError
from tests.repo.docs.openapi import API, check, validator
from tests.repo.docs.triggers import Trigger, triggers

OPERATIONS = {
    operation["operationId"]: (path, method.upper(), operation)
    for path, item in API["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
HTTP_CODES = {
    spans(row["code"])[0]: row["status"]
    for row in rows_with(DOCS / "errors.md", "code", "status")
    if row["status"] != "-"
}


def test_the_file_is_valid_openapi() -> None:
    """Other people generate clients from it."""
    validate(API)
    assert API["info"]["version"] == __version__


def test_its_routes_methods_and_keys_are_the_apps() -> None:
    """Nothing is promised that is not there, and nothing is there that is not described."""
    described = {
        (name.removesuffix("_head"), path, method, _level(operation))
        for name, (path, method, operation) in OPERATIONS.items()
    }
    http = [trigger for trigger in triggers().values() if trigger.kind == "httpTrigger" and not _is_console(trigger)]
    routes = {
        (t.name, f"/{t.facts['route']}", method, t.facts["authLevel"].value) for t in http for method in t.methods
    }
    assert described == routes


def _is_console(trigger: Trigger) -> bool:
    """Whether it is for the console's own page, whose routes docs/console.md describes."""
    return str(trigger.facts["route"]).startswith("console")


def _level(operation: dict[str, Any]) -> str:
    return "function" if operation.get("security", API["security"]) else "anonymous"


def test_its_codes_are_those_that_http_answers() -> None:
    """A client's list of cases is made from it."""
    assert set(API["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == HTTP_CODES.keys()


def test_each_code_is_described_under_its_status_and_nowhere_else() -> None:
    """Status and code belong together."""
    described: dict[str, set[str]] = {}
    for _, _, operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            for code in set(spans(response["description"])) & HTTP_CODES.keys():
                described.setdefault(code, set()).add(status)
    for row in rows_with(DOCS / "console.md", "status", "code"):
        for code in spans(row["code"]):
            described.setdefault(code, set()).add(row["status"])
    assert described == {code: {status} for code, status in HTTP_CODES.items()}


FEWER_ON_PURPOSE = {"DerivedFile.format", "Problem.code"}  # never mp4; codes of HTTP alone, held above


def test_its_lists_of_values_have_all_that_the_code_can_answer() -> None:
    """A generated client fails at a value that its list lacks, and does so at night."""
    known = [{str(member) for member in kind} for kind in _enumerations()]
    lacking = {
        place: min((sorted(kind - values) for kind in known if values < kind), key=len)
        for place, values in _lists(API["components"]["schemas"], "")
        if values not in known and any(values < kind for kind in known) and place not in FEWER_ON_PURPOSE
    }
    assert lacking == {}


def _enumerations() -> Iterator[type[StrEnum]]:
    """Yield every enumeration of the app that has members."""
    for module in pkgutil.walk_packages(recording.__path__, "recording."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = list(StrEnum.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("recording.") and len(kind):
            yield kind


def _lists(schema: object, place: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every list of two or more values in a schema, with its place."""
    if isinstance(schema, list):
        for each in schema:
            yield from _lists(each, place)
    if not isinstance(schema, dict):
        return
    values = {value for value in schema.get("enum", ()) if isinstance(value, str)}
    if len(values) > 1:
        yield place, values
    for name, each in schema.items():
        is_name = name not in {"properties", "items", "enum"}
        yield from _lists(each, f"{place}.{name}".lstrip(".") if is_name else place)


def test_the_start_request_has_exactly_the_fields_that_are_read() -> None:
    """An undescribed field is not used, a described one that is refused costs a recording."""
    schema = API["components"]["schemas"]["StartRequest"]["properties"]
    assert schema.keys() == {field.alias for field in StartRequest.model_fields.values()}
    assert schema["channelAffinity"]["items"]["properties"].keys() == set(ChannelAffinity.model_fields)
    consent = {field.alias for field in Consent.model_fields.values()}
    assert API["components"]["schemas"]["Consent"]["properties"].keys() == consent


@pytest.mark.parametrize("name", ["video", "unmixed"])
def test_its_examples_are_accepted(name: str) -> None:
    """Examples are copied."""
    _, _, operation = OPERATIONS["start_recording"]
    body = operation["requestBody"]["content"]["application/json"]["examples"][name]["value"]
    check("StartRequest", body)
    answer = _start(Fakes(), body)
    assert answer.status_code == 201
    check("Started", _json(answer))


def test_two_locators_are_refused_by_schema_and_code() -> None:
    """The schema says what the code does: exactly one."""
    body = {"serverCallId": "a", "roomId": "b"}
    assert not validator("StartRequest").is_valid(body)
    assert _json(_start(Fakes(), body))["code"] == "locator_ambiguous"


@pytest.mark.parametrize("action", ["pause", "resume", "stop"])
def test_the_answers_to_actions_are_as_described(action: str) -> None:
    """Clients parse them."""
    fakes = Fakes()
    recording_id = _json(_start(fakes, {"serverCallId": builders.SERVER_CALL_ID}))["recordingId"]
    call = {"pause": http_api.pause_recording, "resume": http_api.resume_recording, "stop": http_api.stop_recording}
    if action == "resume":
        http_api.pause_recording(_request("POST", recording_id), _dependencies(fakes))
    answer = call[action](_request("POST", recording_id), _dependencies(fakes))
    assert answer.status_code == 202
    check("Acted", _json(answer))


@pytest.mark.parametrize("state", ChunkState)
def test_a_recording_with_a_chunk_in_any_state_is_as_described(state: ChunkState) -> None:
    """The most looked-at answer, in all its shapes."""
    fakes = Fakes()
    fakes.catalog.add_chunk(builders.record(state))
    fakes.control.states[builders.RECORDING_ID] = "active"
    answer = http_api.get_recording(_request("GET", builders.RECORDING_ID), _dependencies(fakes))
    assert answer.status_code == 200
    check("Recording", _json(answer))


def test_a_recording_that_was_started_here_is_as_described() -> None:
    """With tags and consent."""
    fakes = Fakes()
    _, _, operation = OPERATIONS["start_recording"]
    body = operation["requestBody"]["content"]["application/json"]["examples"]["video"]["value"]
    recording_id = _json(_start(fakes, body))["recordingId"]
    content = _json(http_api.get_recording(_request("GET", recording_id), _dependencies(fakes)))
    check("Recording", content)
    assert content["consent"]["capturedBy"] == body["consent"]["capturedBy"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"roomId": "r", "surprise": 1}', b" " * 70_000])
def test_problems_are_as_described(body: bytes) -> None:
    """Errors are part of the contract."""
    answer = http_api.start_recording(_request("POST", None, body), _dependencies(Fakes()))
    content = _json(answer)
    check("Problem", content)
    assert HTTP_CODES[content["code"]] == str(answer.status_code)
    assert answer.mimetype == "application/problem+json"


def test_health_is_as_described_whether_good_or_bad() -> None:
    """Probes parse it."""

    def broken() -> Any:
        raise SettingsError({"ACS_ENDPOINT": "is missing"})

    request = _request("GET", None)
    good, bad = http_api.health(request, builders.settings), http_api.health(request, broken)
    assert (good.status_code, bad.status_code) == (200, 503)
    check("Health", _json(good))
    check("Health", _json(bad))


def test_the_rest_clients_file_calls_what_there_is() -> None:
    """It is the first thing a developer tries."""
    calls = re.findall(
        r"^(GET|POST|PATCH|PUT|DELETE) \{\{host\}\}/api([^\s?]+)\S*$",
        (ROOT / "requests.http").read_text(),
        re.MULTILINE,
    )
    known = {(method, re.sub(r"\{(\w+)\}", r"{{\1}}", path)) for path, method, _ in OPERATIONS.values()}
    assert set(calls) == {call for call in known if call[0] != "HEAD"}


def _start(fakes: Fakes, body: object) -> func.HttpResponse:
    return http_api.start_recording(_request("POST", None, json.dumps(body).encode()), _dependencies(fakes))


def _request(method: str, recording_id: str | None, body: bytes = b"") -> func.HttpRequest:
    route = {"recordingId": recording_id} if recording_id else {}
    return func.HttpRequest(method, "http://localhost/api/recordings", headers={}, route_params=route, body=body)


def _dependencies(fakes: Fakes) -> http_api.Dependencies:
    return lambda: (fakes.ports, builders.settings())


def _json(answer: func.HttpResponse) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.get_body())
    return content
