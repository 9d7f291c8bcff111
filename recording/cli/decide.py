"""`recordings redrive`, `retry`, `accept`, `dismiss`: an operator decides, and confirms what affects many items."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from recording.cli.connect.app_log import logged_by_the_app
from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Session, text
from recording.cli.options import (
    Filters,
    Form,
    NoteOption,
    ReasonOption,
    RecordingOption,
    YesOption,
    note_option,
    session_of,
    with_groups,
)
from recording.control.audit import run_audited
from recording.domain.find.short_ids import item_name, short_id
from recording.domain.incoming.requests import HeldFilter
from recording.domain.incoming.roles import Operation
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.watched.attention import FAILED_ONCE, STUCK_AFTER, AttentionItem
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.attention import AcceptedView, DecidedView, RedrivenView
from recording.operate.attention import needs_attention
from recording.operate.decide import Decided
from recording.operate.decide import accept as accept_bytes
from recording.operate.decide import dismiss as dismiss_items
from recording.operate.decide import retry as retry_items
from recording.operate.find_recording import find_recording
from recording.operate.held import Redriven
from recording.operate.held import redrive as redrive_held
from recording.operate.held_items import chunk_id
from recording.ports import Ports
from recording.ports.stored import all_chunks_of, refuse_unread
from recording.settings import Settings

MANY = 1  # more than this needs a confirmation
_SHOWN = 20
NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="as `ls --attention` lists them")]
FileArgument = Annotated[str, typer.Argument(metavar="RECORDING/FILE", help="as listed, such as 2f7a91c1/0")]


@with_groups
def redrive(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    filters: Filters,
    everything: Annotated[
        bool, typer.Option("--all", help="everything that is held, if no other option selects")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only list them")] = False,
    yes: YesOption = False,
) -> None:
    """Re-queue held chunks, refused events, poisoned messages and dead letters.

    Asks for confirmation if there is more than one.

    Examples: `recordings redrive --id 2f7a91c1/0`, `recordings redrive --reason foreign_host --dry-run`,
    `recordings redrive --all --yes`.
    """
    session = session_of(context, form)
    chosen = filters.chosen(session)
    if chosen.matches_all and not everything:
        message = "select items with --id, --reason, --recording, --before or --after; or --all"
        raise RequestError(message, code=Code.NOTHING_CHOSEN)
    if not dry_run:
        meant = redrive_held(session.ports, session.settings, chosen, dry_run=True).sent
        confirm_many(session, f"re-queue {len(meant)} items", len(meant), yes=yes)
    done = _redriven(session, chosen, dry_run=dry_run)
    word = "would redrive" if dry_run else "redriven"
    lines = [text((f"{word}  ", "green"), name) for name in done.sent[: None if session.is_wide else _SHOWN]]
    lines += [text((f"… and {len(done.sent) - len(lines)} more", "dim"))] if len(done.sent) > len(lines) else []
    lines += [
        text(("skipped  ", "yellow"), f"{name}: refused again, or claimed by a worker just now")
        for name in done.skipped
    ]
    hint = "; for chunks that are still being tried: recordings retry" if filters.recording else ""
    nothing = "nothing is held" if chosen.matches_all else f"nothing held matches{hint}"
    session.show(RedrivenView.of(done, dry_run=dry_run).plain(), *(lines or [text(nothing)]))
    raise typer.Exit(NEEDS_ATTENTION if done.skipped else FINE if done.sent or chosen.matches_all else UNKNOWN)


def _redriven(session: Session, chosen: HeldFilter, *, dry_run: bool) -> Redriven:
    """Redrive, with rows in the audit trail; a dry run leaves none."""
    done: list[Redriven] = []

    def act() -> dict[str, Any]:
        done.append(redrive_held(session.ports, session.settings, chosen, dry_run=dry_run))
        return {}

    if dry_run:
        act()
    else:
        with logged_by_the_app(session.ports):
            run_audited(Operation.REDRIVE_HELD, chosen.recording_id, session.caller, session.ports, act)
    return done[0]


@with_groups
def accept(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    file: FileArgument,
    note: NoteOption,
    suspect: Annotated[
        str | None, typer.Option(help="which suspect bytes, by blob name; needed when there are several")
    ] = None,
    yes: YesOption = False,
) -> None:
    """Accept suspect bytes as the recording; your note is kept in the receipt and the audit trail.

    Example: `recordings accept 2f7a91c1/0 --note "plays to the end; heard by QA"`.
    """
    session = session_of(context, form)
    record = find_chunk(file, session.ports)
    name = _suspect(record, suspect)
    ask(session, f"make {name.rpartition('/')[2]} the recording", yes=yes)
    with logged_by_the_app(session.ports):
        done = accept_bytes(chunk_id(record), name, note, session.caller, session.ports)
    session.show(
        AcceptedView.of(done).plain(),
        text(("accepted  ", "green"), f"{_file(record)}: {name if session.is_wide else name.rpartition('/')[2]}"),
    )
    raise typer.Exit(FINE)


@with_groups
def dismiss(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    note: NoteOption,
    names: NamesArgument = None,
    reason: ReasonOption = None,
    recording: RecordingOption = None,
    yes: YesOption = False,
) -> None:
    """Close held files and events, and missing or incomplete recordings: nothing more is to be done about them.

    Asks for confirmation if there is more than one. Example: `recordings dismiss 4751a766 --note "forged; reported"`.
    """
    session = session_of(context, form)
    raise typer.Exit(_decide(session, "dismiss", dismiss_items, (names or [], reason, recording), note, yes=yes))


@with_groups
def retry(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    names: NamesArgument = None,
    note: Annotated[str, note_option("why: it is kept in the audit trail")] = "retried by an operator",
    reason: ReasonOption = None,
    recording: RecordingOption = None,
    yes: YesOption = False,
) -> None:
    """Retry chunks now instead of at their next try. Asks for confirmation if there is more than one.

    Examples: `recordings retry 2b5579c4/0`, `recordings retry --reason source_refused --note "key rotated"`.
    """
    session = session_of(context, form)
    selected = (names or [], reason, recording)
    raise typer.Exit(_decide(session, "retry", retry_items, selected, note, yes=yes, stuck_after=FAILED_ONCE))


Decision = Callable[[HeldFilter, str, str | None, Ports, Settings], Decided]


def _decide(
    session: Session,
    word: str,
    decision: Decision,
    selected: tuple[list[str], str | None, str | None],
    note: str,
    *,
    yes: bool,
    stuck_after: int = STUCK_AFTER,
) -> int:
    names, reason, recording = selected
    if not names and not reason and not recording:
        message = "select items by their ids, --reason or --recording; see `ls --attention`"
        raise RequestError(message, code=Code.NOTHING_CHOSEN)
    each_name: list[str | None] = [*names] or [None]
    chosen = [Filters(name, reason, recording).chosen(session, stuck_after) for name in each_name]
    looks = (needs_attention(session.ports, session.settings, each, stuck_after) for each in chosen)
    items = [item for look in looks for item in look.items]
    meant = {item.id: _name(session, item) for item in items}
    confirm_many(session, f"{word} {len(meant)} items", len(meant), yes=yes)
    with logged_by_the_app(session.ports):
        done = [decision(each, note, session.caller, session.ports, session.settings) for each in chosen]
    told = Decided(tuple(i for each in done for i in each.done), tuple(i for each in done for i in each.skipped))
    lines = [text((f"{word}: done  ", "green"), meant.get(name, name)) for name in told.done]
    lines += [
        text(("skipped  ", "yellow"), f"{meant.get(name, name)}: this cannot be applied to it, or it just changed")
        for name in told.skipped
    ]
    session.show(DecidedView.of(told).plain(), *(lines or [text("nothing matches; see `ls --attention`")]))
    return NEEDS_ATTENTION if told.skipped else FINE if told.done else UNKNOWN


def _name(session: Session, item: AttentionItem) -> str:
    return item.id if session.is_wide else item_name(item.id, item.recording_id, item.index)


def _file(record: ChunkRecord) -> str:
    return f"{short_id(record.task.recording_id)}/{record.task.index}"


def find_chunk(typed: str, ports: Ports) -> ChunkRecord:
    """Return the chunk that is meant by `RECORDING/FILE`.

    Raises:
        RequestError: no such recording or file, or several documents share the index.
        StorageError: when the catalog does not answer.
    """
    recording, slash, index = typed.rpartition("/")
    recording_id = find_recording(recording if slash else typed, ports)
    known, unread = all_chunks_of(recording_id, ports.catalog)
    chunks = [chunk for chunk in known if not slash or str(chunk.task.index) == index]
    held = [chunk for chunk in chunks if chunk.state is ChunkState.QUARANTINED] or chunks
    if len(held) == 1:
        return held[0]
    if not held:
        refuse_unread([row for row in unread if not slash or row.index is None or str(row.index) == index])
        raise RequestError(f"the recording has no file {index}; see `show`", code=Code.UNKNOWN_RECORDING)
    files = ", ".join(str(chunk.task.index) for chunk in held)
    raise RequestError(f"several files match ({files}): write {short_id(recording_id)}/FILE")


def _suspect(record: ChunkRecord, wanted: str | None) -> str:
    names = [each.blob_name for each in record.suspects]
    found = [name for name in names if wanted is None or wanted in (name, name.rpartition("/")[2])]
    if len(found) == 1:
        return found[0]
    if not names:
        raise RequestError("this file has no suspect bytes; see `show`")
    raise RequestError("choose with --suspect: " + ", ".join(name.rpartition("/")[2] for name in names))


def confirm_many(session: Session, what: str, count: int, *, yes: bool) -> None:
    """Ask before a mass action; one item needs no confirmation."""
    if count > MANY:
        ask(session, what, yes=yes)


def ask(session: Session, what: str, *, yes: bool) -> None:
    """Return when the operator confirms; without a terminal, `--yes` is needed."""
    if yes:
        return
    if session.confirm is None:
        session.refuses(f"this would {what}, and there is no terminal to confirm it: repeat it with --yes")
        raise typer.Exit(UNKNOWN)
    if not session.confirm(f"{what}?"):
        session.refuses("nothing was done")
        raise typer.Exit(UNKNOWN)
