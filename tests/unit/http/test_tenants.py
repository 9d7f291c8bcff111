"""Tenants × operations × delivery paths: what another tenant has is not told apart from what does not exist.

Each request is made twice: in an archive that the other tenant fills, and in one in which it never did anything.
Status, headers and body must be the same, and so must what was asked of ACS and of storage on the way. The cells
(`tenants_cells`) are held against the list of routes: a new route without a cell fails.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import azure.functions as func
import pytest
import yaml

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World
from recording import wiring
from recording.cli.__main__ import main
from recording.control.tenants import scoped
from recording.domain.incoming.roles import Operation
from recording.domain.incoming.tenants import WHOLE_ARCHIVE, Scope
from recording.http.console import ROUTES
from tests.unit.cli.every_command import COMMANDS
from tests.unit.http.tenants_cells import CELLS, CONSOLE_CELLS, CONSOLE_OPEN, CONSOLE_WHOLE, OPEN, WHOLE, Ask, Cell
from tests.unit.http.tenants_world import (
    ALL,
    ALPHA,
    BETA,
    CANARY,
    Known,
    asked,
    console_asked,
    empty,
    enter,
    entered,
    functions,
    outcome,
    worlds,
)

pytestmark = pytest.mark.slow

RANDOM = re.compile(r"[0-9a-f]{32}")
UNSCOPED = {  # reached by names that a scoped port gave, or by nothing of a recording
    *("archive", "external", "fallback", "source", "clock", "jitter", "custodian", "seal"),
    *("follow_ups", "guards", "derived", "links", "pool", "start_counts", "running"),
}
_ROUTES = {(route.method, route.path): route for route in ROUTES}


@pytest.fixture(autouse=True)
def _real_wiring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "dependencies", lambda: (entered[-1].ports, entered[-1].settings))


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
