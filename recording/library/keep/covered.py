"""Covered: find the recordings that a request for erasure is about, when it is made, approved, and carried out."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from recording.control.tenants import as_owner
from recording.domain.archived import layout
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.keep.destroy import folders_of
from recording.domain.keep.erasure import MOST_RECORDINGS, Erasure, as_far_as_it_fits
from recording.domain.keep.traces import Subject
from recording.domain.model import with_changes
from recording.domain.state.recording import RecordingRecord
from recording.errors import RequestError, SourceBrokenError
from recording.errors.codes import Code
from recording.library.directory import find_all
from recording.library.follow_up import library_of
from recording.library.handover.vcon import metadata_of
from recording.library.keep.assess import every_recording, keeping_of
from recording.ports import Ports
from recording.ports.stored import all_chunks_of
from recording.settings import Settings
from recording.telemetry import Event, emit


def find_covered(erasure: Erasure, ports: Ports, settings: Settings) -> tuple[str, ...]:
    """Return the recordings that a request covers now.

    Raises:
        RequestError: `too_many_recordings`, or one of them is not known.
    """
    if not erasure.participant:
        found = ports.catalog.get_recordings(erasure.recordings)
        if None in found:
            raise RequestError("the catalog does not know one of these recordings", code=Code.RECORDING_NOT_FOUND)
        _check_fits(erasure.recordings)
        return erasure.recordings
    covered = dict.fromkeys(_of_participant(erasure, ports, settings))
    if len(covered) > MOST_RECORDINGS:
        message = f"the participant is in more than {MOST_RECORDINGS} recordings; request them by their ids, in parts"
        raise RequestError(message, code=Code.TOO_MANY_RECORDINGS)
    _check_fits(covered)
    return tuple(covered)


def _check_fits(recordings: Collection[str]) -> None:
    if as_far_as_it_fits((), tuple(recordings))[1]:
        message = f"the ids of these {len(recordings)} recordings are too long for one request; request them in parts"
        raise RequestError(message, code=Code.TOO_MANY_RECORDINGS)


def _of_participant(erasure: Erasure, ports: Ports, settings: Settings) -> Iterator[str]:
    """Yield the ids of the recordings whose metadata or start request names the participant."""
    yield from (record.recording_id for record in _named_in(erasure, ports, settings))
    subject = subject_of(erasure, ports)
    for record in every_recording(ports.catalog):
        is_asked_for = bool(record.request) and subject.is_in(str(record.request))
        if is_asked_for or (
            record.facts is not None and record.facts.more_participants and _names(record, subject, ports)
        ):
            yield record.recording_id


def _named_in(erasure: Erasure, ports: Ports, settings: Settings) -> Iterator[RecordingRecord]:
    """Yield the recordings whose metadata names the participant."""
    for one in erasure.participant:
        query = FindQuery.read({"participant": f"h:{one}", "limit": 200})
        yield from (found.recording for found in find_all(query, ports, settings, with_hidden=True))


def _names(record: RecordingRecord, subject: Subject, ports: Ports) -> bool:
    """Return whether the metadata of a recording names the person, whom its index may lack among so many."""
    return any(subject.is_named(raw_id) for raw_id in _raw_ids_of(record, ports))


def _raw_ids_of(record: RecordingRecord, ports: Ports) -> Iterator[str]:
    """Yield the raw id of each participant in the metadata of a recording.

    Raises:
        StorageError: catalog or archive do not answer.
    """
    chunks, unread = all_chunks_of(record.recording_id, ports.catalog)
    documents: Iterator[ChunkMetadata | None] = (metadata_of(chunk, ports) for chunk in chunks)
    if unread:  # the documents of their chunks are found by where they are
        documents = _documents_in(folders_of(record, chunks), ports)
    for document in documents:
        yield from (one.raw_id for one in (document.participants if document else ()))


def _documents_in(folders: Iterable[str], ports: Ports) -> Iterator[ChunkMetadata | None]:
    """Yield every metadata document in these folders; None for one that cannot be read.

    Raises:
        StorageError: the archive does not answer, or has one in the archive tier.
    """
    for folder in folders:
        for blob in ports.archive.list(f"{folder}/"):
            if blob.is_committed and blob.name.endswith(layout.METADATA):
                stored = ports.archive.get(blob.name)
                with suppress(SourceBrokenError):
                    yield read_metadata(stored[0]) if stored else None


def widen(erasure: Erasure, ports: Ports, settings: Settings) -> tuple[Erasure, int]:
    """Add recordings that name the person and were imported, rebuilt or cataloged since the approval.

    A call that began after the approval is not covered: it needs a request of its own. Also returns how many did not
    fit into the row: they are named by the alarm, need a request by their ids, and until then this one is not done.
    """
    if not erasure.participant or erasure.approved_at is None:
        return erasure, 0
    hashes = dict.fromkeys((*erasure.participant, *_hashes_under_all_keys(erasure, ports)))
    fresh = with_changes(erasure, {"participant": tuple(hashes)})
    found = dict.fromkeys(
        record.recording_id
        for record in _named_in(fresh, as_owner(ports, erasure.tenants), settings)
        if record.recording_id not in erasure.recordings
        and record.facts is not None
        and record.facts.started_at <= erasure.approved_at
    )
    recordings, left_out = as_far_as_it_fits(erasure.recordings, tuple(found))
    for recording_id in left_out:
        emit(Event.DISPOSE_REFUSED, recording_id=recording_id, code=Code.TOO_MANY_RECORDINGS, entry=erasure.erasure_id)
    widened = with_changes(fresh, {"recordings": recordings})
    if widened == erasure:
        return erasure, len(left_out)
    keeping_of(ports).list_covered(widened)
    return keeping_of(ports).save_erasure(widened), len(left_out)


def _hashes_under_all_keys(erasure: Erasure, ports: Ports) -> Iterator[str]:
    """Yield the person's hashes under all keys, made from the documents of recordings that an older key found."""
    keys = library_of(ports)[1].keys()
    subject = erasure.subject(keys)
    if len(keys.keys) < 2:
        return
    for record in ports.catalog.get_recordings(erasure.recordings):
        if isinstance(record, RecordingRecord):
            for raw_id in _raw_ids_of(record, ports):
                if subject.is_named(raw_id):
                    yield from (key.participant(raw_id) for key in keys.keys)


def subject_of(erasure: Erasure, ports: Ports) -> Subject:
    """Return the person that a request is about, by the keys in use."""
    return erasure.subject(library_of(ports)[1].keys())
