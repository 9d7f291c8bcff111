"""Reindex: rewrite all index rows when the key of their hashes changes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from recording.errors import RecordingError
from recording.library.follow_up import follow_up
from recording.ports import Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT, code_of

LOOP = "reindex"  # the cursor
PAGE = 200


@dataclass
class Reindexed:
    """The result of a run: recordings checked, recordings rewritten, and failures with their codes."""

    seen: int = 0
    written: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


def reindex(ports: Ports, *, again: bool = False, progress: Callable[[Reindexed], None] = lambda _: None) -> Reindexed:
    """Rewrite the rows of every recording under the current key; an interrupted run continues after its last page.

    Args:
        ports: catalog, archive and directory.
        again: rewrite also the rows that are up to date.
        progress: called after each page.

    Raises:
        StorageError: the catalog does not answer; the next run continues.
    """
    done, position = Reindexed(), ports.catalog.cursor(LOOP)
    while True:
        page = ports.catalog.recordings_page(position, PAGE)
        for record in page.items:
            done.seen += 1
            if isinstance(record, Unreadable):
                done.problems.append((record.where, record.code))
            else:
                _follow_up(record.recording_id, done, ports, again=again)
        progress(done)
        if page.error:
            raise page.error
        position = page.next
        ports.catalog.save_cursor(LOOP, position)
        if not position:
            return done


def _follow_up(recording_id: str, done: Reindexed, ports: Ports, *, again: bool) -> None:
    try:
        done.written += follow_up(recording_id, ports, again=again)
    except (RecordingError, *ODD_CONTENT) as error:
        done.problems.append((recording_id, code_of(error)))
