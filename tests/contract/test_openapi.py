"""The HTTP API against its own contract, docs/openapi.yaml, by requests that schemathesis thinks up.

Legal and illegal ones: each answer has a documented status, media type, headers and form; nothing illegal is accepted;
no request makes the app fail.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import world
from dev.policies.repository import DOCS
from recording import wiring
from recording.domain.state.quarantine import Origin
from recording.ingest import ingest_event
from tests.unit.http.wsgi import Application, Start, application

# Not among them: that legal data is accepted (ACS and the combination of fields decide), keys and methods (the host's).
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
CONTRACT: dict[str, Any] = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))
BOUNDED = settings(max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))

schema = schemathesis.openapi.from_dict(CONTRACT)
schema.app = application


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app over fakes that knows one recording."""
    here = world()
    here.announces()
    monkeypatch.setattr(wiring, "dependencies", lambda: (here.ports, here.settings))
    probe = FakeProbe()
    probe.takes = lambda envelope, path: ingest_event(envelope, Origin(path), here.ports, here.settings)
    monkeypatch.setattr(wiring, "probe", lambda _: probe)
    monkeypatch.setattr(wiring, "settings", lambda: here.settings)


@schema.parametrize()
@BOUNDED
def test_every_answer_is_what_the_document_says(case: schemathesis.Case[Any]) -> None:
    """Callers generate clients from the document."""
    case.call_and_validate(base_url="http://127.0.0.1/api", checks=CHECKS)


Plant = Callable[[dict[str, Any]], object]
STATE = "/recordings/{recordingId}"


def as_other_media(document: dict[str, Any]) -> None:
    """A document that promises problems as XML."""
    content = document["components"]["responses"]["Problem"]["content"]
    content["application/xml"] = content.pop("application/problem+json")


PLANTED: dict[str, Plant] = {
    "a status that is not told": lambda document: document["paths"][STATE]["get"]["responses"].pop("404"),
    "another media type": as_other_media,
    "a field that never comes": lambda document: document["components"]["schemas"]["Problem"]["required"].append("x"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_an_answer_that_contradicts_the_document_is_found(name: str) -> None:
    """A check that cannot fail would pass as well."""
    document = deepcopy(CONTRACT)
    PLANTED[name](document)
    with pytest.raises(FailureGroup):
        ask_for_states(document, application, GenerationMode.POSITIVE)


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
def test_an_app_that_accepts_everything_or_fails_is_found(status: str) -> None:
    """The same for the app's side: illegal ids must be refused, and nothing may make it fail."""

    def faulty(environ: Mapping[str, Any], start: Start) -> list[bytes]:
        start(status, [("Content-Type", "application/json")])
        return [b"{}"]

    with pytest.raises(FailureGroup):
        ask_for_states(CONTRACT, faulty, GenerationMode.NEGATIVE)


def ask_for_states(document: dict[str, Any], app: Application, mode: GenerationMode) -> None:
    """Asks an app for the state of recordings, with legal or illegal ids, and holds each answer against a document."""
    asked = schemathesis.openapi.from_dict(document)
    asked.app = app

    @given(case=asked[STATE]["GET"].as_strategy(generation_mode=mode))
    @BOUNDED
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url="http://127.0.0.1/api", checks=CHECKS)

    ask()
