"""Send metrics and traces by OpenTelemetry to Application Insights. Imported only if a connection string is set.

Logs are not sent from here: the Functions host already forwards them, and sending them twice would double the cost.
Telemetry is only a view: the records are in the catalog, the manifests and the audit trail. So nothing here may fail or
delay archiving; the SDK exports in its own thread and drops what it cannot send.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Tracer

from recording import __version__
from recording.adapters.azure_sdk.clients import credential
from recording.settings import Settings
from recording.telemetry import Event
from recording.telemetry.metrics import ALL, Kind, Metric, observations

EXPORTED_EVERY_MS = 60_000
_NAME = "acs-recording-archive"


class OpenTelemetry:
    """Receives the events of this process, and traces its use cases."""

    def __init__(self, reader: MetricReader, exporter: SpanExporter, trace_ratio: float = 1.0) -> None:
        resource = Resource.create({"service.name": _NAME, "service.version": __version__})
        self._meters = MeterProvider([reader], resource=resource)
        self._traces = TracerProvider(ParentBasedTraceIdRatio(trace_ratio), resource)
        self._traces.add_span_processor(BatchSpanProcessor(exporter))
        self._instruments = _instruments(self._meters.get_meter(_NAME, __version__))
        self._tracer: Tracer = self._traces.get_tracer(_NAME, __version__)

    def hears(self, event: Event, fields: Mapping[str, Any]) -> None:
        """Update the metrics for the event."""
        for seen in observations(event, fields):
            self._instruments[seen.metric](seen.value, seen.attributes)

    @contextmanager
    def span(self, name: str, facts: Mapping[str, Any]) -> Iterator[None]:
        """Trace one use case; an exception marks the span, without its message, which may contain anything."""
        told = {f"recording.{key}": value for key, value in facts.items() if value is not None}
        with self._tracer.start_as_current_span(
            name, attributes=told, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    def close(self) -> None:
        """Flush, and stop the threads."""
        self._meters.shutdown()
        self._traces.shutdown()


def to_application_insights(settings: Settings) -> OpenTelemetry:
    """Send as the app's identity: the resource takes no keys."""
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter

    text = settings.insights.get_secret_value() if settings.insights else ""
    options: dict[str, Any] = {"connection_string": text, "credential": credential(settings.acs.client_id)}
    reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options), EXPORTED_EVERY_MS)
    return OpenTelemetry(reader, AzureMonitorTraceExporter(**options), settings.trace_ratio)


def _instruments(meter: Meter) -> dict[Metric, Any]:
    """Return, for each metric, the method that takes a value."""
    made: dict[Metric, Any] = {}
    for metric in ALL:
        facts = (metric.name, metric.unit, metric.description)
        match metric.kind:
            case Kind.COUNTER:
                made[metric] = meter.create_counter(*facts).add
            case Kind.HISTOGRAM:
                made[metric] = meter.create_histogram(*facts).record
            case Kind.GAUGE:
                made[metric] = meter.create_gauge(*facts).set
    return made
