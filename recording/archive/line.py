"""The line of one chunk: claim ▸ copy ▸ verify ▸ catalog ▸ delete source, saved after each step.

A step is repeated from its beginning when a worker dies in it, so each step finds its own earlier result. Retryable
failures put the task back with a growing delay while ACS still has the media; what retries cannot fix goes to
quarantine; anything unexpected is left to the host, which delivers the message again.
"""

from collections.abc import Callable

from recording.archive.catalog import catalog
from recording.archive.claim import Work, claim_chunk, ids_of
from recording.archive.conflicts import check_conflict
from recording.archive.delete_source import settle_source
from recording.archive.failure import after_failure, wait_for_other
from recording.archive.fallback import copy_or_heal
from recording.archive.metadata import is_right_index
from recording.archive.priority import Turn, queue_again, whose_turn
from recording.archive.tasks import take_task
from recording.archive.verify import verify
from recording.domain.state.chunk import ChunkState
from recording.domain.state.transitions import is_finished, is_otherwise
from recording.errors import ClaimHeldError, ClaimLostError, RecordingError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.follow_ups import Turns, request_follow_up
from recording.settings import Settings
from recording.telemetry import span

_TURNS = Turns()  # shared by this process


def archive_message(text: str, ports: Ports, settings: Settings) -> None:
    """Archive the chunk that a queue message names; quarantine a message that is not a task.

    Raises:
        RecordingError: as `archive_chunk`.
    """
    task = take_task(text, ports, settings)
    if task is None or (task.is_contested and not is_right_index(task, ports, settings)):
        return
    turn = whose_turn(task, ports, settings)
    try:
        is_changed = _take(turn, ports, settings)
    except StorageError:
        if not turn.is_borrowed:
            raise
        turn = Turn(task)  # the row of the other chunk takes no write: that must not cost this one its turn
        is_changed = _take(turn, ports, settings)
    if is_changed:
        request_follow_up(turn.task.recording_id, ports, _TURNS.delay())
    if turn.is_borrowed:  # not earlier: a turn that fails is delivered again, and must not leave a second message
        queue_again(task, ports)


def _take(turn: Turn, ports: Ports, settings: Settings) -> bool:
    """Take a turn, as one more of this process."""
    with _TURNS.one_more(), span("archive_chunk", attempt=turn.task.attempt, **ids_of(turn.task)):
        return archive_chunk(turn, ports, settings)


def archive_chunk(turn: Turn, ports: Ports, settings: Settings) -> bool:
    """Archive one chunk, arrange a retry, or keep it for manual review.

    On return the queue message may be deleted: the chunk is finished, or another message carries the task. On a
    borrowed turn that other message is the chunk's own, and none is sent.

    Returns:
        Whether the turn changed what others see of the chunk; a duplicate or one more failed attempt did not.

    Raises:
        RecordingError: only when not even that could be arranged; the host delivers the message again.
    """
    task, work = turn.task, None
    try:
        work = claim_chunk(task, ports, settings, turn.known, is_borrowed=turn.is_borrowed)
        if work is None and check_conflict(task, ports, settings, is_borrowed=turn.is_borrowed):
            work = claim_chunk(task, ports, settings, is_borrowed=turn.is_borrowed)
        if work is None:
            return False
        _go_on(work)
    except (ClaimHeldError, ClaimLostError) as error:
        wait_for_other(task, error, ports, is_borrowed=turn.is_borrowed)
    except (RecordingError, *ODD_CONTENT) as error:
        if work is None:
            raise
        if not isinstance(error, RecordingError):
            error = StorageError(f"odd content ({type(error).__name__})", code=Code.UNREADABLE_RECORD)
        after_failure(work, task, error)
    return work is not None and (work.found is None or is_otherwise(work.found, work.record))


def _go_on(work: Work) -> None:
    """Take each remaining step, from whatever state was saved last."""
    steps: dict[ChunkState, Callable[[Work], None]] = {
        ChunkState.PENDING: copy_or_heal,
        ChunkState.COPIED: verify,
        ChunkState.VERIFIED: catalog,
        ChunkState.CATALOGED: settle_source,
    }
    while not is_finished(work.record):
        steps[work.record.state](work)
