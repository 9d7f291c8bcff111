"""`recordings vcon` and `recordings export …`: hand recordings over in open formats."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from recording.cli.connect.progress import working
from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Cell, Column, Session, table, text
from recording.cli.options import Form, LimitOption, RecordingArgument, note_option, session_of, with_groups
from recording.cli.output.files import write_whole
from recording.cli.output.times import clock_time, size_of
from recording.control.audit import run_audited
from recording.domain.archived.exports import BUNDLE
from recording.domain.counted import counted
from recording.domain.find.short_ids import named_by, short_id
from recording.domain.incoming.roles import Operation
from recording.errors import RequestError
from recording.library.handover.downloads import (
    MOST_BYTES,
    BundleFile,
    exports_there_are,
    find_bundle,
    list_exports,
    take_part,
)
from recording.library.handover.export import get_export, request_export
from recording.library.handover.vcon import make_vcon, what_is_given
from recording.operate.find_recording import find_recording

app = typer.Typer(no_args_is_help=True, help="Request a bundle of recordings, follow its progress, and download it.")
ExportArgument = Annotated[str, typer.Argument(metavar="EXPORT", help="the id that `start` printed, or its beginning")]
_EXPORTS = [
    Column("EXPORT"),
    Column("STATE"),
    Column("ASKED"),
    Column("RECORDINGS", is_number=True),
    Column("SIZE", is_number=True),
    Column("NOTE", may_be_cut=True),
]
_DONE = "done"
_WHOLE = 32  # digits of an id


@with_groups
def vcon(
    context: typer.Context,
    recording: RecordingArgument,
    form: Form,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", dir_okay=False, help="default: print it")] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="include the media; default: its address and digest")
    ] = False,
) -> None:
    """Print a recording as a vCon: parties and times, media by digest, documents included.

    Example: `recordings vcon 2f7a91c1 --to call.vcon.json`.
    """
    session = session_of(context, form)
    recording_id = find_recording(recording, session.ports)

    def act() -> dict[str, Any]:
        return make_vcon(recording_id, session.ports, session.settings, inline=inline)

    note = what_is_given(inline=inline)
    told = run_audited(Operation.GET_VCON, recording_id, session.caller, session.ports, act, note=note)
    content = json.dumps(told, indent=2)
    if to is None:
        session.lines(*content.splitlines())
    else:
        write_whole(to, f"{content}\n".encode())
        session.show({"file": str(to)}, text(f"written to {to}"))


@app.command()
@with_groups
def start(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    recordings: Annotated[list[str] | None, typer.Argument(metavar="[RECORDING...]", help="ids or short ids")] = None,
    number: Annotated[str | None, typer.Option(help="all recordings with this telephone number")] = None,
    participant: Annotated[str | None, typer.Option(metavar="ID", help="all recordings of this participant")] = None,
    tag: Annotated[
        str | None, typer.Option(metavar="NAME:VALUE", help="all recordings with this tag, such as a case")
    ] = None,
    only_speaker: Annotated[
        bool, typer.Option("--only-speaker", help="remove all other speakers from what is handed over")
    ] = (False),
    derived: Annotated[
        bool, typer.Option("--derived", help="with the files that were made from the recordings, and their receipts")
    ] = False,
    note: Annotated[str | None, note_option("why; it is kept with the export")] = None,
) -> None:
    """Request a bundle; the app makes it.

    Examples: `recordings export start --tag case:17`, `recordings export start --number +4930123456 --only-speaker`.
    """
    session = session_of(context, form)
    body: dict[str, Any] = {"number": number, "participant": participant, "tag": tag, "note": note}
    body = {name: value for name, value in body.items() if value is not None}
    if recordings:
        body["recordings"] = [find_recording(each, session.ports) for each in recordings]
    body |= {"onlySpeaker": True} if only_speaker else {}
    body |= {"derived": True} if derived else {}

    def act() -> dict[str, Any]:
        return request_export(body, session.caller, session.ports, session.settings)

    _show(session, run_audited(Operation.REQUEST_EXPORT, None, session.caller, session.ports, act))


@app.command()
@with_groups
def show(
    context: typer.Context,
    form: Form,
    export: Annotated[
        str | None, typer.Argument(metavar="[EXPORT]", help="id, or its beginning; default: list all")
    ] = None,
    limit: LimitOption = 200,
) -> None:
    """Show the progress of an export; without EXPORT, list those that can still be downloaded or are being made.

    Exit code 1: it is not done yet, or it failed.
    """
    session = session_of(context, form)
    if export is None:
        _list(session, limit)
        raise typer.Exit(FINE)
    told = get_export(_meant(session, export), session.ports)
    _show(session, told)
    raise typer.Exit(FINE if told["state"] == _DONE else NEEDS_ATTENTION)


@app.command("get")
@with_groups
def get_bundle(
    context: typer.Context,
    export: ExportArgument,
    form: Form,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", dir_okay=False, help="where the bundle goes")] = Path(
        BUNDLE
    ),
) -> None:
    """Download the bundle of an export that is done; an interrupted download continues where it ended.

    Example: `recordings export get 3f0c9e51 --to case-17.zip`.
    """
    session = session_of(context, form)
    export = _meant(session, export)
    told = get_export(export, session.ports)
    if told["state"] != _DONE:
        session.refuses(f"the export is {told['state']}")
        raise typer.Exit(UNKNOWN)
    bundle = find_bundle(export, session.ports)
    part = to.with_name(f"{to.name}.{bundle.export_id[:8]}.part")
    with working(session, "downloading") as progress:
        _download(bundle, part, session, progress)
        is_whole = _is_whole(part, told["sha256"])
    if not is_whole:
        part.unlink()  # it would be gone on with
        raise RequestError(
            "the download does not match the digests of the export and was removed: run the command again"
        )
    part.replace(to)
    length = bundle.length_bytes
    session.show({"file": str(to), "lengthBytes": length}, text(f"{size_of(length)} written to {to}"))


def _list(session: Session, limit: int) -> None:
    found = list_exports(session.ports, most=limit)
    listed = [one for one in found.items if isinstance(one, dict)]
    rows: list[list[Cell]] = [
        [
            one["exportId"] if session.is_wide else short_id(one["exportId"]),
            one["state"],
            clock_time(datetime.fromisoformat(one["requestedAt"]), session.now),
            str(one["recordings"]),
            size_of(one["lengthBytes"]),
            one["note"] or "",
        ]
        for one in listed
    ]
    more = [text(("there are more; --limit shows them", "dim"))] if found.next else []
    shown = table(session, _EXPORTS, rows) if rows else text("no exports")
    session.show({"exports": listed, "next": found.next}, shown, *more)


def _meant(session: Session, typed: str) -> str:
    """Return the whole id of the export that is meant; the use case reports an unknown one.

    Raises:
        RequestError: several begin so.
    """
    if len(typed) == _WHOLE:
        return typed  # without reading all of them
    found = named_by(typed, (one.export_id for one in exports_there_are(session.ports)))
    if len(found) > 1:
        raise RequestError(f"{typed!r} names {len(found)} exports: type more of it")
    return found[0] if found else typed


def _download(bundle: BundleFile, part: Path, session: Session, progress: Callable[[str], object]) -> None:
    """Download a bundle in parts, after those that an earlier run fetched."""
    with part.open("ab") as file:
        at = file.tell() if file.tell() <= bundle.length_bytes else file.truncate(0)
        while at < bundle.length_bytes:
            length = min(MOST_BYTES, bundle.length_bytes - at)
            at += file.write(take_part(bundle, at, length, session.caller, session.ports))
            progress(f"{size_of(at)} of {size_of(bundle.length_bytes)}")


def _is_whole(path: Path, sums_sha256: str | None) -> bool:
    """Return whether a bundle has the list of digests that the archive knows, and every file of the list."""
    try:
        with zipfile.ZipFile(path) as opened:
            sums = opened.read("SHA256SUMS")
            lines = [line.partition("  ") for line in sums.decode().splitlines()]
            is_known = hashlib.sha256(sums).hexdigest() == sums_sha256
            return is_known and all(_digest_in(opened, name) == digest for digest, _, name in lines)
    except (zipfile.BadZipFile, KeyError, ValueError):
        return False


def _digest_in(opened: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with opened.open(name) as file:
        while piece := file.read(MOST_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _show(session: Session, told: dict[str, Any]) -> None:
    state, done, count = told["state"], told["done"], told["recordings"]
    line = f"export {told['exportId']}: {state}, {done} of {counted(count, 'recording')}, "
    line += size_of(told["lengthBytes"])
    line += f"; {told['error']}" if told["error"] else ""
    line += f"; {told['leftOutCount']} left out" if told["leftOutCount"] else ""
    named = (text(f"{one['recordingId']}: {one['what']}: {one['why']}") for one in told["leftOut"])
    session.show(told, text(line), *named)
