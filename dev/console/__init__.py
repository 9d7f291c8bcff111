"""The console over a made-up day: served, looked at, measured and drawn."""

from enum import StrEnum


class DayState(StrEnum):
    """How the screens are seen."""

    FULL = "full"
    EMPTY = "empty"
    SLOW = "slow"
    BROKEN = "broken"
