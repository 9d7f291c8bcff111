"""An export: its request, its progress, and the lists that it adds to the files. Pure."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recording.domain.archived.drift import is_disposed
from recording.domain.archived.receipt import UnreadRow, gaps_in
from recording.domain.calls.consent import consent_state
from recording.domain.calls.pauses import PauseEnd
from recording.domain.ids import name_of, without_numbers
from recording.domain.incoming.requests import Exact, RecordingId, ShortText
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived
from recording.domain.times import UtcTime

LIVES = timedelta(days=7)
UNFINISHED = timedelta(days=14)  # after which it is abandoned
MOST_RECORDINGS = 5000  # each takes several blocks, and a blob has at most 50,000 of them
MOST_BLOCKS = 49_000
MOST_TOLD = 100  # of what was left out, in the answer; export.json in the bundle names all of it
MOST_NAMED = 100  # by their ids, which fit into a body of 64 KiB; more are chosen by a tag
BUNDLE = "bundle.zip"
_LAST = 1 << 62  # behind every index


class ExportRequest(Exact):
    """The body of `POST exports`: recordings by their ids, or all of a participant, or all with a tag."""

    recordings: tuple[RecordingId, ...] = Field((), max_length=MOST_NAMED)
    participant: ShortText | None = None
    number: ShortText | None = None
    tag: ShortText | None = None
    only_speaker: Annotated[bool, Field(alias="onlySpeaker")] = False
    derived: bool = False
    note: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _names_one_way(self) -> "ExportRequest":
        given = [bool(self.recordings), self.participant is not None, self.number is not None, self.tag is not None]
        if sum(given) != 1:
            raise ValueError("give exactly one of recordings, participant, number and tag")
        if self.only_speaker and self.participant is None and self.number is None:
            raise ValueError("onlySpeaker needs a participant or a number")
        return self


class ExportState(StrEnum):
    """The progress of an export."""

    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"  # the custodian has destroyed the bundle


class LeftOut(BaseModel):
    """Something that was requested but is not in the bundle."""

    model_config = ConfigDict(frozen=True, extra="allow")

    recording_id: str
    what: str
    why: str


class ExportRecord(BaseModel):
    """An export's own document; it names no person.

    Attributes:
        export_id: random.
        recordings: its recordings, in order.
        unread: those among them of which nobody knows whether they were asked for, as their row cannot be read.
        speaker: the keyed hash of the only speaker to keep; None keeps all.
        derived: whether derived files are included.
        done: how many recordings have been added.
        length_bytes: the present length of the bundle.
        error: the code of the failure that ended it.
        left_out: the first omitted items, with their reasons.
        left_out_count: the total number of omitted items; None before it is done.
        gone_at: when the last byte of the destroyed bundle is purged.
        tenants: the tenants of the request; None: the whole archive.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    schema_number: int = 1
    export_id: str
    requested_at: UtcTime
    requested_by: str | None = None
    note: str | None = None
    recordings: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    speaker: str | None = None
    derived: bool = False
    state: ExportState = ExportState.REQUESTED
    done: int = 0
    length_bytes: int = 0
    finished_at: UtcTime | None = None
    expires_at: UtcTime | None = None
    sha256: str | None = None
    error: str | None = None
    tenants: tuple[str, ...] | None = None
    gone_at: UtcTime | None = None
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int | None = None

    def is_expired(self, now: datetime) -> bool:
        """Return whether the bundle can no longer be downloaded."""
        return self.expires_at is not None and now >= self.expires_at

    def is_over(self, now: datetime) -> bool:
        """Return whether its bytes are to be destroyed: expired, failed or never finished."""
        if self.state in (ExportState.DONE, ExportState.GONE):
            return self.state is ExportState.DONE and self.is_expired(now)
        lives = LIVES if self.state is ExportState.FAILED else UNFINISHED
        return now >= self.requested_at + lives


class BundledFile(BaseModel):
    """A file in a bundle."""

    model_config = ConfigDict(frozen=True)

    name: str
    length_bytes: int
    crc32: int
    sha256: str
    offset: int = 0


class Part(BaseModel):
    """The part of a bundle from one recording, or its end: files, blocks, and the entry for the pages."""

    model_config = ConfigDict(frozen=True)

    files: tuple[BundledFile, ...] = ()
    blocks: tuple[str, ...] = ()
    length_bytes: int = 0
    facts: dict[str, Any] = Field(default_factory=dict)


def state_name(export_id: str) -> str:
    """Return the name of an export's document."""
    return f"{export_id}/export.json"


def bundle_name(export_id: str) -> str:
    """Return the name of its bundle."""
    return f"{export_id}/{BUNDLE}"


def parts_prefix(export_id: str) -> str:
    """Return how the names of all its parts' notes begin."""
    return f"{export_id}/parts/"


def part_name(export_id: str, number: int) -> str:
    """Return the name of the note of one part."""
    return f"{parts_prefix(export_id)}{number:06d}.json"


def block_name(part: int, block: int, worker: str) -> str:
    """Return a block's id; all of a blob have one length.

    Args:
        part: number of the recording in the bundle.
        block: number of the block in the part.
        worker: four characters of the worker that makes it: what two workers stage never replaces each other's.
    """
    return f"{part:04d}-{block:05x}-{worker}"


def call_facts(recording: RecordingRecord, chunks: Iterable[ChunkRecord], *, with_words: bool) -> dict[str, Any]:
    """Return a recording's consent and pauses, as the bundle's page and `export.json` show them.

    Args:
        recording: its row.
        chunks: those in the bundle; their metadata reports all pauses, requested here or not.
        with_words: whether reasons are shown; in the bundle of one speaker they may be about others.
    """
    asked = [pause for pause in recording.pauses if pause.how is not PauseEnd.REFUSED]
    return {
        "consent": {
            "state": consent_state(recording.consent, recording.consents).value,
            "steps": [{"step": one.step.value, "at": one.at.isoformat()} for one in recording.consents],
            "more": recording.more_consents,
        },
        "pauses": [
            {
                "startedAt": pause.at.isoformat(),
                "endedAt": pause.ended_at.isoformat() if pause.ended_at else None,
                "reason": pause.reason if with_words else None,
            }
            for pause in asked
        ],
        "morePauses": recording.more_pauses,
        "mediaPauses": [
            {"startedAt": pause.started_at.isoformat(), "durationMs": pause.duration_ms}
            for chunk in chunks
            for pause in (chunk.facts.pauses if chunk.facts else ())
            if pause.started_at is not None
        ],
    }


def not_here(
    known: Sequence[ChunkRecord], least_count: int | None, unread: Sequence[UnreadRow]
) -> list[dict[str, str]]:
    """Return the chunks of a recording that cannot be bundled now, each with its reason, in the order of indexes.

    Args:
        known: all its chunks that can be read, however far they are.
        least_count: as `gaps_in`.
        unread: the rows of its other chunks.
    """
    found = [(one.task.index, _what(one), why) for one in known if (why := _why_not_here(one)) is not None]
    for gap in gaps_in(known, least_count, unread):
        what = f"chunk {gap[0]}" if len(gap) == 1 else f"chunks {gap[0]} to {gap[-1]}"
        found.append((gap[0], what, "it was never announced to the archive"))
    found += [(_LAST if row.index is None else row.index, _what_unread(row), why_unread(row.code)) for row in unread]
    return [{"what": what, "why": why} for _, what, why in sorted(found)]


def why_unread(code: str) -> str:
    """Return why something is left out whose row in the catalog cannot be read."""
    return f"its row in the catalog cannot be read ({code})"


def _what_unread(row: UnreadRow) -> str:
    return f"chunk {row.index}, row {row.key}" if row.index is not None else f"the chunk of row {row.key}"


def _what(record: ChunkRecord) -> str:
    return f"chunk {record.task.index}, document {name_of(record.task.document_id)}"


def _why_not_here(record: ChunkRecord) -> str | None:
    if is_disposed(record):
        return "it was destroyed, and a certificate says why"
    if record.state is ChunkState.QUARANTINED:
        return f"it is held until an operator decides about it ({record.quarantine_reason or 'no reason is known'})"
    if record.state is ChunkState.EXPIRED:
        return f"the service deleted it before it could be archived ({record.last_error or 'no reason is known'})"
    if not is_archived(record):
        return f"it is not archived yet{f' ({record.last_error})' if record.last_error else ''}"
    return None if record.blob_name else "it has no file in the archive"


def left_out_of(parts: Sequence[Part]) -> list[LeftOut]:
    """Return everything requested that is not in the bundle, without phone numbers and participants' ids.

    A name may be one that another application gave a file; this list outlives the bundle.
    """
    found: list[LeftOut] = []
    for part in parts:
        recording_id = str(part.facts.get("recordingId"))
        if error := part.facts.get("error"):
            found.append(LeftOut(recording_id=recording_id, what="the recording", why=str(error)))
        for one in part.facts.get("leftOut") or ():
            found.append(
                LeftOut(recording_id=recording_id, what=without_numbers(str(one["what"])), why=str(one["why"]))
            )
    return found


def sums_of(files: Iterable[BundledFile]) -> bytes:
    """Return the list of checksums for `sha256sum -c`."""
    return "".join(f"{file.sha256}  {file.name}\n" for file in files).encode()


def manifest_of_export(export: ExportRecord, parts: Sequence[Part]) -> bytes:
    """Return the list of what is in the bundle, and of what was left out and why."""
    facts = {
        "schema": 1,
        "exportId": export.export_id,
        "requestedAt": export.requested_at,
        "requestedBy": export.requested_by,
        "note": export.note,
        "onlySpeaker": export.speaker is not None,
        "recordings": [part.facts for part in parts],
        "files": [
            {"name": file.name, "lengthBytes": file.length_bytes, "sha256": file.sha256}
            for part in parts
            for file in part.files
        ],
    }
    return json.dumps(facts, indent=2, default=lambda value: value.isoformat()).encode() + b"\n"
