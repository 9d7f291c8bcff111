"""Open a ticket: what needs an operator becomes a record in a ticket system with a REST table, such as ServiceNow's.

The event's id is the ticket's correlation id. It is looked for before a ticket is made, so that a worker that dies
afterwards leaves one ticket.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from recipes.inbox import word_of
from recipes.outside import Outside, OutsideError
from recipes.teams import TITLES, facts_of, title_of

NAME = "ticket"
SWITCH = "TICKET_TABLE_URL"  # https://INSTANCE.service-now.com/api/now/table/incident
TYPES = frozenset(TITLES) - {"at_risk"}  # the archive still works on that by itself
URGENT = frozenset({"expired", "unrecorded"})
_EVENT_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def act(event: Mapping[str, Any], outside: Outside) -> None:
    """Open a ticket, unless there is one of this event. Raises OutsideError."""
    event_id = str(event["id"])
    if not _EVENT_ID.fullmatch(event_id):
        raise OutsideError("the event's id is none of the archive's")  # it would become part of a query
    table, headers = outside.setting(SWITCH), {**_authorization(outside), "Accept": "application/json"}
    asked = urlencode({"sysparm_query": f"correlation_id={event_id}", "sysparm_fields": "number", "sysparm_limit": 1})
    _, found = outside.call("GET", f"{table}?{asked}", headers)
    if not (found or {}).get("result"):
        outside.call("POST", table, headers, ticket_of(event), expected=(201,))


def ticket_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of the ticket."""
    return {
        "short_description": title_of(event),
        "description": "\n".join(f"{name}: {value}" for name, value in facts_of(event).items()),
        "urgency": "1" if word_of(event) in URGENT else "2",
        "correlation_id": str(event["id"]),
        "correlation_display": "recording archive",
    }


def _authorization(outside: Outside) -> dict[str, str]:
    """Return the header: this app's identity where the system takes Entra tokens, else a token of its own."""
    if outside.has("TICKET_SCOPE"):
        return outside.bearer(outside.setting("TICKET_SCOPE"))
    return {"Authorization": f"Bearer {outside.setting('TICKET_TOKEN')}"}
