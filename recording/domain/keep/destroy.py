"""The one check before anything in the archive is destroyed, and the certificate that remains. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recording.domain.archived import layout
from recording.domain.ids import name_of, without_numbers
from recording.domain.keep.custody import Custody, CustodyState, Mark, Refusal
from recording.domain.keep.disposition import Action, Disposition
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_finished

SCHEMA = 1


class Place(StrEnum):
    """Where bytes of a recording can be stored."""

    ARCHIVE = "archive"
    FALLBACK = "fallback"
    QUARANTINE = "quarantine"
    DEAD_LETTERS = "dead_letters"
    EXPORTS = "exports"
    ANALYSTS = "analysts"
    SEAL = "seal"


@dataclass(frozen=True)
class StoredVersion:
    """One version of a blob, current, earlier or soft-deleted, with what protects it.

    Attributes:
        version: the service's id of it; None where the account keeps no versions.
        is_current: readers get this version.
        gone_at: when the service removes a soft-deleted version for good; None if it is not deleted.
        immutable_until: the end of its retention policy.
        is_held: its legal hold is set.
    """

    place: Place
    name: str
    version: str | None = None
    is_current: bool = True
    gone_at: datetime | None = None
    immutable_until: datetime | None = None
    is_held: bool = False
    length_bytes: int = 0

    @property
    def is_deleted(self) -> bool:
        """Return whether it is soft-deleted."""
        return self.gone_at is not None


class Obstacle(StrEnum):
    """Why a recording may not be destroyed now."""

    NOT_DUE = "not_due"
    NOT_MARKED = "not_marked"
    MARKED_LATELY = "marked_lately"
    IN_WORK = "in_work"  # the line still works on a chunk of it, or a file is being derived from it
    IMMUTABLE = "immutable"
    LEGAL_HOLD = "legal_hold"

    @property
    def is_of_storage(self) -> bool:
        """Return whether storage is the obstacle, and not a decision."""
        return self in (Obstacle.IMMUTABLE, Obstacle.LEGAL_HOLD)


@dataclass(frozen=True)
class Look:
    """Everything that the check depends on.

    Attributes:
        found: the disposition by the newest rules.
        chunks: all of the recording, read after the versions were listed.
        versions: everything of it that is stored.
    """

    found: Disposition
    chunks: Sequence[ChunkRecord]
    versions: Sequence[StoredVersion]


def obstacles(row: Custody, look: Look, now: datetime, delay: timedelta) -> tuple[Obstacle, ...]:
    """Return what forbids destroying a recording now; empty if it may be destroyed.

    Args:
        row: its custody, as read under the ETag that the next step is saved under.
        look: its disposition, its chunks and everything of it that is stored.
        now: the time.
        delay: how long it must have been marked, unless a request approved by two people asks for it.
    """
    kept = [version for version in look.versions if not version.is_deleted]
    wait = delay if look.found.action is Action.DELETE else timedelta()
    answers = {
        Obstacle.NOT_DUE: not look.found.is_due or bool(row.active_holds),
        Obstacle.NOT_MARKED: row.mark is None or row.state not in (CustodyState.MARKED, CustodyState.DESTROYING),
        Obstacle.MARKED_LATELY: row.mark is not None and now < row.mark.at + wait,
        Obstacle.IN_WORK: not all(is_finished(chunk) for chunk in look.chunks)
        or (row.deriving_until is not None and now < row.deriving_until),
        Obstacle.IMMUTABLE: any(version.immutable_until and version.immutable_until > now for version in kept),
        Obstacle.LEGAL_HOLD: any(version.is_held for version in kept),
    }
    return tuple(obstacle for obstacle, is_there in answers.items() if is_there)


def may_destroy(row: Custody, look: Look, now: datetime, delay: timedelta) -> bool:
    """Allow destruction only of what is due, marked long enough, at rest, and protected by nothing (I11)."""
    return not obstacles(row, look, now, delay)


def may_destroy_again(row: Custody, chunks: Sequence[ChunkRecord]) -> bool:
    """Allow the destruction of files that reappear, for instance from a restore, after a recording was erased."""
    is_ended = row.state is CustodyState.DISPOSED and bool(row.claims) and not row.active_holds
    return is_ended and all(chunk.disposed_at is not None for chunk in chunks)


def may_destroy_beside(
    row: Custody, chunks: Sequence[ChunkRecord], kept_at: datetime, now: datetime, delay: timedelta
) -> bool:
    """Allow the destruction of other files under the ids of destroyed chunks, long enough after the last one was kept.

    The decision to destroy covered these ids. Where two people have asked for it, nothing waits.
    """
    wait = timedelta() if row.claims else delay
    is_ended = row.state is CustodyState.DISPOSED and not row.active_holds
    return is_ended and all(chunk.disposed_at is not None for chunk in chunks) and now >= kept_at + wait


def refusal_of(versions: Iterable[StoredVersion], now: datetime) -> Refusal | None:
    """Return why storage refuses, and until when; None when it does not."""
    kept = [version for version in versions if not version.is_deleted]
    held = [version for version in kept if version.is_held]
    if held:
        return Refusal(reason=Obstacle.LEGAL_HOLD, at=now, blobs=len(held))
    ends = [version.immutable_until for version in kept if version.immutable_until and version.immutable_until > now]
    return Refusal(reason=Obstacle.IMMUTABLE, until=max(ends), at=now, blobs=len(ends)) if ends else None


def folders_of(record: RecordingRecord | None, chunks: Sequence[ChunkRecord]) -> list[str]:
    """Return the folders of a recording; each holds its id, so nothing of another one is in there."""
    known = {chunk.task.folder for chunk in chunks} | {record.folder if record else None}
    return sorted(folder for folder in known if folder)


def is_of_later_chunk(name: str, later: Iterable[ChunkRecord], template: str) -> bool:
    """Return whether a blob belongs to one of the chunks that arrived after the decision; it is spared."""
    return any(name.startswith(f"{stem}.") for chunk in later for stem in _stems(chunk, template))


def is_kept_beside(name: str, chunks: Iterable[ChunkRecord], template: str) -> bool:
    """Return whether a blob is another file that was kept beside one of these chunks."""
    return layout.is_conflict(name) and is_of_later_chunk(name, chunks, template)


def _stems(chunk: ChunkRecord, template: str) -> list[str]:
    task = chunk.task
    names = [layout.media_name(template, task.folder, task.index, task.document_id, None), chunk.blob_name]
    return [name.rpartition(".")[0] for name in names if name]


def mark_of(found: Disposition, at: datetime) -> Mark:
    """Return the mark of a recording that is due: why, by which rules and by which requests."""
    last = found.reasons[-1]
    why = without_numbers(last.because.value + (f": {last.source}" if last.source else ""))
    return Mark(at=at, why=why, rules=found.rules, requests=found.requests)


def mark_as_decided(mark: Mark | None, found: Disposition, now: datetime) -> Mark:
    """Return the mark with what decides by now: rules may have changed since, or two people have asked for it.

    Its time stays; but a request that came after it is the decision of now, and does not wait.
    """
    is_asked_since = mark is None or not set(found.requests) <= set(mark.requests)
    return mark_of(found, now if mark is None or is_asked_since else mark.at)


def certificate_name(recording_id: str, begun_at: datetime) -> str:
    """Return where a certificate is kept: the same for the same destruction, however often it is written."""
    return f"{layout.CERTIFICATES}{begun_at:%Y/%m}/{name_of(recording_id)}-{begun_at:%Y%m%dT%H%M%S}.json"


def certificate_of(
    row: Custody, chunks: Sequence[ChunkRecord], blobs: int, gone_at: datetime | None, app: str
) -> bytes:
    """Return the certificate: what was destroyed, why, by which rules and requests; it names no person."""
    mark = row.mark
    content = {
        "schema": SCHEMA,
        "app": app,
        "recording": hashlib.sha256(row.recording_id.encode()).hexdigest(),
        "decidedAt": _text(mark.at if mark else None),
        "destroyedAt": _text(row.destroying_since),
        "goneAt": _text(gone_at),
        "why": _why(mark) if mark else None,
        "rules": mark.rules if mark else None,
        "erasures": list(mark.requests) if mark else [],
        "holdsBefore": len(row.holds),
        "blobs": blobs,
        "files": [
            {
                "index": chunk.task.index,
                "sha256": chunk.sha256,
                "lengthBytes": chunk.length_bytes,
                "archivedAt": _text(chunk.cataloged_at),
                "home": chunk.task.home.value,
            }
            for chunk in chunks
        ],
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _why(mark: Mark) -> str:
    """Return why, by a request's id, and without the name of a rule: a rule may be named after a person."""
    return without_numbers(mark.why if mark.requests else mark.why.partition(":")[0])


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
