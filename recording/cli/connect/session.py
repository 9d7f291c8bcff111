"""What every command needs: the ports to the app's storage, and the output in the requested form."""

import io
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from recording.cli.output.printing import Tell, printable, say, say_json
from recording.cli.output.streams import complain, discard, write
from recording.errors import RecordingError, RequestError
from recording.http.views.problems import problem_details
from recording.ports import Archive, Ports
from recording.ports.probe import Probe
from recording.settings import Settings

FINE, NEEDS_ATTENTION, UNKNOWN = 0, 1, 2  # the exit codes
Dependencies = Callable[[], tuple[Ports, Settings]]
Cell = str | Text
_NARROWEST = 12  # of a column that is cut
_END = len(".metadata.json")  # kept of a name that loses its middle
ARROW = "  → "  # before what to do next
_WIDE = 4000  # columns of a pipe: nothing is cut for a program that reads


class Output(StrEnum):
    """In which form an answer is printed."""

    TEXT = "text"
    WIDE = "wide"
    JSON = "json"


class _Stream(io.TextIOBase):
    """A file for the console whose writes go to a function."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def write(self, text: str) -> int:
        self._tell(text)
        return len(text)


class _Console(Console):
    """The terminal, a pipe or a file; the reader of a pipe may leave."""

    def on_broken_pipe(self) -> None:
        """Print nothing more; the command ends with its own exit code."""
        self.quiet = True
        discard()


class DeployedApp(Protocol):
    """What Azure says about an app."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Return its settings, by name."""

    @property
    def host(self) -> str:
        """Return its host name."""

    @property
    def is_in_network(self) -> bool:
        """Return whether it is in a virtual network."""

    @property
    def caller(self) -> str | None:
        """Return the object id of the person who asked."""


@dataclass
class Session:
    """One run of the program.

    Attributes:
        dependencies: gives ports and settings.
        probe: what the doctor looks with.
        tell: where output goes; None is the standard output.
        sleep: waits between two looks of `--watch`.
        read_app: reads a deployed app's settings.
        caller: the object id of the signed-in person, for the audit trail; None where none is known.
        target: which app is looked at, in words; None for the settings of the environment.
        hint: what to say when storage cannot be reached from here.
        probe_of_app: gives what the doctor looks with at a deployed app.
        app: the deployed app that is looked at; None for the settings of the environment.
        open_container: opens another container of the archive's account.
        is_named: whether the person has said which app is meant.
        is_read: whether the output is still being read.
    """

    dependencies: Dependencies
    probe: Callable[[Settings], Probe]
    tell: Tell | None = None
    sleep: Callable[[float], object] = time.sleep
    read_app: Callable[[str, str, str | None], DeployedApp] | None = None
    caller: str | None = None
    target: str | None = None
    hint: str | None = None
    confirm: Callable[[str], bool] | None = None
    output: Output = field(default=Output.TEXT)
    open_container: Callable[[str, Settings], Archive] | None = None
    probe_of_app: Callable[[Any], Callable[[Settings], Probe]] | None = None
    app: DeployedApp | None = None
    is_named: bool = False
    is_read: bool = True

    @cached_property
    def console(self) -> Console:
        """Return the terminal: colours and its width where it is one; nothing is cut in a pipe."""
        console = _Console(file=_Stream(self.tell) if self.tell else sys.stdout, highlight=False, markup=False)  # type: ignore[arg-type]  # a text stream is enough
        if not console.is_terminal:
            console.width = shutil.get_terminal_size((_WIDE, 50)).columns  # COLUMNS, where it is set
        return console

    @cached_property
    def _reached(self) -> tuple[Ports, Settings]:
        return self.dependencies()

    @property
    def ports(self) -> Ports:
        """Return the ports."""
        return self._reached[0]

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        return self._reached[1]

    @property
    def now(self) -> datetime:
        """Return the time."""
        return self.ports.clock.now()

    @property
    def is_wide(self) -> bool:
        """Return whether whole ids and more columns are wanted."""
        return self.output is Output.WIDE

    def look_with(self) -> Callable[[Settings], Probe]:
        """Return what the doctor looks with."""
        return self.probe_of_app(self.app) if self.app is not None and self.probe_of_app is not None else self.probe

    def container(self, name: str) -> Archive:
        """Open another container of the archive's account.

        Raises:
            SettingsError: it is the archive itself.
        """
        if self.open_container is None:
            raise RequestError("another container cannot be opened here")
        return self.open_container(name, self.settings)

    def lines(self, *lines: str) -> None:
        """Print plain lines, each as long as it is."""
        say(self.tell or self._write, lines)

    def _write(self, text: str) -> None:
        self.is_read = write(text) and self.is_read

    def refuses(self, message: str) -> None:
        """Say why nothing was done."""
        self.fails(RequestError(message), message)

    def fails(self, error: RecordingError, *lines: str) -> None:
        """Say what went wrong: in lines on the standard error, or as the HTTP API's problem document, as an answer."""
        if self.output is Output.JSON:
            say_json(self.tell or self._write, problem_details(error))
        else:
            say(self.tell or complain, lines)

    def show(self, facts: Mapping[str, Any], *parts: RenderableType) -> None:
        """Print the facts as JSON when that is wanted, else the parts."""
        if self.output is Output.JSON:
            say_json(self.tell or self._write, facts)
            return
        if self.is_wide:
            self.console.width = _WIDE  # the terminal wraps what is longer than itself
        for part in parts:
            is_copied = isinstance(part, Text) and (part.no_wrap or " " not in part.plain)  # as an id: it is not folded
            self.console.print(part if is_copied else _indented(part, self.console), soft_wrap=is_copied)
        self.is_read = self.is_read and not self.console.quiet


@dataclass(frozen=True)
class Column:
    """A column of a table: its header, how wide a screen must be to show it, and whether it may be cut or wrap.

    Attributes:
        keeps_end: what is cut loses its middle: the end of a file's name says what it is.
    """

    header: str
    from_width: int = 0
    is_number: bool = False
    may_be_cut: bool = False
    may_wrap: bool = False
    keeps_end: bool = False


def table(session: Session, columns: list[Column], rows: list[list[Cell]]) -> Table:
    """Return a table as wide as its contents, or as the screen: then columns that may be cut are cut.

    Where that is not enough the widest of the others are folded, so that none of them loses anything.
    """
    has_header = any(column.header for column in columns)
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), show_header=has_header)
    width = _WIDE if session.is_wide else session.console.width
    shown = [place for place, column in enumerate(columns) if column.from_width <= width]
    needed = {place: max([len(columns[place].header), *(_length(row[place]) for row in rows)]) for place in shown}
    widths = needed | _shares(columns, needed, width)
    for place in shown:
        column = columns[place]
        is_folded = column.may_wrap or (widths[place] < needed[place] and not column.may_be_cut)
        made.add_column(
            column.header,
            justify="right" if column.is_number else "left",
            no_wrap=not is_folded,
            overflow="ellipsis" if column.may_be_cut else "fold",
            width=widths[place],
        )
    for row in rows:
        made.add_row(*(_cell(row[place], widths[place] if columns[place].keeps_end else None) for place in shown))
    return made


def _shares(columns: list[Column], needed: dict[int, int], width: int) -> dict[int, int]:
    """Return the widths of the columns that give way: what a short one does not need, a long one gets."""
    giving = [place for place in needed if columns[place].may_be_cut or columns[place].may_wrap]
    others = sorted((place for place in needed if place not in giving), key=lambda place: needed[place])
    room = width - 2 * (len(needed) - 1) - sum(needed[place] for place in others)
    while others and needed[others[-1]] > _NARROWEST and room < sum(min(needed[at], _NARROWEST) for at in giving):
        giving.append(others.pop())
        room += needed[giving[-1]]
    giving.sort(key=lambda place: needed[place])
    shares: dict[int, int] = {}
    for left, place in zip(range(len(giving), 0, -1), giving, strict=True):
        shares[place] = min(needed[place], max(_NARROWEST, room // left))
        room -= shares[place]
    return shares


def line(content: str) -> Text:
    """Return a line that is copied whole, however narrow the screen is."""
    return Text(printable(content), no_wrap=True)


def text(*parts: str | tuple[str, str]) -> Text:
    """Return text with styles; data from outside cannot control the terminal."""
    made = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        made.append(printable(words), style)
    return made


def _indented(part: RenderableType, console: Console) -> RenderableType:
    """Return a line of advice folded under its own beginning, behind the arrow."""
    if not isinstance(part, Text) or not part.plain.startswith(ARROW):
        return part
    arrow, advice = part.divide([len(ARROW)])
    folded = advice.wrap(console, max(console.width - len(ARROW), 1))
    return arrow + Text(f"\n{' ' * len(ARROW)}").join(folded)


def _cell(cell: str | Text, width: int | None) -> Text:
    """Return a cell; where a width is given, what is longer loses its middle."""
    if not isinstance(cell, str):
        return cell
    shown = printable(cell)
    if width is None or cell_len(shown) <= width:
        return Text(shown)
    end = shown[-min(_END, width // 2) :]
    while cell_len(end) > width // 2:
        end = end[1:]
    return Text(f"{set_cell_size(shown, width - cell_len(end) - 1)}…{end}")


def _length(cell: str | Text) -> int:
    """Return how many columns of the screen a cell needs; a letter of some scripts takes two."""
    return cell_len(printable(cell)) if isinstance(cell, str) else cell.cell_len
