"""docs/cost.md and docs/scale.md: each figure follows from its formula, and each constant from where it is set."""

import ast
import json
import operator
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dev.policies.infra.bicep import as_list, at
from dev.policies.infra.templates import load
from dev.policies.markdown import Row, rows_with, spans
from dev.policies.repository import DOCS, ROOT

COST, SCALE = DOCS / "cost.md", DOCS / "scale.md"
CALLS = {"1,000 calls": 1_000, "50,000 calls": 50_000, "1,000,000 calls": 1_000_000}
_SIGNS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def computed(formula: str, names: Mapping[str, float]) -> float:
    """Return the value of a formula of sums, products, quotients and `max`.

    Raises:
        ValueError: for anything else, so that a page cannot run code.
        KeyError: for a name that the page does not give.
    """

    def value(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return names[name]
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
                return _SIGNS[type(sign)](value(left), value(right))
            case ast.Call(func=ast.Name(id="max"), args=arguments):
                return max(map(value, arguments))
        raise ValueError(f"no formula: {ast.unparse(node)}")

    return value(ast.parse(formula, mode="eval").body)


def given(page: Path, heading: str, column: str) -> dict[str, float]:
    """Return the names of a page's table with their numbers."""
    return {spans(row[heading])[0]: float(row[column]) for row in rows_with(page, heading, column)}


PRICES = given(COST, "price", "USD")
ASSUMED = given(COST, "name", "value")
LIMITS = given(SCALE, "name", "value")
COSTS = rows_with(COST, "item", "formula")
SCALES = rows_with(SCALE, "limit", "formula")


@pytest.mark.parametrize("row", COSTS, ids=lambda row: row["item"])
def test_a_cost_is_what_its_formula_gives(row: Row) -> None:
    """A table that somebody typed is wrong after the next change of a price."""
    (formula,) = spans(row["formula"])
    for column, calls in CALLS.items():
        assert round(computed(formula, {**PRICES, **ASSUMED, "calls": calls})) == int(row[column]), column


@pytest.mark.parametrize("row", SCALES, ids=lambda row: row["limit"])
def test_a_limit_is_what_its_formula_gives(row: Row) -> None:
    """The order of the table is the order in which things break."""
    (formula,) = spans(row["formula"])
    assert round(computed(formula, LIMITS)) == int(row["calls a day"].replace(",", ""))


def test_every_name_is_used() -> None:
    """A price that no formula uses is a price that was forgotten."""
    used = {name for row in COSTS for name in re.findall(r"[a-z_]+", spans(row["formula"])[0])}
    assert PRICES.keys() | ASSUMED.keys() == used - {"calls", "max"}
    assert {name for row in SCALES for name in re.findall(r"[a-z_]+", spans(row["formula"])[0])} == LIMITS.keys()


def test_what_is_assumed_of_this_repository_is_so() -> None:
    """Numbers of alerts, instances and messages are read from where they are set."""
    templates = load()
    alerts = templates.module("alerts").variables
    often = [at(one, "every") in ("PT1M", "PT5M") for one in as_list(alerts.get("logAlerts"))]
    assert (ASSUMED["rules_often"], ASSUMED["rules_seldom"]) == (often.count(True), often.count(False))
    assert ASSUMED["rules_metric"] == len(as_list(alerts.get("metricAlerts")))
    main = templates.main.parameters
    assert (LIMITS["instances"], LIMITS["cap_gb"]) == (
        main["maximumInstanceCount"].default,
        main["logDailyCapGb"].default,
    )
    queues = json.loads((ROOT / "host.json").read_text("utf-8"))["extensions"]["queues"]
    assert LIMITS["parallel"] == queues["batchSize"] + queues["newBatchThreshold"]
    assert {name: LIMITS[name] for name in ASSUMED.keys() & LIMITS.keys()} == {
        name: ASSUMED[name] for name in ASSUMED.keys() & LIMITS.keys()
    }


def test_the_most_urgent_limit_is_named_first() -> None:
    """Whoever reads one row reads the right one."""
    reached = [int(row["calls a day"].replace(",", "")) for row in SCALES]
    assert reached[0] == min(reached)


@pytest.mark.parametrize("formula", ["__import__('os')", "calls ** 9", "open('x')", "[1]", "calls if 1 else 2"])
def test_a_page_cannot_run_code(formula: str) -> None:
    """A formula is arithmetic and nothing else."""
    with pytest.raises(ValueError, match="no formula"):
        computed(formula, {"calls": 1.0})
