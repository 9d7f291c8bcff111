"""HTTP for outgoing events: the state of receivers, enabling one again, and replaying events."""

from datetime import timedelta
from typing import Annotated, Any

import azure.functions as func
from pydantic import Field, StringConstraints

from recording.control.audit import run_audited
from recording.control.notes import check_recording_id
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.lenient import Time
from recording.domain.incoming.requests import Exact
from recording.domain.incoming.roles import Operation
from recording.domain.outgoing.events import EventType, type_named
from recording.errors import RequestError
from recording.http.routes import as_json, caller_of, endpoint, json_body
from recording.http.views.events import ReceiverView, ReplayedView
from recording.library.notify.operate import Asked, enable, health_of_ways, replay
from recording.operate.accept import check_note
from recording.ports import Ports
from recording.settings import Settings

LONGEST = timedelta(days=7)  # the period of one request, which must answer while the caller waits
MOST_EVENTS, MOST_READ = 5000, 50_000  # per request: events that are sent again, and rows that are looked at
Note = Annotated[str, Field(min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class EnableRequest(Exact):
    """The body of `POST events/receivers/{name}/enable`."""

    note: Note


class ReplayRequest(Exact):
    """The body of `POST events/replay`: a period and filters; a filter that is left out matches all."""

    since: Time
    until: Time | None = None
    types: tuple[Annotated[str, Field(max_length=100)], ...] = Field((), max_length=len(EventType))
    receivers: tuple[Name, ...] = Field((), max_length=32)
    recording_id: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    note: Note


@endpoint(Operation.LIST_RECEIVERS)
def list_receivers(_request: func.HttpRequest, ports: Ports, _settings: Settings) -> func.HttpResponse:
    """GET events/receivers: 200 with the state of each receiver of events."""
    found = [ReceiverView.of(health).plain() for health in health_of_ways(ports)]
    return as_json({"receivers": found}, 200)


@endpoint(Operation.ENABLE_RECEIVER)
def enable_receiver(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST events/receivers/{name}/enable: 200 with its state; the events it missed need a replay."""
    name, asked = str(request.route_params.get("name", "")), EnableRequest.read(json_body(request))
    check_note(asked.note)

    def act() -> dict[str, Any]:
        return ReceiverView.of(enable(name, ports)).plain()

    note = without_numbers(f"{name[:32]}: {asked.note}")
    caller = caller_of(request, settings)
    return as_json(run_audited(Operation.ENABLE_RECEIVER, None, caller, ports, act, note=note), 200)


@endpoint(Operation.REPLAY_EVENTS)
def replay_events(request: func.HttpRequest, ports: Ports, settings: Settings) -> func.HttpResponse:
    """POST events/replay: 202 with how many events are sent again, and where to continue."""
    asked = ReplayRequest.read(json_body(request))
    check_note(asked.note)
    name = canonical_id(asked.recording_id) if asked.recording_id is not None else None
    if name is not None:
        check_recording_id(name)
    until = asked.until or ports.clock.now()
    if not timedelta() <= until - asked.since <= LONGEST:
        raise RequestError("since must be before until, and at most seven days before it")
    meant = Asked(asked.since, until, types_of(asked.types), asked.receivers, name, MOST_EVENTS, MOST_READ)

    def act() -> dict[str, Any]:
        return ReplayedView.of(replay(meant, ports)).plain()

    done = run_audited(
        Operation.REPLAY_EVENTS, name, caller_of(request, settings), ports, act, note=without_numbers(asked.note)
    )
    return as_json(done, 202)


def types_of(words: tuple[str, ...] | list[str]) -> list[EventType]:
    """Return the types of these names.

    Raises:
        RequestError: there is no such type.
    """
    found = [type_named(word) for word in words]
    if None in found:
        raise RequestError(f"types: no such type; there are {', '.join(EventType)}")
    return [kind for kind in found if kind is not None]
