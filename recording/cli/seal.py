"""`recordings seal …`: verify from files alone, tell how the log stands, copy it, catch up with an old archive."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Column, Session, table, text
from recording.cli.options import Form, session_of, with_groups
from recording.errors import RequestError
from recording.library.seal.log import head_of
from recording.library.seal.verdict import FolderFiles, Problem, ProblemKind, Verdict
from recording.library.seal.verify import verify as verify_files
from recording.library.seal.waiting import seal_all
from recording.ports.library.seal import SealPorts

app = typer.Typer(no_args_is_help=True, help="Verify, copy and look at the signed log of everything that was written.")
MOST_WAITING = 1000  # counted by `status`
_COLUMNS = [Column("PROBLEM"), Column("FILE"), Column("WHAT", may_wrap=True)]
_REMEDIES = {
    ProblemKind.FILE_NOT_SEALED: "newer than the copy's last checkpoint, or put there by somebody: copy again",
    ProblemKind.KEY_UNKNOWN: "give the public key of that time with --key, from a source that you trust",
    ProblemKind.LEAF_WITHOUT_FILE: "the copy is not whole, or somebody removed the file together with its proof",
}
FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="a copy of the log, the archive or both")
]
KeyOption = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="PEM", exists=True, dir_okay=False, help="a public key that you trust; repeatable"),
]


@app.command()
@with_groups
def verify(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    folder: FolderArgument,
    key: KeyOption = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="the folder holds all of it: every leaf must have its file")
    ] = (False),
    media: Annotated[bool, typer.Option(help="compare the media with its receipts")] = True,
) -> None:
    """Verify a folder from its files alone; neither Azure nor settings are needed.

    Exit code 1: something was changed, removed, added or put in another order. 2: there is nothing to verify.

    Examples: `recordings seal verify copy --whole --key seal.pem`, `recordings seal verify export-17`.
    """
    session = session_of(context, form)
    try:
        given = [path.read_bytes() for path in key or ()]
        found = verify_files(FolderFiles(folder), given, whole=whole, with_media=media)
    except ValueError as error:
        raise RequestError(f"--key: {error}") from None
    session.show(_facts(found), *_parts(session, found))
    raise typer.Exit(UNKNOWN if found.is_empty else NEEDS_ATTENTION if found.problems else FINE)


def _facts(found: Verdict) -> dict[str, Any]:
    facts = {name: value for name, value in vars(found).items() if name != "problems"}
    camel = {"last_at": "lastAt"}
    return {camel.get(name, name): value for name, value in facts.items()} | {
        "problems": [{"kind": one.kind, "name": one.name, "detail": one.detail} for one in found.problems]
    }


def _parts(session: Session, found: Verdict) -> list[RenderableType]:
    if found.is_empty:
        return [text("there is neither a log nor a proof in this folder")]
    parts: list[RenderableType] = []
    if found.problems:
        parts.append(table(session, _COLUMNS, [_row(one) for one in found.problems]))
        kinds = {one.kind for one in found.problems}
        parts += [text((f"{kind}: ", "bold"), why) for kind, why in _REMEDIES.items() if kind in kinds]
    parts += [text(*_vouching(key_id, is_given)) for key_id, is_given in sorted(found.keys.items())]
    counted = (
        f"{found.checkpoints} checkpoints, {found.leaves} leaves, {found.files} documents, {found.media} media files"
    )
    counted += f", {found.rows} rows" + (f", {found.withdrawn} leaves withdrawn" if found.withdrawn else "")
    count = len(found.problems)
    end = (f"{count} problem{'' if count == 1 else 's'}", "bold red") if count else ("as sealed", "green")
    return [*parts, text(end, f": {counted}; the last checkpoint is of {found.last_at}")]


def _row(one: Problem) -> list[Any]:
    return [one.kind.value, one.name, one.detail]


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
    """Tell how the log stands: its last checkpoint, and what waits to be sealed.

    Example: `recordings seal status`.
    """
    session = session_of(context, form)
    found = _ports(session)
    head, waiting = head_of(session.ports, found), len(found.waiting.first(MOST_WAITING))
    facts = {
        "origin": found.origin,
        "checkpoint": head.number,
        "leaves": head.tree.size,
        "at": head.at and head.at.isoformat(),
        "waiting": waiting,
    }
    if head.signed is None:
        session.show(facts, text(f"no checkpoint yet; {waiting} things wait"))
        return
    more = " or more" if waiting == MOST_WAITING else ""
    session.show(
        facts, text(f"checkpoint {head.number} of {head.at}, {head.tree.size} leaves; {waiting}{more} things wait")
    )


@app.command("get")
@with_groups
def get_log(
    context: typer.Context,
    form: Form,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, help="is made; what is there stays")],
) -> None:
    """Copy the log into a folder: checkpoints, leaves, journals, public keys and time-stamps.

    Example: `recordings seal get log-2026`.
    """
    session = session_of(context, form)
    store, count = _ports(session).store, 0
    for blob in store.list(""):
        path = folder / blob.name
        stored = store.get(blob.name) if not path.exists() else None
        if stored is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored[0])
            count += 1
    session.show({"folder": str(folder), "files": count}, text(f"{count} files written to {folder}"))


@app.command("catch-up")
@with_groups
def catch_up(context: typer.Context, form: Form) -> None:
    """Put every recording on the list of what is to be sealed; the timer does the rest.

    For an archive that is older than its seal. What is sealed already is only looked at.

    Example: `recordings seal catch-up`.
    """
    session = session_of(context, form)
    _ports(session)
    count = seal_all(session.ports)
    session.show({"recordings": count}, text(f"{count} recordings wait to be looked at"))


def _ports(session: Session) -> SealPorts:
    if session.ports.seal is None:
        raise RequestError("this app seals nothing: SEAL_KEY is not set")
    return session.ports.seal
