"""Ports of the source: ACS, and its customers' own storage."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recording.domain.incoming.requests import StartOptions


class RecordingControl(Protocol):
    """ACS's control plane. Every method raises ControlError, whose code is stable and documented."""

    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        """Start a recording; return (recording id, ACS state). Idempotent for one repeatability id."""
        ...

    def state(self, recording_id: str) -> str | None:
        """Return ACS's word for the state; None when ACS knows no such recording (ended, or never existed)."""
        ...

    def pause(self, recording_id: str) -> None:
        """Pause; a recording that ACS reports as already paused is not an error."""
        ...

    def resume(self, recording_id: str) -> None:
        """Resume."""
        ...

    def stop(self, recording_id: str) -> None:
        """Stop. `recording_not_found` also means: ended before."""
        ...


class WholeContent(Protocol):
    """One open download of a whole object."""

    @property
    def declared_total(self) -> int | None:
        """Return the object's length as the source declares it (Content-Range or Content-Length).

        None if it does not.
        """
        ...

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in order. Raises SourceBusyError when the stream breaks; a short stream may simply end."""
        ...


class SourceContent(WholeContent, Protocol):
    """One open download of an object or of a range of it."""

    @property
    def is_whole(self) -> bool:
        """Return whether the body is the whole object, whatever range was asked for."""
        ...

    @property
    def version(self) -> str | None:
        """Return the object's ETag as served; None when the source names none."""
        ...

    def fill(self, view: memoryview) -> int:
        """Read until the view is full or the body ends; return how many bytes. Raises SourceBusyError."""
        ...


class RecordingSource(Protocol):
    """ACS's storage plane. Locations are checked by the strict guard before any request (UnsafeLocationError)."""

    def open_content(
        self, location: str, first: int = 0, length: int | None = None
    ) -> AbstractContextManager[SourceContent]:
        """Open a download of `length` bytes from `first` on; None: of all that follow. Raises SourceError."""
        ...

    def read_metadata(self, location: str) -> bytes:
        """Return the metadata document's bytes as served. Raises SourceError; `metadata_too_large` above 1 MiB."""
        ...

    def delete(self, location: str) -> bool:
        """Delete the object. True: deleted; False: it was already gone (404). Raises SourceError."""
        ...


class ExternalStorage(Protocol):
    """The customer's own containers that ACS writes to (bring your own storage). Read only."""

    def open_content(self, location: str) -> AbstractContextManager[WholeContent]:
        """Open a blob in one of the configured containers. Raises UnsafeLocationError, SourceError."""
        ...

    def read_range(self, location: str, first: int, length: int) -> tuple[bytes, int]:
        """Return up to `length` bytes of a blob, and its total size.

        Raises UnsafeLocationError, SourceError.
        """
        ...

    def read_metadata(self, location: str) -> bytes:
        """Return a metadata document stored there. Raises UnsafeLocationError, SourceError."""
        ...


@dataclass(frozen=True)
class RecordingSummary:
    """The entry of ACS's own log about one recording whose files are ready.

    `noted_at` is when the log received its newest row about it: rows arrive late, and are read in that order.
    """

    recording_id: str
    chunk_count: int
    ready_at: datetime
    noted_at: datetime


class CallRecordingLog(Protocol):
    """ACS's own list of recordings, where it is sent to Azure Monitor."""

    def summaries(self, since: datetime, after: str = "", most: int = 10_000) -> Iterator[RecordingSummary]:
        """Yield one entry for each recording that the log received a row about since then, earliest first.

        At most `most`; of those received at exactly that time only ids after `after`. Raises LogUnavailableError.
        """
        ...
