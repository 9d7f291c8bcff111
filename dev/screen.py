"""What a person sees: progress while the local world works, and a table at the end."""

import time

from rich.console import Console
from rich.table import Table

from dev.api import JSON
from dev.demo import CALLS, Proof

# Each mark has a form of its own: a pipe and some eyes know no colours.
_NOT_YET, _AT_WORK, _DONE, _FAILED = "[dim]·[/]", "[yellow]□[/]", "[green]■[/]", "[red]✗[/]"
_MARKS = {"SOURCE_DELETED": _DONE, "QUARANTINED": _FAILED, "EXPIRED": _FAILED}
_COLUMNS = {"recording": 0, "chunk": 0, "bytes": 72, "plays": 0, "verified": 0, "source": 64}  # from which width
_DAY = 3  # folders: year, month, day


class Screen:
    """Prints steps with the time since the start."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:  # a log file or a pipe: lines must not be folded at 80 columns
            self.console = Console(highlight=False, width=120)
        self._started = time.monotonic()
        self._last = ""

    def say(self, text: str) -> None:
        """Print one step; what does not fit goes on under its beginning."""
        step = Table.grid(padding=(0, 2))
        step.add_row(f"[dim]{self.seconds():5.1f} s[/]", text)
        self.console.print(step)

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def legend(self) -> None:
        """Say what the squares mean, before the first one."""
        marks = f"{_NOT_YET} not announced  {_AT_WORK} announced  {_DONE} proven  {_FAILED} given up"
        self.say(f"[bold]each chunk:[/] {marks}")

    def progress(self, states: list[JSON]) -> None:
        """Print one line whenever something has changed: each call by its word, with a square for each chunk."""
        chunks = [chunk for state in states for chunk in state["chunks"]]
        done = sum(chunk["state"] == "SOURCE_DELETED" for chunk in chunks)
        squares = " ".join(f"{call.short} {_squares(state)}" for call, state in zip(CALLS, states, strict=True))
        waiting = [chunk["lastError"] for chunk in chunks if chunk["lastError"] and not chunk["finished"]]
        note = f"  [yellow]again: {', '.join(sorted(set(waiting)))}[/]" if waiting else ""
        line = f"{squares}  {done} of {sum(call.chunks for call in CALLS)} proven{note}"
        if line != self._last:
            self.say(line)
            self._last = line

    def table(self, proofs: list[Proof]) -> None:
        """Print the result, chunk by chunk."""
        width = self.console.width
        table = Table(title="In the archive", title_style="bold", title_justify="left", pad_edge=False)
        shown = [name for name, least in _COLUMNS.items() if width >= least]
        for name in shown:  # the recording's name wraps; figures and verdicts never do
            is_number = name in ("bytes", "plays")
            table.add_column(name, justify="right" if is_number else "left", no_wrap=name != "recording")
        title = ""
        for proof in proofs:
            cells = {
                "recording": "" if proof.title == title else proof.title,
                "chunk": str(proof.index),
                "bytes": f"{proof.length_bytes:,}",
                "plays": f"{proof.duration_ms / 1000:.1f} s",
                "verified": "[red]differs[/]" if proof.faults else "[green]byte-equal[/]",
                "source": "see below" if proof.faults else "deleted",
            }
            title = proof.title
            table.add_row(*(cells[name] for name in shown))
        self.console.print(table)
        for proof in proofs:
            for fault in proof.faults:
                self.console.print(f"[red]{proof.title}, chunk {proof.index}:[/] {fault}")

    def places(self, proofs: list[Proof]) -> None:
        """Show where each chunk lies: each folder once, its files under it."""
        self.console.print("[bold]Names[/] (container recordings; beside each: .metadata.json, .receipt.json)")
        for line in tree_of([proof.blob_name for proof in proofs if proof.blob_name]):
            self.console.print(f"  {line}", soft_wrap=True)
        how = sorted({line for proof in proofs for line in proof.how})
        self.console.print("[bold]How the app verified[/]")
        for line in how:
            self.console.print(f"  • {line}")


def tree_of(names: list[str]) -> list[str]:
    """Return blob names as lines of a tree: the day, the recording's folder, the files."""
    lines: list[str] = []
    told: tuple[str, str] = ("", "")
    for name in names:
        *folders, file = name.split("/")
        day, folder = "/".join(folders[:_DAY]), "/".join(folders[_DAY:])
        if day != told[0]:
            lines.append(f"{day}/")
        if (day, folder) != told:
            lines.append(f"  {folder}/")
        lines.append(f"    {file}")
        told = day, folder
    return lines


def _squares(state: JSON) -> str:
    return "".join(_MARKS.get(chunk["state"], _AT_WORK) for chunk in state["chunks"]) or _NOT_YET
