"""Drift: the archive is compared with the catalog, all of it on demand, and a share of it every day.

Nothing is changed by looking. What is found is told as a report, in JSON for machines and as text for people.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from recording.bulkhead import readable
from recording.domain import layout
from recording.domain.chunk import ChunkRecord
from recording.domain.drift import (
    Drift,
    DriftKind,
    Sampled,
    compare,
    is_sampled,
    is_scrubbed_on,
    vouches_for_media,
)
from recording.ports import Ports
from recording.settings import Settings
from recording.telemetry import Event, emit

SCRUB_TIME = timedelta(minutes=20)  # the host ends a function after half an hour
MOST_RAISED = 100  # log events of one scrub; the report has all


@dataclass(frozen=True)
class DriftReport:
    """What was compared, and every difference."""

    at: datetime
    recordings: int = 0
    chunks: int = 0
    sampled: int = 0
    complete: bool = True  # False: time ran out before everything was looked at
    drifts: tuple[Drift, ...] = field(default=())

    def as_json(self) -> str:
        """The report for machines; names are stable."""
        facts = {
            "schema": 1,
            "at": self.at.isoformat(),
            "recordings": self.recordings,
            "chunks": self.chunks,
            "sampled": self.sampled,
            "complete": self.complete,
            "counts": dict(sorted(Counter(drift.kind.value for drift in self.drifts).items())),
            "drift": [_json_facts(drift) for drift in self.drifts],
        }
        return json.dumps(facts, indent=2) + "\n"

    def as_text(self) -> str:
        """The report for people: a line for each difference, and the sum of it."""
        lines = [f"{drift.kind.value:<17} {drift.blob_name}" for drift in self.drifts]
        looked = f"{self.recordings} recordings, {self.chunks} chunks, {self.sampled} of them read whole"
        found = f"{len(self.drifts)} differences" if self.drifts else "no difference"
        return "\n".join([*lines, f"{found} in {looked}{'' if self.complete else ' (time ran out)'}"]) + "\n"


def look_for_drift(
    ports: Ports, settings: Settings, *, sample_percent: float = 1.0, since: datetime | None = None, seed: str = ""
) -> DriftReport:
    """Compares the whole archive with the whole catalog, and reads a share of the media whole.

    Args:
        ports: the catalog and the archive are read; nothing is written.
        settings: for the names of blobs.
        sample_percent: how much of the media to read and hash, by chunk.
        since: chunks of older events are not compared; blobs of known recordings are never called strangers for it.
        seed: which share is drawn; the same one for the same seed.

    Raises:
        StorageError: when catalog or archive do not answer.
    """
    passed = _Pass(ports, settings, lambda chunk: is_sampled(chunk, sample_percent, seed))
    folders: set[str] = set()
    for chunks in _by_recording(ports):
        folders |= _folders_of(chunks)
        if since is None or any(chunk.task.event_time >= since for chunk in chunks):
            passed.look_at(chunks)
    if strangers := _outside(folders, ports):
        known = {folder for chunks in _by_recording(ports) for folder in _folders_of(chunks)}  # come meanwhile
        passed.found += [drift for drift in strangers if _folder_of(drift.blob_name) not in known]
    return passed.report()


def compare_recording(recording_id: str, ports: Ports, settings: Settings) -> DriftReport:
    """Compares one recording and reads all its media whole; a report of no recording when the catalog has none.

    Raises:
        StorageError: when catalog or archive do not answer.
    """
    passed = _Pass(ports, settings, lambda _chunk: True)
    if chunks := ports.catalog.chunks_of(recording_id):
        passed.look_at(chunks)
    return passed.report()


def scrub(ports: Ports, settings: Settings, clock: Callable[[], float] = time.monotonic) -> DriftReport:
    """The daily share: compares and reads whole the recordings whose turn it is, and raises each difference.

    Args:
        ports: the catalog and the archive are read; nothing is written.
        settings: for the names of blobs.
        clock: seconds of this process, for the limit of time.

    Raises:
        StorageError: when catalog or archive do not answer; the recordings of this day wait for the next cycle.
    """
    day, began = ports.clock.now().date(), clock()
    passed = _Pass(ports, settings, lambda _chunk: True)
    for chunks in _by_recording(ports):
        if not is_scrubbed_on(chunks[0].task.recording_id, day):
            continue
        if clock() - began > SCRUB_TIME.total_seconds():
            passed.complete = False
            break
        passed.look_at(chunks)
    report = passed.report()
    _raise(report)
    return report


class _Pass:
    """One pass: what was looked at so far."""

    def __init__(self, ports: Ports, settings: Settings, wants: Callable[[ChunkRecord], bool]) -> None:
        self._ports, self._settings, self._wants = ports, settings, wants
        self._recordings = self._chunks = self._sampled = 0
        self.complete = True
        self.found: list[Drift] = []

    def look_at(self, chunks: Sequence[ChunkRecord]) -> None:
        """Compares one recording."""
        listed = [blob for folder in sorted(_folders_of(chunks)) for blob in self._ports.archive.list(f"{folder}/")]
        there = {blob.name for blob in listed if blob.is_committed}
        sampled = {
            chunk.blob_name or "": self._read(chunk, there)
            for chunk in chunks
            if vouches_for_media(chunk) and self._wants(chunk)
        }
        self._recordings += 1
        self._chunks += len(chunks)
        self._sampled += sum(sample.sha256 is not None for sample in sampled.values())
        self.found += compare(chunks, listed, self._settings.archive_path_template, sampled)

    def _read(self, chunk: ChunkRecord, there: set[str]) -> Sampled:
        name = chunk.blob_name or ""
        receipt = self._ports.archive.get(layout.receipt_name(name))
        return Sampled(self._digest_of(name) if name in there else None, receipt[0] if receipt else None)

    def _digest_of(self, name: str) -> str:
        digest = hashlib.sha256()
        for piece in self._ports.archive.read(name):
            digest.update(piece)
        return digest.hexdigest()

    def report(self) -> DriftReport:
        """The report of what was looked at."""
        drifts = tuple(sorted(self.found, key=lambda drift: (drift.blob_name, drift.kind)))
        at = self._ports.clock.now()
        return DriftReport(at, self._recordings, self._chunks, self._sampled, self.complete, drifts)


def _by_recording(ports: Ports) -> Iterator[list[ChunkRecord]]:
    listed = readable(ports.catalog.all_chunks(), "all_chunks")
    for _, chunks in groupby(listed, key=lambda chunk: chunk.task.recording_id):
        yield list(chunks)


def _folders_of(chunks: Sequence[ChunkRecord]) -> set[str]:
    """The folders of a recording: one, which its first event fixed."""
    return {chunk.task.folder for chunk in chunks}


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _outside(folders: set[str], ports: Ports) -> list[Drift]:
    """What lies in no known recording's folder."""
    return [
        Drift(blob.name, DriftKind.UNKNOWN_BLOB if blob.is_committed else DriftKind.UNCOMMITTED)
        for blob in ports.archive.list("")
        if _folder_of(blob.name) not in folders
    ]


def _raise(report: DriftReport) -> None:
    for drift in report.drifts[:MOST_RAISED]:
        emit(
            Event.DRIFT,
            reason=drift.kind.value,
            blob_name=drift.blob_name,
            recording_id=drift.recording_id,
            document_id=drift.document_id,
            index=drift.index,
        )
    reason = None if report.complete else "time_ran_out"
    emit(Event.SCRUBBED, chunks=report.chunks, count=len(report.drifts), reason=reason)


def _json_facts(drift: Drift) -> dict[str, Any]:
    return {name: value for name, value in asdict(drift).items() if value is not None}
