"""`recordings trail`: the audit trail, which caller asked for what, and what became of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import RenderableType

from recording.cli.connect.session import FINE, Cell, Column, Output, Session, table, text
from recording.cli.options import Form, LimitOption, SinceOption, moment, session_of, with_groups
from recording.cli.output.times import clock_time
from recording.domain.find.short_ids import is_named_by, short_id
from recording.domain.ids import canonical_id
from recording.http.views.trail import TrailEntryView
from recording.operate.find_recording import find_recording
from recording.ports import AuditEntry

_COLUMNS = [
    Column("WHEN"),
    Column("OPERATION"),
    Column("OUTCOME"),
    Column("RECORDING"),
    Column("CALLER", may_be_cut=True),
    Column("NOTE", may_be_cut=True),
]
_ASKED, _DONE = "asked", "done"


@with_groups
def trail(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    since: SinceOption = None,
    recording: Annotated[str | None, typer.Option(metavar="RECORDING", help="about this recording")] = None,
    caller: Annotated[str | None, typer.Option(metavar="ID", help="by this caller")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="only what was refused or has no outcome")] = False,
    limit: LimitOption = 100,
) -> None:
    """List control actions and decisions of the last day, the newest last.

    One row for each action; `-o wide` also shows when it was asked for.

    Examples: `recordings trail --since 1w --recording 2f7a91c1`, `recordings trail --failed`.
    """
    session = session_of(context, form)
    begin = moment(session, since) or session.now - timedelta(days=1)
    entries = [
        entry
        for entry in session.ports.audit.entries(begin)
        if (recording is None or is_named_by(entry.recording_id or "", canonical_id(recording)))
        and caller in (None, entry.caller)
    ]
    if recording is not None and not entries:
        _check_known(session, recording)
    shown = entries if session.is_wide or session.output is Output.JSON else settled(entries)
    shown = [entry for entry in shown if not failed or entry.outcome != _DONE][-limit:]
    rows = [_row(session, entry) for entry in shown]
    parts: list[RenderableType] = [table(session, _COLUMNS, rows)] if rows else [_nothing(session, begin)]
    session.show({"entries": [view.plain() for view in TrailEntryView.all_of(shown)]}, *parts)
    raise typer.Exit(FINE)


def _check_known(session: Session, typed: str) -> None:
    """Return unless nobody knows the recording: no entries would be read as nothing done.

    Raises:
        RequestError: `unknown_recording`.
    """
    if next(session.ports.audit.entries_about(canonical_id(typed)), None) is None:
        find_recording(typed, session.ports)


def _nothing(session: Session, begin: datetime) -> RenderableType:
    """Say since when there is nothing: who leaves --since out looks at one day."""
    return text(f"no entries since {clock_time(begin, session.now)}; --since looks further back")


def settled(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """Return one entry for each action: its outcome, or that it was asked for where no outcome followed."""
    shown: list[AuditEntry] = []
    for entry in entries:
        if entry.outcome != _ASKED and (asked := _question(entry, shown)) is not None:
            shown.remove(asked)
        shown.append(entry)
    return shown


def _question(answer: AuditEntry, shown: Sequence[AuditEntry]) -> AuditEntry | None:
    """Return the row that this one answers; a start is asked for before its recording has an id."""
    for entry in shown:
        same = (entry.operation, entry.caller) == (answer.operation, answer.caller)
        if entry.outcome == _ASKED and same and entry.recording_id in (None, answer.recording_id):
            return entry
    return None


def _row(session: Session, entry: AuditEntry) -> list[Cell]:
    style = {_DONE: "", _ASKED: "yellow"}.get(entry.outcome, "bold red")
    recording = entry.recording_id or ""
    return [
        clock_time(entry.at, session.now),
        entry.operation,
        text((entry.outcome, style)),
        recording if session.is_wide or not recording else short_id(recording),
        entry.caller or "key holder",
        ": ".join(said for said in (entry.part, entry.note) if said),
    ]
