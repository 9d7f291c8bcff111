"""Find within a scope equals a plain list that is filtered by tenant, and reads no row of another."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.world import World, world
from recording.control.tenants import scoped
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.tenants import Scope
from recording.domain.state.records import changed
from recording.library.directory import find
from recording.library.follow_up import follow_up_message
from tests.unit.library.corpus import ask, put, queries, truths
from tests.unit.library.reference import Truth, reference

pytestmark = pytest.mark.slow

NAMES = ("fx", "eq", "ops")
OWNERS = st.sampled_from([*NAMES, None])
SCOPES = st.frozensets(st.sampled_from(NAMES), min_size=1).map(Scope)
OWNED = st.lists(st.tuples(truths(), OWNERS), max_size=25)


def fill(owned: list[tuple[Truth, str | None]]) -> tuple[World, dict[str, tuple[Truth, str | None]]]:
    """A world in which these recordings belong to these tenants, and can be found."""
    here, known = world(), {one.recording_id: (one, owner) for one, owner in owned}
    for one, owner in known.values():
        put(here, one)
        here.fakes.catalog.save_recording(changed(here.fakes.catalog.recordings[one.recording_id], tenant=owner))
        follow_up_message(ask(one.recording_id), here.ports)
    return here, known


def walk(here: World, scope: Scope | None, query: dict[str, Any], limit: int) -> list[str]:
    """All that a query finds within a scope, page by page."""
    seen: list[str] = []
    token: str | None = ""
    for _ in range(500):
        going_on = {"next": token} if token else {}
        asked = FindQuery.read({**query, "limit": limit, **going_on})
        page = find(asked, scoped(here.ports, scope), here.settings)
        seen += [one.recording.recording_id for one in page.items]
        token = page.next
        if token is None:
            return seen
    raise AssertionError("the pages have no end")


@settings(max_examples=60, deadline=None)
@given(OWNED, SCOPES, st.lists(queries(), min_size=1, max_size=5), st.integers(1, 7))
def test_find_within_a_scope_equals_the_list_of_its_recordings(
    owned: list[tuple[Truth, str | None]], scope: Scope, asked: list[dict[str, Any]], limit: int
) -> None:
    """None too many, none too few, in the right order; and those who see all see all."""
    here, known = fill(owned)
    own = [one for one, owner in known.values() if owner in scope.tenants]
    for query in asked:
        assert walk(here, scope, query, limit) == reference(own, query), query
        assert walk(here, None, query, limit) == reference([one for one, _ in known.values()], query), query


@settings(max_examples=30, deadline=None)
@given(OWNED, SCOPES, queries(), st.integers(1, 7))
def test_a_page_is_the_same_whatever_others_have(
    owned: list[tuple[Truth, str | None]], scope: Scope, query: dict[str, Any], limit: int
) -> None:
    """Items, token and the number of rows read: nothing of an answer, and nothing of its cost, tells of them."""

    def first_page(here: World) -> tuple[Any, ...]:
        here.fakes.directory.rows_read = 0
        here.fakes.catalog.calls.clear()
        page = find(FindQuery.read({**query, "limit": limit}), scoped(here.ports, scope), here.settings)
        found = [one.recording.recording_id for one in page.items]
        return found, page.next, here.fakes.directory.rows_read, list(here.fakes.catalog.calls)

    here, known = fill(owned)
    alone, _ = fill([pair for pair in known.values() if pair[1] in scope.tenants])
    assert first_page(here) == first_page(alone)


def test_a_tenant_among_thousands_of_others_rows_reads_its_own() -> None:
    """One recording in the same call, with the same person, as hundreds of another tenant."""
    one = Truth("rec-own", world().now, "call-a", "archived", participants=("8:acs:res_ben",))
    others = [(replace(one, recording_id=f"rec-{number}"), "eq") for number in range(400)]
    here, _ = fill([*others, (one, "fx")])
    for query in ({}, {"call": "call-a"}, {"participant": "8:acs:res_ben"}, {"state": "archived"}):
        here.fakes.directory.rows_read = 0
        assert walk(here, Scope(frozenset({"fx"})), query, 50) == ["rec-own"]
        assert here.fakes.directory.rows_read == 1


def test_without_a_tenant_the_directory_has_the_rows_that_it_had() -> None:
    """Nothing is added for those who have no tenants."""
    here, _ = fill([(Truth("rec-1", world().now, "call-a", "archived"), None)])
    assert not [partition for partition, _ in here.fakes.directory.rows if partition.startswith("o!")]
