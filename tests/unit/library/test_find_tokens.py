"""The token of a page is opaque, and bound to its query, its scope and the key: any other one is refused."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dev.in_memory.world import World, world
from recording.control.tenants import scoped
from recording.domain.find.find_query import FindQuery, position_in, token_of
from recording.domain.find.index_keys import IndexKey, IndexKeys
from recording.domain.incoming.tenants import Scope, Tenant
from recording.domain.state.records import changed
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.library.directory import FoundPage, find
from recording.library.follow_up import follow_up_message
from tests.unit.library.corpus import BASE, FILTERS, ask, put, queries
from tests.unit.library.reference import Truth

NEWER, OLDER = b"a newer key of the tests, 32 bytes", b"a key of the tests, 32 bytes long"
KEYS = IndexKeys((IndexKey(OLDER),))
POSITION = "8204736000000-rec-017"


def many(count: int = 12, tenant: str | None = None) -> World:
    """A world in which so many recordings are found."""
    here = world()
    for number in range(count):
        one = Truth(f"rec-{number:03d}", BASE, "call-a", "archived", participants=("8:acs:res_ben",))
        put(here, one)
        if tenant is not None:
            here.fakes.catalog.save_recording(changed(here.fakes.catalog.recordings[one.recording_id], tenant=tenant))
        follow_up_message(ask(one.recording_id), here.ports)
    return here


def page(here: World, scope: Scope | None = None, **query: Any) -> FoundPage:
    return find(FindQuery.read(query), scoped(here.ports, scope), here.settings)


def refused(query: dict[str, Any], token: str, keys: IndexKeys = KEYS) -> None:
    """Assert that a token does not go on with this query, and that the answer says what to do."""
    with pytest.raises(RequestError) as raised:
        position_in(FindQuery.read({**query, "next": token}), keys)
    assert raised.value.code is Code.INVALID_NEXT
    assert "without it" in str(raised.value)
    assert len(token) < 20 or token not in str(raised.value)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(queries(), queries(), st.integers(1, 200), st.integers(1, 200))
def test_a_token_goes_on_with_its_own_query_only(
    own: dict[str, Any], other: dict[str, Any], limit: int, size: int
) -> None:
    """Another filter, one less, one more, another value: rows would be left out unnoticed. A page's size may change."""
    token = token_of(POSITION, FindQuery.read({**own, "limit": limit}), KEYS)
    assert position_in(FindQuery.read({**own, "limit": size, "next": token}), KEYS) == POSITION
    if FindQuery.read(own) != FindQuery.read(other):
        refused(other, token)


@pytest.mark.parametrize("name", sorted(FILTERS))
@given(st.data())
@settings(max_examples=10, deadline=None)
def test_every_filter_is_bound(name: str, data: st.DataObject) -> None:
    """One that was left out of the signature could be changed between two pages."""
    value, another = data.draw(FILTERS[name]), data.draw(FILTERS[name])
    token = token_of(POSITION, FindQuery.read({name: value}), KEYS)
    refused({}, token)
    if FindQuery.read({name: value}) != FindQuery.read({name: another}):
        refused({name: another}, token)
    refused({name: value}, token_of(POSITION, FindQuery.read({}), KEYS))


def test_a_token_that_was_cut_lengthened_or_altered_anywhere_is_refused() -> None:
    """Every length, every bit, other alphabets, and bytes behind the end."""
    query = {"call": "call-a"}
    token = token_of(POSITION, FindQuery.read(query), KEYS)
    for length in range(1, len(token)):
        refused(query, token[:length])
        refused(query, token[length:])
    raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_")
    for at in range(len(raw)):
        for bit in range(8):
            changed_raw = bytes((*raw[:at], raw[at] ^ 1 << bit, *raw[at + 1 :]))
            refused(query, base64.urlsafe_b64encode(changed_raw).decode().rstrip("="))
    for odd in (
        f"{token}AA",
        f"{token}\n",
        f" {token}",
        f"{token}%3D",
        token.swapcase(),
        token[::-1],
        f"{token}.{token}",
    ):
        refused(query, odd)


@given(st.binary(min_size=1, max_size=700) | st.just(b""), st.text(min_size=1, max_size=60))
def test_whatever_is_sent_as_a_token_is_refused_and_never_an_error(raw: bytes, text: str) -> None:
    """A caller may send anything."""
    for token in (base64.urlsafe_b64encode(raw).decode() or "x", text):
        refused({}, token[:2048])


def test_after_a_change_of_the_key_a_token_lives_as_long_as_its_key() -> None:
    """With both keys it goes on; once the old one is dropped, the walk begins anew, and no row of it is answered."""
    here = many()
    token = page(here, limit=3).next
    here.fakes.index_keys.secrets[:] = [NEWER, OLDER]
    going_on = page(here, limit=3, next=token)
    assert [one.recording.recording_id for one in going_on.items] == ["rec-003", "rec-004", "rec-005"]
    here.fakes.index_keys.secrets[:] = [NEWER]
    with pytest.raises(RequestError) as raised:
        page(here, limit=3, next=token)
    assert raised.value.code is Code.INVALID_NEXT
    assert page(here, limit=3, next=going_on.next).items == page(here, limit=9).items[6:9]


@pytest.mark.parametrize("other", [None, Scope(frozenset({"eq"})), Scope(frozenset({"eq", "fx"})), Scope(frozenset())])
def test_a_token_of_another_scope_is_refused(other: Scope | None) -> None:
    """Those who see all, another tenant, one more tenant: what one was given opens nothing for the other."""
    here, own = many(tenant="fx"), Scope(frozenset({"fx"}))
    ours = page(here, own, limit=3).next
    assert ours is not None
    assert page(here, own, limit=3, next=ours).items
    with pytest.raises(RequestError) as raised:
        page(here, other, limit=3, next=ours)
    assert raised.value.code is Code.INVALID_NEXT
    theirs = page(here, other, limit=3).next
    if theirs is not None:
        with pytest.raises(RequestError):
            page(here, own, limit=3, next=theirs)


@pytest.mark.parametrize("name", ["fx,eq", "fx\0", "", "FX", "fx eq"])
def test_names_of_tenants_do_not_run_into_each_other(name: str) -> None:
    """A scope's mark is its names with commas: no name holds one."""
    with pytest.raises(ValidationError):
        Tenant(name=name)


@pytest.mark.parametrize("content", [POSITION.encode(), b'{"after":"rec-017"}', b"rec-017", b">", b""])
def test_what_an_older_form_would_have_been_is_refused(content: bytes) -> None:
    """Without the mark in front, as JSON, with another signature: only what this form signs goes on."""
    for signed in (KEYS.current.signature(content), b"\0" * 16, KEYS.current.signature(b">" + content)):
        refused({}, base64.urlsafe_b64encode(signed + content).decode().rstrip("=") or "x")


def test_a_token_tells_nothing_of_the_query() -> None:
    """It stands in addresses and logs."""
    query = FindQuery.read({"participant": "8:acs:res_Ann", "number": "+493012345678", "tag": "case:1"})
    raw = base64.b64decode(token_of(POSITION, query, KEYS) + "==", altchars=b"-_")
    for secret in (b"res_", b"493012345678", b"2345678", b"case"):
        assert secret not in raw.lower()
