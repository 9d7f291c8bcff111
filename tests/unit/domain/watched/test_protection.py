"""Protection of the archive's account: as deployed it is quiet, and each thing that is taken away is named."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.watched.protection import LEAST_SOFT_DELETE, Immutability, Protection, faults_of, told_of

AS_DEPLOYED = Protection(
    has_versions=True,
    soft_delete_days=14,
    container_soft_delete_days=14,
    immutability=Immutability.UNLOCKED,
    immutability_days=7,
)


def test_what_infra_deploys_is_well_protected() -> None:
    """Locked afterwards is more than what was asked for."""
    assert list(faults_of(AS_DEPLOYED, Immutability.UNLOCKED)) == []
    assert list(faults_of(replace(AS_DEPLOYED, immutability=Immutability.LOCKED), Immutability.UNLOCKED)) == []
    told = "versions; deletes undone for 14 days; immutable for 7 days (unlocked); nothing deletes recordings"
    assert told_of(AS_DEPLOYED) == told


@pytest.mark.parametrize(
    ("less", "word"),
    [
        ({"has_versions": False}, "versions"),
        ({"soft_delete_days": None}, "blob"),
        ({"soft_delete_days": 6}, "blob"),
        ({"container_soft_delete_days": None}, "container"),
        ({"immutability": Immutability.OFF}, "immutability is Off, not Unlocked"),
        ({"deletes": (("tidy", 30.0),)}, "tidy deletes after 30 days"),
    ],
)
def test_each_thing_that_is_missing_is_named_alone(less: dict[str, Any], word: str) -> None:
    """Whoever reads it knows what to look for."""
    (fault,) = faults_of(replace(AS_DEPLOYED, **less), Immutability.UNLOCKED)
    assert word in fault


def test_each_rule_that_deletes_is_a_fault_however_late() -> None:
    """It knows no hold, and would take what somebody was forbidden to destroy."""
    both = replace(AS_DEPLOYED, deletes=(("rule", 365.0), ("other", 36_500.0)))
    assert [fault.split()[3] for fault in faults_of(both, None)] == ["rule", "other"]


def test_nobody_said_which_policy_is_no_fault() -> None:
    """An account of the customer's own."""
    assert list(faults_of(replace(AS_DEPLOYED, immutability=Immutability.OFF), None)) == []


@given(
    st.builds(
        Protection,
        has_versions=st.booleans(),
        soft_delete_days=st.none() | st.integers(0, 400),
        container_soft_delete_days=st.none() | st.integers(0, 400),
        immutability=st.sampled_from(Immutability),
        immutability_days=st.none() | st.integers(1, 400),
    ),
    st.sampled_from(Immutability),
)
def test_the_weakest_thing_counts(found: Protection, expected: Immutability) -> None:
    """Quiet means: all of it is there."""
    is_quiet = not list(faults_of(found, expected))
    order = list(Immutability)
    assert is_quiet == (
        found.has_versions
        and (found.soft_delete_days or 0) >= LEAST_SOFT_DELETE
        and (found.container_soft_delete_days or 0) >= LEAST_SOFT_DELETE
        and order.index(found.immutability) >= order.index(expected)
    )
