"""Both delivery paths judge one event alike: what the webhook's trigger hands out is what was delivered."""

import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import cloud_event, event
from dev.in_memory.world import world
from recording.domain.state.quarantine import Origin
from recording.http.event_trigger import BINDING, DeliveredEvent, envelope_of, keep_envelopes
from recording.ingest import ingest_event, ingest_text

ODD_TIMES: tuple[Any, ...] = (
    "yesterday",
    "2026-11-28",
    "2026-11-28T06:00:00",
    "2026-11-28T06:00:00.1234567+01:00",
    "0001-01-01T00:00:00Z",
    "",
    7,
    None,
    [],
    {},
)
ODD = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.sampled_from(ODD_TIMES))
NAMES = (
    "id",
    "subject",
    "data",
    "eventType",
    "type",
    "eventTime",
    "time",
    "topic",
    "source",
    "specversion",
    "dataVersion",
)


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    """As importing `function_app` does."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    before = registry.get(BINDING)
    assert keep_envelopes()
    yield
    registry._bindings[BINDING] = before  # what the library or another test had


def by_the_webhook(told: object) -> Any:
    """What the function receives of an event."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    return envelope_of(registry.get(BINDING).decode(func.meta.Datum(json.dumps(told), "json"), trigger_metadata={}))


def outcomes(told: dict[str, Any]) -> list[tuple[object, ...]]:
    """What each delivery path makes of an event: its tasks, and what is kept with which reason."""
    found: list[tuple[object, ...]] = []
    for path in ("webhook", "queue"):
        here = world()
        if path == "webhook":
            ingest_event(by_the_webhook(told), Origin.EVENT_GRID, here.ports, here.settings)
        else:
            ingest_text(json.dumps(told), Origin.EVENT_QUEUE, here.ports, here.settings)
        kept = [(entry.reason, entry.detail, entry.payload) for entry in here.fakes.quarantine.kept.values()]
        found.append((here.fakes.queue.tasks, kept))
    return found


@pytest.mark.slow
@given(
    st.sampled_from([event, cloud_event]),
    st.dictionaries(st.sampled_from(NAMES), ODD, max_size=4),
    st.sets(st.sampled_from(NAMES), max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_both_delivery_paths_judge_an_event_alike(make: Any, odd: dict[str, Any], missing: set[str]) -> None:
    """Whatever is odd or missing: same tasks, same reason, same payload kept."""
    told = {name: value for name, value in {**make(), **odd}.items() if name not in missing}
    webhook, queue = outcomes(told)
    assert webhook == queue


@pytest.mark.parametrize("time", ODD_TIMES)
@pytest.mark.parametrize(("make", "name"), [(event, "eventTime"), (cloud_event, "time")])
def test_an_odd_time_costs_no_recording_on_the_webhook(make: Any, name: str, time: object) -> None:
    """The library's own converter raises, and the host answers 500 for the whole batch."""
    here = world()
    ingest_event(by_the_webhook({**make(), name: time}), Origin.EVENT_GRID, here.ports, here.settings)
    assert (len(here.fakes.queue.tasks), here.fakes.quarantine.reasons) == (1, [])


@pytest.mark.parametrize("told", [[], "text", 7, None, [event()]])
def test_what_is_no_object_is_kept(told: object) -> None:
    """Nothing that was delivered may fail before it is kept."""
    here = world()
    ingest_event(by_the_webhook(told), Origin.EVENT_GRID, here.ports, here.settings)
    assert here.fakes.quarantine.reasons == ["unreadable_event"]


def test_the_function_s_annotation_is_accepted_as_before() -> None:
    """Each worker checks the parameter's type with the converter before it serves anything."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    converter = registry.get(BINDING)
    assert converter.check_input_type_annotation(func.EventGridEvent)
    assert not converter.check_input_type_annotation(str)
    assert converter.has_trigger_support()
    assert issubclass(converter, EventGridEventInConverter)
    assert isinstance(converter.decode(func.meta.Datum("{}", "json"), trigger_metadata={}), DeliveredEvent)


def test_a_library_that_offers_no_place_keeps_its_own_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events must arrive after any update of the library, as it reads them."""

    class Changed:
        @staticmethod
        def get(_name: str) -> type:
            return EventGridEventInConverter

    monkeypatch.setattr(func, "get_binding_registry", Changed)
    assert not keep_envelopes()
    decoded = EventGridEventInConverter.decode(func.meta.Datum(json.dumps(event()), "json"), trigger_metadata={})
    here = world()
    ingest_event(
        json.loads(json.dumps(envelope_of(decoded), default=str)), Origin.EVENT_GRID, here.ports, here.settings
    )
    assert len(here.fakes.queue.tasks) == 1
