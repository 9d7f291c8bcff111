"""The port of the rate limit of starts."""

from typing import Protocol

from recording.domain.incoming.start_rate import StartCount


class StartCounts(Protocol):
    """How many starts each caller has asked for lately; one row a caller. Every method raises StorageError."""

    def get(self, caller: str | None) -> StartCount | None:
        """The caller's count, or None while there is none. None as a caller stands for all who only show a key."""
        ...

    def save(self, counted: StartCount) -> bool:
        """Writes the count if it is as it was read (`etag`; None: there is none). False, and no change, otherwise."""
        ...
