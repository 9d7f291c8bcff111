"""The proof of the policies of calls, in few lives: it finds nothing in the app, and finds each wrong guard."""

from datetime import timedelta

import pytest

from dev.prove.forgotten_pause import forgotten_pause
from dev.prove.guarded_lives import live
from dev.prove.guarded_policies import POLICIES
from dev.prove.tags_and_ends import judged
from dev.prove.wrong_guards import MOST_SEEDS, OF_TAGS, VARIANTS, caught_at, order_that_catches

STEPS = 4


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(3))
def test_every_policy_holds_through_deaths_duplicates_and_wrong_clocks(policy: str, seed: int) -> None:
    """Consent, pauses, what must be recorded, the longest recording, and how many run at once."""
    life = live(seed, policy)
    assert life.violations == []
    assert life.counts["starts"] > 0


@pytest.mark.parametrize("name", VARIANTS)
def test_a_wrong_guard_is_caught(name: str) -> None:
    """A proof that cannot fail proves nothing."""
    assert caught_at(name, MOST_SEEDS) is not None


def test_the_forgotten_pause_of_sixty_restarts_ends() -> None:
    """As soon as one worker lives long enough, and not before its time."""
    assert timedelta() <= forgotten_pause(60) < timedelta(minutes=61 + 5)


def test_each_order_of_tags_and_an_end_has_its_alarm() -> None:
    orders, wrong = judged(STEPS)
    assert orders > 400
    assert wrong == []


@pytest.mark.parametrize("name", OF_TAGS)
def test_a_wrong_rule_of_tags_is_caught(name: str) -> None:
    assert order_that_catches(name, STEPS) is not None
