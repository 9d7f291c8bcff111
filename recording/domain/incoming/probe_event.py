"""The doctor's own event: it goes the way of every event, is recognised at the end, and changes nothing. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

PROBE_TYPE = "RecordingArchive.ProbeEvent"
WAITING = "waiting"  # what the doctor notes under the event's name before it sends it
_NONCE = re.compile(r"[0-9a-f]{32}")


def probe_event(nonce: str, now: datetime) -> dict[str, Any]:
    """Return the event in the envelope of Event Grid."""
    return {
        "id": nonce,
        "topic": "doctor",
        "subject": "doctor",
        "eventType": PROBE_TYPE,
        "eventTime": now.isoformat(),
        "dataVersion": "1.0",
        "data": {"nonce": nonce},
    }


def nonce_of(envelope: Any) -> str | None:
    """Return the nonce of a probe event; None for every other event."""
    if not isinstance(envelope, Mapping) or envelope.get("eventType") != PROBE_TYPE:
        return None
    nonce = envelope.get("id")
    return nonce if isinstance(nonce, str) and _NONCE.fullmatch(nonce) else None


def note_of(nonce: str) -> str:
    """Return under which name the doctor waits for an event, and finds which way it arrived."""
    return f"probe-{nonce}"
