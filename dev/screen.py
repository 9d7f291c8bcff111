"""What a person sees: progress while the local world works, and a table at the end."""

import time

from rich.console import Console
from rich.table import Table

from dev.api import JSON
from dev.demo import Proof

_MARKS = {"SOURCE_DELETED": "[green]■[/]", "QUARANTINED": "[red]■[/]", "EXPIRED": "[red]■[/]"}


class Screen:
    """Prints steps with the time since the start."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:  # a log file or a pipe: lines must not be folded at 80 columns
            self.console = Console(highlight=False, width=120)
        self._started = time.monotonic()
        self._last = ""

    def say(self, text: str) -> None:
        """Print one step."""
        self.console.print(f"[dim]{self.seconds():5.1f} s[/]  {text}", soft_wrap=True)

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def progress(self, states: list[JSON]) -> None:
        """Print one line whenever something has changed: a square per chunk."""
        chunks = [chunk for state in states for chunk in state["chunks"]]
        done = sum(chunk["state"] == "SOURCE_DELETED" for chunk in chunks)
        squares = " ".join(_squares(state) for state in states)
        waiting = [chunk["lastError"] for chunk in chunks if chunk["lastError"] and not chunk["finished"]]
        note = f"  [yellow]trying again: {', '.join(sorted(set(waiting)))}[/]" if waiting else ""
        line = f"{squares}   {done} of {len(chunks)} announced chunks archived and proven{note}"
        if line != self._last:
            self.say(line)
            self._last = line

    def table(self, proofs: list[Proof]) -> None:
        """Print the result, chunk by chunk."""
        table = Table(title="In the archive", title_style="bold", title_justify="left", pad_edge=False)
        for heading in ("recording", "chunk"):
            table.add_column(heading)
        for heading in ("bytes", "plays"):
            table.add_column(heading, justify="right")
        table.add_column("verified")
        table.add_column("source")
        title = ""
        for proof in proofs:
            shown, title = ("" if proof.title == title else proof.title), proof.title
            verdict = "[red]" + "; ".join(proof.faults) + "[/]" if proof.faults else "[green]byte-equal[/]"
            source = "deleted" if not proof.faults else "see left"
            length, plays = f"{proof.length_bytes:,}", f"{proof.duration_ms / 1000:.1f} s"
            table.add_row(shown, str(proof.index), length, plays, verdict, source)
        self.console.print(table)

    def places(self, proofs: list[Proof]) -> None:
        """Show where each chunk lies; that is too long for a column."""
        self.console.print("[bold]Names[/] (container recordings; beside each: .metadata.json, .receipt.json)")
        for proof in proofs:
            self.console.print(f"  {proof.blob_name}", soft_wrap=True)
        how = sorted({line for proof in proofs for line in proof.how})
        self.console.print("[bold]How the app verified[/]")
        for line in how:
            self.console.print(f"  • {line}")


def _squares(state: JSON) -> str:
    chunks = state["chunks"]
    return "".join(_MARKS.get(chunk["state"], "[yellow]■[/]") for chunk in chunks) or "[dim]□[/]"
