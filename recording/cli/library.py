"""`recordings find`, `tag`, `rebuild`, `reindex`, `import`: the library of archived recordings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from recording.cli.connect.progress import working
from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, RecordingArgument, moment, session_of, with_groups
from recording.cli.output.times import clock_time, duration_of, size_of
from recording.cli.output.words import style_of
from recording.control.audit import run_audited
from recording.domain.archived.importing import read_mapping
from recording.domain.counted import counted
from recording.domain.find.find_query import LARGEST_PAGE, FindQuery, FindState
from recording.domain.find.short_ids import short_id
from recording.domain.ids import without_numbers
from recording.domain.incoming.roles import Operation
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.library import FoundPageView, FoundView, ImportedView, RebuiltView, ReindexedView
from recording.library.directory import find as find_recordings
from recording.library.import_entries import entries_in
from recording.library.importing import Imported, import_recordings
from recording.library.inline_media import ImportSource, WithInlineMedia
from recording.library.rebuild import rebuild as rebuild_catalog
from recording.library.reindex import reindex as write_rows_again
from recording.library.tags import change_tags, etag_of
from recording.operate.find_recording import find_recording

_FOUND = [
    Column("RECORDING"),
    Column("BEGAN"),
    Column("STATE"),
    Column("FILES", is_number=True),
    Column("SIZE", is_number=True, from_width=60),
    Column("PLAYS", is_number=True, from_width=70),
    Column("CALL", may_be_cut=True, from_width=110),
    Column("TAGS", may_be_cut=True, from_width=80),
]


@with_groups
def find(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    number: Annotated[str | None, typer.Option(help="a telephone number, in any spelling, or its last digits")] = None,
    participant: Annotated[str | None, typer.Option(metavar="ID", help="a participant's raw id")] = None,
    call: Annotated[str | None, typer.Option(metavar="ID", help="call id or server call id")] = None,
    tag: Annotated[str | None, typer.Option(metavar="NAME:VALUE", help="set at the start, or by `tag`")] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="began at or after this time: 2h, today, …")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="began before this time")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="mp3, mp4 or wav")] = None,
    state: Annotated[FindState | None, typer.Option(help="the current state")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_PAGE, help="at most this many rows")] = 50,
    following: Annotated[str | None, typer.Option("--next", help="continue after a page")] = None,
) -> None:
    """Find recordings by number, participant, call, tag, time, format or state, the newest first.

    Examples: `recordings find --number '+49 30 1234567' --from 2026-11-01`, `recordings find --tag order:1042`.
    """
    session = session_of(context, form)
    times = {"from": moment(session, begin, "--from"), "to": moment(session, end, "--to")}
    given: dict[str, Any] = {name: time.isoformat() for name, time in times.items() if time is not None}
    words = {"number": number, "participant": participant, "call": call, "tag": tag, "format": file_format}
    given |= {name: word for name, word in {**words, "state": state, "next": following}.items() if word is not None}
    page = FoundPageView.of(find_recordings(FindQuery.read({**given, "limit": limit}), session.ports, session.settings))
    rows = [_found(session, one) for one in page.recordings]
    parts = [table(session, _FOUND, rows) if rows else text("no recordings")]
    parts += [text(("cannot be read: ", "yellow"), name) for name in page.unreadable]
    parts += [text(("there are more; continue with --next and:", "dim")), text(page.next)] if page.next else []
    session.show(page.plain(), *parts)
    raise typer.Exit(NEEDS_ATTENTION if page.unreadable else FINE)


def _found(session: Session, one: FoundView) -> list[Cell]:
    states = text(*_joined([(state, style_of(state)) for state in one.states]))
    is_all = one.archived_count == one.chunk_count
    return [
        one.recording_id if session.is_wide else short_id(one.recording_id),
        clock_time(one.started_at, session.now),
        states,
        str(one.chunk_count) if is_all else f"{one.archived_count}/{one.chunk_count}",
        size_of(one.length_bytes) if one.length_bytes else "",
        duration_of(one.duration_ms) if one.duration_ms else "",
        one.call_id or "",
        ", ".join(f"{name}={value}" for name, value in one.tags.items()),
    ]


def _joined(words: Sequence[tuple[str, str]]) -> list[str | tuple[str, str]]:
    return [part for at, word in enumerate(words) for part in ((", ", word) if at else (word,))]


@with_groups
def tag(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    recording: RecordingArgument,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="to set")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="NAME", help="may be repeated")] = None,
    if_match: Annotated[
        str | None, typer.Option("--if-match", metavar="ETAG", help="only if the tags are still those of this ETag")
    ] = None,
) -> None:
    """Set and remove tags of a recording; without any, show them with their ETag.

    A change that another caller made in the meantime is not overwritten: exit code 2, and nothing was done.

    Examples: `recordings tag 2f7a91c1 order=1042 team=north`, `recordings tag 2f7a91c1 --remove team`.
    """
    session = session_of(context, form)
    recording_id = find_recording(recording, session.ports)
    changes = {**dict(_pair(each) for each in tags or ()), **dict.fromkeys(remove or ())}
    answer = _tags_now(session, recording_id)
    if changes:
        seen = if_match or answer["etag"]
        answer = run_audited(
            Operation.TAG,
            recording_id,
            session.caller,
            session.ports,
            lambda: change_tags(recording_id, {"tags": changes}, seen, session.ports, session.settings),
        )
    lines = [f"{name}={value}" for name, value in answer["tags"].items()] or ["no tags"]
    session.show(answer, *(text(line) for line in lines), text(("ETag: ", "dim"), answer["etag"]))
    raise typer.Exit(FINE)


def _tags_now(session: Session, recording_id: str) -> dict[str, Any]:
    record = session.ports.catalog.get_recording(recording_id)
    if record is None:
        raise RequestError("the catalog does not know this recording", code=Code.RECORDING_NOT_FOUND)
    return {"recordingId": recording_id, "tags": record.current_tags, "etag": etag_of(record.current_tags)}


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or not name:
        raise typer.BadParameter("write NAME=VALUE; --remove NAME removes one", param_hint="NAME=VALUE")
    return name, value


@with_groups
def rebuild(
    context: typer.Context,
    form: Form,
    prefix: Annotated[str, typer.Option(help="only folders that begin with this")] = "",
    from_start: Annotated[
        bool, typer.Option("--from-start", help="start over instead of continuing an earlier run")
    ] = False,
) -> None:
    """Rebuild catalog and directory from the archive's blobs alone; entries that exist stay as they are.

    Exit code 1: something could not be read, and is named.

    Examples: `recordings rebuild`, `recordings rebuild --prefix 2026/11/`.
    """
    session = session_of(context, form)

    def act() -> _Run:
        with working(session, "rebuilding") as told:
            done = rebuild_catalog(
                session.ports,
                session.settings,
                prefix=prefix,
                from_start=from_start,
                progress=lambda now: told(counted(now.folders, "folder")),
            )
        line = (
            f"{counted(done.folders, 'folder')}: made {counted(done.recordings, 'recording')} "
            f"and {counted(done.chunks, 'chunk')}, "
            f"known before: {done.known}, not archived: {counted(done.unfinished, 'chunk')}"
        )
        return _Run(RebuiltView.of(done).plain(), done.problems, line)

    raise typer.Exit(
        _show_end(session, _in_trail(Operation.REBUILD, f"below {prefix}" if prefix else "", act, session))
    )


@with_groups
def reindex(
    context: typer.Context,
    form: Form,
    again: Annotated[bool, typer.Option("--again", help="also rows that are up to date")] = False,
) -> None:
    """Write the index rows of all recordings with the current key; run it again if it was interrupted.

    Exit code 1: some could not be written, and are named.

    Example: `recordings reindex`.
    """
    session = session_of(context, form)

    def act() -> _Run:
        with working(session, "writing index rows") as told:
            done = write_rows_again(
                session.ports, again=again, progress=lambda now: told(counted(now.seen, "recording"))
            )
        line = f"{counted(done.seen, 'recording')} seen, the rows of {done.written} written"
        return _Run(ReindexedView.of(done).plain(), done.problems, line)

    raise typer.Exit(_show_end(session, _in_trail(Operation.REINDEX, "all rows again" if again else "", act, session)))


@with_groups
def import_files(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    container: Annotated[
        str, typer.Argument(metavar="CONTAINER", help="name in the archive's account, or URL; it is only read")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSON or CSV; default: by the names of the files", exists=True, dir_okay=False
        ),
    ] = None,
    prefix: Annotated[str, typer.Option(help="only blobs that begin with this")] = "",
    in_place: Annotated[
        bool, typer.Option("--in-place", help="leave the media where it is; needs EXTERNAL_STORAGE_CONTAINERS")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="read and check, but write nothing")] = False,
) -> None:
    """Import files of another container, with the same proof as recordings of ACS.

    Exit code 1: some were left out, and are named.

    Examples: `recordings import old-recordings --mapping mapping.csv --dry-run`, `recordings import calls --in-place`.
    """
    session = session_of(context, form)
    place = _place(session, container) if in_place else None
    source = WithInlineMedia(session.container(place or container))

    def act() -> _Run:
        done = _import(session, source, mapping, prefix, place, dry_run=dry_run)
        word = "would be imported" if dry_run else "imported"
        count = done.copied + done.in_place
        where = " where they are" if in_place else ""
        line = f"{counted(count, 'file')} {word}{where} ({size_of(done.length_bytes)}), known before: {done.known}"
        return _Run(ImportedView.of(done).plain(), done.problems, line)

    asked = f"from {container.partition('?')[0]}" + (f", names that begin with {prefix}" if prefix else "")
    try:
        run = act() if dry_run else _in_trail(Operation.IMPORT, asked, act, session)
    finally:
        source.close()
    raise typer.Exit(_show_end(session, run))


def _place(session: Session, container: str) -> str:
    """Return the address of a container of the customer's own, which may be called by its name alone."""
    named = [url for url in session.settings.external_containers if container in (url, url.rpartition("/")[2])]
    if len(named) != 1:
        message = "--in-place needs a container that EXTERNAL_STORAGE_CONTAINERS names"
        raise RequestError(message, code=Code.UNKNOWN_CONTAINER)
    return named[0]


def _import(
    session: Session, source: ImportSource, mapping: Path | None, prefix: str, place: str | None, *, dry_run: bool
) -> Imported:
    entries = read_mapping(mapping.read_bytes()) if mapping else entries_in(source, prefix)
    with working(session, "importing") as told:
        return import_recordings(
            entries,
            source,
            session.ports,
            session.settings,
            place=place,
            dry_run=dry_run,
            caller=session.caller,
            progress=lambda now: told(f"{counted(now.copied + now.in_place, 'file')}, {size_of(now.length_bytes)}"),
        )


@dataclass(frozen=True)
class _Run:
    """What a run over many recordings did: as JSON, what it left out with the reasons, and in one line."""

    answer: dict[str, Any]
    problems: Sequence[tuple[str, str]]
    line: str

    @property
    def count(self) -> str:
        """Return how much was left out."""
        return counted(len(self.problems), "problem")


def _in_trail(operation: Operation, asked: str, act: Callable[[], _Run], session: Session) -> _Run:
    """Return what a run did, with rows in the audit trail: its beginning and its result.

    Raises:
        StorageError: the trail cannot be written, and nothing was done; or as `act`.
    """
    asked, did = without_numbers(asked), list[_Run]()

    def noted() -> dict[str, Any]:
        did.append(act())
        return {}

    def result(_: dict[str, Any]) -> str:
        return ": ".join(part for part in (asked, f"{did[0].line}, {did[0].count}") if part)

    run_audited(operation, None, session.caller, session.ports, noted, note=asked or None, result=result)
    return did[0]


def _show_end(session: Session, run: _Run) -> int:
    """Show what a run did, its problems first; return the exit code."""
    lines = [text((f"{why}  ", "yellow"), name) for name, why in run.problems]
    count = (run.count, "bold red" if run.problems else "green")
    session.show(run.answer, *lines, text(f"{run.line}, ", count))
    return NEEDS_ATTENTION if run.problems else FINE
