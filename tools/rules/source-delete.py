"""What the rules about deleting must find (ruleid) and must leave alone (ok)."""

from recording.adapters.acs.source import AcsSource
from recording.domain.state.transitions import may_delete_source


# ruleid: second-place-that-deletes
def _delete_source(work: Work, stored: StoredChunk) -> SourceOutcome:
    if not may_delete_source(work.record, stored):
        raise RecordingError("refused")
    # ok: source-deleted-elsewhere
    return work.ports.source.delete(work.task.delete_location)


def tidy_up(work):
    # ruleid: source-deleted-elsewhere
    work.ports.source.delete(work.task.delete_location)


def with_the_guard_but_elsewhere(work):
    if not may_delete_source(work.record):
        raise RecordingError("refused")
    # ruleid: source-deleted-elsewhere
    work.ports.source.delete(work.task.delete_location)


def handed_on(work, run):
    # ruleid: source-deleted-elsewhere
    run(work.ports.source.delete, work.task.delete_location)


def by_the_adapter(acs, location, source):
    # ruleid: source-deleted-elsewhere
    AcsSource(acs).delete(location)
    # ruleid: source-deleted-elsewhere
    source.delete(location)


class NoGuard:
    # ruleid: second-place-that-deletes
    def _delete_source(work: Work, stored: StoredChunk) -> SourceOutcome:
        # ruleid: source-deleted-elsewhere
        return work.ports.source.delete(work.task.delete_location)


def storage(client, queue):
    # ruleid: archive-that-deletes
    client.delete_blob("x")
    # ruleid: archive-that-deletes
    client.delete_container("x")
    # ok: archive-that-deletes, source-deleted-elsewhere
    queue.delete_message("x")
