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
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"


def gathered(figures: dict[str, Figure], seconds: float) -> dict[str, Any]:
    """Return everything, for the file."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "took_seconds": round(seconds),
        "goals": [vars(goal) | {"reached": goal.is_reached} for figure in figures.values() for goal in figure.goals],
        "disturbed": disturbed({name: figure.details for name, figure in figures.items()}),
        "figures": {name: figure.details for name, figure in figures.items()},
    }


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


def show(figures: dict[str, Figure], console: Console) -> None:
    """Print the table of goals, and the rates behind them."""
    table = Table(title="What must be reached, and what was measured", title_justify="left")
    for name in ("figure", "must reach", "aim", "measured", ""):
        table.add_column(name, justify="left" if name in ("figure", "") else "right")
    for figure in figures.values():
        for goal in figure.goals:
            table.add_row(*_cells(goal))
    console.print(table)
    quiet = disturbed({name: figure.details for name, figure in figures.items()})
    console.print(f"[{'red' if quiet['disturbed'] else 'green'}]{_about_quiet(quiet)}[/]")
    for name, figure in figures.items():
        for title, rates in _rates(name, figure.details).items():
            shown = ", ".join(f"{who} {rate:.0f}" for who, rate in sorted(rates.items(), key=lambda pair: -pair[1]))
            console.print(f"[dim]{title} (MB/s): {shown}[/dim]")
        for title, why in _missing(name, figure.details).items():
            console.print(f"[yellow]{title} did not run: {escape(why)}[/yellow]")


def _cells(goal: Goal) -> tuple[str, str, str, str, str]:
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
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    after = rest.partition(_END)[2]
    PAGE.write_text(before + _BEGIN + "\n" + _markdown(found) + _END + after, encoding="utf-8")
    PLOT.write_text(plot(found["figures"]), encoding="utf-8")


def _markdown(found: dict[str, Any]) -> str:
    lines = [
        f"`make bench` on {found['when'][:10]}, in {found['took_seconds'] // 60 + 1} minutes: {found['machine']}.",
        "",
        _about_quiet(found["disturbed"]),
        "",
    ]
    lines += ["| figure | must reach | aim | measured | |", "|---|---|---|---|---|"]
    for row in found["goals"]:
        goal = Goal(**{name: row[name] for name in Goal.__dataclass_fields__})
        lines.append("| " + " | ".join(_cells(goal)) + " |")
    for name, details in found["figures"].items():
        for title, rates in _rates(name, details).items():
            lines += ["", f"**{title}**, MB/s:", "", "| | |", "|---|---|"]
            lines += [f"| {who} | {rate:.0f} |" for who, rate in sorted(rates.items(), key=lambda pair: -pair[1])]
        lines += [f"\n{title} did not run: `{why}`" for title, why in _missing(name, details).items()]
    return "\n".join(lines) + "\n"


def save(found: dict[str, Any], path: Path) -> None:
    """Write the JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
