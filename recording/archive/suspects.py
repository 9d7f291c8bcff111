"""Suspect bytes: what fails the media check never takes the chunk's name; steady ones are kept beside it."""

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
    """Return what a refused body adds to the record: since when the same bytes are served, and how often."""
    record = work.record
    is_same = record.broken_sha256 == digest.sha256
    return ChunkChanges(
        broken_sha256=digest.sha256,
        broken_since=record.broken_since if is_same and record.broken_since else work.now(),
        broken_tries=record.broken_tries + 1 if is_same else 1,
    )


def is_to_be_kept(work: Work, digest: Digest) -> bool:
    """Return whether the refused bytes are steady enough to be kept aside, and are not kept yet.

    A page that tells the time is another one at each try: a few of them are kept, and not one for each try.
    """
    kept = work.record.suspects
    is_known = any(suspect.sha256 == digest.sha256 for suspect in kept)
    return not is_known and len(kept) < MOST_KEPT and patience.is_worth_keeping(work.record, work.now())


def list_suspect(work: Work, name: str, digest: Digest, reason: str) -> None:
    """Save that these bytes are kept beside the chunk."""
    suspect = Suspect(
        blob_name=name, sha256=digest.sha256, length_bytes=digest.length_bytes, reason=reason, at=work.now()
    )
    work.save(suspects=(*work.record.suspects, suspect))


def raise_refusal(work: Work, reason: str) -> NoReturn:
    """End the try: the source is asked again, or the bad bytes are final.

    Raises:
        SourceBrokenError: `media_unreadable`; other bytes may be served later.
        ContentConflictError: `media_suspect`; steady for hours, or the deadline is here.
    """
    if patience.is_steady(work.record, work.now()):
        raise ContentConflictError(reason, code=Code.MEDIA_SUSPECT)
    raise SourceBrokenError(reason, code=Code.MEDIA_UNREADABLE)
