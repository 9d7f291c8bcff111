"""vCon: a recording in the neutral form of draft-ietf-vcon-vcon-core, in its unsigned form (syntax 0.4.0). Pure.

The recording is one dialog of type `recording-set`, its chunks are the recordings in it, and an unmixed channel names
the participant who speaks in it. Media is referred to by URL and SHA-512, documents are inside (docs/handover.md).
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from recording.domain.archived.vcon_consent import EXTENSION, lawful_basis_of
from recording.domain.calls.consent import as_shown
from recording.domain.formats import ChannelType, FormatType
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.incoming.participants import canonical_participant
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import stored_name
from recording.domain.times import iso_text, within_reason

VERSION = "0.4.0"
LEFT_OUT = "left-out"  # the purpose of the attachment that names what the vCon lacks
APPLICATION = "Azure Communication Services"
ARCHIVIST = {"name": "ACS Recording Archive", "type": "organization", "validation": "none"}
MEDIA_TYPES = {FormatType.WAV: "audio/x-wav", FormatType.MP3: "audio/x-mp3", FormatType.MP4: "video/x-mp4"}
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_RAND_B_BITS = 62


@dataclass(frozen=True)
class Sidecar:
    """A document that goes into the vCon: of one chunk, or with no index of the whole recording."""

    name: str
    content: bytes
    purpose: str
    index: int | None = None
    folder: str = ""


@dataclass(frozen=True)
class ChunkPart:
    """A chunk with what the vCon needs of it.

    Attributes:
        record: as cataloged.
        metadata: as its document says; None without one.
        url: where its media is, https and without a key; None leaves it out.
        sha512: of its media, in hex.
        filename: what the media is called; None for the blob's own name, "" for media that is left out.
        content: its media, to be put inside; None refers to it.
    """

    record: ChunkRecord
    metadata: ChunkMetadata | None
    url: str | None
    sha512: str | None
    filename: str | None = None
    content: bytes | None = None

    @property
    def started_at(self) -> datetime:
        """Return when it begins."""
        told, task = self.metadata.started_at if self.metadata else None, self.record.task
        named = (within_reason(one, task.event_time) for one in (told, task.recording_start_time))
        return next(filter(None, named), task.event_time)

    @property
    def seconds(self) -> float | None:
        """Return how long it plays."""
        told = self.metadata.duration_ms if self.metadata else None
        milliseconds = self.record.duration_ms or told
        return round(milliseconds / 1000, 3) if milliseconds else None


def vcon_of(
    recording: RecordingRecord,
    parts: Sequence[ChunkPart],
    sidecars: Iterable[Sidecar],
    host: str,
    only: str | None = None,
    *,
    left_out: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return the vCon of a recording; the same for the same facts.

    Args:
        recording: as cataloged.
        parts: its archived chunks, in their order.
        sidecars: documents to put inside.
        host: of the archive, which makes the vCon's id one of its own.
        only: a participant's raw id; the others are then anonymous.
        left_out: what belongs to the recording and is not in it, each with `what` and `why`.
    """
    people = _people(parts)
    begun = min((part.started_at for part in parts), default=recording.started_at)
    dialog = [_recording_set(parts, people, begun), *(_dialog(part, people) for part in parts)]
    places = {part.record.task.index: at for at, part in enumerate(parts, start=1)}
    party, uuid = len(people), uuid_of(recording.recording_id, begun, host)
    is_redacted = only is not None
    attached = [*sidecars, *_facts(recording, parts, is_redacted=is_redacted)]
    attached += [Sidecar("left-out.json", _json(left_out), LEFT_OUT)] if left_out else []
    basis = lawful_basis_of(recording.consent, recording.consents, begun, is_redacted=is_redacted)
    document: dict[str, Any] = {
        "vcon": VERSION,
        "uuid": str(_redacted_uuid(recording.recording_id, only, begun, host) if only is not None else uuid),
        **({"extensions": [EXTENSION]} if basis else {}),
        "created_at": _date(_made_at(parts) or begun),
        "parties": [*(_party(raw_id, only) for raw_id in people), ARCHIVIST],
        "dialog": dialog,
        "attachments": [_attachment(one, places.get(one.index or 0, 0), party, begun) for one in attached],
    }
    if basis:
        document["attachments"].append(_json_attachment(EXTENSION, basis, party, begun))
    if is_redacted:
        document["redacted"] = {"uuid": str(uuid), "type": "other speakers"}
    return document


def _redacted_uuid(recording_id: str, only: str, begun: datetime | None, host: str) -> UUID:
    """Return an id of its own for what one speaker is given: it is another vCon, which refers to the whole one."""
    return uuid_of(f"{recording_id}/{canonical_participant(only) if only else ''}", begun, host)


def uuid_of(recording_id: str, begun: datetime | None, host: str) -> UUID:
    """Return a version 8 UUID: the time, and 62 bits of the SHA-1 of a host name that only this recording has."""
    mark = hashlib.sha256(recording_id.encode()).hexdigest()[:32]
    named = hashlib.sha1(f"{mark}.{host}".encode(), usedforsecurity=False).digest()
    milliseconds = int(begun.timestamp() * 1000) if begun else 0
    custom = int(mark[:3], 16)
    number = (milliseconds & (1 << 48) - 1) << 80 | 8 << 76 | custom << 64 | 0b10 << _RAND_B_BITS
    return UUID(int=number | int.from_bytes(named[:8]) >> 2)


def content_hash(algorithm: str, digest: str) -> str:
    """Return a digest in hex as vCon writes it."""
    return f"{algorithm}-{_base64url(bytes.fromhex(digest))}"


def party_of(raw_id: str) -> dict[str, Any]:
    """Return a participant of ACS as a party: a number as `tel`, everybody else by the id that stays the same."""
    canonical = canonical_participant(raw_id)
    if canonical.startswith("4:+"):
        return {"tel": f"tel:{canonical[2:]}"}
    kind = "bot" if canonical.startswith("28:") else "person"
    bare = canonical.split(":", 2)[-1]
    guids = _GUID.findall(bare)
    return {"uuid": guids[-1] if guids else bare, "type": kind, "name": "anonymous", "validation": "none"}


def _party(raw_id: str, only: str | None) -> dict[str, Any]:
    if only is not None and canonical_participant(raw_id) != canonical_participant(only):
        return {"name": "anonymous", "validation": "none"}
    return party_of(raw_id)


def _people(parts: Sequence[ChunkPart]) -> list[str]:
    """Return who took part, each once, in the order in which the chunks name them."""
    seen: dict[str, str] = {}
    for part in parts:
        for one in part.metadata.participants if part.metadata else ():
            seen.setdefault(canonical_participant(one.raw_id), one.raw_id)
    return list(seen.values())


def _recording_set(parts: Sequence[ChunkPart], people: Sequence[str], begun: datetime | None) -> dict[str, Any]:
    last = max(parts, key=lambda part: part.started_at, default=None)
    facts: dict[str, Any] = {"type": "recording-set", "start": _date(begun), "parties": list(range(len(people)))}
    if last is not None and begun is not None:
        facts["duration"] = round((last.started_at - begun).total_seconds() + (last.seconds or 0), 3)
    return {**facts, "recordings": list(range(1, len(parts) + 1)), "application": APPLICATION}


def _dialog(part: ChunkPart, people: Sequence[str]) -> dict[str, Any]:
    record = part.record
    name = part.filename if part.filename is not None else stored_name(record).rpartition("/")[2]
    facts: dict[str, Any] = {
        "type": "recording",
        "start": _date(part.started_at),
        "duration": part.seconds,
        "parties": _speakers(part, people),
        "mediatype": MEDIA_TYPES.get(record.format) if record.format else None,
        "filename": name or None,
        "recording_set": 0,
        "application": APPLICATION,
    }
    hashes = [content_hash("sha512", part.sha512)] if part.sha512 else []
    hashes += [content_hash("sha256", record.sha256)] if record.sha256 else []
    if part.content is not None:
        facts |= {"encoding": "base64url", "body": _base64url(part.content)}
    elif part.url and part.sha512:
        facts |= {"url": part.url, "content_hash": hashes}
    return {key: value for key, value in facts.items() if value is not None}


def _speakers(part: ChunkPart, people: Sequence[str]) -> list[Any]:
    """Return the parties of a mix; of an unmixed file those of each channel, and null for one that nobody has."""
    places = {canonical_participant(raw_id): at for at, raw_id in enumerate(people)}
    named = part.metadata.participants if part.metadata else ()
    channels = part.record.channels or (part.metadata.channel_count if part.metadata else None) or 1
    is_unmixed = part.metadata is not None and part.metadata.channel is ChannelType.UNMIXED and channels > 1
    if not is_unmixed:
        return list(dict.fromkeys(places[canonical_participant(one.raw_id)] for one in named))
    by_channel: dict[int, list[int]] = {}
    for one in named:
        if one.channel is not None and 0 <= one.channel < channels:
            by_channel.setdefault(one.channel, []).append(places[canonical_participant(one.raw_id)])
    return [_one_or_several(by_channel.get(channel, [])) for channel in range(channels)]


def _one_or_several(places: list[int]) -> int | list[int] | None:
    unique = list(dict.fromkeys(places))
    return None if not unique else unique[0] if len(unique) == 1 else unique


def _facts(recording: RecordingRecord, parts: Sequence[ChunkPart], *, is_redacted: bool) -> Iterator[Sidecar]:
    """Yield what the draft has no place for: each step of consent, tags and pauses, as documents of ours."""
    if (recording.consent or recording.consents) and not is_redacted:  # it says who captured it
        yield Sidecar("consent.json", _json(as_shown(recording.consent, recording.consents)), "consent")
    if recording.current_tags:
        yield Sidecar("tags.json", _json(recording.current_tags), "tags")
    for part in parts:
        pauses = part.metadata.pauses if part.metadata else ()
        if pauses:
            told = [
                {"start": _date(one.started_at) if one.started_at else None, "duration_ms": one.duration_ms}
                for one in pauses
            ]
            yield Sidecar("pauses.json", _json(told), "pauses", part.record.task.index)


def _attachment(one: Sidecar, dialog: int, party: int, begun: datetime | None) -> dict[str, Any]:
    return {
        "purpose": one.purpose,
        "start": _date(begun),
        "party": party,
        "dialog": dialog,
        "mediatype": "application/json",
        "filename": one.name,
        "encoding": "base64url",
        "body": _base64url(one.content),
    }


def _json_attachment(purpose: str, body: Mapping[str, Any], party: int, begun: datetime | None) -> dict[str, Any]:
    facts = {"purpose": purpose, "start": _date(begun), "party": party, "dialog": 0}
    return {**facts, "mediatype": "application/json", "encoding": "json", "body": body}


def _made_at(parts: Sequence[ChunkPart]) -> datetime | None:
    return max((part.record.cataloged_at for part in parts if part.record.cataloged_at), default=None)


def _date(moment: datetime | None) -> str:
    return moment.isoformat(timespec="milliseconds") if moment else "1970-01-01T00:00:00.000+00:00"


def _json(content: Mapping[str, Any] | Sequence[Any]) -> bytes:
    return json.dumps(content, indent=2, default=iso_text).encode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
