"""`recordings get`: download files and compare each digest; `recordings derived`: files made from recordings."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from recording.cli.connect.progress import watching_console
from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, RecordingArgument, session_of, with_groups
from recording.cli.output.printing import printable
from recording.cli.output.times import duration_of, size_of
from recording.control.audit import run_audited
from recording.domain.archived.derived import DerivedKind
from recording.domain.counted import counted
from recording.domain.find.short_ids import short_id
from recording.domain.incoming.roles import Operation
from recording.errors import BlobLockedError, RequestError
from recording.errors.codes import Code
from recording.http.views.proofs import GotFileView
from recording.library.derived.ask import list_derived, request_derived
from recording.operate.find_recording import find_recording
from recording.operate.get_recording_files import Got, files_of, get_file, not_had

_COLUMNS = [Column("FILE", may_be_cut=True, keeps_end=True), Column("SIZE", is_number=True), Column("PROOF")]
_SHOWN = 5
ToOption = Annotated[
    Path | None, typer.Option("--to", file_okay=False, help="the folder (default: the short id, here)")
]

derived = typer.Typer(
    no_args_is_help=True, help="Request one file of all chunks, or one for each speaker, and list them."
)
KindArgument = Annotated[DerivedKind, typer.Argument(metavar="KIND", help="joined or speakers")]
_DERIVED = [
    Column("ID"),
    Column("STATE"),
    Column("NAME", may_be_cut=True, keeps_end=True),
    Column("SIZE", is_number=True),
    Column("PLAYS", is_number=True),
    Column("WHY NOT", may_be_cut=True),
]


@with_groups
def get(context: typer.Context, form: Form, recording: RecordingArgument, to: ToOption = None) -> None:
    """Download a recording: media, metadata, receipts and manifest, and compare each digest.

    Exit code 1: a file differs from the catalog, and its name ends in `.differs`; or a part of the recording is
    missing, and is named with the reason.

    Example: `recordings get 2f7a91c1 --to case-17`.
    """
    session = session_of(context, form)
    recording_id = find_recording(recording, session.ports)
    raise typer.Exit(_download(session, recording_id, to or Path(short_id(recording_id))))


def _download(session: Session, recording_id: str, folder: Path) -> int:
    offered, got, offline = files_of(recording_id, session.ports), list[Got](), list[str]()
    lacks = not_had(recording_id, offered, session.ports)
    if not offered:
        why = "".join(f"; {one['what']}: {one['why']}" for one in lacks[:_SHOWN])
        raise RequestError(f"nothing of this recording is in the archive{why}", code=Code.UNKNOWN_RECORDING)

    def act() -> dict[str, Any]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _progress(session) as progress:
                total = sum(one.length_bytes for one in offered)
                bar = progress.add_task(printable(short_id(recording_id)), total=total)
                for one in offered:
                    try:
                        got.append(get_file(one, folder, session.ports, lambda n: progress.advance(bar, n)))
                    except BlobLockedError:  # in the archive tier; the others can be had
                        offline.append(one.file_name)
        except OSError as error:
            raise RequestError(f"the files cannot be written to {folder}: {error.strerror}") from None
        return {}

    run_audited(Operation.LISTEN, recording_id, session.caller, session.ports, act, note="all files")
    differ = [one for one in got if one.proved is False]
    compared = sum(one.proved is not None for one in got)
    answer: dict[str, Any] = {"recordingId": recording_id, "files": [GotFileView.of(one).plain() for one in got]}
    answer |= {"leftOut": lacks}
    answer |= {"offline": offline} if offline else {}
    total_read = f"{counted(len(got), 'file')}, {size_of(sum(one.length_bytes for one in got))}, in {folder}"
    total_read += f"; {compared} of them compared with the catalog" if compared < len(got) else ""
    end = (
        (f"{len(differ)} {'differs' if len(differ) == 1 else 'differ'} from the catalog", "bold red")
        if differ
        else ("as cataloged", "green")
    )
    lines = [text(("in the archive tier  ", "yellow"), name) for name in offline]
    lines += [text(("not here  ", "bold red"), f"{one['what']}: {one['why']}") for one in lacks]
    session.show(answer, table(session, _COLUMNS, [_row(one) for one in got]), *lines, text(f"{total_read}: ", end))
    return NEEDS_ATTENTION if differ or offline or lacks else FINE


def _row(got: Got) -> list[Cell]:
    words = {True: text(("SHA-256 as cataloged", "green")), False: text(("DIFFERS", "bold red"))}
    proof = text(("not in the catalog", "dim")) if got.proved is None else words[got.proved]
    return [got.path.name, size_of(got.length_bytes), proof]


def _progress(session: Session) -> Progress:
    """Return a progress bar on the standard error; a disabled one where that is not a terminal."""
    console = watching_console(session)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=console is None)


# --- derived files


@derived.command()
@with_groups
def make(context: typer.Context, recording: RecordingArgument, kind: KindArgument, form: Form) -> None:
    """Request derived files; the app makes them, and `get` downloads them with the others.

    Examples: `recordings derived make 2f7a91c1 joined`, `recordings derived make 2f7a91c1 speakers`.
    """
    session = session_of(context, form)
    recording_id = find_recording(recording, session.ports)

    def act() -> dict[str, Any]:
        return request_derived(recording_id, {"kind": kind.value}, session.ports)

    _show_derived(session, run_audited(Operation.DERIVE, recording_id, session.caller, session.ports, act)["files"])


@derived.command("list")
@with_groups
def list_files(context: typer.Context, recording: RecordingArgument, form: Form) -> None:
    """List the derived files of a recording.

    Exit code 1: not all of them are made.
    """
    session = session_of(context, form)
    told = list_derived(find_recording(recording, session.ports), session.ports)
    _show_derived(session, told)
    raise typer.Exit(FINE if all(one["state"] == "made" for one in told) else NEEDS_ATTENTION)


def _show_derived(session: Session, told: list[dict[str, Any]]) -> None:
    rows: list[list[Cell]] = [
        [
            str(one["derivedId"]),
            str(one["state"]),
            str(one["name"]),
            size_of(one["lengthBytes"]) if "lengthBytes" in one else "",
            duration_of(one["durationMs"]) if "durationMs" in one else "",
            str(one.get("detail") or ""),
        ]
        for one in told
    ]
    session.show({"files": told}, table(session, _DERIVED, rows) if rows else text("no derived files"))
