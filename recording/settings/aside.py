"""Settings that are set aside when they cannot be read: their feature waits or is off, and archiving continues.

Only settings whose absence does no harm belong here (docs/adr/0063); any other fault stops the app at its start.
"""

from dataclasses import dataclass

OF_WEBHOOKS = frozenset({"WEBHOOKS", "WEBHOOK_HOSTS", "WEBHOOK_NETWORKS"})
OF_TOPIC = frozenset({"EVENTS_TOPIC_ENDPOINT", "EVENTS_TOPIC_KEY", "EVENTS_TOPIC_CLIENT_ID"})
OF_ALL_EVENTS = frozenset({"EVENTS_API_URL"})
OF_ANALYSTS = frozenset({"PARQUET_CONTAINER", "PARQUET_TAGS"})
OF_TELEMETRY = frozenset({"APPLICATIONINSIGHTS_CONNECTION_STRING", "TELEMETRY_TRACE_RATIO"})
_OTHERS = frozenset({"SEAL_TIMESTAMP_URL", "DOWNLOAD_LINK_MINUTES"})
SET_ASIDE = OF_WEBHOOKS | OF_TOPIC | OF_ALL_EVENTS | OF_ANALYSTS | OF_TELEMETRY | _OTHERS


@dataclass(frozen=True)
class SetAside:
    """A setting that could not be read, and a sentence about its form that never repeats its value."""

    name: str
    fault: str
