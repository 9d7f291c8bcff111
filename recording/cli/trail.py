"""`recordings trail`: the audit trail: which caller requested what, and the outcome."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import RenderableType

from recording.cli.connect.session import FINE, Cell, Column, Output, Session, table, text
from recording.cli.options import Form, LimitOption, SinceOption, beyond, moment, session_of, with_groups
from recording.cli.output.times import clock_time
from recording.domain.find.short_ids import named_by, short_id
from recording.domain.ids import canonical_id
from recording.errors import RequestError
from recording.errors.codes import Code
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
    entries = list(session.ports.audit.entries(begin))
    if recording is not None:
        wanted = _meant(session, recording, entries)
        entries = [entry for entry in entries if entry.recording_id == wanted]
    if caller is not None:
        entries = [entry for entry in entries if entry.caller == caller]
    kept = entries if session.is_wide or session.output is Output.JSON else settled(entries)
    kept = [entry for entry in kept if not failed or entry.outcome != _DONE]
    shown = kept[-limit:]
    rows = [_row(session, entry) for entry in shown]
    parts: list[RenderableType] = [table(session, _COLUMNS, rows)] if rows else [_nothing(session, begin)]
    if len(kept) > len(shown):
        parts.append(beyond(len(kept) - len(shown)))
    answer = {"entries": [view.plain() for view in TrailEntryView.all_of(shown)], "more": len(kept) - len(shown)}
    session.show(answer, *parts)
    raise typer.Exit(FINE)


def _meant(session: Session, typed: str, entries: Sequence[AuditEntry]) -> str:
    """Return the id of the recording that is meant; one that the catalog does not know may be in the trail.

    Raises:
        RequestError: `unknown_recording`, since an empty list would mean that nothing was done; or several are meant.
    """
    try:
        return find_recording(typed, session.ports)
    except RequestError as error:
        if error.code != Code.UNKNOWN_RECORDING:
            raise
        whole = canonical_id(typed)
        found = named_by(whole, (entry.recording_id for entry in entries if entry.recording_id))
        if len(found) > 1:
            message = f"{typed!r} names {len(found)} recordings: type more of it, or the whole id"
            raise RequestError(message) from None
        if not found and next(session.ports.audit.entries_about(whole), None) is None:
            raise
        return found[0] if found else whole


def _nothing(session: Session, begin: datetime) -> RenderableType:
    """Return the line for an empty list, with the time it begins at: one day ago without --since."""
    return text(f"no entries since {clock_time(begin, session.now)}; --since looks further back")


def settled(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """Return one entry for each action: its outcome, or that it was asked for where no outcome followed."""
    asked: dict[tuple[str, str | None], list[int]] = {}  # the places of what has no outcome yet
    answered: set[int] = set()
    for place, entry in enumerate(entries):
        open_ones = asked.setdefault((entry.operation, entry.caller), [])
        if entry.outcome == _ASKED:
            open_ones.append(place)
        elif (found := _question(entry, open_ones, entries)) is not None:
            open_ones.remove(found)
            answered.add(found)
    return [entry for place, entry in enumerate(entries) if place not in answered]


def _question(answer: AuditEntry, places: Sequence[int], entries: Sequence[AuditEntry]) -> int | None:
    """Return the row that this one answers; a start is asked for before its recording has an id."""
    return next((place for place in places if entries[place].recording_id in (None, answer.recording_id)), None)


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
