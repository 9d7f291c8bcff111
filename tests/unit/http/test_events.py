"""HTTP for outgoing events: what each answer is, who may ask, what the trail keeps, and that the page says the same."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.world import World
from recording.domain.incoming.roles import NEEDED, Operation, Role
from recording.domain.outgoing.delivery import WayHealth
from recording.errors import StorageBusyError
from recording.http import events
from recording.library.keep.holds import place_hold
from tests.repo.docs.openapi import check
from tests.unit.library.notify.outgoing_world import archived

Function = Callable[[func.HttpRequest, Any], func.HttpResponse]
NOTE = "their certificate is new"
SCHEMAS: dict[str, Function] = {
    "Receivers": events.list_receivers,
    "Receiver": events.enable_receiver,
    "Replayed": events.replay_events,
}


class Desk:
    """An app with two receivers, and one recording that is archived and told."""

    def __init__(self) -> None:
        self.crm, self.siem = FakeWay("crm"), FakeWay("siem")
        self.here: World
        self.outgoing: FakeOutgoing
        self.here, self.outgoing = archived(self.crm, self.siem)
        self.here.notifies()

    def asks(self, function: Function, body: Any = None, roles: str = "", name: str = "crm") -> func.HttpResponse:
        claims = [{"typ": "roles", "val": role} for role in roles.split()]
        header = base64.b64encode(json.dumps({"claims": claims}).encode()).decode()
        request = func.HttpRequest(
            "GET" if body is None else "POST",
            "https://app.azurewebsites.net/api/events",
            headers={"X-MS-CLIENT-PRINCIPAL": header, "X-MS-CLIENT-PRINCIPAL-ID": "who"} if roles else {},
            route_params={"name": name},
            body=json.dumps(body).encode() if body is not None else b"",
        )
        known = self.here.settings.model_copy(update={"platform_auth": bool(roles)})
        return function(request, lambda: (self.here.ports, known))

    def disables(self, name: str) -> None:
        now = self.here.now
        self.outgoing.outbox.ways[name] = WayHealth(way=name, failing_since=now, disabled_at=now, etag='"x"')

    @property
    def trail(self) -> list[tuple[str, str | None, str, str | None]]:
        return [(row.operation, row.caller, row.outcome, row.note) for row in self.here.fakes.audit.written]


def content(answer: func.HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


def outcome(answer: func.HttpResponse) -> tuple[int, str | None]:
    return answer.status_code, content(answer).get("code")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def since(desk: Desk, **length: float) -> str:
    return (desk.here.now - timedelta(**length)).isoformat()


def test_receivers_are_listed_with_how_they_stand(desk: Desk) -> None:
    """As the command line tells it."""
    desk.disables("siem")
    answer = desk.asks(events.list_receivers)
    assert answer.status_code == 200
    check("Receivers", content(answer))
    assert [(one["name"], one["state"]) for one in content(answer)["receivers"]] == [
        ("crm", "well"),
        ("siem", "disabled"),
    ]


def test_a_disabled_receiver_is_enabled_with_a_note_in_the_trail(desk: Desk) -> None:
    """Two rows, with who and why; a number in the note is not kept."""
    desk.disables("siem")
    answer = desk.asks(events.enable_receiver, {"note": "call +4930123456 first"}, "Recording.Admin", "siem")
    assert answer.status_code == 200
    check("Receiver", content(answer))
    assert content(answer)["state"] == "well"
    rows = desk.trail[-2:]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("enable_receiver", "who", "asked"),
        ("enable_receiver", "who", "done"),
    ]
    assert all(row[3] and row[3].startswith("siem: call") and "4930123456" not in row[3] for row in rows)


def test_a_replay_is_accepted_and_sent(desk: Desk) -> None:
    """By time, type, receiver and recording."""
    place_hold(RECORDING_ID, "case", "because", "alice", desk.here.ports)
    desk.here.notifies()
    body = {"since": since(desk, days=1), "types": ["archived"], "receivers": ["crm"], "recordingId": RECORDING_ID}
    answer = desk.asks(events.replay_events, body | {"note": NOTE}, "Recording.Admin")
    assert answer.status_code == 202
    check("Replayed", content(answer))
    assert content(answer) == {"events": 1, "subjects": 1, "unreadable": 0, "leftOut": [], "next": None}
    desk.here.notifies()
    assert desk.crm.types_got == ["archived", "held", "archived"]
    assert desk.siem.types_got == ["archived", "held"]
    assert [row[0] for row in desk.trail[-2:]] == ["replay_events", "replay_events"]
    assert desk.trail[-1][3] == NOTE


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"note": NOTE}, (400, "invalid_request")),
        ({"since": "yesterday", "note": NOTE}, (400, "invalid_request")),
        ({"since": "2026-01-01T00:00:00Z", "note": NOTE}, (400, "invalid_request")),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z", "note": NOTE}, (400, "invalid_request")),
        ({"since": "NOW", "types": ["archive"], "note": NOTE}, (400, "invalid_request")),
        ({"since": "NOW", "receivers": ["../x"], "note": NOTE}, (400, "invalid_request")),
        ({"since": "NOW", "receivers": ["nobody"], "note": NOTE}, (404, "endpoint_not_found")),
        ({"since": "NOW", "receivers": ["siem"], "note": NOTE}, (409, "endpoint_disabled")),
        ({"since": "NOW", "recordingId": "..", "note": NOTE}, (400, "invalid_recording_id")),
        ({"since": "NOW", "note": " "}, (400, "invalid_request")),
        ({"since": "NOW"}, (400, "invalid_request")),
        ({"since": "NOW", "note": NOTE, "all": True}, (400, "invalid_request")),
    ],
)
def test_a_replay_that_cannot_be_meant_is_refused(desk: Desk, body: dict[str, Any], expected: tuple[int, str]) -> None:
    """With the code of the page, and nothing is sent."""
    desk.disables("siem")
    if body.get("since") == "NOW":
        body = body | {"since": since(desk, hours=1)}
    assert outcome(desk.asks(events.replay_events, body)) == expected
    assert desk.outgoing.queue.sent == []


def test_a_receiver_that_there_is_not_cannot_be_enabled(desk: Desk) -> None:
    """The attempt stays in the trail."""
    assert outcome(desk.asks(events.enable_receiver, {"note": NOTE}, name="nobody")) == (404, "endpoint_not_found")
    assert desk.trail[-1][2] == "endpoint_not_found"


@pytest.mark.parametrize("function", SCHEMAS.values())
def test_where_no_events_go_out_each_says_so(desk: Desk, function: Function) -> None:
    """And the trail is asked for nothing that is only read."""
    object.__setattr__(desk.here.fakes, "outgoing", None)
    body = None if function is events.list_receivers else {"note": NOTE}
    body = body | {"since": since(desk, hours=1)} if function is events.replay_events and body else body
    assert outcome(desk.asks(function, body)) == (409, "events_off")


@pytest.mark.parametrize("function", SCHEMAS.values())
def test_only_an_administrator_may(desk: Desk, function: Function) -> None:
    """Every other role is refused before anything is looked at."""
    operations = {Operation.LIST_RECEIVERS, Operation.ENABLE_RECEIVER, Operation.REPLAY_EVENTS}
    assert {NEEDED[operation] for operation in operations} == {Role.ADMIN}
    others = " ".join(role.value for role in Role if role is not Role.ADMIN)
    assert outcome(desk.asks(function, {"note": NOTE}, others)) == (403, "role_missing")


def test_nothing_is_replayed_that_cannot_be_written_down(desk: Desk) -> None:
    """The trail comes first."""
    desk.here.fakes.audit.fail_next("add", StorageBusyError("down"))
    answer = desk.asks(events.replay_events, {"since": since(desk, days=1), "note": NOTE})
    assert outcome(answer) == (503, "storage_busy")
    assert desk.outgoing.queue.sent == []
