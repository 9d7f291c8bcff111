"""Protection of the archive's account: as deployed it is quiet, and each thing that is taken away is named."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.watched.protection import LEAST_SOFT_DELETE, Immutability, Protection, faults_of, told_of

AS_DEPLOYED = Protection(
    has_versions=True,
    soft_delete_days=30,
    container_soft_delete_days=30,
    immutability=Immutability.UNLOCKED,
    immutability_days=30,
)


def test_what_infra_deploys_is_well_protected() -> None:
    """Locked afterwards is more than what was asked for."""
    assert list(faults_of(AS_DEPLOYED, None, Immutability.UNLOCKED)) == []
    assert list(faults_of(replace(AS_DEPLOYED, immutability=Immutability.LOCKED), None, Immutability.UNLOCKED)) == []
    told = "versions; deletes undone for 30 days; immutable for 30 days (unlocked); nothing deletes recordings"
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
    (fault,) = faults_of(replace(AS_DEPLOYED, **less), None, Immutability.UNLOCKED)
    assert word in fault


def test_a_rule_that_deletes_as_agreed_is_no_fault_and_its_absence_is_one() -> None:
    """Law may ask for both: no earlier, and no later."""
    after = timedelta(days=365)
    assert list(faults_of(replace(AS_DEPLOYED, deletes=(("rule", 365.0),)), after, None)) == []
    assert len(list(faults_of(replace(AS_DEPLOYED, deletes=(("rule", 364.0),)), after, None))) == 1
    assert len(list(faults_of(AS_DEPLOYED, after, None))) == 1


def test_nobody_said_which_policy_is_no_fault() -> None:
    """An account of the customer's own."""
    assert list(faults_of(replace(AS_DEPLOYED, immutability=Immutability.OFF), None, None)) == []


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
    is_quiet = not list(faults_of(found, None, expected))
    order = list(Immutability)
    assert is_quiet == (
        found.has_versions
        and (found.soft_delete_days or 0) >= LEAST_SOFT_DELETE
        and (found.container_soft_delete_days or 0) >= LEAST_SOFT_DELETE
        and order.index(found.immutability) >= order.index(expected)
    )
