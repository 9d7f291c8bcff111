"""In turn: a loop that ends at many items that fail continues behind them in the next run."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from recording.ports import Ports
from recording.ports.bulkhead import Bulkhead

T = TypeVar("T")


class InTurn(Generic[T]):
    """The items of a loop's window that this run begins with: all, or those behind where the last run gave up.

    Attributes:
        items: to be worked on in this run.
        start: how many come before them.
    """

    def __init__(self, window: Sequence[T], loop: str, ports: Ports, bulkhead: Bulkhead) -> None:
        """Read where to begin. A run that begins further on is blind for what comes before."""
        self._loop, self._ports, self._bulkhead = loop, ports, bulkhead
        self._known = bulkhead.part(lambda: ports.catalog.cursor(self._cursor), "", loop)
        start = int(self._known) if self._known.isdecimal() and len(self._known) < 10 else 0  # a row may hold anything
        self.start = start if start < len(window) else 0
        self.items = window[self.start :]
        bulkhead.is_blind = bulkhead.is_blind or self.start > 0

    def end(self, tried: int, *, even_in_outage: bool = False) -> bool:
        """Save where the next run begins, after so many items; return whether the end of the window was reached.

        After an outage of storage it begins with the same ones, unless their order does not matter.
        """
        is_whole = tried >= len(self.items)
        has_given_up = not is_whole and (even_in_outage or self._loop in self._bulkhead.given_up)
        following = str(self.start + tried) if has_given_up else ""
        if following != self._known:
            self._bulkhead.part(lambda: self._ports.catalog.save_cursor(self._cursor, following), None, self._loop)
        return is_whole

    @property
    def _cursor(self) -> str:
        return f"{self._loop}_from"
