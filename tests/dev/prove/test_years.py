"""The proof of the years, in short lives: it finds nothing in the app, and finds wrong variants."""

import pytest

from dev.prove.daily_run import figures
from dev.prove.years.proof import MOST_LIVES, caught_at, live

DENSE = 120  # days
CAUGHT_SOON = (  # one of each theme; the command runs all
    "holds are not asked",
    "delete before retain",
    "an unknown class is nobody",
    "only the newest case holds",
    "rules of an older version are no law",
    "the guard is not asked again behind the decision",
    "a late chunk goes by a decision before it",
    "entries of the quarantine stay",
    "the voice stays in the second destination",
)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_goes_too_early_and_nothing_stays_too_long(seed: int) -> None:
    """Rules, holds, erasures, late chunks, bundles, other versions, deaths and a second worker, mixed by the seed."""
    life = live(seed, DENSE)
    assert life.violations == []
    assert life.counts["versions destroyed"] > 0


@pytest.mark.parametrize("name", CAUGHT_SOON)
def test_a_wrong_decision_is_caught(name: str) -> None:
    """A proof that cannot fail proves nothing."""
    assert caught_at(name, MOST_LIVES, DENSE) is not None


def test_a_day_of_many_costs_two_requests_a_page() -> None:
    """The walk reads a page of recordings and one range of holds, and saves where it is."""
    _, requests = figures(5_000)
    assert requests <= 5 * 3 + 2
