"""Ask for derived files, see how far they are, and hear them: each part that is heard leaves a row of evidence."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from recording.domain.archived.derived import (
    NO_LIFE_OF_ITS_OWN,
    DerivedKind,
    DeriveRequest,
    Wanted,
    asked_name_of,
    receipt_name_of,
)
from recording.domain.archived.layout import derived_mark, derived_prefix
from recording.domain.find.short_ids import short_id
from recording.domain.formats import FormatType
from recording.domain.incoming.roles import Operation
from recording.errors import BlobLockedError, RequestError, StorageError
from recording.errors.codes import Code
from recording.library.derived.make import derived_of, keep_off, wanted_now
from recording.library.derived.sources import layout_of_source
from recording.library.derived.write import layouts_of
from recording.ports import AuditEntry, Ports
from recording.ports.audit import DONE
from recording.settings import Settings

MOST_BYTES = 4 * 1024 * 1024  # of one answer
STRETCH_SECONDS = 60
REMEMBERED = timedelta(minutes=10)
_JSON = "application/json"


@dataclass(frozen=True)
class Heard:
    """A derived file that can be heard."""

    recording_id: str
    mark: str
    blob_name: str
    length_bytes: int
    sha256: str
    media_type: str
    duration_ms: float
    channel: int | None

    @property
    def etag(self) -> str:
        """Return what these bytes are called for ever."""
        return f'"{self.sha256}"'

    @property
    def file_name(self) -> str:
        """Return what it is called when somebody keeps it; no name of a person."""
        what = "joined" if self.channel is None else f"channel {self.channel}"
        return f"{short_id(self.recording_id)} {what}.{self.blob_name.rpartition('.')[2]}"


def request_derived(recording_id: str, body: Any, ports: Ports, settings: Settings) -> dict[str, Any]:
    """Queue the making of files; returns them, with how far each is.

    Raises:
        RequestError: the body is not legal, or as `files_wanted`; `not_derivable` where it can be seen now.
        StorageError: nothing was queued.
    """
    kind = DeriveRequest.read(body).kind
    if settings.delete_after is not None:
        raise RequestError(NO_LIFE_OF_ITS_OWN, code=Code.NOT_DERIVABLE)
    wanted = wanted_now(recording_id, kind, ports)
    _check_formats(kind, wanted, ports)
    now = ports.clock.now().isoformat()
    for one in wanted:
        note = json.dumps({"at": now, "kind": kind}).encode()
        keep_off(one, ports)
        ports.archive.put_once(asked_name_of(one.stem), note, _JSON)
    marks = {one.mark for one in wanted}
    told = [one for one in list_derived(recording_id, ports) if one["derivedId"] in marks]
    if any(one["state"] != "made" for one in told):
        derived_of(ports).queue.send(recording_id, kind.value)
    return {"recordingId": recording_id, "files": told}


def _check_formats(kind: DerivedKind, wanted: list[Wanted], ports: Ports) -> None:
    if wanted[0].format is not FormatType.WAV:
        return
    if kind is DerivedKind.JOINED:
        layouts_of(wanted[0], ports)
    else:
        for source in dict.fromkeys(one.sources[0] for one in wanted):
            layout_of_source(source, ports)


def list_derived(recording_id: str, ports: Ports) -> list[dict[str, Any]]:
    """Return the derived files of a recording: made, making, failed or requested.

    Raises:
        RequestError: `unknown_recording`.
        StorageError: catalog or archive do not answer.
    """
    chunks = ports.catalog.chunks_of(recording_id)
    if not chunks:
        raise RequestError("no file of this recording is known", code=Code.UNKNOWN_RECORDING)
    stems: dict[str, dict[str, bool]] = {}
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        for blob in ports.archive.list(derived_prefix(folder)):
            if (mark := derived_mark(blob.name)) is not None:
                stem, _, ending = blob.name.rpartition(f".{mark}.")
                stems.setdefault(f"{stem}.{mark}", {})[ending] = blob.is_committed
    return [_told(stem, endings, ports) for stem, endings in stems.items()]


def _told(stem: str, endings: dict[str, bool], ports: Ports) -> dict[str, Any]:
    told = {"derivedId": stem.rpartition(".")[2], "name": stem.rpartition("/")[2]}
    if "json" in endings and (receipt := receipt_of(stem, ports)) is not None:
        names = ("kind", "channel", "blobName", "format", "lengthBytes", "sha256", "durationMs", "complete", "madeAt")
        return {**told, "state": "made", **{name: receipt.get(name) for name in names}, "joints": receipt["joints"]}
    if "failed.json" in endings:
        stored = ports.archive.get(f"{stem}.failed.json")
        why = json.loads(stored[0]) if stored else {}
        return {**told, "state": "failed", "error": why.get("error"), "detail": why.get("detail")}
    return {**told, "state": "making" if {"wav", "mp3"} & set(endings) else "requested"}


def receipt_of(stem: str, ports: Ports) -> dict[str, Any] | None:
    """Return a derived file's receipt; None without a readable one.

    Raises:
        StorageError: the archive does not answer.
    """
    stored = ports.archive.get(receipt_name_of(stem))
    try:
        found = json.loads(stored[0]) if stored else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and "sha256" in found else None


def find_heard(recording_id: str, mark: str, ports: Ports, settings: Settings) -> Heard:
    """Return a derived file that can be heard.

    Raises:
        RequestError: `unknown_recording`, `derived_not_found`, `derived_not_made`, or `media_disposed`.
        StorageError: catalog or archive do not answer.
    """
    found = next((one for one in list_derived(recording_id, ports) if one["derivedId"] == mark), None)
    if settings.delete_after is not None or found is None:
        raise RequestError("there is no such derived file", code=Code.DERIVED_NOT_FOUND)
    if found["state"] != "made":
        raise RequestError(f"the file is {found['state']}", code=Code.DERIVED_NOT_MADE)
    kind = FormatType.read(found["format"])
    return Heard(
        recording_id=recording_id,
        mark=mark,
        blob_name=found["blobName"],
        length_bytes=found["lengthBytes"],
        sha256=found["sha256"],
        media_type=kind.media_type if kind else "application/octet-stream",
        duration_ms=found["durationMs"],
        channel=found["channel"],
    )


def read_heard(heard: Heard, first: int, length: int, ports: Ports) -> bytes:
    """Return a part of a derived file.

    Raises:
        RequestError: `media_offline`, it is in the archive tier.
        StorageError: the archive does not answer, or holds something else than the receipt says.
    """
    try:
        data, total = ports.archive.read_range(heard.blob_name, first, length)
    except BlobLockedError:
        raise RequestError("the file is in the archive tier", code=Code.MEDIA_OFFLINE) from None
    if total != heard.length_bytes or len(data) != length:
        raise StorageError("the archive holds something else than the receipt says; verify the recording")
    return data


def note_hearing(heard: Heard, first: int, length: int, caller: str | None, ports: Ports) -> None:
    """Write down who is given which minutes, unless the same caller was given them within the last minutes.

    Raises:
        StorageError: the trail cannot be written; then nothing may be heard.
    """
    now, size = ports.clock.now(), max(heard.length_bytes * STRETCH_SECONDS * 1000 / max(heard.duration_ms, 1), 1)
    stretches = range(int(first // size), int((first + length - 1) // size) + 1)
    key = (Operation.HEAR_DERIVED, caller, heard.recording_id, heard.mark)
    fresh = [number for number in stretches if ports.memory.get((*key, number), now) is None]
    if not fresh:
        return
    end = min((fresh[-1] + 1) * STRETCH_SECONDS, round(heard.duration_ms / 1000))
    what = "joined" if heard.channel is None else f"channel {heard.channel}"
    part = f"derived {heard.mark} {what}, {fresh[0] * STRETCH_SECONDS}-{end} s"
    ports.audit.add(AuditEntry(now, Operation.HEAR_DERIVED, heard.recording_id, caller, DONE, part=part))
    for number in fresh:
        ports.memory.put((*key, number), True, now + REMEMBERED)
