"""What a figure gives: lines of the table, and everything for the file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Say = Callable[[str], None]
MB = 1_000_000


@dataclass(frozen=True)
class Goal:
    """One line of the table. `at_most` turns the comparison round; None was not measured, and `note` says why."""

    name: str
    must: float
    aim: float | None
    measured: float | None
    unit: str = "×"
    at_most: bool = False
    note: str = ""

    @property
    def is_reached(self) -> bool | None:
        """Return whether what must be reached is reached."""
        if self.measured is None:
            return None
        return self.measured <= self.must if self.at_most else self.measured >= self.must


@dataclass
class Figure:
    """What one figure gave: lines for the table, and everything for the file."""

    goals: list[Goal] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
