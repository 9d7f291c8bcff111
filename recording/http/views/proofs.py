"""Files that were fetched, proved again or compared, as they are shown."""

from datetime import datetime
from typing import Self

from recording.http.views import View
from recording.operate.drift.findings import DriftReport
from recording.operate.get_recording_files import Got
from recording.operate.verify_recording import Verified


class GotFileView(View):
    """One file that was written; `proved` is null where the catalog has no digest for it."""

    path: str
    blob_name: str
    length_bytes: int
    sha256: str
    proved: bool | None

    @classmethod
    def of(cls, got: Got) -> Self:
        """Show a file."""
        names = ("blob_name", "length_bytes", "sha256", "proved")
        return cls(path=str(got.path), **{name: getattr(got, name) for name in names})


class VerifiedView(View):
    """How a recording was proved again; it is proved when all of it was read whole and nothing differs."""

    recording_id: str
    proved: bool
    chunks: int
    read_whole: int
    differences: tuple[str, ...]
    unread: tuple[str, ...]

    @classmethod
    def of(cls, recording_id: str, found: Verified) -> Self:
        """Show the outcome."""
        return cls(
            recording_id=recording_id,
            proved=found.is_proved,
            chunks=found.chunks,
            read_whole=found.read_whole,
            differences=found.differences,
            unread=found.unread,
        )


class DifferenceView(View):
    """One difference between archive and catalog."""

    kind: str
    blob_name: str
    recording_id: str | None
    document_id: str | None
    index: int | None


class UnreadView(View):
    """Media that could not be read, and why: `archive tier`, or an error's code."""

    name: str
    reason: str
    recording_id: str | None


class DriftView(View):
    """A comparison of archive and catalog."""

    schema_version: int = 1
    at: datetime
    recordings: int
    chunks: int
    sampled: int
    complete: bool
    differences: tuple[DifferenceView, ...]
    unread: tuple[UnreadView, ...] = ()

    @classmethod
    def of(cls, report: DriftReport) -> Self:
        """Show a report."""
        names = DifferenceView.model_fields.keys()
        return cls(
            at=report.at,
            recordings=report.recordings,
            chunks=report.chunks,
            sampled=report.sampled,
            complete=report.complete,
            differences=tuple(
                DifferenceView(**{name: getattr(drift, name) for name in names}) for drift in report.drifts
            ),
            unread=tuple(UnreadView(name=o.name, reason=o.reason, recording_id=o.recording_id) for o in report.unread),
        )
