"""An export: what was asked for, how far it is, and the documents that it adds to the files. Pure."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recording.domain.incoming.requests import Exact, ShortText
from recording.domain.times import UtcTime

LIVES = timedelta(days=7)
UNFINISHED = timedelta(days=14)  # after which nobody works on it any more
MOST_RECORDINGS = 5000  # each is some blocks, and a blob has at most 50,000 of them
MOST_BLOCKS = 49_000
MOST_NAMED = 100  # by their ids, which fit into a body of 64 KiB; more are chosen by a tag
BUNDLE = "bundle.zip"


class ExportRequest(Exact):
    """The body of `POST exports`: recordings by their ids, or all of a participant, or all with a tag."""

    recordings: tuple[ShortText, ...] = Field((), max_length=MOST_NAMED)
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
            raise ValueError("name recordings, a participant, a number or a tag: exactly one of them")
        if self.only_speaker and self.participant is None and self.number is None:
            raise ValueError("onlySpeaker needs a participant or a number")
        return self


class ExportState(StrEnum):
    """How far an export is."""

    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"  # the custodian has destroyed the bundle


class ExportRecord(BaseModel):
    """An export's own document; it names no person.

    Attributes:
        export_id: random.
        recordings: what goes in, in order.
        speaker: the keyed hash of the one whose voice stays; None keeps all.
        derived: whether files made from the recordings go in too.
        done: how many recordings are in.
        length_bytes: how long the bundle is by now.
        error: the code of what ended it.
        gone_at: when the last byte of the bundle goes, once it was destroyed.
        tenants: within which it was asked for; None: within the whole archive.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    schema_number: int = 1
    export_id: str
    requested_at: UtcTime
    requested_by: str | None = None
    note: str | None = None
    recordings: tuple[str, ...] = ()
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

    def is_expired(self, now: datetime) -> bool:
        """Return whether the bundle is handed out no more."""
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
    """What one recording, or the end, put into the bundle: its files, its blocks, and what the pages say of it."""

    model_config = ConfigDict(frozen=True)

    files: tuple[BundledFile, ...] = ()
    blocks: tuple[str, ...] = ()
    length_bytes: int = 0
    facts: dict[str, Any] = Field(default_factory=dict)


def state_name(export_id: str) -> str:
    """Return where an export's document lies."""
    return f"{export_id}/export.json"


def bundle_name(export_id: str) -> str:
    """Return where its bundle lies."""
    return f"{export_id}/{BUNDLE}"


def parts_prefix(export_id: str) -> str:
    """Return how the names of all its parts' notes begin."""
    return f"{export_id}/parts/"


def part_name(export_id: str, number: int) -> str:
    """Return where the note of one part lies."""
    return f"{parts_prefix(export_id)}{number:06d}.json"


def block_name(part: int, block: int, worker: str) -> str:
    """Return a block's id; all of a blob have one length.

    Args:
        part: number of the recording in the bundle.
        block: number of the block in the part.
        worker: four characters of whoever makes it: what two workers stage never replaces each other's.
    """
    return f"{part:04d}-{block:05x}-{worker}"


def sums_of(files: Iterable[BundledFile]) -> bytes:
    """Return what `sha256sum -c` reads."""
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


VERIFY = """\
HOW TO VERIFY THIS BUNDLE

Nothing here needs the internet, an account, or a program of the archive's makers.

1  Every file is as it was packed:

       sha256sum -c SHA256SUMS

2  The media is what the receipts say, which were written when it was archived: in a receipt
   (*.receipt.json), "sha256" is the digest of the file in "blobName". For one recording:

       cd recordings/FOLDER
       for r in *.receipt.json; do jq -r '"\\(.sha256)  \\(.blobName | split("/") | last)"' "$r"; done | sha256sum -c

3  The receipts are as they were sealed. Each seal.NNNNNNNNNN.json holds a checkpoint, signed by the
   archive's key, and the proofs of the documents beside it. The signature:

       jq -r .checkpoint seal.NNNNNNNNNN.json | sed '/^$/,$d' > text
       jq -r .checkpoint seal.NNNNNNNNNN.json | grep '^— ' | cut -d ' ' -f 3 | base64 -d | tail -c +5 > signature
       openssl dgst -sha256 -verify KEY.pem -signature signature text

   The key in keys/ came with this bundle: compare it with the one that you were given by another
   way. The proof of each document, by sha256 alone, is in the project's page docs/seal.md; its
   program does all three at once:

       recordings seal verify . --key KEY.pem

What is newer than the last checkpoint before the export has no proof yet, and is named as such. Media
from which other speakers were removed is not the media of its receipt; export.json names its digests
before and after.
"""


def page_of(export: ExportRecord, parts: Sequence[Part]) -> bytes:
    """Return the page to read and to listen: one file, no script, nothing from elsewhere."""
    rows = "\n".join(_recording(part.facts) for part in parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; media-src 'self' file:; style-src 'unsafe-inline'">
<title>Recordings, export {html.escape(export.export_id)}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
section {{ border-top: 1px solid; padding: 1rem 0 }}
h2 {{ font-size: 1.1rem; margin: 0; overflow-wrap: anywhere }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .5rem 0 }}
dd {{ margin: 0; overflow-wrap: anywhere }}
audio, video {{ width: 100%; max-height: 24rem }}
</style>
</head>
<body>
<h1>Recordings</h1>
<p>{len(parts)} recordings, exported on {export.requested_at:%Y-%m-%d %H:%M} UTC. How to prove that nothing was changed:
<a href="VERIFY.txt">VERIFY.txt</a>. The same for programs: <a href="export.json">export.json</a>.</p>
{rows}
</body>
</html>
""".encode()


def _recording(facts: Mapping[str, Any]) -> str:
    said = {
        "began": facts.get("startedAt"),
        "call": facts.get("callId"),
        "tags": ", ".join(f"{name}: {value}" for name, value in (facts.get("tags") or {}).items()),
        "who": ", ".join(facts.get("participants") or ()),
        "left out": "; ".join(f"{one['what']}: {one['why']}" for one in facts.get("leftOut") or ()),
        "why not": facts.get("error"),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{html.escape(str(text))}</dd>" for name, text in said.items() if text)
    media = "\n".join(_player(one) for one in facts.get("media") or ())
    documents = ", ".join(
        f'<a href="{html.escape(name, quote=True)}">{html.escape(name.rpartition("/")[2])}</a>'
        for name in facts.get("documents") or ()
    )
    title = html.escape(str(facts.get("recordingId")))
    return f"<section>\n<h2>{title}</h2>\n<dl>{rows}</dl>\n{media}\n<p>{documents}</p>\n</section>"


def _player(one: Mapping[str, Any]) -> str:
    name = html.escape(str(one["name"]), quote=True)
    kind = "video" if str(one["name"]).endswith(".mp4") else "audio"
    label = html.escape(str(one["name"]).rpartition("/")[2])
    return f'<p>{label}</p><{kind} controls preload="none" src="{name}" aria-label="{label}"></{kind}>'
