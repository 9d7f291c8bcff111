"""Suspect bytes: media that fails the check never gets the chunk's name; steady bytes are stored beside it."""

from typing import NoReturn

from recording.archive.claim import Work
from recording.domain.archived.integrity import Digest
from recording.domain.state import patience
from recording.domain.state.chunk import Suspect
from recording.domain.state.records import ChunkChanges
from recording.errors import ContentConflictError, SourceBrokenError
from recording.errors.codes import Code

MOST_KEPT = 5  # refused bodies of one chunk; each may be as large as a recording


def refusal(work: Work, digest: Digest) -> ChunkChanges:
    """Return the changes for a refused body: since when the same bytes are served, and how often."""
    record = work.record
    is_same = record.broken_sha256 == digest.sha256
    return ChunkChanges(
        broken_sha256=digest.sha256,
        broken_since=record.broken_since if is_same and record.broken_since else work.now(),
        broken_tries=record.broken_tries + 1 if is_same else 1,
    )


def is_to_be_kept(work: Work, digest: Digest) -> bool:
    """Return whether the refused bytes are steady enough to be stored aside, and are not stored yet.

    An error page that shows the time differs at each attempt: only a few of them are stored.
    """
    kept = work.record.suspects
    is_known = any(suspect.sha256 == digest.sha256 for suspect in kept)
    return not is_known and len(kept) < MOST_KEPT and patience.is_worth_keeping(work.record, work.now())


def list_suspect(work: Work, name: str, digest: Digest, reason: str) -> None:
    """Save that these bytes are stored beside the chunk."""
    suspect = Suspect(
        blob_name=name, sha256=digest.sha256, length_bytes=digest.length_bytes, reason=reason, at=work.now()
    )
    work.save(suspects=(*work.record.suspects, suspect))


def raise_refusal(work: Work, reason: str) -> NoReturn:
    """End the attempt: the source is asked again, or the bad bytes are final.

    Raises:
        SourceBrokenError: `media_unreadable`; other bytes may be served later.
        ContentConflictError: `media_suspect`; steady for hours, or the deadline has passed.
    """
    if patience.is_steady(work.record, work.now()):
        raise ContentConflictError(reason, code=Code.MEDIA_SUSPECT)
    raise SourceBrokenError(reason, code=Code.MEDIA_UNREADABLE)
