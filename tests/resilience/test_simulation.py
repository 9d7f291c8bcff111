"""The simulation's short form: the promise holds in many lives, and wrong variants of the product do not survive it."""

import pytest

from dev.prove.simulation import live, silent_log
from dev.prove.wrong_variants import VARIANTS, Variant, is_caught

SEEDS = 120  # more than any wrong variant needs to be caught; `make prove` lives the same and 380 more
AT_ONCE = 20


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_life_breaks_the_promise(first: int) -> None:
    """Faults at a quarter of all port calls, deaths, rival workers, pauses, lies: `python -m dev prove` runs more."""
    with silent_log():
        lives = [live(seed) for seed in range(first, first + AT_ONCE)]
    assert [(life.seed, life.violations) for life in lives if life.violations] == []
    assert sum(life.counts["deletes"] for life in lives) > 0, "a witness that saw nothing proves nothing"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_wrong_variant_is_caught(variant: Variant) -> None:
    """A proof that nothing can fail is none."""
    assert is_caught(variant, 100)


def test_a_seed_is_the_same_life_each_time() -> None:
    """A replay that shows something else helps nobody."""
    with silent_log():
        first, second = live(17), live(17)
    assert (first.counts, first.catalog) == (second.counts, second.catalog)
