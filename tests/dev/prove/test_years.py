"""The proof of the years, in short lives: it finds nothing in the app, and finds wrong variants."""

import pytest

from dev.prove.daily_run import figures
from dev.prove.years.proof import caught_at, live
from dev.prove.years.variants import VARIANTS

DENSE = 120  # days
CAUGHT_SOON = (
    *list(VARIANTS)[:5:2],
    "a late chunk goes by a decision before it",
)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_goes_too_early_and_nothing_stays_too_long(seed: int) -> None:
    """Rules, holds, erasures, late chunks, bundles, other versions, deaths and a second worker, mixed by the seed."""
    life = live(seed, DENSE)
    assert life.violations == []
    assert life.counts["versions destroyed"] > 0


@pytest.mark.parametrize("name", [*list(VARIANTS)[:5:2], "a late chunk goes by a decision before it"])
def test_a_wrong_decision_is_caught(name: str) -> None:
    """A proof that cannot fail proves nothing."""
    assert caught_at(name, 8, DENSE) is not None


def test_a_day_of_many_costs_two_requests_a_page() -> None:
    """The walk reads a page of recordings and one range of holds, and saves where it is."""
    _, requests = figures(5_000)
    assert requests <= 5 * 3 + 2
