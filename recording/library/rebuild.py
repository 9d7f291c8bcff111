"""Rebuild: recreate the whole catalog and the directory from the blobs of an archive container alone.

Each folder is independent: one whose documents cannot be read is a problem of its own. What the catalog already knows
is left unchanged, so repeating it changes nothing, and an interrupted run continues after the last folder. Not in the
archive, and so not recreated: the audit trail, the quarantine, chunks that were not archived, and recordings without
files.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from recording.archive.manifest import latest_manifest
from recording.domain.archived import layout
from recording.domain.archived.drift import BlobFacts
from recording.domain.archived.rebuilt import Document, chosen, chunk_of, read_document, recording_of, unfinished_in
from recording.domain.find.directory import Span
from recording.domain.ids import name_of
from recording.domain.state.chunk import ChunkRecord, Home
from recording.errors import BlobLockedError, RecordingError, StorageError
from recording.library.follow_up import follow_up, library_of
from recording.ports import Ports
from recording.ports.bulkhead import MOST_IN_A_ROW, ODD_CONTENT, code_of
from recording.settings import Settings
from recording.telemetry import Event, emit

COPY = "a copy; its documents are of another folder"
OFFLINE = "its documents are in the archive tier; bring them back, then rebuild again"
LOOP = "rebuild"  # the cursor: the last folder that is done
_LAST = "\U0010ffff"  # sorts behind every name
SAVED_EVERY = 100  # folders; after an interruption so many are checked again in vain


@dataclass
class Rebuilt:
    """The result of a run.

    Attributes:
        recordings: records of recordings that were created.
        chunks: records of chunks that were created.
        known: records that existed and were left unchanged.
        unfinished: chunks that a manifest names but no receipt proves.
        problems: blobs that could not be read or are missing, each with its reason.
    """

    folders: int = 0
    recordings: int = 0
    chunks: int = 0
    known: int = 0
    unfinished: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


def rebuild(
    ports: Ports,
    settings: Settings,
    *,
    prefix: str = "",
    from_start: bool = False,
    progress: Callable[[Rebuilt], None] = lambda _: None,
) -> Rebuilt:
    """Recreate recordings, chunks and directory from the archive.

    Args:
        ports: with the archive to read, and the catalog to fill.
        settings: how long ACS keeps a recording.
        prefix: of blob names; only these folders.
        from_start: do not continue where an earlier run ended.
        progress: called after each folder.

    Raises:
        StorageError: the listing failed, or `MOST_IN_A_ROW` folders in a row did; the next run continues.
    """
    done, failed = Rebuilt(), 0
    cursor = f"{LOOP}-{name_of(prefix)}" if prefix else LOOP
    behind = "" if from_start else ports.catalog.cursor(cursor)
    for folder, blobs in _folders(ports.archive.list(prefix)):
        if not f"{folder}/".startswith(prefix) or (behind and _order_of(folder) <= _order_of(behind)):
            continue
        try:
            _rebuild_folder(folder, blobs, done, ports, settings)
            failed = 0
        except StorageError as error:
            failed += 1
            if failed == MOST_IN_A_ROW:
                raise
            done.problems.append((folder, error.code))
        except ODD_CONTENT as error:  # a document that no version of this app has written
            done.problems.append((folder, code_of(error)))
        done.folders += 1
        progress(done)
        if done.folders % SAVED_EVERY == 0 and not failed:
            ports.catalog.save_cursor(cursor, folder)
    ports.catalog.save_cursor(cursor, "")
    return done


def _folders(blobs: Iterable[BlobFacts]) -> Iterator[tuple[str, dict[str, BlobFacts]]]:
    """Yield each folder once, with its own committed blobs, after all folders inside it.

    A listing is sorted by full names, so the blobs of a subfolder are between a folder's own blobs.
    """
    entered: list[tuple[str, dict[str, BlobFacts]]] = []
    for blob in blobs:
        if not blob.is_committed:
            continue
        folder = blob.name.rpartition("/")[0]
        while entered and not _is_inside(folder, entered[-1][0]):
            yield entered.pop()
        if not entered or entered[-1][0] != folder:
            entered.append((folder, {}))
        entered[-1][1][blob.name] = blob
    while entered:
        yield entered.pop()


def _is_inside(folder: str, outer: str) -> bool:
    return not outer or f"{folder}/".startswith(f"{outer}/")


def _order_of(folder: str) -> str:
    """Return the sort key for the order in which folders are processed."""
    return f"{folder}/{_LAST}" if folder else _LAST


def _rebuild_folder(folder: str, blobs: dict[str, BlobFacts], done: Rebuilt, ports: Ports, settings: Settings) -> None:
    receipts = [name for name in blobs if name.endswith(".receipt.json")]
    has_manifest = layout.manifest_name(folder) in blobs
    if not receipts and not has_manifest:
        return
    try:
        _make_anew(folder, receipts, blobs, done, ports, settings)
    except BlobLockedError:  # a partial recording would lack tags or people, and stay so, because it would be known
        done.problems.append((folder, OFFLINE))


def _make_anew(  # noqa: PLR0917 - a folder, what is in it, and where it goes
    folder: str, receipts: list[str], blobs: dict[str, BlobFacts], done: Rebuilt, ports: Ports, settings: Settings
) -> None:
    """Create the records of one folder, or none of them.

    Raises:
        BlobLockedError: one of its documents is in the archive tier; nothing was created.
        StorageError: the archive or the catalog does not answer.
    """
    _check_readable(receipts, blobs)
    has_manifest = layout.manifest_name(folder) in blobs
    now = ports.clock.now()
    found = latest_manifest(folder, ports.archive)[1] if has_manifest else None
    manifest = read_document(found[0]) if found else None
    if has_manifest and manifest is None:
        done.problems.append((layout.manifest_name(folder), "unreadable"))
    if _is_copied(folder, manifest):
        done.problems.append((folder, COPY))
        return
    records = [record for name in receipts if (record := _chunk(name, blobs, done, ports, settings)) is not None]
    chunks = chosen(records)
    odd = list[str]()
    recording = recording_of(folder, manifest, chunks, now, odd)
    if recording is None:
        done.problems.append((folder, "names no recording"))
        return
    if odd:
        done.problems.append((layout.manifest_name(folder), f"left out: {', '.join(odd)}"))
    done.unfinished += unfinished_in(manifest, chunks)
    is_new = ports.catalog.add_recording(recording)
    done.recordings += is_new
    done.known += not is_new
    for chunk in chunks:
        is_added = ports.catalog.add_chunk(chunk)
        done.chunks += is_added
        done.known += not is_added
    _follow_up(recording.recording_id, done, ports)


def _check_readable(receipts: list[str], blobs: dict[str, BlobFacts]) -> None:
    """Check that no document that is needed is in the archive tier, according to the listing.

    Raises:
        BlobLockedError: one is in the archive tier.
    """
    beside = [name.removesuffix(".receipt.json") + layout.METADATA for name in receipts]
    if any(name in blobs and blobs[name].is_offline for name in (*receipts, *beside)):
        raise BlobLockedError("a document is in the archive tier")


def _chunk(
    name: str, blobs: dict[str, BlobFacts], done: Rebuilt, ports: Ports, settings: Settings
) -> ChunkRecord | None:
    """Return the record from a receipt; None, and a problem, if it is unreadable or its media does not match."""
    stored = ports.archive.get(name)
    receipt = read_document(stored[0]) if stored else None
    beside = name.removesuffix(".receipt.json") + layout.METADATA
    metadata = ports.archive.get(beside) if beside in blobs else None
    retention, now = settings.retention, ports.clock.now()
    record = chunk_of(name, receipt, metadata[0] if metadata else None, retention, now) if receipt else None
    if record is None:
        done.problems.append((name, "unreadable"))
        return None
    if record.blob_name and layout.receipt_name(record.blob_name) != name:
        done.problems.append((name, COPY))
        return None
    if record.task.home is Home.EXTERNAL:
        return record
    media = blobs.get(record.blob_name) if record.blob_name is not None else None
    if media is None or media.length_bytes != record.length_bytes:
        done.problems.append((record.blob_name or name, "media missing" if media is None else "media differs"))
        return None
    return record


def _is_copied(folder: str, manifest: Document | None) -> bool:
    """Return whether a manifest was written for another folder, which is then the recording's own."""
    entries = (manifest or {}).get("chunks")
    named = [one.get("blobName") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    places = {name.rpartition("/")[0] for name in named if isinstance(name, str)}
    return bool(places) and folder not in places


def _follow_up(recording_id: str, done: Rebuilt, ports: Ports) -> None:
    """Write the directory's rows, even if they exist according to the catalog: the directory may have been lost.

    Reconcile completes what fails, since no recording is settled before.
    """
    try:
        follow_up(recording_id, ports, again=_lacks_rows(recording_id, ports))
    except (RecordingError, *ODD_CONTENT) as error:
        code = code_of(error)
        done.problems.append((recording_id, code))
        emit(Event.FOLLOW_UP_FAILED, code=code, recording_id=recording_id)


def _lacks_rows(recording_id: str, ports: Ports) -> bool:
    """Return whether the directory lacks a row that the catalog lists; in doubt the rows are written again."""
    record = ports.catalog.get_recording(recording_id)
    placement = record.placement if record else None
    if placement is None:
        return False
    directory, key = library_of(ports)[0], placement.row_key
    spans = [Span(partition, partition, key, key) for partition in placement.partitions]
    return not all(directory.read(span).rows for span in spans)
