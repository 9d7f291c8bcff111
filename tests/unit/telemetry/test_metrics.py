"""Telemetry: each metric appears when its story happens, ids stay out, and without a setting nothing is loaded."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dev.in_memory.builders import RECORDING_ID, SERVER_CALL_ID, chunk, event, task
from dev.in_memory.world import World, world
from dev.policies.repository import ROOT
from recording import telemetry
from recording.adapters.open_telemetry import OpenTelemetry
from recording.control.recordings import start_recording
from recording.domain.state.chunk import ChunkState
from recording.errors import SourceBusyError, StorageBusyError
from recording.telemetry import FIELDS, Event, emit
from recording.telemetry.metrics import ALL


class Ears:
    """The real SDK, read in memory."""

    def __init__(self) -> None:
        self.reader, self.spans = InMemoryMetricReader(), InMemorySpanExporter()
        self.listener = OpenTelemetry(self.reader, self.spans)

    def points(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        """What was measured: for each metric the attributes and the values (a histogram's sum)."""
        data = self.reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        return {
            metric.name: [
                (dict(point.attributes or {}), float(getattr(point, "value", getattr(point, "sum", 0))))
                for point in metric.data.data_points
            ]
            for metric in metrics
        }


@pytest.fixture
def ears() -> Iterator[Ears]:
    """Somebody listens for the time of a test."""
    made = Ears()
    telemetry.listen(made.listener)
    yield made
    telemetry.listen(None)
    made.listener.close()


def _archived(here: World) -> None:
    here.holds(task())
    here.announces()
    here.fakes.clock.advance(minutes=3)
    here.runs()
    assert here.state() is ChunkState.SOURCE_DELETED


def test_an_archived_chunk_is_counted_in_bytes_and_seconds(ears: Ears) -> None:
    """How long a recording is in danger is the one figure that matters."""
    _archived(world())
    points = ears.points()
    assert points["recording.archive.bytes"] == [({}, 64_044)]
    assert points["recording.archive.latency_seconds"] == [({}, 300.0)]
    assert points["recording.source.deleted"] == [({}, 1)]
    assert points["recording.event.received"] == [({"came_from": "event_queue", "outcome": "accepted"}, 1)]


def test_failed_tries_are_counted_by_code_and_fault(ears: Ears) -> None:
    """What goes wrong, and who can mend it."""
    here = world()
    here.source.fail_next("open_content", SourceBusyError("503"), times=2)
    _archived(here)
    assert ears.points()["recording.chunk.attempts"] == [({"code": "source_busy", "fault": "nobody"}, 2)]


def test_broken_bytes_are_counted_by_what_is_wrong_with_them(ears: Ears) -> None:
    """Zero bytes is another trouble than a cut body."""
    here = world()
    here.holds(task(), b"")
    here.announces()
    here.runs_due()
    assert ears.points()["recording.verify.failures"] == [({"kind": "zero"}, 1)]


def test_the_timer_tells_heartbeat_queues_margin_and_what_is_absent(ears: Ears) -> None:
    """The dead man's switch, and the two figures beside it."""
    here = world()
    here.announces()
    here.fakes.clock.advance(minutes=2)
    here.reconciles()
    points = ears.points()
    assert points["recording.watchdog.heartbeat"] == [({}, 1)]
    assert points["recording.queue.depth"][0] == ({"queue": "recording-chunks"}, 1)
    assert points["recording.queue.oldest_age_seconds"][0] == ({"queue": "recording-chunks"}, 120.0)
    assert points["recording.chunk.expiry_margin_seconds"] == [({"state": "open"}, 24 * 3600 - 240)]
    assert points["recording.reconcile.absent"] == [({}, 0)]


@pytest.mark.slow
def test_a_lost_chunk_and_a_redriven_one_are_counted(ears: Ears) -> None:
    """The figure that must stay zero."""
    here = world()
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(minutes=15)
    here.reconciles()
    here.runs()
    points = ears.points()
    assert points["recording.chunk.expired"] == [({}, 1)]
    assert ({"reason": "overdue"}, 1) in points["recording.redriven"]


def test_no_metric_carries_an_id_or_an_attribute_that_is_not_told(ears: Ears) -> None:
    """A metric with an id in it costs a fortune, and tells who was recorded."""
    for each in Event:
        emit(each, **dict.fromkeys(FIELDS - {"missing", "incomplete"}, "canary"), missing=1, incomplete=1)
    allowed = {metric.name: set(metric.attributes) for metric in ALL}
    for name, points in ears.points().items():
        assert all(attributes.keys() <= allowed[name] for attributes, _ in points)
    assert {a for metric in ALL for a in metric.attributes} == {
        *("state", "code", "fault", "came_from", "outcome", "kind", "queue", "reason")
    }


def test_each_piece_of_work_is_a_span_with_its_ids(ears: Ears) -> None:
    """From a slow chunk to its story."""
    here = world()
    _archived(here)
    start_recording({"serverCallId": SERVER_CALL_ID}, None, None, here.ports, here.settings)
    here.reconciles()
    ears.listener._traces.force_flush()
    spans = {span.name: span for span in ears.spans.get_finished_spans()}
    assert {"ingest_event", "archive_chunk", "reconcile"} <= spans.keys()
    assert (spans["archive_chunk"].attributes or {})["recording.recording_id"] == RECORDING_ID


def test_a_failing_use_case_marks_its_span_without_its_message(ears: Ears) -> None:
    """A message may hold what nobody may see."""
    here = world()
    here.fakes.catalog.fail_next("get_recording", StorageBusyError("secret-canary"))
    with pytest.raises(StorageBusyError):
        here.announces(event(chunk()))
    ears.listener._traces.force_flush()
    (span,) = ears.spans.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "StorageBusyError"
    assert "secret-canary" not in span.to_json()


class _Refusing(MetricExporter, SpanExporter):
    """An exporter behind which nobody is."""

    def export(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("nobody there")

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return False

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        return


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_telemetry_that_cannot_be_sent_holds_nothing_up() -> None:
    """It is a view; the archive is the thing."""
    exporter = _Refusing()
    listener = OpenTelemetry(PeriodicExportingMetricReader(exporter, 3_600_000), exporter)
    telemetry.listen(listener)
    try:
        _archived(world())
    finally:
        telemetry.listen(None)
        listener._traces.shutdown()
        listener._meters.shutdown()


@pytest.mark.slow
def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    """An idle app pays for nothing it does not use."""
    program = (
        "import sys, json, function_app\nfrom recording import wiring\nwiring.ports()\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(('opentelemetry', 'azure.monitor'))]))"
    )
    storage = "UseDevelopmentStorage=true"
    environment = {
        "ACS_CONNECTION_STRING": "endpoint=https://x.communication.azure.com;accesskey=bm8=",
        "AzureWebJobsStorage": storage,
        "ARCHIVE_STORAGE": storage,
        "PATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def test_alerts_lines_are_not_sampled() -> None:
    """An alert that reads one line in five is none."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    excluded = host["logging"]["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")
    assert {"Trace", "Exception", "Event"} <= set(excluded)
