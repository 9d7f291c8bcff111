"""The contents of a bundle: the files of each recording, and those at its end."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recording.domain.archived import bundle_pages as pages
from recording.domain.archived import exports as form
from recording.domain.archived.derived import read_derived_receipt
from recording.domain.archived.exports import ExportRecord, Part
from recording.domain.archived.layout import derived_prefix, is_derived_receipt
from recording.domain.archived.vcon import ChunkPart, vcon_of
from recording.domain.find.short_ids import short_id
from recording.domain.formats import ChannelType, FormatType
from recording.domain.ids import name_of
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.media.channels import with_channels_only
from recording.domain.seal.leaves import KEYS
from recording.domain.state.chunk import ChunkKey, ChunkRecord, Home
from recording.domain.state.records import required, stored_name
from recording.errors import BlobLockedError, RequestError, SourceBrokenError, SourceError, StorageError
from recording.errors.codes import Code
from recording.library.follow_up import library_of
from recording.library.handover.bundle import Bundle
from recording.library.handover.vcon import (
    chunk_part,
    chunks_there_are,
    known_recording,
    left_out_of,
    recording_from,
    sidecars_of,
)
from recording.ports import Ports
from recording.ports.library.hidden import check_is_shown
from recording.settings import Settings

OTHERS_AUDIBLE = "other speakers cannot be removed from it"
NOT_THERE = "the speaker is in none of its channels"
GONE = "it is not in the archive any more"
OFFLINE = "it is in the archive tier and must be rehydrated first"
DIFFERS = "the archive does not hold what the receipt says; verify the recording"
STAYS = "it names other people"
UNKNOWN = "its row in the catalog could not be read, so that nobody knows whether it was asked for"
ODD_RECEIPT = "it is not the receipt of a file beside it; verify the recording"
ODD_NAME = "its name is not one that this archive gives"
VERIFIER = Path(__file__).with_name("verify_bundle.py")
_PLAIN = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+ -]*", re.ASCII)


def make_part(export: ExportRecord, number: int, bundle: Bundle, ports: Ports, settings: Settings) -> dict[str, Any]:
    """Put one recording into the bundle; return its entry for pages and manifest.

    Raises:
        StorageError: catalog or archive do not answer.
    """
    recording_id = export.recordings[number]
    folder = f"recordings/{number + 1:05d}-{short_id(recording_id)}"
    known = known_recording(recording_id, ports)
    not_here = known.not_here
    if recording_id in export.unread:
        return {"recordingId": recording_id, "error": UNKNOWN, "leftOut": []}
    try:
        chunks = chunks_there_are(known.chunks)
        check_is_shown([recording_id], ports)
    except RequestError as error:
        left_out = [] if error.code is Code.ERASURE_APPROVED else not_here
        return {"recordingId": recording_id, "error": str(error), "leftOut": left_out}
    recording = known.record or recording_from(chunks[0])
    try:
        lacks = left_out_of(known, chunks, ports)
        parts = [chunk_part(chunk, ports, settings) for chunk in chunks]
    except BlobLockedError:  # a vCon without its people would look complete
        return {"recordingId": recording_id, "error": OFFLINE, "leftOut": not_here}
    only = _speaker(export, parts, ports)
    facts: dict[str, Any] = {
        "recordingId": recording_id,
        "callId": recording.call_id,
        "startedAt": min(part.started_at for part in parts).isoformat(),
        "tags": recording.current_tags,
        "participants": [] if export.speaker else _names(parts),
        **form.call_facts(recording, chunks, with_words=export.speaker is None),
        "media": [],
        "documents": [],
        "leftOut": [*lacks],
    }
    media = _Media(folder, only, facts, bundle, ports, is_cut=export.speaker is not None)
    for part in parts:
        media.add(part)
    if export.derived:
        for place in sorted({chunk.task.folder for chunk in chunks}):
            _add_derived(place, media)
    for one in sidecars_of(chunks, ports, lambda name: facts["leftOut"].append({"what": name, "why": OFFLINE})):
        why = STAYS if export.speaker else None if _PLAIN.fullmatch(one.name) else ODD_NAME
        if why is None:
            facts["documents"].append(bundle.add(f"{media.place_of(one.folder)}/{one.name}", one.content).name)
        else:
            facts["leftOut"].append({"what": one.name, "why": why})
    told = parts if export.speaker is None else [_as_handed_over(part, media) for part in parts]
    whose = only or ("" if export.speaker else None)
    document = vcon_of(recording, told, (), settings.archive_storage.blob_host, whose, left_out=lacks)
    name = f"{folder}/{name_of(recording_id)}.vcon.json"
    facts["documents"].append(bundle.add(name, json.dumps(document, indent=2).encode() + b"\n").name)
    return facts


def make_end(export: ExportRecord, parts: Sequence[Part], bundle: Bundle, ports: Ports) -> None:
    """Add pages, checksums, keys and the directory after all recordings."""
    before = [file for part in parts for file in part.files]
    bundle.add("index.html", pages.page_of(export, parts))
    bundle.add("export.json", form.manifest_of_export(export, parts))
    keys = list(_keys(ports))
    bundle.add("VERIFY.txt", pages.verify_text(is_sealed=bool(keys)).encode())
    bundle.add("verify.py", VERIFIER.read_bytes())
    for name, content in keys:
        bundle.add(name, content)
    sums = form.sums_of([*before, *bundle.files])
    bundle.manifest_sha256 = bundle.add("SHA256SUMS", sums).sha256
    bundle.end([*before, *bundle.files])


def _as_handed_over(part: ChunkPart, media: "_Media") -> ChunkPart:
    """Return a chunk without address and digests of the media in which the others can be heard."""
    return replace(part, url=None, sha512=None, filename=media.given.get(part.record.key, ""))


def _add_derived(folder: str, media: "_Media") -> None:
    """Add a recording's derived files, each with its receipt, or the reason why one is left out."""
    for blob in media.ports.archive.list(derived_prefix(folder)):
        if not (blob.is_committed and is_derived_receipt(blob.name)):
            continue  # a file without a receipt does not count
        why = OTHERS_AUDIBLE if media.is_cut else None
        try:
            if why is None:
                media.add_derived(blob.name)
                continue
        except BlobLockedError:
            why = OFFLINE
        media.leave_out(blob.name, why)


@dataclass(frozen=True)
class _Media:
    """The media of one recording on its way into the bundle."""

    folder: str
    only: str | None
    facts: dict[str, Any]
    bundle: Bundle
    ports: Ports
    is_cut: bool
    places: dict[str, str] = field(default_factory=dict)
    given: dict[ChunkKey, str] = field(default_factory=dict)

    def place_of(self, folder: str) -> str:
        """Return the bundle folder for a folder of the archive: files of two folders must not share a name."""
        count = len(self.places)
        return self.places.setdefault(folder, self.folder if not count else f"{self.folder}/folder-{count + 1}")

    def add(self, part: ChunkPart) -> None:
        """Add a chunk's media, or the reason why it is left out."""
        record = part.record
        name = stored_name(record).rpartition("/")[2]
        channels = _channels(part.metadata, self.only) if self.is_cut else None
        why = _why_not(record, part.metadata, channels) if self.is_cut else None
        if record.task.home is Home.EXTERNAL:
            why = "it stays in the customer's own storage"
        try:
            if why is None:
                pieces, given = self.ports.archive.read(stored_name(record)), name
                if channels is not None:
                    pieces = _as_proved(pieces, record)
                    pieces = with_channels_only(pieces, required(record.length_bytes, "length_bytes"), channels)
                    given = "{0}.one-speaker.{2}".format(*name.rpartition("."))
                file = self.bundle.stream(f"{self.place_of(record.task.folder)}/{given}", pieces)
                said: dict[str, Any] = {"name": file.name, "sha256": file.sha256}
                said |= {"startedAt": part.started_at.isoformat(), "seconds": part.seconds}
                said |= {"sha256Archived": record.sha256 or "", "onlyChannels": channels} if channels else {}
                self.facts["media"].append(said)
                self.given[record.key] = file.name.rpartition("/")[2]
                return
        except BlobLockedError:
            why = OFFLINE
        except SourceError as error:
            why = str(error)
        except StorageError:
            if self.ports.archive.look_up(stored_name(record)) is not None:
                raise  # it exists, and the next attempt will read it
            why = GONE
        self.leave_out(name, why)

    def leave_out(self, name: str, why: str) -> None:
        """Name something that is not in the bundle."""
        self.facts["leftOut"].append({"what": name.rpartition("/")[2], "why": why})

    def add_derived(self, receipt_name: str) -> None:
        """Add a derived file and its receipt."""
        receipt = self.ports.archive.get(receipt_name)
        if receipt is None:
            return
        if (told := read_derived_receipt(receipt_name, receipt[0])) is None:
            self.leave_out(receipt_name, ODD_RECEIPT)
            return
        media = str(told["blobName"])
        if self.ports.archive.look_up(media) is None:
            self.leave_out(media, GONE)
            return
        folder = self.place_of(receipt_name.rpartition("/")[0])
        file = self.bundle.stream(f"{folder}/{media.rpartition('/')[2]}", self.ports.archive.read(media))
        self.facts["media"].append({"name": file.name, "sha256": file.sha256})
        beside = f"{folder}/{receipt_name.rpartition('/')[2]}"
        self.facts["documents"].append(self.bundle.add(beside, receipt[0]).name)


def _as_proved(pieces: Iterable[bytes], record: ChunkRecord) -> Iterator[bytes]:
    """Yield a chunk's media; what is cut from it has a digest of its own, and no receipt to be compared with.

    Raises:
        SourceBrokenError: at its end, it is not what was proved.
    """
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != record.sha256:
        raise SourceBrokenError(DIFFERS)


def _channels(metadata: ChunkMetadata | None, only: str | None) -> list[int] | None:
    if metadata is None or only is None:
        return None
    return sorted({one.channel for one in metadata.participants if one.channel is not None and one.raw_id == only})


def _why_not(record: ChunkRecord, metadata: ChunkMetadata | None, channels: list[int] | None) -> str | None:
    """Return why the other speakers cannot be removed from a chunk; a shared channel counts as mixed."""
    if metadata is None or metadata.channel is not ChannelType.UNMIXED or record.format is not FormatType.WAV:
        return OTHERS_AUDIBLE
    if not channels:
        return NOT_THERE
    shared = [one for one in metadata.participants if one.channel in channels]
    return OTHERS_AUDIBLE if len({one.raw_id for one in shared}) > 1 else None


def _speaker(export: ExportRecord, parts: Sequence[ChunkPart], ports: Ports) -> str | None:
    """Return the raw id of the speaker who stays, as spelt in this recording's metadata."""
    if export.speaker is None:
        return None
    keys = library_of(ports)[1].keys().keys
    people = (one.raw_id for part in parts if part.metadata for one in part.metadata.participants)
    return next((raw_id for raw_id in people if any(key.participant(raw_id) == export.speaker for key in keys)), None)


def _names(parts: Sequence[ChunkPart]) -> list[str]:
    found = (one.raw_id for part in parts if part.metadata for one in part.metadata.participants)
    return list(dict.fromkeys(found))


def _keys(ports: Ports) -> Iterator[tuple[str, bytes]]:
    """Yield the public keys of the seal."""
    if ports.seal is None:
        return
    for blob in ports.seal.store.list(KEYS):
        stored = ports.seal.store.get(blob.name)
        if stored is not None:
            yield blob.name, stored[0]
