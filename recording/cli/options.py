"""Options that several commands share."""

from datetime import datetime
from typing import Annotated

import typer

from recording.cli.connect.session import Output, Session
from recording.cli.output.times import read_moment
from recording.domain.find.short_ids import named_by
from recording.errors import RequestError
from recording.operate.attention import needs_attention
from recording.operate.find_held import Chosen
from recording.operate.find_recording import find_item, find_recording

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text, wide (whole ids, more columns) or json")]
JsonOption = Annotated[bool, typer.Option("--json", hidden=True, help="the same as -o json")]
RecordingArgument = Annotated[str, typer.Argument(metavar="RECORDING", help="id, short id, or the id of its call")]
WatchOption = Annotated[int | None, typer.Option("--watch", "-w", metavar="SECONDS", help="look again", min=1)]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="at most so many rows")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]
NoteOption = Annotated[str, typer.Option("--note", help="why: it is kept in the audit trail or the receipt")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="2h, 3d, today, 2026-11-26, 2026-11-26T14:05 (local time)")
]
IdOption = Annotated[str | None, typer.Option("--id", help="the one with this id, as listed")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="with this reason, state or kind, as listed")]
RecordingOption = Annotated[str | None, typer.Option("--recording", metavar="RECORDING", help="of this recording")]
BeforeOption = Annotated[str | None, typer.Option("--before", metavar="TIME", help="of events before; as --since")]
AfterOption = Annotated[str | None, typer.Option("--after", metavar="TIME", help="of events since then; as --since")]


def session_of(context: typer.Context, output: Output = Output.TEXT, as_json: bool = False) -> Session:
    """Return this run's session, with the form of output that was asked for."""
    session: Session = context.obj
    session.output = Output.JSON if as_json else output
    return session


def moment(session: Session, text: str | None, option: str = "--since") -> datetime | None:
    """Return the time that an option names."""
    if text is None:
        return None
    try:
        return read_moment(text, session.now)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint=option) from None


def chosen_by(  # noqa: PLR0917 - the five filters in the order of the options
    session: Session,
    item: str | None,
    reason: str | None,
    recording: str | None,
    before: str | None,
    after: str | None,
) -> Chosen:
    """Return which items are meant; short ids become whole ones."""
    return Chosen(
        find_item(item, session.ports, session.settings) if item else None,
        reason,
        _recording(session, recording) if recording else None,
        moment(session, before, "--before"),
        moment(session, after, "--after"),
    )


def _recording(session: Session, typed: str) -> str:
    """Return the recording that is meant; one that only a held event names is taken as it was typed."""
    try:
        return find_recording(typed, session.ports)
    except RequestError:
        items = needs_attention(session.ports, session.settings).items
        found = named_by(typed, (item.recording_id for item in items if item.recording_id))
        return found[0] if len(found) == 1 else typed
