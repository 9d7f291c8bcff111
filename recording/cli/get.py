"""`recordings get`: media and sidecar documents into a folder, each digest compared."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from recording.cli.connect.progress import watching_console
from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Cell, Column, Session, table, text
from recording.cli.options import Form, RecordingArgument, session_of, with_groups
from recording.cli.output.printing import printable
from recording.cli.output.times import size_of
from recording.domain.find.short_ids import short_id
from recording.http.views.proofs import GotFileView
from recording.operate.find_recording import find_recording
from recording.operate.get_recording_files import Got, files_of, get_file

_COLUMNS = [Column("FILE", may_be_cut=True), Column("SIZE", is_number=True), Column("PROOF")]
ToOption = Annotated[
    Path | None, typer.Option("--to", file_okay=False, help="the folder (default: the short id, here)")
]


@with_groups
def get(context: typer.Context, form: Form, recording: RecordingArgument, to: ToOption = None) -> None:
    """Download a recording: media, metadata, receipts and manifest; each digest is compared.

    Exit code 1: a file is not what the catalog says; it ends in `.differs`.

    Example: `recordings get 2f7a91c1 --to case-17`.
    """
    session = session_of(context, form)
    recording_id = find_recording(recording, session.ports)
    raise typer.Exit(_download(session, recording_id, to or Path(short_id(recording_id))))


def _download(session: Session, recording_id: str, folder: Path) -> int:
    offered = files_of(recording_id, session.ports)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _progress(session) as progress:
            total = sum(one.length_bytes for one in offered)
            bar = progress.add_task(printable(short_id(recording_id)), total=total)
            got = [get_file(one, folder, session.ports, lambda n: progress.advance(bar, n)) for one in offered]
    except OSError as error:
        session.lines(f"the files cannot be written to {folder}: {error.strerror}")
        return UNKNOWN
    differ = [one for one in got if one.proved is False]
    facts = {"recordingId": recording_id, "files": [GotFileView.of(one).plain() for one in got]}
    total_read = f"{len(got)} files, {size_of(sum(one.length_bytes for one in got))}, in {folder}"
    end = (f"{len(differ)} of them are not what the catalog says", "bold red") if differ else ("as cataloged", "green")
    session.show(facts, table(session, _COLUMNS, [_row(one) for one in got]), text(f"{total_read}: ", end))
    return NEEDS_ATTENTION if differ else FINE


def _row(got: Got) -> list[Cell]:
    words = {True: text(("SHA-256 as cataloged", "green")), False: text(("DIFFERS", "bold red"))}
    return [got.path.name, size_of(got.length_bytes), words.get(got.proved, "") if got.proved is not None else ""]


def _progress(session: Session) -> Progress:
    """Return a bar on the standard error; none where nobody watches."""
    console = watching_console(session)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=console is None)
