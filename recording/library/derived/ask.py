"""Request derived files, see their progress, and listen to them; each part served leaves a row in the audit trail."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recording.domain.archived.derived import (
    DerivedKind,
    DeriveRequest,
    Wanted,
    asked_name_of,
    read_derived_receipt,
    receipt_name_of,
)
from recording.domain.archived.layout import JSON, derived_mark, derived_prefix
from recording.domain.find.short_ids import short_id
from recording.domain.foreign_json import read_json
from recording.domain.formats import FormatType
from recording.domain.incoming.roles import Operation
from recording.errors import RequestError, StorageError, reading_for_a_caller
from recording.errors.codes import Code
from recording.library.derived.make import derived_of, keep_off, wanted_now
from recording.library.derived.sources import layout_of_source
from recording.library.derived.write import layouts_of
from recording.library.listening import STRETCH_SECONDS, note_stretches
from recording.ports import Ports
from recording.ports.library.hidden import check_is_shown
from recording.ports.stored import all_chunks_of, refuse_unread


@dataclass(frozen=True)
class Heard:
    """A derived file to listen to."""

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
        """Return the permanent name of these bytes."""
        return f'"{self.sha256}"'

    @property
    def file_name(self) -> str:
        """Return the file name for a download; it names no person."""
        return f"{short_id(self.recording_id)} {self.what}.{self.blob_name.rpartition('.')[2]}"

    @property
    def what(self) -> str:
        """Return a description of which file of the recording it is."""
        return "joined" if self.channel is None else f"channel {self.channel}"


def request_derived(recording_id: str, body: Any, ports: Ports) -> dict[str, Any]:
    """Queue the making of files; return them with the progress of each.

    Raises:
        RequestError: the body is not valid, or as `files_wanted`; `not_derivable` where that is already known.
        StorageError: nothing was queued.
    """
    kind = DeriveRequest.read(body).kind
    wanted = wanted_now(recording_id, kind, ports)
    _check_formats(kind, wanted, ports)
    now = ports.clock.now().isoformat()
    for one in wanted:
        note = json.dumps({"at": now, "kind": kind}).encode()
        keep_off(one, ports)
        ports.archive.put_once(asked_name_of(one.stem), note, JSON)
    marks = {one.mark for one in wanted}
    told = [_told(stem, endings, ports) for stem, endings in _stems(recording_id, ports) if _mark_of(stem) in marks]
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
        StorageError: catalog or archive do not answer, or the row of each of its chunks cannot be read.
    """
    return [_told(stem, endings, ports) for stem, endings in _stems(recording_id, ports)]


def _stems(recording_id: str, ports: Ports) -> Iterable[tuple[str, dict[str, bool]]]:
    """Return prefix and suffixes of the names of each derived file."""
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    if not chunks:
        refuse_unread(unread)
        raise RequestError("no file of this recording is known", code=Code.UNKNOWN_RECORDING)
    stems: dict[str, dict[str, bool]] = {}
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        for blob in ports.archive.list(derived_prefix(folder)):
            if (mark := derived_mark(blob.name)) is not None:
                stem, _, ending = blob.name.rpartition(f".{mark}.")
                stems.setdefault(f"{stem}.{mark}", {})[ending] = blob.is_committed
    return stems.items()


def _mark_of(stem: str) -> str:
    """Return the id of a derived file from the prefix of its names."""
    return stem.rpartition(".")[2]


def _told(stem: str, endings: dict[str, bool], ports: Ports) -> dict[str, Any]:
    told = {"derivedId": _mark_of(stem), "name": stem.rpartition("/")[2]}
    if "json" in endings and (receipt := receipt_of(stem, ports)) is not None:
        names = ("kind", "channel", "blobName", "format", "lengthBytes", "sha256", "durationMs", "complete", "madeAt")
        return {**told, "state": "made", **{name: receipt.get(name) for name in names}, "joints": receipt["joints"]}
    if "failed.json" in endings:
        why = _why_failed(ports.archive.get(f"{stem}.failed.json"))
        return {**told, "state": "failed", "error": why.get("error"), "detail": why.get("detail")}
    return {**told, "state": "making" if {"wav", "mp3"} & set(endings) else "requested"}


def _why_failed(stored: tuple[bytes, str] | None) -> dict[str, Any]:
    """Return what is noted about a file that could not be made; nothing where that cannot be read."""
    try:
        found = read_json(stored[0]) if stored else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def receipt_of(stem: str, ports: Ports) -> dict[str, Any] | None:
    """Return a derived file's receipt; None without a readable one.

    Raises:
        RequestError: `media_offline`; it is in the archive tier.
        StorageError: the archive does not answer.
    """
    with reading_for_a_caller("the file is in the archive tier"):
        stored = ports.archive.get(receipt_name_of(stem))
    return read_derived_receipt(receipt_name_of(stem), stored[0] if stored else None)


def find_heard(recording_id: str, mark: str, ports: Ports) -> Heard:
    """Return a derived file to listen to.

    Raises:
        RequestError: `unknown_recording`, `derived_not_found`, `derived_not_made`, `media_disposed`,
            or `erasure_approved`.
        StorageError: catalog or archive do not answer.
    """
    of_mark = (_told(stem, endings, ports) for stem, endings in _stems(recording_id, ports) if _mark_of(stem) == mark)
    found = next(of_mark, None)
    if found is None:
        raise RequestError("there is no such derived file", code=Code.DERIVED_NOT_FOUND)
    if found["state"] != "made":
        raise RequestError(f"the file is {found['state']}", code=Code.DERIVED_NOT_MADE)
    check_is_shown([recording_id], ports)
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
    """Return a range of a derived file.

    Raises:
        RequestError: `media_offline`; it is in the archive tier.
        StorageError: the archive does not answer, or its content differs from the receipt.
    """
    with reading_for_a_caller("the file is in the archive tier"):
        data, total = ports.archive.read_range(heard.blob_name, first, length)
    if total != heard.length_bytes or len(data) != length:
        raise StorageError("the archive does not hold what the receipt says; verify the recording")
    return data


def note_hearing(heard: Heard, first: int, length: int, caller: str | None, ports: Ports) -> None:
    """Write to the trail who receives which minutes, unless the same caller received them within the last minutes.

    Raises:
        StorageError: the trail cannot be written; then nothing may be served.
    """
    size = max(heard.length_bytes * STRETCH_SECONDS * 1000 / max(heard.duration_ms, 1), 1)

    def part_of(begin: int, end: int) -> str:
        until = min((end + 1) * STRETCH_SECONDS, round(heard.duration_ms / 1000))
        return f"derived {heard.mark} {heard.what}, {begin * STRETCH_SECONDS}-{until} s"

    key = (Operation.HEAR_DERIVED, caller, heard.recording_id, heard.mark)
    note_stretches(key, first, length, size, part_of, ports)
