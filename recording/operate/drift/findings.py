"""What a comparison of archive and catalog found, for one recording and for all, and the report of it."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from recording.domain.archived.drift import (
    Drift,
)
from recording.domain.counted import counted
from recording.domain.state.chunk import ChunkRecord
from recording.errors import (
    RecordingError,
    StorageError,
)
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT, Bulkhead, code_of

ARCHIVE_TIER = "archive tier"
CATALOG, ARCHIVE = "the catalog", "the archive"  # of which a listing broke off
LISTINGS = (CATALOG, ARCHIVE)
FAILURES = (RecordingError, *ODD_CONTENT)


@dataclass(frozen=True)
class Unread:
    """Media that could not be read now, and the reason: `archive tier`, or the code of an error."""

    name: str
    reason: str
    recording_id: str | None = None


@dataclass(frozen=True)
class DriftReport:
    """What was compared, every difference, and what could not be read."""

    at: datetime
    recordings: int = 0
    chunks: int = 0
    sampled: int = 0
    complete: bool = True  # False: time ran out, or a listing broke off, before everything was compared
    drifts: tuple[Drift, ...] = field(default=())
    unread: tuple[Unread, ...] = field(default=())

    @property
    def failed(self) -> bool:
        """Return whether something could not be read that should be readable."""
        return any(unread.reason != ARCHIVE_TIER for unread in self.unread)

    def as_json(self) -> str:
        """Return the report for machines; names are stable."""
        content = {
            "schema": 1,
            "at": self.at.isoformat(),
            "recordings": self.recordings,
            "chunks": self.chunks,
            "sampled": self.sampled,
            "complete": self.complete,
            "counts": dict(sorted(Counter(drift.kind.value for drift in self.drifts).items())),
            "drift": [
                {name: value for name, value in asdict(drift).items() if value is not None} for drift in self.drifts
            ],
            "unread": [asdict(unread) for unread in self.unread],
        }
        return json.dumps(content, indent=2) + "\n"

    def as_text(self) -> str:
        """Return the report for people: a line for each difference, and a summary."""
        lines = [f"{drift.kind.value:<17} {drift.blob_name}" for drift in self.drifts]
        lines += [f"{'not read':<17} {unread.name}: {unread.reason}" for unread in self.unread]
        chunks = f"{counted(self.chunks, 'chunk')}, {self.sampled} of them read whole"
        looked = f"{counted(self.recordings, 'recording')}, {chunks}"
        found = counted(len(self.drifts), "difference") if self.drifts else "no difference"
        return "\n".join([*lines, f"{found} in {looked}{self.rest_in_words}"]) + "\n"

    @property
    def rest_in_words(self) -> str:
        """Return why not everything was compared; empty when it was."""
        if self.complete:
            return ""
        return " (a listing broke off)" if any(one.name in LISTINGS for one in self.unread) else " (time ran out)"


@dataclass
class Looked:
    """The result of comparing one recording.

    Attributes:
        read: the chunks whose media was read completely, whatever the result.
        sampled: how many of them yielded a digest.
        bytes_read: by access tier; the customer's own storage counts as `external`.
        requests: to storage, counting those made here; a read of media counts as one.
        offline: names of media in the archive tier.
        absent: names of media that the archive does not have.
    """

    recording_id: str
    chunks: int = 0
    sampled: int = 0
    read: list[ChunkRecord] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    bytes_read: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    offline: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    @property
    def failed(self) -> bool:
        """Return whether media differs, or could not be read that should be readable."""
        return bool(self.drifts) or any(unread.reason != ARCHIVE_TIER for unread in self.unread)


class Findings:
    """The comparison so far."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.recordings = self.chunks = self.sampled = self.requests = 0
        self.complete = True
        self.drifts: list[Drift] = []
        self.unread: list[Unread] = []
        self.bytes_read: Counter[str] = Counter()

    def broke_off(self, listing: str, error: StorageError) -> None:
        """Record that a listing ended early: not everything is compared."""
        self.complete = False
        self.unread.append(Unread(listing, error.code))

    def try_to_add(self, chunks: Sequence[ChunkRecord], look: Callable[[], Looked], bulkhead: Bulkhead) -> None:
        """Compare one recording on its own; a failure marks it as unread and affects no other."""
        try:
            self.add(look())
        except FAILURES as error:
            self.add_failure(chunks[0].task.recording_id, error, bulkhead)

    def add_failure(self, recording_id: str, error: Exception, bulkhead: Bulkhead) -> None:
        """Record a recording that could not be compared."""
        bulkhead.failed("drift", recording_id, error)
        code = code_of(error)
        self.unread.append(Unread(recording_id, code, recording_id))

    def add(self, looked: Looked) -> None:
        """Add the result of one recording."""
        self.recordings += 1
        self.chunks += looked.chunks
        self.sampled += looked.sampled
        self.requests += looked.requests
        self.drifts += looked.drifts
        self.unread += looked.unread
        self.bytes_read += looked.bytes_read

    def report(self) -> DriftReport:
        """Return the report of the comparison."""
        drifts = tuple(sorted(self.drifts, key=lambda drift: (drift.blob_name, drift.kind)))
        at = self._ports.clock.now()
        return DriftReport(at, self.recordings, self.chunks, self.sampled, self.complete, drifts, tuple(self.unread))
