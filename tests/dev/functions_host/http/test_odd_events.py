"""The webhook hands an event to the app as it was delivered, however odd: what is kept is not the host's choice."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dev.azurite import Azurite
from dev.functions_host.threaded import run_in_thread
from dev.in_memory.builders import cloud_event, event
from tests.dev.functions_host.sample_world import RunningSample, new_world, wait_until

pytestmark = pytest.mark.azurite

APP = """
import json, os
import azure.functions as func
from recording.http.event_trigger import envelope_of, keep_envelopes

keep_envelopes()
app = func.FunctionApp()

@app.event_grid_trigger(arg_name="event")
def ingest(event: func.EventGridEvent) -> None:
    with open(os.environ["SAMPLE_TRACE"], "a") as trace:
        trace.write(json.dumps(envelope_of(event)) + "\\n")
"""
ODD: dict[str, dict[str, Any]] = {
    "an American time": event(eventTime="11/23/2026 9:00:00 AM"),
    "a time of RFC 1123": event(eventTime="Mon, 23 Nov 2026 09:00:00 GMT"),
    "a number as a time": event(eventTime=1_764_000_000),
    "the year 1": event(eventTime="0001-01-01T00:00:00Z"),
    "no time": event(eventTime=None),
    "another offset": event(eventTime="2026-11-23T14:30:00.1234567+05:30"),
    "no subject": event(subject=None),
    "data as text": event(data={"recordingStorageInfo": "none"}),
    "unknown fields": {**event(), "extension": {"a": [1]}, "traceparent": "00-1"},
    "no type and topic": event(eventType=None, topic=None),
}


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSample]:
    """The built-in host over an app that writes down what its trigger gets."""
    folder: Path = tmp_path_factory.mktemp("odd")
    (folder / "function_app.py").write_text(APP, encoding="utf-8")
    (folder / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    world = new_world(azurite.connection_string, tmp_path_factory.mktemp("odd-world"))
    with run_in_thread(world.options(app_dir=folder)) as host:
        yield RunningSample(world, host)


def delivered(app: RunningSample, body: object) -> int:
    headers = {"aeg-event-type": "Notification"}
    path = "/runtime/webhooks/EventGrid?functionName=ingest"
    answer: Any = app.request("POST", path, body=json.dumps(body).encode(), headers=headers)
    return int(answer.status)


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_event_arrives_as_it_was_delivered(app: RunningSample, kind: str) -> None:
    """The library's converter answers 500 for the whole batch, or drops what it does not know."""
    sent = {**ODD[kind], "id": f"odd {kind}"}
    assert delivered(app, [sent]) == 202
    assert wait_until(lambda: app.world.traces(id=sent["id"])) == [sent]


def test_an_odd_event_costs_no_other_of_its_batch(app: RunningSample) -> None:
    """Event Grid may deliver several at once, and would send all of them again for a day."""
    batch = [{**one, "id": f"batch {kind}"} for kind, one in ODD.items()]
    assert delivered(app, batch) == 202
    for one in batch:
        assert wait_until(partial(app.world.traces, id=one["id"])) == [one]


def test_a_cloud_event_keeps_its_extensions(app: RunningSample) -> None:
    """Both schemas go through the same trigger."""
    sent = {**cloud_event(time="11/23/2026"), "id": "cloud", "comexampleextension": "1"}
    assert delivered(app, sent) == 202
    assert wait_until(lambda: app.world.traces(id="cloud")) == [sent]
