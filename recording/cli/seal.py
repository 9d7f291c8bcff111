"""`recordings seal …`: verify from files alone, show the log's state, copy it, catch up with an old archive."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic.alias_generators import to_camel
from rich.console import RenderableType

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Column, Session, line, table, text
from recording.cli.options import Form, note_option, session_of, with_groups
from recording.cli.output.files import is_below, write_whole
from recording.cli.output.times import clock_time
from recording.control.audit import run_audited
from recording.domain.counted import counted
from recording.domain.ids import without_numbers
from recording.domain.incoming.roles import Operation
from recording.domain.watched.looks import COMPARED, SealLook
from recording.errors import RequestError
from recording.library.seal.compare import accept_differences
from recording.library.seal.compare_audit import Compared, RowProblem, compare_audit
from recording.library.seal.log import accept_end, head_of
from recording.library.seal.verdict import FolderFiles, ProblemKind, Verdict
from recording.library.seal.verify import verify as verify_files
from recording.library.seal.waiting import seal_all
from recording.ports.library.seal import SealPorts

app = typer.Typer(no_args_is_help=True, help="Verify, copy and inspect the signed log of everything that was written.")
MOST_WAITING = 1000  # counted by `status`
_COLUMNS = [Column("PROBLEM"), Column("FILE"), Column("WHAT", may_wrap=True)]
_REMEDIES = {
    ProblemKind.FILE_NOT_SEALED: "newer than the copy's last checkpoint, or put there by hand: copy again",
    ProblemKind.KEY_UNKNOWN: "give the public key of that time with --key, from a source that you trust",
    ProblemKind.LEAF_WITHOUT_FILE: "the copy is incomplete, or the file was removed together with its proof",
    ProblemKind.LOG_CUT: "the end of the log is missing, or sealing had stopped: docs/runbook.md, seal-behind",
    ProblemKind.KEY_ALTERED: "a file in keys/ is not the key that its name says; get the key from a trusted holder",
    ProblemKind.TOKEN_ALTERED: "a time-stamp in tokens/ has been changed",
}
_ROW_COLUMNS = [Column("PROBLEM"), Column("ROW"), Column("WHAT", may_wrap=True)]
_OF_ROWS = {
    RowProblem.NOT_SEALED: "added later, or pseudonymised by an erasure, which withdraws the sealed row",
    RowProblem.JOURNAL_UNREADABLE: "run `recordings seal verify` on a copy",
}
FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="a copy of the log, the archive or both")
]
KeyOption = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="PEM", exists=True, dir_okay=False, help="a public key that you trust; repeatable"),
]

WitnessOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--witness",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="a checkpoint that was kept elsewhere, or lines of `status`: the log must have it; repeatable",
    ),
]


@app.command()
@with_groups
def verify(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    folder: FolderArgument,
    key: KeyOption = None,
    whole: Annotated[bool, typer.Option("--whole", help="the folder is complete: every leaf must have its file")] = (
        False
    ),
    media: Annotated[bool, typer.Option(help="compare the media with its receipts")] = True,
    witness: WitnessOption = None,
    copied_at: Annotated[
        datetime | None,
        typer.Option("--copied-at", metavar="TIME", help="when the copy was made (UTC): the log must reach up to it"),
    ] = None,
) -> None:
    """Verify a folder from its files alone, without Azure and without settings.

    Exit code 1: something was changed, removed, added or reordered. 2: there is nothing to verify.

    Examples: `recordings seal verify copy --whole --key seal.pem`, `recordings seal verify export-17`.
    """
    session = session_of(context, form)
    try:
        found = verify_files(
            FolderFiles(folder),
            [path.read_bytes() for path in key or ()],
            whole=whole,
            with_media=media,
            witnesses=[path.read_bytes() for path in witness or ()],
            copied_at=copied_at.replace(tzinfo=UTC) if copied_at and copied_at.tzinfo is None else copied_at,
        )
    except ValueError as error:
        raise RequestError(f"--key or --witness: {error}") from None
    session.show(_answer(found), *_parts(session, found))
    raise typer.Exit(UNKNOWN if found.is_empty else NEEDS_ATTENTION if found.problems else FINE)


def _answer(found: Verdict) -> dict[str, Any]:
    return {to_camel(name): value for name, value in vars(found).items() if name != "problems"} | {
        "problems": [{"kind": one.kind, "name": one.name, "detail": one.detail} for one in found.problems]
    }


def _parts(session: Session, found: Verdict) -> list[RenderableType]:
    if found.is_empty:
        return [text("there is neither a log nor a proof in this folder")]
    parts: list[RenderableType] = []
    if found.problems:
        parts.append(table(session, _COLUMNS, [[one.kind.value, one.name, one.detail] for one in found.problems]))
        kinds = {one.kind for one in found.problems}
        parts += [text((f"{kind}: ", "bold"), why) for kind, why in _REMEDIES.items() if kind in kinds]
    parts += [text(*_vouching(key_id, is_given)) for key_id, is_given in sorted(found.keys.items())]
    checked = [
        counted(found.checkpoints, "checkpoint"),
        counted(found.leaves, "leaf", "leaves"),
        counted(found.files, "document"),
        counted(found.media, "media file"),
        counted(found.rows, "row"),
    ]
    checked += [f"{counted(found.withdrawn, 'leaf', 'leaves')} withdrawn"] if found.withdrawn else []
    count = len(found.problems)
    end = (counted(count, "problem"), "bold red") if count else ("as sealed", "green")
    last = f"; the last checkpoint is of {found.last_at}" if found.last_at else ""
    return [*parts, text(end, f": {', '.join(checked)}{last}")]


def _vouching(key_id: str, is_given: bool) -> tuple[str | tuple[str, str], ...]:
    if is_given:
        return ("signed by ", (key_id, "bold"), ", a key that you gave")
    return (
        ("signed by ", "yellow"),
        (key_id, "bold"),
        ", a key that came with the files: compare it with yours (--key)",
    )


@app.command()
@with_groups
def status(context: typer.Context, form: Form) -> None:
    """Show the log's state: its last checkpoint, and what waits to be sealed.

    Example: `recordings seal status`.
    """
    session = session_of(context, form)
    found = _ports(session)
    head, waiting = head_of(session.ports, found), len(found.waiting.first(MOST_WAITING))
    compared = SealLook.read(session.ports.catalog.cursor(COMPARED))
    answer = {
        "origin": found.origin,
        "checkpoint": head.number,
        "leaves": head.tree.size,
        "at": head.at,
        "witness": head.line or None,
        "waiting": waiting,
        "comparedAt": compared.at if compared else None,
        "differences": compared.differences if compared else None,
    }
    if head.signed is None:
        session.show(answer, text(f"no checkpoint yet; {_waiting(waiting)}"))
        return
    leaves = counted(head.tree.size, "leaf", "leaves")
    at = clock_time(head.at, session.now) if head.at else "an unknown time"
    told = text(f"checkpoint {head.number} of {at}, {leaves}; {_waiting(waiting)}")
    session.show(answer, told, line(f"witness: {head.line}"), text(_compared(session, compared)))


def _waiting(count: int) -> str:
    """Return how much is to be sealed."""
    if count == 1:
        return "1 document waits to be sealed"
    return f"{count}{' or more' if count == MOST_WAITING else ''} documents wait to be sealed"


def _compared(session: Session, look: SealLook | None) -> str:
    if look is None:
        return "not compared with the audit trail yet"
    so_far = f", at checkpoint {look.number} so far" if look.unfinished else ""
    found = counted(look.differences, "difference") if look.differences else "no difference"
    return f"compared with the audit trail at {clock_time(look.at, session.now)}{so_far}: {found}"


@app.command("get")
@with_groups
def get_log(
    context: typer.Context,
    form: Form,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", file_okay=False, help="created if needed; existing files stay")
    ],
) -> None:
    """Copy the log into a folder: checkpoints, leaves, journals, public keys and time-stamps.

    Exit code 1: a name points outside the folder; that file is left out.

    Example: `recordings seal get log-2026`.
    """
    session = session_of(context, form)
    store, count, left_out = _ports(session).store, 0, list[str]()
    for blob in store.list(""):
        path = folder / blob.name
        if not is_below(blob.name):
            left_out.append(blob.name)
            continue
        stored = store.get(blob.name) if not path.exists() else None
        if stored is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, stored[0])
            count += 1
    lines = [text(("left out  ", "yellow"), f"{name}: it would be written outside of the folder") for name in left_out]
    answer = {"folder": str(folder), "files": count, "leftOut": left_out}
    session.show(answer, *lines, text(f"{counted(count, 'file')} written to {folder}"))
    raise typer.Exit(NEEDS_ATTENTION if left_out else FINE)


@app.command()
@with_groups
def audit(
    context: typer.Context,
    form: Form,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="how far back rows are compared")] = 30,
) -> None:
    """Compare the audit trail with its sealed rows.

    Exit code 1: a row was changed, removed or added. The journals themselves are proved by `seal verify`.

    Example: `recordings seal audit --days 90`.
    """
    session = session_of(context, form)
    found = compare_audit(session.ports.clock.now() - timedelta(days=days), session.ports, _ports(session))
    session.show(_compared_answer(found), *_compared_parts(session, found))
    raise typer.Exit(NEEDS_ATTENTION if found.differences else FINE)


def _compared_answer(found: Compared) -> dict[str, Any]:
    return {to_camel(name): value for name, value in vars(found).items() if name != "differences"} | {
        "differences": [{"problem": one.problem, "row": one.row, "detail": one.detail} for one in found.differences]
    }


def _compared_parts(session: Session, found: Compared) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if found.differences:
        parts.append(
            table(session, _ROW_COLUMNS, [[one.problem.value, one.row, one.detail] for one in found.differences])
        )
        kinds = {one.problem for one in found.differences}
        parts += [text((f"{kind}: ", "bold"), why) for kind, why in _OF_ROWS.items() if kind in kinds]
    count = len(found.differences)
    end = (counted(count, "difference"), "bold red") if count else ("as sealed", "green")
    rows = f"{counted(found.rows, 'row')}, {found.newer} newer than the last checkpoint, {found.withdrawn} withdrawn"
    return [*parts, text(end, f": {rows}")]


@app.command("accept-differences")
@with_groups
def accept_found(
    context: typer.Context,
    form: Form,
    note: Annotated[str, note_option("what explains them; it is kept in the audit trail")],
) -> None:
    """Mark the differences that the nightly comparison found as explained; later ones count again.

    Example: `recordings seal accept-differences --note "see the report of 12 November"`.
    """
    session = session_of(context, form)
    _ports(session)
    count = accept_differences(without_numbers(note), session.caller, session.ports)
    session.show({"accepted": count}, text(f"explained: {counted(count, 'difference')}"))


@app.command("accept-end")
@with_groups
def accept(
    context: typer.Context,
    form: Form,
    note: Annotated[str, note_option("why its end is gone; it is kept in the audit trail")],
) -> None:
    """Continue the log from its present end, after its last part was lost in a failover or a restore.

    What was sealed after that end has to be sealed again: `recordings seal catch-up`.

    Example: `recordings seal accept-end --note "failover of 12 November"`.
    """
    session = session_of(context, form)
    head = accept_end(note, session.caller, session.ports, _ports(session))
    session.show(
        {"checkpoint": head.number, "witness": head.line or None},
        text(f"the log continues after checkpoint {head.number}"),
    )


@app.command("catch-up")
@with_groups
def catch_up(context: typer.Context, form: Form) -> None:
    """Put every recording on the list to be sealed; the timer seals them.

    For an archive that is older than its seal. What is already sealed is not sealed again.

    Example: `recordings seal catch-up`.
    """
    session = session_of(context, form)
    _ports(session)

    def act() -> dict[str, Any]:
        return {"recordings": seal_all(session.ports)}

    def result(done: dict[str, Any]) -> str:
        return f"to be examined: {counted(done['recordings'], 'recording')}"

    done = run_audited(Operation.CATCH_UP_SEAL, None, session.caller, session.ports, act, result=result)
    session.show(done, text(result(done)))


def _ports(session: Session) -> SealPorts:
    if session.ports.seal is None:
        raise RequestError("this app seals nothing: SEAL_KEY is not set")
    return session.ports.seal
