"""One speaker of a recording: where the voice is, whether it can be taken out alone, and what is left. Pure."""

import hashlib
import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from recording.domain.archived import layout
from recording.domain.archived.derived import DerivedKind, files_wanted
from recording.domain.formats import ChannelType, FormatType
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.incoming.participants import ParticipantClass
from recording.domain.keep.custody import Custody, CustodyState, SpeakerClaim
from recording.domain.keep.destroy import Look, Obstacle, obstacles
from recording.domain.keep.traces import Subject, redacted
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, Home, MetadataOutcome
from recording.domain.state.transitions import is_archived
from recording.errors import RequestError, SourceBrokenError

SCHEMA = 1


class NotAlone(StrEnum):
    """Why a voice cannot be taken out of a file alone."""

    MIXED = "mixed_audio"  # all speakers share its channels
    FORMAT = "format_has_no_channels"  # MP3, MP4, compressed WAV
    NO_METADATA = "no_metadata"  # nothing says who is on which channel
    NO_CHANNEL = "no_channel_of_their_own"
    SHARED = "channel_is_shared"
    ELSEWHERE = "media_is_not_in_the_archive"
    OFFLINE = "archive_tier"  # it must be rehydrated first
    HELD = "media_is_held"  # it is stored beside the archive's files, and an operator has to decide about it first


@dataclass(frozen=True)
class Voice:
    """One file with the person in it: the channels to silence, and the metadata document that replaces the old one."""

    chunk: ChunkRecord
    channels: tuple[int, ...]
    metadata: bytes
    kinds: tuple[str, ...] = ()  # of the person, as a participant


def is_stored_unproved(chunk: ChunkRecord) -> bool:
    """Return whether bytes of a chunk that is not archived are stored: who can be heard in them is not known."""
    return not is_archived(chunk) and bool(chunk.suspects or chunk.blob_name or chunk.fallback)


def voice_in(chunk: ChunkRecord, document: bytes | None, subject: Subject) -> Voice | NotAlone | None:
    """Return how to erase the person from a file, or why that cannot be done; None if the person is not in it."""
    if chunk.task.home is not Home.ACS:
        return NotAlone.ELSEWHERE
    if chunk.metadata is not MetadataOutcome.ARCHIVED or document is None:
        return NotAlone.NO_METADATA
    try:
        told = read_metadata(document)
    except SourceBrokenError:
        return NotAlone.NO_METADATA
    if not subject.is_in(document) and not any(subject.is_named(one.raw_id) for one in told.participants):
        return None
    found = _channels(chunk, told, subject)
    if isinstance(found, NotAlone):
        return found
    kinds = {ParticipantClass.of(one.raw_id).value for one in told.participants if subject.is_named(one.raw_id)}
    return Voice(chunk, found, without_person(document, subject), tuple(sorted(kinds)))


def _channels(chunk: ChunkRecord, told: ChunkMetadata, subject: Subject) -> tuple[int, ...] | NotAlone:
    if chunk.format is not FormatType.WAV:
        return NotAlone.FORMAT
    if (told.channel or chunk.task.channel) is not ChannelType.UNMIXED:
        return NotAlone.MIXED
    theirs = {one.channel for one in told.participants if subject.is_named(one.raw_id)}
    channels = {one for one in theirs if one is not None}
    if not channels:
        return NotAlone.NO_CHANNEL
    own = {one.entry for one in told.participants if subject.is_named(one.raw_id)}  # further ids in it are theirs too
    is_shared = any(one.channel in channels and one.entry not in own for one in told.participants)
    return NotAlone.SHARED if is_shared else tuple(sorted(channels))


def without_person(document: bytes, subject: Subject) -> bytes:
    """Return the metadata document with the person's entry made anonymous and all others as they are."""
    content = json.loads(document.decode("utf-8-sig"))
    people = content.get("participants")
    if isinstance(people, list):
        content["participants"] = [_anonymous(one) if _is_theirs(one, subject) else one for one in people]
    return json.dumps(redacted(content, subject), indent=2).encode() + b"\n"


def _is_theirs(entry: Any, subject: Subject) -> bool:
    named = read_metadata(json.dumps({"participants": [entry]}).encode()).participants
    return any(subject.is_named(one.raw_id) for one in named) or subject.is_in(json.dumps(entry))


def _anonymous(entry: Any) -> dict[str, Any]:
    kept = {name: one for name, one in entry.items() if isinstance(one, int | float)} if isinstance(entry, dict) else {}
    return kept | {"erased": True}


def against(row: Custody, look: Look, now: datetime) -> tuple[Obstacle, ...]:
    """Return what forbids taking a voice out of a recording now; empty if nothing does."""
    marks = (Obstacle.NOT_MARKED, Obstacle.MARKED_LATELY)
    found = [one for one in obstacles(row, look, now, timedelta()) if one not in marks]
    if row.state in (CustodyState.DESTROYING, CustodyState.DISPOSED):
        found.append(Obstacle.IN_WORK)
    return tuple(found)


def begun(row: Custody, claim: SpeakerClaim, now: datetime) -> Custody:
    """Return the row of a recording out of which a voice is being taken; from here on it takes no hold."""
    changes = {"state": CustodyState.ERASING_SPEAKER, "speaker_of": claim.request_id, "speaker_since": now}
    return with_changes(row, {**changes, "refused": None})


def ended(row: Custody, claim: SpeakerClaim | None, certificate: str | None = None) -> Custody:
    """Return the row as it was before, with its mark if it had one, and with the claim as it stands now."""
    changes: dict[str, object] = {
        "state": CustodyState.MARKED if row.mark is not None else CustodyState.KEPT,
        "speaker_of": None,
        "speaker_since": None,
        "decided_versions": 0,
    }
    if certificate is not None:
        changes["certificates"] = tuple(dict.fromkeys((*row.certificates, certificate)))
    return with_changes(with_claim(row, claim) if claim else row, changes)


def with_claim(row: Custody, claim: SpeakerClaim) -> Custody:
    """Return the row with this claim in place of its earlier state."""
    others = [one for one in row.speakers if one.request_id != claim.request_id]
    return with_changes(row, {"speakers": (*others, claim)})


def next_name(media: str) -> str:
    """Return the name of the file that replaces this one."""
    version = layout.name_version_of(media)
    return layout.versioned_name(first_name(media), version + 1)


def first_name(media: str) -> str:
    """Return a file's name without its version."""
    version = layout.name_version_of(media)
    stem, _, extension = media.rpartition(".")
    return media if version == 1 else f"{stem.removesuffix(f'.v{version}')}.{extension}"


def is_superseded(name: str, voices: Sequence[ChunkRecord]) -> bool:
    """Return whether a blob belongs to a replaced file, or was derived from one."""
    if voices and layout.derived_mark(name) is not None:
        return True  # it is made again, from what is left, on request
    return is_of_old_file(name, voices)


def marks_of_now(recording_id: str, chunks: Sequence[ChunkRecord], least_count: int | None) -> frozenset[str]:
    """Return the marks of the files that can be derived from the current media."""
    marks = set[str]()
    for kind in DerivedKind:
        with suppress(RequestError):  # none of this kind
            marks |= {one.mark for one in files_wanted(recording_id, kind, chunks, least_count)}
    return frozenset(marks)


def is_straggler(name: str, voices: Sequence[ChunkRecord], marks: Collection[str]) -> bool:
    """Return whether a slower worker wrote this blob for a file that has been replaced."""
    mark = layout.derived_mark(name)
    return mark not in marks if mark is not None else is_of_old_file(name, voices)


def is_of_old_file(name: str, voices: Sequence[ChunkRecord]) -> bool:
    """Return whether a blob is a replaced file, or a document or waveform of one."""
    for chunk in voices:
        media = chunk.blob_name
        if media is None:
            continue
        stem, new = first_name(media).rpartition(".")[0], media.rpartition(".")[0]
        if name.startswith(f"{stem}.") and not name.startswith(f"{new}.") and name != media:
            return True
    return False


def certificate_of(row: Custody, chunks: Sequence[ChunkRecord], request_id: str, blobs: int, app: str) -> bytes:
    """Return the certificate: which channels were silenced, digests before and after; it names no person."""
    content = {
        "schema": SCHEMA,
        "app": app,
        "kind": "speaker",
        "recording": hashlib.sha256(row.recording_id.encode()).hexdigest(),
        "erasedAt": row.speaker_since.isoformat().replace("+00:00", "Z") if row.speaker_since else None,
        "erasures": [request_id],
        "blobs": blobs,
        "files": [
            {
                "index": chunk.task.index,
                "channels": list(one.channels),
                "sha256Before": one.sha256_before,
                "sha256After": one.sha256_after,
                "lengthBytes": chunk.length_bytes,
            }
            for chunk in chunks
            for one in chunk.silenced
            if one.request_id == request_id
        ],
    }
    return (json.dumps(content, indent=2) + "\n").encode()
