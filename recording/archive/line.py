"""Archive: the line of one chunk. claim ▸ copy ▸ verify ▸ catalog ▸ delete source; saved after each step.

A step is repeated from its beginning when a worker dies in it, so each is written to find its own earlier result.
Retryable failures put the task back with a growing delay while ACS still has the media; what retrying cannot fix
goes to quarantine; anything unexpected is left to the host, which delivers the message again.
"""

from collections.abc import Callable

from recording.archive.catalog import catalog
from recording.archive.claim import Work, claim_chunk, ids_of
from recording.archive.conflicts import check_conflict
from recording.archive.delete_source import settle_source
from recording.archive.failure import after_failure, wait_for_other
from recording.archive.fallback import copy_or_heal
from recording.archive.metadata import is_right_index
from recording.archive.priority import queue_again, whose_turn
from recording.archive.tasks import take_task
from recording.archive.verify import verify
from recording.domain.state.chunk import ChunkState, ChunkTask
from recording.domain.state.transitions import is_finished, is_otherwise
from recording.errors import ClaimHeldError, ClaimLostError, RecordingError
from recording.ports import Ports
from recording.ports.library.follow_ups import Turns, request_follow_up
from recording.settings import Settings
from recording.telemetry import span

_TURNS = Turns()  # of this process


def archive_message(text: str, ports: Ports, settings: Settings) -> None:
    """Archive the chunk that a queue message asks for; a message that is not a task is quarantined.

    Raises:
        RecordingError: as `archive_chunk`.
    """
    task = take_task(text, ports, settings)
    if task is None or (task.is_contested and not is_right_index(task, ports, settings)):
        return
    chosen = whose_turn(task, ports, settings)
    is_borrowed = chosen is not task
    with _TURNS.one_more(), span("archive_chunk", attempt=chosen.attempt, **ids_of(chosen)):
        is_changed = archive_chunk(chosen, ports, settings, is_borrowed=is_borrowed)
    if is_changed:
        request_follow_up(chosen.recording_id, ports, _TURNS.delay())
    if is_borrowed:  # only now: a turn that fails is delivered again, and must not leave a second message
        queue_again(task, ports)


def archive_chunk(task: ChunkTask, ports: Ports, settings: Settings, *, is_borrowed: bool = False) -> bool:
    """Archive one chunk, or arrange that it is tried again, or keep it for manual review.

    Returning means the queue message may go: the chunk is finished, or another message carries the task on. On a
    borrowed turn the chunk's own message is that other one, and none is sent.

    Returns:
        Whether the turn has changed what there is to tell about the chunk; a duplicate or one more failed try has not.

    Raises:
        RecordingError: only when not even that could be arranged; the host delivers the message again.
    """
    work = None
    try:
        work = claim_chunk(task, ports, settings, is_borrowed=is_borrowed)
        if work is None:
            check_conflict(task, ports, settings, is_borrowed=is_borrowed)
            return False
        _go_on(work)
    except (ClaimHeldError, ClaimLostError) as error:
        wait_for_other(task, error, ports, is_borrowed=is_borrowed)
    except RecordingError as error:
        if work is None:
            raise
        after_failure(work, task, error)
    return work is not None and (work.found is None or is_otherwise(work.found, work.record))


def _go_on(work: Work) -> None:
    """Take each step that is left, from whatever state an earlier worker saved last."""
    steps: dict[ChunkState, Callable[[Work], None]] = {
        ChunkState.PENDING: copy_or_heal,
        ChunkState.COPIED: verify,
        ChunkState.VERIFIED: catalog,
        ChunkState.CATALOGED: settle_source,
    }
    while not is_finished(work.record):
        steps[work.record.state](work)
