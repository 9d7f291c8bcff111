"""Crash points, orders and outages: short forms of what `python -m dev prove` runs in full."""

import itertools
from typing import Any

import pytest

from dev.in_memory.world import intercept, leave_alone
from dev.prove import crashes, orders, outages
from dev.prove.crashes import PLANS, Plan, Trouble
from dev.prove.picture import picture
from dev.prove.simulation import silent_log
from dev.prove.wrong_ends import CAUGHT_BY, Wrongly
from recording.errors import SourceBusyError, StorageBusyError

LARGE = {"second destination": 5, "six files of one event": 20}  # one point in so many; the command runs all
SMALL = [plan for plan in PLANS if plan.name not in LARGE]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_trouble_at_any_port_call_changes_nothing_in_the_end(plan: Plan) -> None:
    """All points of the small plans, and some of the large ones."""
    with silent_log():
        calm = crashes.live(plan)
        points = list(crashes.single_points(plan))[:: LARGE.get(plan.name, 1)]
        wrong = {point: found for point in points if (found := crashes.differences(plan, calm.picture, point))}
    assert calm.violations == []
    assert wrong == {}


@pytest.mark.parametrize("plan", SMALL, ids=lambda plan: plan.name)
def test_two_deaths_change_nothing_in_the_end(plan: Plan) -> None:
    """Every fortieth pair; the command runs all."""
    with silent_log():
        calm = crashes.live(plan)
        some = list(crashes.pairs(plan))[::40]
        wrong = {pair: found for pair in some if (found := crashes.differences(plan, calm.picture, *pair))}
    assert wrong == {}


def test_a_life_with_trouble_is_really_another_life() -> None:
    """A death that nobody dies proves nothing."""
    with silent_log():
        plan = PLANS[0]
        calm = crashes.live(plan).calls
        assert calm > 20
        assert all(crashes.live(plan, (call, Trouble.DEATH_BEFORE)).calls > calm for call in range(5, calm, 5))


@pytest.mark.parametrize("failure", [SourceBusyError("busy"), StorageBusyError("busy")], ids=["source", "storage"])
def test_a_lasting_outage_that_begins_at_any_call_changes_nothing_in_the_end(failure: Exception) -> None:
    """From the n-th call on one side answers nothing for two hours; then all is well again."""
    ports = ("FakeSource", "WitnessedSource") if isinstance(failure, SourceBusyError) else ("FakeArchive",)
    with silent_log():
        calm = crashes.live(PLANS[0])
        ends = [_end_of_an_outage(call, ports, failure) for call in range(1, calm.calls + 1)]
    assert ends == [calm.picture] * calm.calls


def _end_of_an_outage(begins: int, ports: tuple[str, ...], failure: Exception) -> dict[str, Any]:
    here, counter = PLANS[0].build(), itertools.count(1)
    intercept(here, lambda port, _method: (failure if next(counter) >= begins and port in ports else None, False))
    PLANS[0].arrive(here)
    here.runs(hours=2)
    leave_alone(here)
    here.runs(hours=5)
    return picture(here)


@pytest.mark.parametrize("way", orders.WAYS)
def test_the_order_of_deliveries_does_not_matter(way: str) -> None:
    """Every twenty-first order; the command runs all 5,040."""
    with silent_log():
        calm = orders.live(orders.ORDERS[0], orders.WAYS[0], 0)
        numbers = range(0, len(orders.ORDERS), 21)
        wrong = [number for number in numbers if orders.live(orders.ORDERS[number], way, number) != calm]
    assert len(calm["chunks"]) == orders.EVENTS
    assert wrong == []


@pytest.mark.parametrize("hours", outages.HOURS)
@pytest.mark.parametrize("part", outages.PARTS)
def test_an_outage_loses_nothing_in_a_day_and_surprises_nobody_after_it(part: str, hours: float) -> None:
    """Each part alone, for hours, with the clock moved."""
    lived = [outages.Outage(part, hours, seed).run() for seed in range(2)]
    assert [one.untold for one in lived if one.untold] == []
    assert sum(one.lost for one in lived) == 0 or hours > outages.DAY
    assert sum(one.lost for one in lived) > 0 or hours < outages.DAY, "an outage that hurts nobody proves nothing"


@pytest.mark.parametrize("wrong", CAUGHT_BY, ids=lambda wrong: wrong.__name__)
def test_a_variant_that_breaks_a_rule_is_caught(wrong: Wrongly) -> None:
    """A proof that cannot fail proves nothing."""
    assert CAUGHT_BY[wrong](wrong) is not None
