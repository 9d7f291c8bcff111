"""Whose a recording is, and who reaches it: every way of belonging, and every way of not."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.incoming.named import recordings_named
from recording.domain.incoming.roles import Operation, Principal, read_principal
from recording.domain.incoming.tenants import (
    WHOLE_ARCHIVE,
    Scope,
    Tenants,
    may,
    owner_after_tagging,
    owner_at_start,
    owner_elsewhere,
    scope_of,
)
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.settings.values import tenants as read_tenants

FX, EQ, APP = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "abc")
DOCUMENT: dict[str, Any] = {
    "tag": "desk",
    "seeAll": {"roles": ["Archive.All"]},
    "tenants": [
        {"name": "fx", "groups": [FX.upper()], "roles": ["Desk.Fx"], "apps": [APP], "tagValues": ["fx", "forex"]},
        {"name": "eq", "groups": [EQ], "tagValues": ["eq"]},
    ],
}
TENANTS = Tenants.model_validate(DOCUMENT)
NAMES = st.sampled_from(["fx", "eq", "other"]) | st.none()
SCOPES = st.none() | st.frozensets(st.sampled_from(["fx", "eq", "other"]), min_size=1).map(Scope)


def principal(*claims: tuple[str, str]) -> Principal:
    """A caller, read from the header as App Service writes it."""
    document = {"claims": [{"typ": kind, "val": value} for kind, value in claims]}
    return read_principal(base64.b64encode(json.dumps(document).encode()).decode())


@pytest.mark.parametrize(
    ("claims", "reached"),
    [
        ([("groups", FX)], {"fx"}),
        ([("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", FX)], {"fx"}),
        ([("groups", FX), ("groups", EQ)], {"fx", "eq"}),
        ([("roles", "Desk.Fx"), ("hasgroups", "true")], {"fx"}),
        ([("roles", "Archive.All"), ("groups", FX)], None),
        ([("idtyp", "app"), ("appid", APP)], {"fx"}),
        ([("oid", "1"), ("sub", "1"), ("azp", APP.upper())], {"fx"}),
    ],
)
def test_members_are_known_by_group_role_or_application(
    claims: list[tuple[str, str]], reached: set[str] | None
) -> None:
    """A role also serves those whose groups do not fit into a token."""
    found = scope_of(principal(*claims), TENANTS)
    assert (None if found is None else set(found.tenants)) == reached


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([], Code.TENANT_MISSING),
        ([("groups", APP)], Code.TENANT_MISSING),
        ([("roles", FX)], Code.TENANT_MISSING),
        ([("roles", "desk.fx")], Code.TENANT_MISSING),
        ([("oid", FX)], Code.TENANT_MISSING),
        ([("appid", APP), ("scp", "user_impersonation"), ("oid", "1"), ("sub", "1")], Code.TENANT_MISSING),
        ([("appid", APP), ("oid", "1"), ("sub", "2")], Code.TENANT_MISSING),
        ([("appid", APP), ("idtyp", "user"), ("oid", "1"), ("sub", "1")], Code.TENANT_MISSING),
        ([("appid", APP)], Code.TENANT_MISSING),
        ([("hasgroups", "true")], Code.GROUPS_LEFT_OUT),
        ([("_claim_names", '{"groups": "src1"}')], Code.GROUPS_LEFT_OUT),
        ([("_claim_names", '{"groups": "src1"}'), ("groups", APP)], Code.GROUPS_LEFT_OUT),
    ],
)
def test_whoever_is_not_known_to_belong_does_not(claims: list[tuple[str, str]], code: Code) -> None:
    """A person who uses an application is not the application; groups that are left out are not guessed."""
    with pytest.raises(RequestError) as refused:
        scope_of(principal(*claims), TENANTS)
    assert refused.value.code is code


@given(SCOPES, NAMES, st.sampled_from(Operation))
def test_a_caller_may_do_what_is_within_the_scope(
    scope: Scope | None, tenant: str | None, operation: Operation
) -> None:
    """Nobody's recording is within no scope; the whole archive is for those without one."""
    expected = scope is None or (tenant is not None and tenant in scope.tenants and operation not in WHOLE_ARCHIVE)
    assert may(scope, tenant, operation) is expected


@pytest.mark.parametrize(
    ("scope", "tags", "owner"),
    [
        (None, {}, None),
        (None, {"desk": "forex"}, "fx"),
        (None, {"desk": "?"}, None),
        ({"fx"}, {}, "fx"),
        ({"fx"}, {"desk": "fx"}, "fx"),
        ({"fx", "eq"}, {"desk": "eq"}, "eq"),
    ],
)
def test_what_is_started_belongs_to_the_callers_tenant(
    scope: set[str] | None, tags: dict[str, str], owner: str | None
) -> None:
    """The tag says which, where there are several."""
    assert owner_at_start(TENANTS, Scope(frozenset(scope)) if scope else None, tags) == owner
    assert owner_at_start(None, None, tags) is None


@pytest.mark.parametrize(("scope", "desk"), [({"fx"}, "eq"), ({"fx"}, "?"), ({"fx", "eq"}, "?"), ({"fx", "eq"}, None)])
def test_a_start_for_another_tenant_is_refused_like_one_for_none(scope: set[str], desk: str | None) -> None:
    """Which values there are is not told."""
    with pytest.raises(RequestError) as refused:
        owner_at_start(TENANTS, Scope(frozenset(scope)), {} if desk is None else {"desk": desk})
    assert refused.value.code is Code.TENANT_NOT_TOLD
    assert str(refused.value) == "the tag desk must name a tenant of the caller"


def test_a_tag_gives_away_what_is_nobodys_and_moves_nothing() -> None:
    """Once it belongs to somebody it stays there."""
    assert owner_after_tagging(TENANTS, None, {"desk": "eq"}) == "eq"
    assert owner_after_tagging(TENANTS, None, {"desk": "?"}) is None
    assert owner_after_tagging(TENANTS, "fx", {}) == "fx"
    assert owner_after_tagging(TENANTS, "fx", {"desk": "forex"}) == "fx"
    assert owner_after_tagging(None, None, {"desk": "fx"}) is None
    for desk in ("eq", "?"):
        with pytest.raises(RequestError) as refused:
            owner_after_tagging(TENANTS, "fx", {"desk": desk})
        assert refused.value.code is Code.TENANT_FIXED


def test_what_was_started_elsewhere_is_nobodys_unless_a_rule_says_whose() -> None:
    """And what belongs to somebody stays there."""
    ruled = Tenants.model_validate({**DOCUMENT, "startedElsewhere": "eq"})
    assert owner_elsewhere(None, None) is owner_elsewhere(TENANTS, None) is None
    assert owner_elsewhere(ruled, None) == "eq"
    assert owner_elsewhere(ruled, "fx") == "fx"


@pytest.mark.parametrize(
    "change",
    [
        {"tenants": []},
        {"tenants": [{"name": "Fx"}]},
        {"tenants": [{"name": "fx"}, {"name": "fx"}]},
        {"tenants": [{"name": "fx", "groups": ["traders"]}]},
        {"tenants": [{"name": "fx", "tagValues": ["a"]}, {"name": "eq", "tagValues": ["a"]}]},
        {"tag": None},
        {"startedElsewhere": "other"},
        {"seeall": {}},
        {"tenants": [{"name": f"t{number}"} for number in range(51)]},
    ],
    ids=str,
)
def test_a_document_with_a_fault_is_refused_without_being_repeated(change: dict[str, Any]) -> None:
    """A tenant that is meant otherwise than it is read would be a hole."""
    with pytest.raises(ValueError, match=r"^has tenants with a fault at ") as refused:
        read_tenants(json.dumps({**DOCUMENT, **change}))
    assert FX not in str(refused.value)


@pytest.mark.parametrize("text", ["", "fx", "[]", '"fx"', "1", "null"])
def test_what_is_no_document_is_refused(text: str) -> None:
    """At the start, with the setting's name."""
    with pytest.raises(ValueError, match="tenants"):
        read_tenants(text)


SUBJECT = "/recording/call/c/serverCallId/s/recordingId/rec-1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (json.dumps({"subject": SUBJECT}), {"rec-1"}),
        (json.dumps([{"Subject": SUBJECT}, {"subject": SUBJECT.replace("rec-1", "rec-2")}]), {"rec-1", "rec-2"}),
        (json.dumps({"subject": SUBJECT, "data": {"recordingId": "rec-3"}}), {"rec-1", "rec-3"}),
        (json.dumps({"recording_id": "rec-1", "index": 0}), {"rec-1"}),
        (json.dumps(json.dumps({"subject": SUBJECT})), {"rec-1"}),
        (json.dumps([{"subject": SUBJECT}, {}]), None),
        (json.dumps({"subject": SUBJECT}) + "rest", None),
        (json.dumps({"recording_id": 1}), None),
        (json.dumps({"recording_id": "a b"}), None),
        ("", None),
        ("[]", None),
        ("[1]", None),
    ],
)
def test_a_message_is_about_all_the_recordings_that_it_names(text: str, named: set[str] | None) -> None:
    """One part that names none, and it is nobody's: it may be about anybody."""
    assert recordings_named(text) == (None if named is None else frozenset(named))


@given(
    st.text()
    | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(
        json.dumps
    )
)
def test_no_text_makes_reading_fail(text: str) -> None:
    """Whatever was refused is in the quarantine."""
    recordings_named(text)
