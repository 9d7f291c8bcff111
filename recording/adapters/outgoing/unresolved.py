"""Fills the port Way for endpoints whose setting is not there: events wait, and an operator is told.

`WEBHOOKS` is a Key Vault reference, and the platform leaves it as it is when it cannot follow it. Without this the
events would go nowhere in silence; and with a fault in the settings nothing would be archived (I14).
"""

from datetime import datetime

from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import UNRESOLVED_WAY
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors.codes import Code
from recording.ports.outgoing import Answer

_UNKNOWN = Answer(Result.FAILED, Code.WEBHOOKS_UNRESOLVED)


class UnresolvedWebhooks:
    """Stands for all endpoints of `WEBHOOKS`; nothing leaves here."""

    name = UNRESOLVED_WAY
    tenant = None

    def close(self) -> None:
        """Have nothing to close."""

    def wants(self, kind: EventType) -> bool:
        """Answer yes: what the endpoints want is not known."""
        del kind
        return True

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Refuse, so that the event waits for an app that knows its endpoints."""
        del event, now
        return _UNKNOWN

    def probe(self, now: datetime) -> Answer:
        """Say what is wrong."""
        del now
        return _UNKNOWN
