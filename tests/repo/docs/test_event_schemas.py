"""docs/events and docs/asyncapi.yaml against the code, and against the events of a whole day."""

import json
from datetime import timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from dev.event_schemas import DOCS, event_schema, pages
from dev.in_memory.builders import FAKE_CLOCK_START as NOW
from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.world import world
from recording.domain.outgoing import from_records
from recording.domain.outgoing.documents import cloud_event
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.domain.state.recording import Unrecorded
from recording.library.keep.holds import place_hold, release_hold

API = "https://archive.contoso.com/api"


def is_valid(event: OutgoingEvent, api: str = API) -> bool:
    """Validate an event as a receiver does, with the page alone."""
    schema = json.loads((DOCS / "events" / f"{event.type.value}.schema.json").read_text("utf-8"))
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return bool(checker.is_valid(cloud_event(event, api)))


def test_the_pages_say_what_the_code_says() -> None:
    """Receivers generate code from them; write them anew by `python -m dev event-schemas`."""
    there = {path for path in (DOCS / "events").glob("*") if path.is_file()} | {DOCS / "asyncapi.yaml"}
    assert there == set(pages())
    for path, text in pages().items():
        assert path.read_text("utf-8") == text, path.name


@pytest.mark.parametrize("kind", EventType)
def test_each_schema_is_one_and_is_told_of(kind: EventType) -> None:
    """And docs/events.md names the type."""
    jsonschema.Draft202012Validator.check_schema(event_schema(kind))
    assert kind.wire_name in (DOCS / "events.md").read_text("utf-8")


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """Inside the document, or to a file beside it."""
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text("utf-8"))
    assert document["asyncapi"] == "3.0.0"
    found = list(_references(document))
    assert len(found) > 4 * len(EventType)
    for reference in found:
        if reference.startswith("#/"):
            place: Any = document
            for name in reference[2:].split("/"):
                place = place[name]
        else:
            file, _, pointer = reference.partition("#")
            place = json.loads((DOCS / file).read_text("utf-8"))
            for name in filter(None, pointer.split("/")):
                place = place[name]


def test_the_events_of_a_day_are_valid_and_a_changed_one_is_not() -> None:
    """Archived, at risk, expired, missing, held, released; with links and without."""
    here = world()
    way = FakeWay()
    outgoing = here.reports_to(way)
    for index in range(2):
        here.holds(task(index, document_id(index)))
        here.announces(event(chunk(index), id=f"event-{index}"))
    here.announces(event(chunk(2), id="event-2"))  # ACS never has this one
    here.runs(hours=1)
    place_hold(RECORDING_ID, "case", "because", "alice", here.ports)
    here.fakes.clock.advance(seconds=2)
    release_hold(RECORDING_ID, "case", "over", "alice", here.ports)
    here.runs(hours=60)
    for got in (
        from_records.start_refused("request", "acs_error", here.now),
        from_records.unrecorded(RECORDING_ID, Unrecorded(reason="stopped", at=here.now)),
        from_records.ends_soon(RECORDING_ID, 60, NOW + timedelta(hours=3)),
    ):
        assert is_valid(got)
    assert outgoing.outbox.entries == {}
    assert {"archived", "at_risk", "held", "released"} <= set(way.types_got)
    for got in way.got:
        assert is_valid(got), got
        assert is_valid(got, "")
        assert not is_valid(got.model_copy(update={"data": got.data | {"number": "+49"}}))
        assert not is_valid(got.model_copy(update={"id": "other"}))


def _references(document: object) -> Any:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(document, list):
        for value in document:
            yield from _references(value)
