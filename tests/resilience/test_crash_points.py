"""Crash points, orders and outages: short forms of what `python -m dev prove` runs in full."""

import pytest

from dev.prove import crashes, orders, outages
from dev.prove.crashes import PLANS, Plan, Trouble
from dev.prove.simulation import one_thread

SMALL = [plan for plan in PLANS if plan.name != "second destination"]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_trouble_at_any_port_call_changes_nothing_in_the_end(plan: Plan) -> None:
    """All points of the small plans, every fifth of the large one."""
    with one_thread():
        calm = crashes.live(plan)
        points = list(crashes.single_points(plan))[:: 1 if plan in SMALL else 5]
        wrong = {point: found for point in points if (found := crashes.differences(plan, calm.picture, point))}
    assert calm.violations == []
    assert wrong == {}


@pytest.mark.parametrize("plan", SMALL, ids=lambda plan: plan.name)
def test_two_deaths_change_nothing_in_the_end(plan: Plan) -> None:
    """Every fortieth pair; the command runs all."""
    with one_thread():
        calm = crashes.live(plan)
        some = list(crashes.pairs(plan))[::40]
        wrong = {pair: found for pair in some if (found := crashes.differences(plan, calm.picture, *pair))}
    assert wrong == {}


def test_a_life_with_trouble_is_really_another_life() -> None:
    """A death that nobody dies proves nothing."""
    with one_thread():
        plan = PLANS[0]
        calm = crashes.live(plan).calls
        assert calm > 20
        assert all(crashes.live(plan, (call, Trouble.DEATH_BEFORE)).calls > calm for call in range(5, calm, 5))


@pytest.mark.parametrize("way", orders.WAYS)
def test_the_order_of_deliveries_does_not_matter(way: str) -> None:
    """Every twenty-first order; the command runs all 5,040."""
    with one_thread():
        calm = orders.live(orders.ORDERS[0], orders.WAYS[0], 0)
        numbers = range(0, len(orders.ORDERS), 21)
        wrong = [number for number in numbers if orders.live(orders.ORDERS[number], way, number) != calm]
    assert len(calm["chunks"]) == orders.EVENTS
    assert wrong == []


@pytest.mark.parametrize("hours", outages.HOURS)
@pytest.mark.parametrize("part", outages.PARTS)
def test_an_outage_loses_nothing_in_a_day_and_surprises_nobody_after_it(part: str, hours: float) -> None:
    """Each part alone, for hours, with the clock moved."""
    with one_thread(is_silent=False):
        lived = [outages.Outage(part, hours, seed).run() for seed in range(2)]
    assert [one.untold for one in lived if one.untold] == []
    assert sum(one.lost for one in lived) == 0 or hours > outages.DAY
    assert sum(one.lost for one in lived) > 0 or hours < outages.DAY, "an outage that hurts nobody proves nothing"
