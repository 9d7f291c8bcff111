"""Reindex: rewrite all index rows when the key of their hashes changes, or remove those of an erased person."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from recording.domain.find.directory import IndexRow, Span, participant_partition, place_of
from recording.errors import StorageError
from recording.library.follow_up import follow_up, library_of
from recording.ports import Directory, Ports, Unreadable

LOOP = "reindex"  # the cursor
PAGE = 200


@dataclass
class Reindexed:
    """The result of a run: recordings checked, recordings rewritten, and failures with their codes."""

    seen: int = 0
    written: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Forgotten:
    """The result for a person's index rows: recordings checked, rows removed, rows that metadata still requires."""

    recordings: int
    removed: int
    remaining: int


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


def forget_participant(raw_id: str, ports: Ports) -> Forgotten:
    """Remove a person's index rows once the metadata that names them is erased, including rows of dead workers.

    Recordings whose metadata still names the person keep their rows, and are counted.

    Raises:
        StorageError: catalog, archive or directory do not answer; the same call again completes it.
    """
    directory, source = library_of(ports)
    partitions = [participant_partition(key.participant(raw_id)) for key in source.keys().keys]
    before = [row for partition in partitions for row in _rows(partition, directory)]
    for recording_id in sorted({row.recording_id for row in before}):
        follow_up(recording_id, ports, again=True)
    left = [row for partition in partitions for row in _rows(partition, directory)]
    demanded = [row for row in left if _is_demanded(row, ports)]
    directory.remove([place_of(row.partition, row.row_key) for row in left if row not in demanded])
    return Forgotten(len({row.recording_id for row in before}), len(before) - len(demanded), len(demanded))


def _follow_up(recording_id: str, done: Reindexed, ports: Ports, *, again: bool) -> None:
    try:
        done.written += follow_up(recording_id, ports, again=again)
    except StorageError as error:
        done.problems.append((recording_id, error.code))


def _rows(partition: str, directory: Directory) -> Iterator[IndexRow]:
    after, is_end = "", False
    while not is_end:
        page = directory.read(Span(partition, partition), after)
        yield from page.rows
        after, is_end = page.rows[-1].row_key if page.rows else after, page.is_end


def _is_demanded(row: IndexRow, ports: Ports) -> bool:
    """Return whether the recording's record lists this row."""
    record = ports.catalog.get_recording(row.recording_id)
    placement = record.placement if record else None
    return placement is not None and placement.row_key == row.row_key and row.partition in placement.partitions
