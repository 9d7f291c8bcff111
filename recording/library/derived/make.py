"""Make: for a message requesting files of a kind, stage, commit and read back each, then write its receipt.

1. A file that already has a receipt is left as it is: a message delivered twice does nothing the second time.
2. The row says under its own ETag that a file is being made, and the custodian waits; where the custodian was faster,
   nothing is made. This is repeated before each write, so nothing appears after a destruction.
3. Blocks are staged under names that the same work has every time; then one request makes the file of them.
4. The file is read back as it is stored, and its receipt is written. A file without a receipt does not count.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from recording import __version__
from recording.domain.archived.derived import (
    DerivedKind,
    Made,
    Wanted,
    derived_receipt,
    failed_name_of,
    files_wanted,
    receipt_name_of,
)
from recording.domain.archived.layout import JSON
from recording.domain.foreign_json import read_json
from recording.domain.formats import FormatType
from recording.domain.keep.custody import deriving
from recording.domain.state.quarantine import Origin
from recording.errors import BlobLockedError, RecordingError, RequestError, StorageError
from recording.errors.codes import Code
from recording.library.derived import write
from recording.library.derived.blocks import Blocks
from recording.library.derived.sources import layout_of_source
from recording.library.keep.holds import change_custody, hold_blobs, is_to_be_compared
from recording.library.seal.waiting import seal_file
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.exports import DerivedPorts
from recording.ports.stored import all_chunks_of
from recording.ports.unread import keep_unread
from recording.telemetry import Event, emit

WHILE_BUSY = timedelta(seconds=30)
CUSTODIAN_WAITS = timedelta(minutes=15)  # longer than any one request and its repetitions


def derive_message(text: str, ports: Ports) -> None:
    """Make the files that a message requests; the reason of a failure is stored for the caller.

    A message that cannot be read is quarantined.
    """
    asked = _asked(text)
    if asked is None:
        keep_unread(text, Origin.DERIVED_QUEUE, ports)
        return
    recording_id, kind = asked
    if not ports.memory.heavy.acquire(blocking=False):
        derived_of(ports).queue.send(recording_id, kind.value, WHILE_BUSY)
        return
    try:
        make_derived(recording_id, kind, ports)
    except (RequestError, *ODD_CONTENT) as error:
        _fail(recording_id, kind, error, ports)
    finally:
        ports.memory.heavy.release()


def derived_of(ports: Ports) -> DerivedPorts:
    """Return what derived files need.

    Raises:
        StorageError: they are not configured, as in some tests.
    """
    if ports.derived is None:
        raise StorageError("this installation makes no derived files")
    return ports.derived


def wanted_now(recording_id: str, kind: DerivedKind, ports: Ports) -> list[Wanted]:
    """Return the files of a kind that the recording would have at present.

    Raises:
        RequestError: as `files_wanted`; or `unreadable_record`, a file would lack a chunk in silence.
        StorageError: the catalog does not answer.
    """
    record = ports.catalog.get_recording(recording_id)
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    if unread:
        message = f"{len(unread)} rows of its chunks cannot be read, so that a file of all of them cannot be made"
        raise RequestError(message, code=Code.of(unread[0].code) or Code.UNREADABLE_RECORD)
    return files_wanted(recording_id, kind, chunks, record.least_count if record else None)


def make_derived(recording_id: str, kind: DerivedKind, ports: Ports) -> list[Wanted]:
    """Make the missing files of a kind; return them.

    Raises:
        RequestError: as `files_wanted`; `being_destroyed` or `recording_disposed`; `media_offline`.
        StorageError: storage does not answer; the same again continues where this ended.
    """
    wanted = wanted_now(recording_id, kind, ports)
    missing = [one for one in wanted if ports.archive.look_up(receipt_name_of(one.stem)) is None]
    for _, group in groupby(missing, key=lambda one: one.sources):
        _make(list(group), ports)
    return missing


def _make(wanted: Sequence[Wanted], ports: Ports) -> None:
    """Make one joined file, or the files of several channels of one chunk."""
    keep_off(wanted[0], ports)
    first = wanted[0]
    if first.kind is DerivedKind.SPEAKERS:
        _make_speakers(wanted, ports)
    elif first.format is FormatType.WAV:
        layouts = write.layouts_of(first, ports)
        if ports.archive.look_up(first.blob_name) is None:
            _commit(first, write.stage_joined_wav(first, layouts, ports), ports)
        proof = write.prove_joined_wav(first, layouts, ports)
        _finish(first, write.made_of_wav(first, layouts), proof, ports)
    else:
        blocks, made = write.stage_joined_mp3(first, ports)
        _commit(first, blocks, ports)
        _finish(first, made, write.digest_of(first, ports), ports)


def _make_speakers(wanted: Sequence[Wanted], ports: Ports) -> None:
    layout = layout_of_source(wanted[0].sources[0], ports)
    if any((one.channel or 0) >= layout.channels for one in wanted):
        raise RequestError("the file has fewer channels than the catalog says", code=Code.NOT_DERIVABLE)
    absent = [one for one in wanted if ports.archive.look_up(one.blob_name) is None]
    staged = write.stage_speakers(absent, layout, ports) if absent else []
    for one, blocks in zip(absent, staged, strict=True):
        _commit(one, blocks, ports)
    for one in wanted:
        _finish(one, write.made_of_wav(one, [layout]), write.digest_of(one, ports), ports)


def _commit(wanted: Wanted, blocks: Blocks, ports: Ports) -> None:
    """Commit the file from its blocks; one that another worker committed has the same bytes."""
    keep_off(wanted, ports)
    _check_sources(wanted, ports)
    facts = {"recordingid": wanted.recording_id, "derivedid": wanted.mark}
    ports.archive.commit(wanted.blob_name, blocks.ids, wanted.format.media_type, facts)


def _finish(wanted: Wanted, made: Made, proof: tuple[int, str], ports: Ports) -> None:
    """Write the receipt, have it sealed, and apply the recording's holds to the file."""
    receipt = derived_receipt(wanted, made, proof, ports.clock.now(), __version__)
    keep_off(wanted, ports)
    _check_sources(wanted, ports)
    name = receipt_name_of(wanted.stem)
    ports.archive.put_once(name, receipt, JSON)
    seal_file(name, ports)
    row = ports.keeping.custody(wanted.recording_id) if ports.keeping is not None else None
    if row is not None and ports.custodian is not None and is_to_be_compared(row):
        hold_blobs(row, ports.custodian, ports)
    emit(Event.DERIVED, recording_id=wanted.recording_id, reason=wanted.kind, length_bytes=proof[0])


def keep_off(wanted: Wanted, ports: Ports) -> None:
    """Make the custodian wait for as long as the next write may take.

    Raises:
        RequestError: `being_destroyed` or `recording_disposed`; then nothing more is written.
    """
    if ports.keeping is not None:
        until = ports.clock.now() + CUSTODIAN_WAITS
        change_custody(wanted.recording_id, lambda row: deriving(row, until), ports)


def _check_sources(wanted: Wanted, ports: Ports) -> None:
    """Check that the catalog still has every file that this one is made from; the custodian waits meanwhile.

    Raises:
        StorageError: a voice was removed from one, or it is gone; a redelivered message uses what is left.
    """
    known = {(one.blob_name, one.sha256) for one in ports.catalog.chunks_of(wanted.recording_id) if not one.disposed_at}
    if any((source.blob_name, source.sha256) not in known for source in wanted.sources):
        raise StorageError("a file has changed while another one was made from it")


def _fail(recording_id: str, kind: DerivedKind, error: Exception, ports: Ports) -> None:
    code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
    emit(Event.DERIVED_FAILED, code=code, recording_id=recording_id, reason=kind)
    why = {"error": code, "detail": str(error) if isinstance(error, RequestError) else type(error).__name__}
    for one in _nameable(recording_id, kind, ports):
        name = failed_name_of(one.stem)
        known = ports.archive.get(name)
        content = json.dumps({**why, "at": ports.clock.now().isoformat()}).encode()
        try:
            ports.archive.put_if_unchanged(name, content, JSON, known[1] if known else None)
        except BlobLockedError:
            return  # the failure is already recorded


def _nameable(recording_id: str, kind: DerivedKind, ports: Ports) -> Iterator[Wanted]:
    """Yield the files that have a name, as far as nobody destroys the recording, where nothing is written any more."""
    try:
        for one in wanted_now(recording_id, kind, ports):
            keep_off(one, ports)
            yield one
    except RequestError:
        return


def _asked(text: str) -> tuple[str, DerivedKind] | None:
    try:
        told: Any = read_json(text)
        return str(told["recordingId"]), DerivedKind(told["kind"])
    except (ValueError, LookupError, TypeError):
        return None
