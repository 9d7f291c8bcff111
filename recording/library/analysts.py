"""Export the directory to Parquet files for analysts each night, one folder per month, without identifiers.

The two newest months are rewritten each night, and one older month in turn, so that late changes and destroyed
recordings reach every file. A file is replaced as a whole; nothing is deleted, and a part that is no longer needed is
left without rows.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from recording import __version__
from recording.domain.find.directory import Span, inverse_month, month_of
from recording.domain.find.for_analysts import columns_for, row_of
from recording.domain.find.parquet import parquet
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageBusyError
from recording.library.follow_up import library_of
from recording.ports import Archive, Ports, Unreadable
from recording.settings import Settings
from recording.telemetry import Event, emit

PART = 200_000  # recordings in a file: some ten megabytes
READ_AT_ONCE = 500  # recordings
ALWAYS = 2  # the newest months
LOOP = "parquet"  # the cursor: the month that was written in turn last
_TRIES = 3
_OURS = re.compile(r"directory/month=([1-9]\d{3}-(?:0[1-9]|1[0-2]))/part-", re.ASCII)
_WRITER = f"acs-recording-archive {__version__}"
_MEDIA_TYPE = "application/vnd.apache.parquet"


@dataclass
class Exported:
    """The result of a night: months as `2026-11`, recordings, files, and recordings that could not be read."""

    months: list[str] = field(default_factory=list)
    recordings: int = 0
    files: int = 0
    unreadable: int = 0


def export_directory(ports: Ports, settings: Settings) -> Exported | None:
    """Write the night's months; None where PARQUET_CONTAINER is not set.

    Raises:
        StorageError: directory, catalog or the container do not answer; the next night writes the same again.
    """
    if ports.analysts is None:
        return None
    done = Exported()
    months = list(_months(ports))
    chosen = months[:ALWAYS]
    older = months[ALWAYS:]
    if older:
        chosen.append(_next_of(older, ports.catalog.cursor(LOOP)))
    for month in chosen:
        _export_month(month, ports, settings, done)
        done.months.append(month_of(month))
    if older:
        ports.catalog.save_cursor(LOOP, chosen[-1])
    emit(Event.DIRECTORY_EXPORTED, count=done.recordings, files=done.files, unread=done.unreadable)
    return done


def _months(ports: Ports) -> Iterator[str]:
    """Yield the months that have recordings, the newest first, spelt as in partitions: one request for each."""
    directory, _ = library_of(ports)
    following = inverse_month(datetime.max.replace(tzinfo=UTC) - timedelta(days=1))
    while True:
        page = directory.read(Span(f"t!{following}", "t!999999"), most=1)
        if not page.rows and page.is_end:
            return
        if page.rows:
            found = page.rows[0].partition.removeprefix("t!")
            yield found
            following = f"{int(found) + 1:06d}"


def _next_of(months: list[str], last: str) -> str:
    """Return the next month after the last one written; after the oldest, the newest again."""
    return next((month for month in months if month > last), months[0])


def _export_month(month: str, ports: Ports, settings: Settings, done: Exported) -> None:
    columns, part = columns_for(settings.parquet_tags), 0
    rows: list[list[Any]] = []
    folder = f"directory/month={month_of(month)}"
    target = _target(ports)

    def write() -> None:
        _replace(target, f"{folder}/part-{part:04d}.parquet", parquet(columns, rows, _WRITER))

    for record in _records(month, ports, done):
        row = row_of(record, settings.parquet_tags)
        if row is None:
            continue
        rows.append(row)
        done.recordings += 1
        if len(rows) == PART:
            write()
            rows, part = [], part + 1
    if rows or part == 0:
        write()
        part += 1
    done.files += part
    for blob in list(target.list(f"{folder}/part-")):
        if blob.name >= f"{folder}/part-{part:04d}.parquet":
            _replace(target, blob.name, parquet(columns, [], _WRITER))


def _records(month: str, ports: Ports, done: Exported) -> Iterator[RecordingRecord]:
    directory, _ = library_of(ports)
    span, after, is_end = Span(f"t!{month}", f"t!{month}"), "", False
    while not is_end:
        page = directory.read(span, after, READ_AT_ONCE)
        found = ports.catalog.get_recordings([row.recording_id for row in page.rows])
        for row, record in zip(page.rows, found, strict=True):
            if isinstance(record, Unreadable):
                done.unreadable += 1
            elif record is not None and record.placement is not None and record.placement.row_key == row.row_key:
                yield record
        after, is_end = page.rows[-1].row_key if page.rows else after, page.is_end


def rewrite_where(is_about: Callable[[bytes], bool], ports: Ports, settings: Settings) -> Exported:
    """Rewrite, from the present directory, the months whose files contain matching bytes; other folders are not ours.

    Raises:
        StorageError: directory, catalog or the container do not answer; the same again completes it.
    """
    done, target = Exported(), _target(ports)
    files = [(_OURS.match(blob.name), blob.name) for blob in target.list("directory/month=")]
    for month in sorted({ours[1] for ours, name in files if ours and is_about(_whole(name, target))}):
        _export_month(inverse_month(datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)), ports, settings, done)
        done.months.append(month)
    return done


def _whole(name: str, target: Archive) -> bytes:
    return b"".join(target.read(name))


def _target(ports: Ports) -> Archive:
    if ports.analysts is None:
        raise StorageBusyError("there is no container for analysts")
    return ports.analysts


def _replace(target: Archive, name: str, content: bytes) -> None:
    """Write a file, replacing any other; two runs at once write the same."""
    for _ in range(_TRIES):
        there = target.look_up(name)
        if target.put_if_unchanged(name, content, _MEDIA_TYPE, there.etag if there else None):
            return
    raise StorageBusyError("the file keeps changing")
