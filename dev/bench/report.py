"""Shows what the benchmark found: a table in the terminal, a JSON file, and the page with its plot."""

import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dev.bench.goals import Figure, Goal
from dev.bench.plot import plot
from dev.bench.runs import DISTURBED
from dev.bench.servers import REPOSITORY

PAGE = REPOSITORY / "docs" / "performance.md"
PLOT = REPOSITORY / "docs" / "performance.svg"


def gathered(figures: dict[str, Figure], seconds: float, earlier: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return everything, for the file: what was measured now, and of an earlier file what was not measured again.

    Each figure is a contest of its own, run side by side; so they may come from several runs, and each says from when.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    now = {
        name: {
            "when": when,
            "goals": [vars(goal) | {"reached": goal.is_reached} for goal in figure.goals],
            "details": figure.details,
        }
        for name, figure in figures.items()
    }
    before = (earlier or {}).get("figures", {})
    return {
        "when": when,
        "machine": machine(),
        "took_seconds": round(seconds) + (earlier or {}).get("took_seconds", 0),
        "figures": before | now,
    }


def read(path: Path) -> dict[str, Any] | None:
    """Return an earlier file; None when there is none, or it is of another machine or form."""
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    is_ours = found.get("machine") == machine() and all("details" in one for one in found.get("figures", {}).values())
    return found if is_ours else None


def disturbed(details: Any) -> dict[str, int]:
    """Return how many runs there were, and during how many of them others used more than a twentieth of the CPU."""
    found = {"runs": 0, "disturbed": 0}
    for run in _runs_in(details):
        found["runs"] += 1
        found["disturbed"] += run["disturbed"] > DISTURBED
    return found


def _runs_in(details: Any) -> Iterator[dict[str, Any]]:
    if isinstance(details, dict):
        if "disturbed" in details and "seconds" in details:
            yield details
        details = list(details.values())
    if isinstance(details, list):
        for one in details:
            yield from _runs_in(one)


def _about_quiet(found: dict[str, int]) -> str:
    """One sentence on whether the machine was quiet, for the table and the page."""
    if not found["disturbed"]:
        return f"The machine was quiet during all {found['runs']} runs."
    return (
        f"NOT QUIET: during {found['disturbed']} of {found['runs']} runs others used more than {DISTURBED:.0%} of the"
        " CPU. Do not compare these figures."
    )


def machine() -> str:
    """Return what it ran on, in one line."""
    cpu = "unknown CPU"
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    memory = psutil.virtual_memory().total / (1 << 30)
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {system}, Python {platform.python_version()}"


def load_since(before: float) -> str:
    """Return how busy the machine was: the load before a measurement, as it was then, and now."""
    return f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores"


def show(figures: dict[str, Figure], console: Console) -> None:
    """Print the table of goals, and the rates behind them."""
    table = Table(title="What must be reached, and what was measured", title_justify="left")
    for name in ("figure", "must reach", "aim", "measured", ""):
        table.add_column(name, justify="left" if name in ("figure", "") else "right")
    for figure in figures.values():
        for goal in figure.goals:
            table.add_row(*cells(goal))
    console.print(table)
    quiet = disturbed({name: figure.details for name, figure in figures.items()})
    console.print(f"[{'red' if quiet['disturbed'] else 'green'}]{_about_quiet(quiet)}[/]")
    for name, figure in figures.items():
        for title, rates in _rates(name, figure.details).items():
            shown = ", ".join(f"{who} {rate:.0f}" for who, rate in sorted(rates.items(), key=lambda pair: -pair[1]))
            console.print(f"[dim]{title} (MB/s): {shown}[/dim]")
        for title, why in _missing(name, figure.details).items():
            console.print(f"[yellow]{title} did not run: {escape(why)}[/yellow]")


def cells(goal: Goal) -> tuple[str, str, str, str, str]:
    """Return a line of the table."""
    sign = "≤" if goal.at_most else "≥"
    measured = "not measured" if goal.measured is None else f"{goal.measured:.2f} {goal.unit}"
    word = {True: "reached", False: "NOT reached", None: ""}[goal.is_reached]
    name = f"{goal.name} ({goal.note})" if goal.note else goal.name
    return name, f"{sign} {goal.must:g}", "" if goal.aim is None else f"{goal.aim:g}", measured, word


def _rates(name: str, details: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {title: found["mb_per_second"] for title, found in _contests(name, details).items()}


def _missing(name: str, details: dict[str, Any]) -> dict[str, str]:
    """Return who did not run, and why: one that is left out of a contest silently would make its winner."""
    return {
        f"{title}: {who}": why
        for title, found in _contests(name, details).items()
        for who, why in found.get("missing", {}).items()
    }


def _contests(name: str, details: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if "mb_per_second" in details:
        return {name: details}
    return {
        f"{name}, {kind}": found
        for kind, found in details.items()
        if isinstance(found, dict) and "mb_per_second" in found
    }


def write_page(found: dict[str, Any]) -> None:
    """Put the figures between the marks of docs/performance.md, and draw the plot."""
    put_block(PAGE, "figures", _markdown(found))
    PLOT.write_text(plot({name: one["details"] for name, one in found["figures"].items()}), encoding="utf-8")


def put_block(page: Path, name: str, text: str) -> None:
    """Put a text between the marks of this name on a page, in place of what is there."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, mark, rest = page.read_text(encoding="utf-8").partition(begin)
    if not mark or end not in rest:
        raise ValueError(f"{page.name} has no block {name!r}")
    page.write_text(before + begin + "\n" + text + end + rest.partition(end)[2], encoding="utf-8")


def _markdown(found: dict[str, Any]) -> str:
    days = sorted({one["when"][:10] for one in found["figures"].values()})
    lines = [
        f"`python -m dev bench table` on {' and '.join(days)}, in {found['took_seconds'] // 60 + 1} minutes:"
        f" {found['machine']}.",
        "",
        _about_all(found["figures"]),
        "",
        "| figure | measured | goal |",
        "|---|---|---|",
    ]
    for one in found["figures"].values():
        for row in one["goals"]:
            name, must, _, measured, _ = cells(Goal(**{name: row[name] for name in Goal.__dataclass_fields__}))
            lines.append(f"| {name} | {measured} | {must} |")
    for name, one in found["figures"].items():
        for title, rates in _rates(name, one["details"]).items():
            lines += ["", f"**{title}**, MB/s:", "", "| | |", "|---|---|"]
            lines += [f"| {who} | {rate:.0f} |" for who, rate in sorted(rates.items(), key=lambda pair: -pair[1])]
        lines += [f"\n{title} did not run: `{why}`" for title, why in _missing(name, one["details"]).items()]
    return "\n".join(lines) + "\n"


def _about_all(figures: dict[str, Any]) -> str:
    """Say which figures were measured on a quiet machine."""
    found = {name: disturbed(one["details"]) for name, one in figures.items()}
    loud = [f"{name} ({one['disturbed']} of {one['runs']} runs)" for name, one in found.items() if one["disturbed"]]
    if not loud:
        return _about_quiet(disturbed([one["details"] for one in figures.values()]))
    return (
        f"While these were measured, others used more than {DISTURBED:.0%} of the CPU for a time: {', '.join(loud)}."
        " The machine was quiet for all others."
    )


def save(found: Any, path: Path) -> None:
    """Write the JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
