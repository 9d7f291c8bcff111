"""Copy media again that the archive no longer holds as verified, while the source may still have it."""

from typing import NoReturn

from recording.archive.claim import Work, ids_of
from recording.domain.state import patience
from recording.domain.state.chunk import Home, Suspect
from recording.domain.state.records import changed, required, stored_name
from recording.domain.state.transitions import recopied
from recording.errors import ContentConflictError, SourceBrokenError
from recording.errors.codes import Code
from recording.telemetry import Event, emit

MOST_NAMES = 5  # an archive that damages every copy needs an operator, not more copies


def copy_anew(work: Work, code: Code, reason: str, *, is_name_taken: bool) -> NoReturn:
    """Return the chunk to the start of the line, with an alarm; the blob that has its name stays listed beside it.

    Documents beside media in the customer's own storage get another name, too; the media stays where it is.

    Raises:
        SourceBrokenError: with this code: the next attempt copies.
        ContentConflictError: with this code, when too many names are taken: it is held at the start of the line, where
            nothing that was damaged counts, and a redrive copies under another name. The source is left. A fault in
            what the source delivers is not the archive's: that ends once it is steady, whatever the count.
    """
    record = work.record
    emit(
        Event.CHUNK_MEDIA_LOST,
        reason=code,
        detail=reason,
        blob_name=record.blob_name,
        state=record.state,
        **ids_of(work.task),
    )
    if is_name_taken and record.blob_name is not None and work.task.home is Home.ACS:
        leave_name(work, reason)
    else:
        is_beside_theirs = is_name_taken and work.task.home is Home.EXTERNAL
        work.record = changed(recopied(record), name_version=record.name_version + is_beside_theirs)
    work.save(last_error=code)
    is_the_archives = code is not Code.MEDIA_UNREADABLE or patience.is_steady(record, work.now())
    if is_name_taken and is_the_archives and record.name_version >= MOST_NAMES:
        raise ContentConflictError(reason, code=code)
    raise SourceBrokenError(reason, code=code)


def leave_name(work: Work, reason: str) -> None:
    """Return the chunk to the start of the line; the blob that has its name stays listed beside it."""
    record = work.record
    taken = held_name(work, stored_name(record), required(record.length_bytes, "length_bytes"), record.sha256, reason)
    work.record = recopied(record, taken)


def held_name(work: Work, name: str, length_bytes: int, sha256: str | None, reason: str) -> Suspect:
    """Return the blob that has a chunk's name, as it is listed beside it."""
    return Suspect(blob_name=name, sha256=sha256, length_bytes=length_bytes, reason=reason, at=work.now())
