"""Tenants through bad days: no life shows one what is another's, and every wrong variant is caught."""

import pytest

from dev.prove.tenants import WRONG, live

LIVES = range(80)


@pytest.mark.parametrize("first", range(0, len(LIVES), 20))
def test_no_life_shows_a_tenant_what_is_anothers(first: int) -> None:
    """Deaths at every write of a start, events twice and first, differing clocks, a lost catalog."""
    for seed in LIVES[first : first + 20]:
        live(seed)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variant_is_caught(name: str) -> None:
    """A simulation that passes these would prove nothing."""
    with WRONG[name]():
        for seed in LIVES:
            try:
                live(seed)
            except AssertionError:
                return
    raise AssertionError("no life has caught it")
