"""The doctor looks at tenants: what is legal and rarely meant is a warning, and names no id."""

from typing import Any

import pytest

from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import world
from recording.domain.incoming.tenants import Tenants
from recording.operate.doctor import CHECKS
from recording.operate.doctor.findings import Finding, State, run_check

FX, EQ = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
GOOD: dict[str, Any] = {
    "tag": "desk",
    "seeAll": {"roles": ["Archive.All"]},
    "tenants": [
        {"name": "fx", "groups": [FX], "tagValues": ["fx"]},
        {"name": "eq", "groups": [EQ], "tagValues": ["eq"]},
    ],
}


def looked_at(document: dict[str, Any] | None, *, platform_auth: bool = True) -> Finding:
    """What the doctor finds with this setting."""
    tenants = None if document is None else Tenants.model_validate(document)
    here = world(platform_auth=platform_auth, tenants=tenants)
    return run_check("tenants", lambda: CHECKS["tenants"](here.ports, here.settings, FakeProbe()))


def test_without_tenants_there_is_nothing_to_look_at() -> None:
    """The default."""
    assert looked_at(None) == Finding("tenants", State.OK, "none: everyone with a role sees everything")


def test_tenants_with_members_of_their_own_are_fine() -> None:
    """And the finding says how many there are."""
    assert looked_at(GOOD) == Finding("tenants", State.OK, "2 tenants, each with members of its own")


def test_tenants_without_sign_in_are_a_fault() -> None:
    """Nobody gets in."""
    assert looked_at(GOOD, platform_auth=False).state is State.FAILED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tenants": [{"name": "fx", "tagValues": ["fx"]}]}, "fx has no members"),
        ({"seeAll": {}}, "no role or group sees all"),
        ({"tenants": [{**one, "groups": [FX]} for one in GOOD["tenants"]]}, "several of fx, eq"),
        ({"tenants": [{"name": "fx", "groups": [FX]}, {"name": "eq", "groups": [FX]}], "tag": None}, "start nothing"),
        ({"tenants": [{"name": "fx", "groups": [FX]}]}, "no value of the tag stands for fx"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_rarely_meant_is_a_warning(change: dict[str, Any], said: str) -> None:
    """By the names of tenants."""
    found = looked_at({**GOOD, **change})
    assert found.state is State.WARNING
    assert said in found.found
    assert FX not in found.found
