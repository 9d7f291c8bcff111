"""`python -m dev bench`: measures this app beside what a user would pick instead, in one run on one machine."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from dev.azurite import AzuriteError
from dev.bench import report, runs, servers
from dev.bench.figures import FIGURES, NEEDING_NGINX, TABLE, WITHOUT_PEERS, Figure, chosen


def main(names: Sequence[str], *, quick: bool, out: Path, write_docs: bool, add: bool = False) -> int:
    """Run the figures, show the table and write the JSON; 0 when all that must be reached is reached.

    Args:
        names: of the figures; all when there is none.
        quick: tiny files.
        out: the JSON file.
        write_docs: writes the page and its plot, too.
        add: keeps what the JSON file has of other figures.
    """
    console = Console()
    names = [one for name in names for one in (TABLE if name == "table" else (name,))]
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        console.print(f"There is no figure {', '.join(unknown)}. There are: table, {', '.join(FIGURES)}.")
        return 2
    wanted = chosen(names)
    needing = sorted(wanted.keys() & NEEDING_NGINX)
    if needing and not servers.has_nginx():
        console.print(f"nginx is needed for {', '.join(needing)} (Debian: apt-get install nginx-light).")
        return 2
    begun, earlier = time.monotonic(), report.read(out) if add else None
    with console.status("installing the peers") as status:
        if wanted.keys() - WITHOUT_PEERS:
            runs.install_peers()
        found: dict[str, Figure] = {}
        for name, figure in wanted.items():
            about = (figure.__doc__ or "").splitlines()[0]
            console.print(f"[dim]{time.monotonic() - begun:6.0f} s[/dim]  {name}: {about}", soft_wrap=True)
            try:
                found[name] = figure(lambda text, name=name: status.update(f"{name}: {text}"), quick=quick)
            except (RuntimeError, AzuriteError, OSError) as error:  # the other figures took minutes: they count
                console.print(f"[red]{name} could not be measured:[/] {error}", soft_wrap=True)
            report.save(report.gathered(found, time.monotonic() - begun, earlier), out)
    report.show(found, console)
    gathered = report.gathered(found, time.monotonic() - begun, earlier)
    report.save(gathered, out)
    console.print(f"Everything is in {out}.")
    if write_docs:
        report.write_page(gathered)
        console.print(f"{report.PAGE.name} and {report.PLOT.name} are written.")
    missed = [goal for figure in found.values() for goal in figure.goals if goal.is_reached is False]
    return 1 if len(found) < len(wanted) or (missed and not quick) else 0
