"""Keep the envelope of an Event Grid event as it was delivered, so that both delivery paths judge the same content.

The converter of azure-functions parses times and drops fields before the function runs: a malformed time fails the call
with 500 before any of our code runs. See docs/adr/0025.
"""

import logging
from collections.abc import Mapping
from typing import Any

import azure.functions as func

from recording.domain.foreign_json import read_json

BINDING = "eventGridTrigger"
_LOG = logging.getLogger("recording")


class DeliveredEvent(func.EventGridEvent):
    """An event with its envelope; its other attributes are the envelope's values, unparsed."""

    def __init__(self, envelope: Any) -> None:
        told = envelope if isinstance(envelope, Mapping) else {}
        super().__init__(
            id=told.get("id"),  # type: ignore[arg-type]  # whatever the envelope has
            data=told.get("data"),  # type: ignore[arg-type]
            topic=told.get("topic"),  # type: ignore[arg-type]
            subject=told.get("subject"),  # type: ignore[arg-type]
            event_type=told.get("eventType"),  # type: ignore[arg-type]
            event_time=None,
            data_version=told.get("dataVersion"),  # type: ignore[arg-type]
        )
        self.envelope = envelope


def keep_envelopes() -> bool:
    """Register a converter that returns `DeliveredEvent`; return False where the library does not allow one.

    The library's own converter then stays: ordinary events arrive as before, odd ones by the second delivery path.
    """
    try:
        registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
        library = registry.get(BINDING)
        if not getattr(library, "keeps_envelopes", False):
            registry._bindings[BINDING] = _keeping(library)
    except (AttributeError, TypeError, RuntimeError) as error:
        _LOG.warning("no converter can be registered (%s); azure-functions parses the events", type(error).__name__)
        return False
    return True


def _keeping(library: Any) -> type:
    """Return the library's converter with a `decode` that parses only JSON."""

    class EnvelopeConverter(library, binding=None, trigger=True):  # type: ignore[misc, call-arg]
        keeps_envelopes = True

        @classmethod
        def decode(cls, data: Any, *, trigger_metadata: Any) -> Any:
            if data.type not in ("json", "string"):
                return super().decode(data, trigger_metadata=trigger_metadata)
            try:
                return DeliveredEvent(read_json(data.value))
            except ValueError:
                return DeliveredEvent(data.value)  # not JSON: ingest quarantines it

    return EnvelopeConverter


def envelope_of(event: func.EventGridEvent | func.CloudEvent) -> Any:
    """Return the envelope as delivered; reassembled where the library's own converter was used."""
    if isinstance(event, DeliveredEvent):
        return event.envelope
    if isinstance(event, func.CloudEvent):
        envelope = {"specversion": event.specversion, "source": event.source, "type": event.type, "time": event.time}
    else:
        envelope = {"topic": event.topic, "eventType": event.event_type, "eventTime": event.event_time}
    return {**envelope, "id": event.id, "subject": event.subject, "data": event.get_json()}
