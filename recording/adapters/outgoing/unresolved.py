"""Fills the port Way for receivers whose setting is missing or unreadable: events wait, and an operator is alerted.

`WEBHOOKS` is a Key Vault reference, and the platform leaves it as it is when it cannot follow it. Without this the
events would go nowhere in silence; and with a fault in the settings nothing would be archived (I14).
"""

from datetime import datetime

from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import UNRESOLVED_WAY
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors.codes import Code
from recording.ports.outgoing import Answer


class UnresolvedWebhooks:
    """Stands for all receivers whose setting cannot be used; nothing leaves here."""

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
