"""The proof of the years, in short lives: it finds nothing in the app, and finds each wrong variant."""

import pytest

from dev.prove.years import VARIANTS, caught_at, figures, live

SHORT = 500  # days


@pytest.mark.parametrize("seed", range(3))
def test_nothing_goes_too_early_and_nothing_stays_too_long(seed: int) -> None:
    """Rules, holds, erasures, late chunks, deaths and a second worker, mixed by the seed."""
    life = live(seed, SHORT)
    assert life.violations == []
    assert life.counts["versions destroyed"] > 0


@pytest.mark.parametrize("name", VARIANTS)
def test_a_wrong_decision_is_caught(name: str) -> None:
    """A proof that cannot fail proves nothing."""
    assert caught_at(name, 12, SHORT) is not None


def test_a_day_of_many_costs_two_requests_a_page() -> None:
    """The walk reads a page of recordings and one range of holds, and saves where it is."""
    _, requests = figures(5_000)
    assert requests <= 5 * 3 + 2
