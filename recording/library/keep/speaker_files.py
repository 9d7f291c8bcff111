"""Write the file that replaces one with an erased speaker, and prove it before the catalog names it.

Each step finds its own earlier result: the new file's name follows from the old one's, and a block's name from the
request. A file that an earlier run wrote and that cannot be proved is destroyed and written again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from recording import __version__
from recording.domain.archived import layout
from recording.domain.archived.blocks import Block, block_id, crc64_of, regrouped
from recording.domain.archived.integrity import Digest, Hasher
from recording.domain.archived.layout import JSON
from recording.domain.archived.receipt import receipt_of
from recording.domain.incoming.facts import facts_of_metadata
from recording.domain.incoming.metadata import read_metadata
from recording.domain.keep.custody import Custody, SpeakerClaim
from recording.domain.keep.destroy import Place
from recording.domain.keep.erasure import Erasure
from recording.domain.keep.speaker import NotAlone, Voice, next_name
from recording.domain.keep.traces import Subject
from recording.domain.media.silence import is_silenced as is_proved
from recording.domain.media.silence import silenceable, silenced
from recording.domain.media.wav_layout import HEAD_BYTES, WavLayout
from recording.domain.state.chunk import ChunkRecord, Silenced
from recording.domain.state.records import changed, required, stored_name
from recording.domain.state.stored import sha256_of
from recording.errors import BlobLockedError, StorageBusyError
from recording.library.keep.destroy import destroy_versions
from recording.ports import Custodian, Ports
from recording.settings import Settings

BLOCK_BYTES = 8 << 20  # staged at a time
PROOF = "the other channels equal those of the file before, bit by bit"


@dataclass(frozen=True)
class SpeakerTask:
    """One request about one recording: the request, its claim on the recording, the person, and the means."""

    erasure: Erasure
    claim: SpeakerClaim
    subject: Subject
    custodian: Custodian
    ports: Ports
    settings: Settings


def silence(voice: Voice, row: Custody, task: SpeakerTask) -> None:
    """Write the file that replaces a chunk's file, prove it, and change the catalog.

    Raises:
        StorageBusyError: the file cannot be read now, or the new one could not be proved; the next run tries again.
        StorageError: storage does not answer.
    """
    chunk, ports = voice.chunk, task.ports
    old = stored_name(chunk)
    new = next_name(old)
    form = layout_of(chunk, voice.channels, task)
    if isinstance(form, NotAlone):
        raise StorageBusyError("the file cannot be read now; the next run tries again")
    digest = _write(old, new, form, voice, task)
    stored = ports.archive.look_up(new)
    made = Silenced(
        channels=voice.channels,
        at=row.speaker_since or ports.clock.now(),
        request_id=task.claim.request_id,
        requested_by=task.erasure.requested_by,
        approved_by=task.erasure.approved_by,
        sha256_before=chunk.sha256,
        sha256_after=digest.sha256,
        kinds=voice.kinds,
    )
    fresh = changed(
        chunk,
        blob_name=new,
        name_version=layout.name_version_of(new),
        length_bytes=digest.length_bytes,
        sha256=digest.sha256,
        sha512=digest.sha512 or None,
        stored_etag=stored.etag if stored else None,
        metadata_sha256=sha256_of(voice.metadata),
        facts=facts_of_metadata(read_metadata(voice.metadata)),
        verified_how=tuple(dict.fromkeys((*chunk.verified_how, PROOF))),
        silenced=(*chunk.silenced, made),
        suspects=(),
        fallback=None,
        dismissed=None,
    )
    _put(layout.metadata_name(new), voice.metadata, task)
    _put(layout.receipt_name(new), receipt_of(fresh, __version__), task)
    ports.catalog.save_chunk(fresh)


def layout_of(chunk: ChunkRecord, channels: Sequence[int], task: SpeakerTask) -> WavLayout | NotAlone:
    """Return where the samples of a file are; or the reason why these channels cannot be silenced in it."""
    try:
        head, total = task.ports.archive.read_range(stored_name(chunk), 0, HEAD_BYTES)
    except BlobLockedError:
        return NotAlone.OFFLINE
    found = silenceable(head, total)
    if found is None:
        return NotAlone.FORMAT
    return found if all(0 <= one < found.channels for one in channels) else NotAlone.NO_CHANNEL


def _write(old: str, new: str, form: WavLayout, voice: Voice, task: SpeakerTask) -> Digest:
    """Write the new file unless it is there, then read both files back and compare them.

    Returns:
        Length and digests of the new file, as it is stored.
    """
    archive = task.ports.archive
    mark = sha256(f"{task.claim.request_id}|{voice.chunk.sha256}|{voice.channels}".encode()).hexdigest()
    if archive.look_up(new) is None:
        hasher, blocks = Hasher(with_sha512=True), list[str]()
        for data in regrouped(silenced(archive.read(old), form, voice.channels), BLOCK_BYTES):
            name = block_id(Block(hasher.length_bytes, len(data)), mark, crc64_of(data))
            archive.stage_block(new, name, data)
            blocks.append(name)
            hasher.update(data)
        facts = {"recordingid": voice.chunk.task.recording_id, "documentid": voice.chunk.task.document_id}
        facts |= {"sha256": hasher.digest().sha256, "sha512": required(hasher.digest().sha512, "sha512")}
        archive.commit(new, blocks, "audio/wav", facts)
    hasher = Hasher(with_sha512=True)
    if not is_proved(archive.read(old), _hashed(archive.read(new), hasher), form, voice.channels):
        _destroy_blob(new, task)
        raise StorageBusyError("the new file is not the old one with a silent channel; it is written again")
    return hasher.digest()


def _hashed(pieces: Iterator[bytes], hasher: Hasher) -> Iterator[bytes]:
    for piece in pieces:
        hasher.update(piece)
        yield piece


def _put(name: str, data: bytes, task: SpeakerTask) -> None:
    """Write a document; destroy first the one that an earlier run left there, if it differs."""
    archive = task.ports.archive
    if archive.put_once(name, data, JSON):
        return
    there = archive.get(name)
    if there is not None and there[0] != data:
        _destroy_blob(name, task)
        archive.put_once(name, data, JSON)


def _destroy_blob(name: str, task: SpeakerTask) -> None:
    """Destroy a blob that an earlier run of this request wrote, and that the catalog does not name."""
    versions = [one for one in task.custodian.versions(Place.ARCHIVE, name) if one.name == name]
    destroy_versions(versions, task.custodian)
