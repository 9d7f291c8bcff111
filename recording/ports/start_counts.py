"""The ports of what is counted of each caller: starts within a minute, and recordings that run."""

from collections.abc import Callable
from typing import Protocol

from recording.domain.incoming.running import RunningCount
from recording.domain.incoming.start_rate import StartCount


class StartCounts(Protocol):
    """How many starts each caller has asked for lately; one row a caller. Every method raises StorageError."""

    def get(self, caller: str | None) -> StartCount | None:
        """Return the caller's count, or None while there is none.

        None as a caller means all who only have a key.
        """
        ...

    def save(self, counted: StartCount) -> bool:
        """Write the count if it is as it was read (`etag`; None: there is none). False, and no change, otherwise."""
        ...

    def forget(self, is_theirs: Callable[[str], bool]) -> int:
        """Remove the rows of callers who are an erased person; returns how many there were."""
        ...


class RunningCounts(Protocol):
    """The places of each caller's running recordings; one row a caller. Every method raises StorageError."""

    def get(self, caller: str | None) -> RunningCount | None:
        """Return the caller's places, or None while there are none.

        None as a caller means all who only have a key.
        """
        ...

    def save(self, counted: RunningCount) -> bool:
        """Write the places if they are as they were read (`etag`; None: none). False, and no change, otherwise."""
        ...

    def forget(self, is_theirs: Callable[[str], bool]) -> int:
        """Remove the rows of callers who are an erased person; returns how many there were."""
        ...
