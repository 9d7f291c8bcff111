"""Fills the port Way for receivers whose setting is missing or unreadable: events wait, and an operator is alerted.

If `WEBHOOKS` is a Key Vault reference, the platform leaves it unchanged when it cannot resolve it. Without this way the
events would be lost silently; and as a fault of the settings it would stop archiving (I14).
"""

from datetime import datetime

from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import UNRESOLVED_WAY
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors.codes import Code
from recording.ports.outgoing import Answer


class UnresolvedWebhooks:
    """Stands for all receivers whose setting is unusable; it sends nothing."""

    name = UNRESOLVED_WAY
    tenant = None

    def __init__(self, code: Code = Code.WEBHOOKS_UNRESOLVED) -> None:
        self._answer = Answer(Result.WAITS, code)

    def close(self) -> None:
        """Have nothing to close."""

    def wants(self, kind: EventType) -> bool:
        """Answer yes: what the endpoints want is not known."""
        del kind
        return True

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Refuse, so that the event waits for an app that knows its endpoints."""
        del event, now
        return self._answer

    def probe(self, now: datetime) -> Answer:
        """Say what is wrong."""
        del now
        return self._answer
