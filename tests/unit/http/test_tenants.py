"""Tenants × operations × doors: what another tenant has is not told apart from what does not exist.

Each request is made twice: in an archive that the other tenant fills, and in one in which it never did anything.
Status, headers and body must be the same, and so must what was asked of ACS and of storage on the way. The cells are
held against the list of routes: a new route without a cell fails.
"""

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
import yaml

from dev.in_memory.builders import task
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World, world
from recording import wiring
from recording.cli.__main__ import main
from recording.control.tenants import scoped
from recording.domain.archived.exports import state_name
from recording.domain.incoming.roles import Operation
from recording.domain.incoming.tenants import WHOLE_ARCHIVE, Scope
from recording.domain.outgoing.delivery import WayHealth
from recording.http.console import ROUTES
from tests.unit.cli.test_every_command import COMMANDS
from tests.unit.http.tenants_world import (
    ALL,
    ALPHA,
    BETA,
    CANARY,
    PERSON,
    TENANTS,
    Known,
    asked,
    console_asked,
    content,
    empty,
    fill,
    functions,
)

YEAR = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
EVIDENCE = {
    "step": "given",
    "basis": "spoken",
    "reference": "1",
    "capturedAt": "2026-11-23T08:59:00Z",
    "capturedBy": "ivr",
}
NOTE = "because it is so"
SINCE = "2026-11-23T00:00:00Z"
RANDOM = re.compile(r"[0-9a-f]{32}")
UNSCOPED = {  # reached by names that a scoped port gave, or by nothing of a recording
    *("archive", "external", "fallback", "source", "clock", "jitter", "custodian", "seal"),
    *("follow_ups", "guards", "derived", "links", "pool", "start_counts", "running"),
}
OPEN = {"health", "console", "console_api"}  # no data; the console's own routes have cells of their own
WHOLE = {"deep_health", "get_retention_rules", "set_retention_rules"}


@dataclass(frozen=True)
class Ask:
    """One request about a tenant's things; `is_item`: it names one thing, which must not exist for others."""

    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    is_item: bool = True
    is_there: bool = True  # the owner is answered otherwise
    number: int = 1


Cell = Callable[[Known], list[Ask]]


def _of_recording(method: str = "GET", body: Any = None, **headers: str) -> Cell:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda of: [Ask({"recordingId": of.recording}, body, {}, named, method)]


def _of_running(body: Any = None) -> Cell:
    return lambda of: [Ask({"recordingId": of.running}, body, method="POST")]


def _of_chunk(*methods: str, **query: str) -> Cell:
    ranged = {"Range": "bytes=0-99"}
    return lambda of: [
        Ask({"recordingId": of.recording, "index": "0"}, None, query, ranged, method) for method in methods
    ]


def _holding(method: str) -> Cell:
    return lambda of: [Ask({"recordingId": of.recording, "case": of.case}, {"reason": NOTE}, method=method)]


def _held(of: Known) -> list[Ask]:
    chosen = [{"id": of.held}, {"recordingId": of.recording}, {"id": of.entry}]
    return [Ask(query=one) for one in chosen] + [Ask(is_item=False), Ask(query={"top": "1"}, is_item=False)]


def _redriving(of: Known) -> list[Ask]:
    chosen = [{"id": of.held}, {"recordingId": of.recording}, {"id": of.entry}, {"id": of.held, "dryRun": True}]
    return [Ask(body=one, method="POST") for one in chosen] + [
        Ask(body={"all": True, "dryRun": dry}, method="POST", is_item=False) for dry in (True, False)
    ]


def _deciding(of: Known) -> list[Ask]:
    chosen = [{"id": of.held}, {"recordingId": of.recording}, {"id": of.entry}]
    return [Ask(body={**one, "note": NOTE}, method="POST") for one in chosen]


def _queries(of: Known) -> list[dict[str, str]]:
    word = CANARY if of.name == BETA else of.name
    asked_for = [{"call": of.call}, {"call": f"call-{word}"}, {"tag": f"case:{word}"}, {"participant": PERSON}]
    return [{}, *asked_for, {"state": "held"}, {"state": "recording"}, {"limit": "1"}, {"number": PERSON[2:]}, YEAR]


CELLS: dict[str, Cell] = {
    "start_recording": lambda of: [
        Ask(body={"serverCallId": f"{of.call}bmV3", "tags": {"desk": f"desk-{of.name}"}}, method="POST")
    ],
    "get_recording": lambda of: [Ask({"recordingId": one}) for one in (of.recording, of.running)],
    "find_recordings": lambda of: [Ask(query=one, is_item=False) for one in _queries(of)],
    "search_recordings": lambda of: [
        Ask(body={**one, **({"limit": 1} if "limit" in one else {})}, method="POST", is_item=False)
        for one in _queries(of)
    ],
    "recording_timeline": _of_recording(),
    "chunk_media": _of_chunk("GET", "HEAD"),
    "chunk_peaks": _of_chunk("GET"),
    "derive_recording": _of_recording("POST", {"kind": "joined"}),
    "list_derived": _of_recording(),
    "derived_media": lambda of: [
        Ask({"recordingId": of.recording, "derivedId": of.derived}, headers={"Range": "bytes=0-99"}, method=method)
        for method in ("GET", "HEAD")
    ],
    "tag_recording": _of_recording("PATCH", {"tags": {"a": "b"}}, If_Match="*"),
    "hold_recording": _holding("PUT"),
    "release_recording": _holding("DELETE"),
    "list_recordings_on_hold": lambda _: [Ask(is_item=False), Ask(query={"limit": "1"}, is_item=False)],
    "recording_disposition": _of_recording(),
    "list_disposition": lambda _: [Ask(query={"before": "2099-01-01T00:00:00Z"}, is_item=False)],
    "request_erasure": lambda of: [
        Ask(body={"recordings": [of.recording], "reason": NOTE}, method="POST"),
        Ask(body={"participant": PERSON, "reason": NOTE}, method="POST", is_item=False),
    ],
    "approve_erasure": lambda of: [Ask({"erasureId": of.erasure}, method="POST", number=2)],
    "get_erasure": lambda of: [Ask({"erasureId": of.erasure})],
    "pause_recording": lambda of: [
        Ask({"recordingId": of.running}, body, method="POST") for body in (None, {"maxSeconds": 60})
    ],
    "resume_recording": _of_running(),
    "stop_recording": _of_running(),
    "recording_vcon": _of_recording(),
    "request_export": lambda of: [
        Ask(body={"recordings": [of.recording]}, method="POST"),
        Ask(body={"tag": f"case:{CANARY if of.name == BETA else of.name}"}, method="POST"),
        Ask(body={"participant": PERSON}, method="POST", is_item=False),
    ],
    "get_export": lambda of: [Ask({"exportId": of.export})],
    "tell_consent": lambda of: [
        Ask({"recordingId": of.running}, body, method="POST") for body in (EVIDENCE, {"step": "withdrawn"})
    ],
    "report_pauses": lambda _: [Ask(query={**YEAR, "format": kind}, is_item=False) for kind in ("json", "csv")],
    "list_receivers": lambda _: [Ask(is_item=False)],
    "enable_receiver": lambda of: [Ask({"name": f"hook-{of.name}"}, {"note": NOTE}, method="POST")],
    "replay_events": lambda of: [
        Ask(body={"since": SINCE, "note": NOTE}, method="POST", is_item=False),
        Ask(body={"since": SINCE, "recordingId": of.recording, "note": NOTE}, method="POST", is_item=False),
        Ask(body={"since": SINCE, "receivers": [f"hook-{of.name}"], "note": NOTE}, method="POST"),
    ],
    "list_held": _held,
    "redrive_held": _redriving,
    "accept_held": lambda of: [Ask(body={"id": of.held, "note": NOTE}, method="POST")],
    "dismiss_held": _deciding,
    "retry_held": _deciding,
}
SAME_AS = {  # the console's routes by the function that answers behind a key as well
    ("GET", "recordings"): "find_recordings",
    ("POST", "recordings/search"): "search_recordings",
    ("POST", "recordings/csv"): "search_recordings",
    ("GET", "recordings/{recordingId}"): "get_recording",
    ("PATCH", "recordings/{recordingId}"): "tag_recording",
    ("GET", "recordings/{recordingId}/timeline"): "recording_timeline",
    ("GET", "recordings/{recordingId}/chunks/{index}/media"): "chunk_media",
    ("GET", "recordings/{recordingId}/chunks/{index}/channels/{channel}"): "chunk_media",
    ("GET", "recordings/{recordingId}/chunks/{index}/peaks"): "chunk_peaks",
    ("POST", "recordings/{recordingId}/derived"): "derive_recording",
    ("GET", "recordings/{recordingId}/derived"): "list_derived",
    ("GET", "recordings/{recordingId}/derived/{derivedId}/media"): "derived_media",
    ("PUT", "recordings/{recordingId}/holds/{case}"): "hold_recording",
    ("DELETE", "recordings/{recordingId}/holds/{case}"): "release_recording",
    ("GET", "recordings/{recordingId}/disposition"): "recording_disposition",
    ("GET", "recordings/{recordingId}/vcon"): "recording_vcon",
    ("POST", "exports"): "request_export",
    ("GET", "exports/{exportId}"): "get_export",
    ("GET", "holds"): "list_recordings_on_hold",
    ("GET", "disposition"): "list_disposition",
    ("POST", "erasures"): "request_erasure",
    ("POST", "erasures/{erasureId}/approve"): "approve_erasure",
    ("GET", "erasures/{erasureId}"): "get_erasure",
    ("GET", "events/receivers"): "list_receivers",
    ("POST", "events/receivers/{name}/enable"): "enable_receiver",
    ("POST", "events/replay"): "replay_events",
    ("GET", "held"): "list_held",
}
CONSOLE_CELLS: dict[tuple[str, str], Cell] = {
    **{route: CELLS[name] for route, name in SAME_AS.items()},
    ("POST", "recordings/{recordingId}/verify"): lambda of: [
        Ask({"recordingId": of.recording}, body, method="POST") for body in (None, {"first": 1})
    ],
    ("GET", "now"): lambda _: [Ask(query={"from": "2026-11-23T00:00:00Z"}, is_item=False)],
    ("GET", "audit"): lambda of: [
        Ask(query={"recording": of.recording}, is_item=False),
        Ask(query={"recording": of.running}, is_item=False),
        Ask(is_item=False),
        Ask(query={"from": YEAR["from"]}, is_item=False),
    ],
    ("POST", "recordings/{recordingId}/chunks/{index}/link"): lambda of: [
        Ask({"recordingId": of.recording, "index": "0"}, {}, method="POST", is_there=False)
    ],
    ("GET", "held/{id*}/media"): lambda of: [Ask({"id*": of.held}, headers={"Range": "bytes=0-99"}, is_there=False)],
    ("GET", "erasures"): lambda _: [Ask(is_item=False)],
    ("GET", "exports"): lambda _: [Ask(is_item=False)],
    ("GET", "exports/{exportId}/bundle"): lambda of: [
        Ask({"exportId": of.export}, headers=headers) for headers in ({"Range": "bytes=0-99"}, {})
    ],
    ("GET", "recordings/{recordingId}/certificate"): lambda of: [Ask({"recordingId": of.recording}, is_there=False)],
    **{
        ("POST", f"held/{{id*}}/{act}"): lambda of: [
            Ask({"id*": one}, {"note": NOTE}, method="POST") for one in (of.held, of.entry)
        ]
        for act in ("retry", "dismiss")
    },
}
CONSOLE_CELLS["POST", "held/{id*}/accept"] = lambda of: [Ask({"id*": of.held}, {"note": NOTE}, method="POST")]
CONSOLE_OPEN = {("GET", "me")}
CONSOLE_WHOLE = {("GET", "retention/rules"), ("GET", "health")}
_ROUTES = {(route.method, route.path): route for route in ROUTES}


# --- the two archives ------------------------------------------------------------------------------------------------


_entered: list[World] = []


@pytest.fixture(autouse=True)
def _real_wiring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "dependencies", lambda: (_entered[-1].ports, _entered[-1].settings))


def enter(here: World) -> World:
    """Let the functions work in this world from now on."""
    _entered[:] = [here]
    return here


def worlds() -> tuple[World, World, Known, Known]:
    """An archive with two tenants, one in which the second never did anything, and what there is of each."""
    with_both = enter(empty())
    alpha, beta = fill(with_both, ALPHA), fill(with_both, BETA)
    alone = enter(empty())
    own = fill(alone, ALPHA)
    assert (own.recording, own.running) == (alpha.recording, alpha.running)
    return with_both, alone, beta, alpha


def through_key(name: str) -> Callable[[World, Ask, str], func.HttpResponse]:
    """The door that a function key opens."""

    def ask(here: World, one: Ask, who: str) -> func.HttpResponse:
        enter(here)
        return asked(
            name, who, one.path, one.body, one.query, headers=one.headers, method=one.method, number=one.number
        )

    return ask


def through_console(route: tuple[str, str]) -> Callable[[World, Ask, str], func.HttpResponse]:
    """The console's door."""

    def ask(here: World, one: Ask, who: str) -> func.HttpResponse:
        path = route[1].replace("{channel}", "0")
        for name, value in one.path.items():
            path = path.replace(f"{{{name}}}", value.replace("/", "%2F") if name == "id*" else value)
        return console_asked(here, route[0], path, who, one.body, one.query, one.headers)

    return ask


def shown(answer: func.HttpResponse) -> tuple[int, dict[str, str], str]:
    """All of an answer that a caller can see; ids that were made just now are not compared."""
    headers = {name: RANDOM.sub("*", value) for name, value in answer.headers.items()}
    return answer.status_code, headers, RANDOM.sub("*", answer.get_body().decode(errors="replace"))


def outcome(answer: func.HttpResponse) -> tuple[int, str | None]:
    is_problem = answer.mimetype == "application/problem+json"
    return answer.status_code, content(answer).get("code") if is_problem else None


def canaries(beta: Known, ask: Ask) -> list[str]:
    """Words that give the second tenant away, but for those that the request itself holds."""
    words = [CANARY, beta.recording, beta.running, beta.call, beta.export, beta.erasure, beta.document(0), "-beta"]
    said = json.dumps([dict(ask.path), ask.body, dict(ask.query)])
    return [word for word in words if word not in said]


class Heard(logging.Handler):
    """Everything that is logged, as text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{self.format(record)} {vars(record)}")


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def calls(here: World) -> dict[str, list[str]]:
    """What was asked of ACS and of storage."""
    names = ("control", "archive", "catalog", "keeping", "directory", "audit")
    return {name: list(getattr(here.fakes, name).calls) for name in names}


def forget_calls(here: World) -> None:
    for name in ("control", "archive", "catalog", "keeping", "directory", "audit"):
        getattr(here.fakes, name).calls.clear()


def check(cell: Cell, ask: Callable[[World, Ask, str], func.HttpResponse], heard: Heard) -> None:
    """Hold a cell's requests about the other tenant's things against an archive without that tenant."""
    count = len(cell(Known(BETA)))
    for number in range(count):
        with_both, alone, beta, _ = worlds()
        one = cell(beta)[number]
        forget_calls(with_both)
        forget_calls(alone)
        heard.said.clear()
        answer, without = ask(with_both, one, ALPHA), ask(alone, one, ALPHA)
        assert shown(answer) == shown(without), one
        leaks = [
            word for word in canaries(beta, one) for text in [*map(str, shown(answer)), *heard.said] if word in text
        ]
        assert not leaks, one
        if one.is_item:
            assert 400 <= answer.status_code < 500, one
            assert answer.status_code != 403, one
            before, after = calls(with_both), calls(alone)
            assert before["control"] == after["control"] == []
            assert before["archive"] == after["archive"]
            if "held" not in json.dumps(one.query) and "note" not in json.dumps(one.body):
                assert before == after, one
        fresh, _, _, mine = worlds()
        own = cell(mine)[number]
        seen = ask(fresh, own, ALPHA)
        if one.is_item and one.is_there:
            assert outcome(seen) != outcome(answer), f"{own}: the owner is answered like a stranger"
        elif not one.is_item:
            assert seen.status_code < 300, own


@pytest.mark.parametrize("name", sorted(CELLS))
def test_no_function_tells_another_tenants_things_from_nothing(name: str, heard: Heard) -> None:
    """Find, hear, control, tag, hold, export, erase, held: behind a key."""
    check(CELLS[name], through_key(name), heard)


@pytest.mark.parametrize("route", sorted(CONSOLE_CELLS), ids=" ".join)
def test_no_console_route_tells_another_tenants_things_from_nothing(route: tuple[str, str], heard: Heard) -> None:
    """The same by the console's own routes."""
    check(CONSOLE_CELLS[route], through_console(route), heard)


def test_every_route_has_a_rule_for_tenants() -> None:
    """A new route must say what it does across tenants before it can be added."""
    assert set(CELLS) | OPEN | WHOLE == set(functions())
    assert set(CONSOLE_CELLS) | CONSOLE_OPEN | CONSOLE_WHOLE == set(_ROUTES)


def test_every_port_is_scoped_or_known_to_need_no_scope() -> None:
    """A new port that shows recordings would be a hole in the wall."""
    here = empty()
    whole = replace(here.ports, dead_letters=FakeDeadLetters(), audit_eraser=here.fakes.audit)
    seen = scoped(whole, Scope(frozenset({ALPHA})))
    same = {one.name for one in fields(whole) if getattr(seen, one.name) is getattr(whole, one.name)}
    assert same - {name for name in same if getattr(whole, name) is None} <= UNSCOPED


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_what_is_about_the_whole_archive_is_refused_to_one_tenant(name: str) -> None:
    """A rule of retention may delete everybody's; those who see all may ask."""
    enter(empty())
    answer = asked(name, ALPHA, body={"note": "x", "rules": []}, headers={"If-Match": "*"})
    assert outcome(answer) == (403, "whole_archive_only")
    seen = asked(name, ALL, body={"note": "x", "rules": []}, headers={"If-Match": "*"})
    assert outcome(seen)[1] != "whole_archive_only"


@pytest.mark.parametrize("route", sorted(CONSOLE_WHOLE), ids=" ".join)
def test_the_console_refuses_it_as_well(route: tuple[str, str]) -> None:
    """By its own routes."""
    here = enter(empty())
    assert outcome(console_asked(here, *route, ALPHA)) == (403, "whole_archive_only")
    assert _ROUTES[route].operation in WHOLE_ARCHIVE


# --- what is not a question of one request ---------------------------------------------------------------------------


def test_the_refusal_of_a_second_recording_names_only_an_own_one() -> None:
    """ACS itself refuses; whose recording is in the way is not told."""
    here, _, beta, alpha = worlds()
    enter(here)
    refused = asked("start_recording", ALPHA, body={"serverCallId": f"{beta.call}cg=="}, method="POST")
    assert outcome(refused) == (409, "already_recording")
    assert "recordingId" not in content(refused)
    own = asked("start_recording", ALPHA, body={"serverCallId": f"{alpha.call}cg=="}, method="POST")
    assert content(own)["recordingId"] == alpha.running


def test_an_idempotency_key_of_another_tenant_is_free() -> None:
    """Else it would hand out a recording, or say that the key was used."""
    here = enter(empty())
    key, body = {"Idempotency-Key": "monday"}, {"serverCallId": "Y2FsbA=="}
    first = asked("start_recording", BETA, body=body, headers=key, method="POST")
    del here.fakes.control.states[content(first)["recordingId"]]
    second = asked("start_recording", ALPHA, body=body, headers=key, method="POST")
    assert second.status_code == 201
    assert content(second)["recordingId"] != content(first)["recordingId"]
    again = asked("start_recording", ALPHA, body=body, headers=key, method="POST")
    assert content(again)["recordingId"] == content(second)["recordingId"]


def test_the_next_page_of_one_tenant_is_none_of_another() -> None:
    """A token holds a position; one that was passed on must not become a way in, or an oracle."""
    here = enter(empty())
    fill(here, ALPHA)
    fill(here, BETA)
    page = content(asked("find_recordings", BETA, query={"limit": "1"}))
    assert page["next"]
    for who in (ALPHA, ALL):
        answer = asked("find_recordings", who, query={"limit": "1", "next": page["next"]})
        assert outcome(answer) == (400, "invalid_next")


def test_an_export_and_an_erasure_of_one_person_take_only_the_tenants_own() -> None:
    """The same caller rang both; and whoever sees all and approves must not widen what was asked for."""
    here, _, beta, alpha = worlds()
    enter(here)
    told = content(asked("request_export", ALPHA, body={"participant": PERSON}, method="POST"))
    stored = here.ports.exports.store.get(state_name(told["exportId"]))
    assert json.loads(stored[0])["recordings"] == [alpha.recording]
    approved = content(asked("approve_erasure", ALL, {"erasureId": alpha.erasure}, method="POST"))
    assert [one["recordingId"] for one in approved["recordings"]] == [alpha.recording]
    assert not here.fakes.keeping.rows[beta.recording].claims


def test_who_asks_for_anothers_recording_leaves_a_row_in_nobodys_story() -> None:
    """The attempt is evidence for those who see all; the other tenant does not learn who tried."""
    here, _, beta, _ = worlds()
    enter(here)
    asked("stop_recording", ALPHA, {"recordingId": beta.running}, method="POST")
    story = json.dumps(content(asked("recording_timeline", BETA, {"recordingId": beta.running})))
    assert "-alpha" not in story
    rows = [
        row for row in here.fakes.audit.written if row.caller == "00000001-alpha" and row.operation == "stop_recording"
    ]
    assert [(row.recording_id, beta.running in (row.note or "")) for row in rows] == [(None, True)] * 2


def test_who_sees_all_sees_both_and_what_is_nobodys() -> None:
    """Recordings started elsewhere belong to nobody."""
    here, _, beta, alpha = worlds()
    enter(here)
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    found = {one["recordingId"] for one in content(asked("find_recordings", ALL))["recordings"]}
    assert {alpha.recording, alpha.running, beta.recording, beta.running} < found
    assert len(found) == 5
    for who in (ALPHA, BETA):
        assert len(content(asked("find_recordings", who))["recordings"]) == 2


@pytest.mark.parametrize("tenant", [None, ALPHA, BETA])
def test_a_receiver_of_events_that_fails_is_shown_to_whom_it_belongs(tenant: str | None) -> None:
    """Who sees all sees each that is down; a tenant's administrator sees the one that is bound to the tenant."""
    here = enter(empty())
    outgoing = here.reports_to(FakeWay("hook", tenant=tenant))
    outgoing.outbox.save_health(WayHealth(way="hook", disabled_at=here.now))
    kinds = {who: [one["kind"] for one in content(asked("list_held", who))["attention"]] for who in (ALPHA, BETA, ALL)}
    assert kinds == {who: ["endpoint_failing"] if who in (tenant, ALL) else [] for who in kinds}


def test_a_tag_gives_away_what_is_nobodys_once_and_for_all() -> None:
    """By those who see all; later the tag cannot say something else, whoever asks."""
    here = enter(empty())
    here.holds(task())
    here.announces()
    here.runs_due()
    (recording_id,) = here.fakes.catalog.recordings
    path, any_tags = {"recordingId": recording_id}, {"If-Match": "*"}

    def tag(who: str, **tags: str | None) -> tuple[int, str | None]:
        return outcome(asked("tag_recording", who, path, {"tags": tags}, headers=any_tags, method="PATCH"))

    assert tag(ALPHA, desk="desk-alpha") == (404, "recording_not_found")
    assert tag(ALL, desk="desk-alpha") == (200, None)
    here.follows_up()
    assert asked("get_recording", ALPHA, path).status_code == 200
    assert len(content(asked("find_recordings", ALPHA))["recordings"]) == 1
    assert tag(ALL, desk="desk-beta") == tag(ALPHA, desk="desk-beta") == tag(ALPHA, desk="?") == (409, "tenant_fixed")
    assert tag(ALPHA, desk=None) == (200, None)
    assert asked("get_recording", BETA, path).status_code == 404


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([], "tenant_missing"),
        ([("groups", "dddddddd-0000-4000-8000-000000000004")], "tenant_missing"),
        ([("hasgroups", "true")], "groups_left_out"),
        ([("_claim_names", '{"groups":"src1"}')], "groups_left_out"),
    ],
)
def test_who_belongs_to_no_tenant_gets_nothing(claims: list[tuple[str, str]], code: str) -> None:
    """Also when the token leaves the groups out: what is not said is not taken for granted."""
    enter(empty())
    told = [{"typ": kind, "val": value} for kind, value in [("roles", "Recording.Admin"), *claims]]
    header = base64.b64encode(json.dumps({"claims": told}).encode()).decode()
    for name in CELLS:
        request = func.HttpRequest("POST", "https://x/api", headers={"X-MS-CLIENT-PRINCIPAL": header}, body=b"{}")
        assert outcome(functions()[name](request)) == (403, code), name


def test_a_key_alone_opens_nothing_where_there_are_tenants() -> None:
    """Nobody vouches for who shows it."""
    enter(world(tenants=TENANTS))
    for name in CELLS:
        assert outcome(asked(name, ALPHA, body={})) == (401, "not_signed_in"), name


# --- what has no route of its own ------------------------------------------------------------------------------------


# Each command reads storage itself, by a role in Azure, and shows everything to whoever has it (docs/security.md).
BY_STORAGE = frozenset(
    {
        *(
            "accept",
            "approve",
            "dismiss",
            "doctor",
            "drift",
            "erase",
            "explain",
            "find",
            "get",
            "hold",
            "holds",
            "import",
        ),
        *("list", "ls", "rebuild", "redrive", "reindex", "release", "retry", "rules", "show", "status", "tag", "trail"),
        *("vcon", "verify", "derived list", "derived make", "events enable", "events replay", "events status"),
        *("export get", "export show", "export start", "seal accept-differences", "seal accept-end", "seal audit"),
        *("seal catch-up", "seal get", "seal status", "seal verify"),
    }
)
BY_COMMAND_ALONE = {Operation.IMPORT, Operation.REBUILD, Operation.REINDEX, Operation.CATCH_UP_SEAL}
BY_QUEUE = {Operation.EXPORT}  # of a bundle that was asked for within a tenant (`as_owner`)
WITHIN = {Operation.READ_AUDIT}  # the console's `audit`, asked without a recording


def test_every_command_has_a_rule_for_tenants() -> None:
    """A new command must say what it does across tenants, as a new route must."""
    assert set(COMMANDS) == BY_STORAGE
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text("utf-8")
    assert "reaches storage directly: the command line" in page


@pytest.mark.parametrize("command", ["find", "ls", "holds", "trail"])
def test_the_command_line_shows_what_all_tenants_have(command: str) -> None:
    """So nobody takes it for a way that is safe to give to one of them."""
    here, _, beta, alpha = worlds()
    said: list[str] = []
    main((command, "-o", "json"), lambda: (here.ports, here.settings), said.append, lambda _: FakeProbe())
    for known in (alpha, beta):
        assert any(known.recording in line for line in said), known.name


def test_every_operation_of_a_role_is_in_the_matrix() -> None:
    """By its function, by a route of the console, or on a list that says why it has neither."""
    by_function = {name for name in {*CELLS, *WHOLE} if name in set(Operation)}
    by_console = {str(_ROUTES[route].operation) for route in {*CONSOLE_CELLS, *CONSOLE_WHOLE}}
    assert by_function | by_console | {str(one) for one in BY_COMMAND_ALONE | BY_QUEUE | WITHIN} == {
        str(one) for one in Operation
    }


def test_every_published_operation_is_in_the_matrix() -> None:
    """The OpenAPI document is what others see: each of its operations is a cell, or open to all without data."""
    document = yaml.safe_load((Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text("utf-8"))
    methods = {"get", "put", "post", "patch", "delete", "head"}
    published = {
        told["operationId"] for path in document["paths"].values() for method, told in path.items() if method in methods
    }
    assert published
    assert {name for one in published if (name := one.removesuffix("_head")) not in {*CELLS, *WHOLE, *OPEN}} == set()
