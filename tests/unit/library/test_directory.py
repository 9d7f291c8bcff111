"""Find equals a plain list: every filter, every page boundary, while inserts, tags and deaths go on."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.world import WorkerDiedError, World, world
from recording.domain.find.find_query import FindQuery, FindState
from recording.domain.formats import FormatType
from recording.library.directory import MOST_READS, FoundPage, find
from recording.library.follow_up import follow_up_message
from tests.repo.docs.openapi import API
from tests.unit.library.corpus import FILTERS, FIND_STATES, FORMATS, ask, put, queries, retag, tags, truths
from tests.unit.library.reference import STATES, Truth, reference

pytestmark = pytest.mark.slow

QUICK = settings(max_examples=60, deadline=None)


def page_of(here: World, query: dict[str, Any], limit: int, token: str | None) -> FoundPage:
    """Return the page that a token goes on with."""
    going_on = {"next": token} if token else {}
    return find(FindQuery.read({**query, "limit": limit, **going_on}), here.ports, here.settings)


def walk(here: World, query: dict[str, Any], limit: int) -> list[str]:
    """Return all that a query finds, page by page."""
    seen: list[str] = []
    token: str | None = ""
    for _ in range(500):
        page = page_of(here, query, limit, token)
        assert len(page.items) <= limit
        seen += [one.recording.recording_id for one in page.items]
        token = page.next
        if token is None:
            return seen
    raise AssertionError("the pages have no end")


def catches_up(here: World, corpus: dict[str, Truth]) -> None:
    """Every follow-up is delivered."""
    here.fakes.directory.die_after = None
    for recording_id in corpus:
        follow_up_message(ask(recording_id), here.ports)


@QUICK
@given(st.lists(truths(), max_size=25), st.lists(queries(), min_size=1, max_size=6), st.integers(1, 7))
def test_find_equals_truth_for_every_filter_and_page_size(
    corpus: list[Truth], asked: list[dict[str, Any]], limit: int
) -> None:
    """No recording too many, none too few, in the right order, whatever the page."""
    here = world()
    known = {one.recording_id: one for one in corpus}
    for one in known.values():
        put(here, one)
    catches_up(here, known)
    for query in asked:
        assert walk(here, query, limit) == reference(list(known.values()), query), query


@QUICK
@given(st.data())
def test_a_walk_is_whole_while_inserts_tags_and_deaths_go_on(data: st.DataObject) -> None:
    """What fulfils the query all the time is seen once; what never does is never seen; in the end all is as it is."""
    here = world()
    known = {one.recording_id: one for one in data.draw(st.lists(truths(), min_size=3, max_size=15))}
    for one in known.values():
        put(here, one)
    catches_up(here, known)
    query, limit = data.draw(queries()), data.draw(st.integers(1, 4))
    always = sometimes = set(reference(list(known.values()), query))
    seen: list[str] = []
    token: str | None = ""
    for _ in range(400):
        here.fakes.directory.empty_pages = data.draw(st.integers(0, 2))
        page = page_of(here, query, limit, token)
        seen += [one.recording.recording_id for one in page.items]
        token = page.next
        if token is None:
            break
        _something_happens(data, here, known)
        now = set(reference(list(known.values()), query))
        always, sometimes = always & now, sometimes | now
    assert token is None
    assert len(seen) == len(set(seen))
    assert always <= set(seen) <= sometimes
    catches_up(here, known)
    assert walk(here, query, limit) == reference(list(known.values()), query)


def _something_happens(data: st.DataObject, here: World, known: dict[str, Truth]) -> None:
    """A recording is added, or tags change; its follow-up is late, dies on the way, or is done."""
    if data.draw(st.booleans()):
        one = data.draw(truths().filter(lambda new: new.recording_id not in known))
        put(here, one)
    else:
        one = retag(here, known[data.draw(st.sampled_from(sorted(known)))], data.draw(tags()))
    known[one.recording_id] = one
    here.fakes.directory.die_after = data.draw(st.none() | st.integers(0, 12))
    here.fakes.directory.death = WorkerDiedError()
    if data.draw(st.booleans()):
        with suppress(WorkerDiedError):
            follow_up_message(ask(one.recording_id), here.ports)


def documented(place: str) -> set[str]:
    """Return the filters that the contract documents, as parameters or in a body."""
    if place == "parameters":
        return {one["name"] for one in API["paths"]["/recordings"]["get"]["parameters"]}
    return set(API["components"]["schemas"]["FindQuery"]["properties"])


def test_no_filter_that_there_is_is_left_out_of_these_corpora() -> None:
    """A new one must be generated, and be in the plain list; else what follows proves nothing about it."""
    paging = {"limit", "next"}
    fields = {field.alias or name for name, field in FindQuery.model_fields.items()}
    assert documented("parameters") == documented("body") == fields
    assert set(FILTERS) == fields - paging
    one = Truth("rec-1", world().now, "call-a", "archived")
    for name in FILTERS:
        reference([one], {name: (world().now.isoformat() if name in ("from", "to") else "x")})
    assert set(FIND_STATES) == set(FindState) == set(API["components"]["schemas"]["FindState"]["enum"])
    assert set(FORMATS) == set(FormatType)
    assert set().union(*STATES.values()) == set(FIND_STATES)


def test_a_selective_state_reads_few_rows_among_many() -> None:
    """Ten held recordings among thousands are found in one request."""
    here = world()
    known = {}
    for number in range(600):
        kind = "held" if number % 200 == 7 else "archived"
        known[f"rec-{number}"] = Truth(f"rec-{number}", here.now, "call-a", kind)
        put(here, known[f"rec-{number}"])
    catches_up(here, known)
    here.fakes.directory.rows_read = 0
    assert walk(here, {"state": "held"}, 50) == reference(list(known.values()), {"state": "held"})
    assert here.fakes.directory.rows_read == 3


def test_a_request_ends_though_the_directory_answers_nothing_but_empty_pages() -> None:
    """The service may look through much and find nothing; the caller gets an empty page and goes on."""
    here = world()
    put(here, Truth("rec-1", here.now, "call-a", "archived"))
    catches_up(here, {"rec-1": Truth("rec-1", here.now, "call-a", "archived")})
    here.fakes.directory.empty_pages = MOST_READS + 3
    page = find(FindQuery(), here.ports, here.settings)
    assert page.items == ()
    assert page.next is not None
    page = find(FindQuery(next=page.next), here.ports, here.settings)
    assert [one.recording.recording_id for one in page.items] == ["rec-1"]


def test_a_query_that_fits_little_does_a_bounded_amount_of_work() -> None:
    """Archived recordings of one format among thousands of another."""
    here = world()
    known = {}
    for number in range(1500):
        known[f"rec-{number}"] = Truth(f"rec-{number}", here.now, "call-a", "archived", tags={"case": str(number % 3)})
        put(here, known[f"rec-{number}"])
    catches_up(here, known)
    here.fakes.catalog.calls.clear()
    page = find(FindQuery.read({"call": "call-a", "state": "incomplete"}), here.ports, here.settings)
    assert page.items == ()
    assert page.next is not None
    assert here.fakes.catalog.calls.count("get_recordings") <= 12
    assert walk(here, {"call": "call-a", "tag": "case:1"}, 200) == reference(
        list(known.values()), {"call": "call-a", "tag": "case:1"}
    )
