"""`recordings ls`: recordings, the newest first; `--attention`: what needs attention, the most urgent first."""

from typing import Annotated

import typer
from rich.console import RenderableType

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Cell, Column, Session, table, text
from recording.cli.connect.watching import watch_screen
from recording.cli.options import (
    Filters,
    Form,
    LimitOption,
    SinceOption,
    WatchOption,
    beyond,
    moment,
    one_of,
    session_of,
    with_groups,
)
from recording.cli.output.times import clock_time, duration_of, size_of, time_left
from recording.cli.output.words import style_of, whose
from recording.cli.status import why
from recording.domain.find.short_ids import item_name, short_id
from recording.domain.incoming.requests import HeldFilter
from recording.domain.watched.attention import Attention, AttentionItem
from recording.http.views.attention import HeldListView
from recording.http.views.recordings import RecordingsView
from recording.operate.attention import needs_attention
from recording.operate.recordings import ARCHIVED, DISMISSED, OPEN, WAITING, Listed, list_recordings


def _word(state: str) -> str:
    """Return a state as it is typed, as one word."""
    return state.lower().replace(" ", "_").replace("-", "_")


_RECORDINGS = [
    Column("RECORDING"),
    Column("BEGAN"),
    Column("STATE"),
    Column("FILES", is_number=True),
    Column("SIZE", is_number=True, from_width=60),
    Column("PLAYS", is_number=True, from_width=100),
    Column("LEFT", is_number=True, from_width=70),
    Column("TAGS", may_be_cut=True, from_width=80),
]
_ATTENTION = [
    Column("ID"),
    Column("WHY"),
    Column("LEFT", is_number=True),
    Column("SINCE", from_width=90),
    Column("WHOSE", from_width=110),
    Column("REASON", may_be_cut=True),
]
_OF_RECORDINGS = "lists recordings; for what needs attention, use --reason, --before and --after"
_STATES = (*Attention, ARCHIVED, DISMISSED, OPEN, WAITING)
StateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        help="archived, open, at_risk, lost, missing, held, …; may be repeated",
        autocompletion=one_of(_word(state) for state in _STATES),
    ),
]


@with_groups
def ls(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    filters: Filters,
    attention: Annotated[bool, typer.Option("--attention", "-a", help="only what needs attention")] = False,
    state: StateOption = None,
    since: SinceOption = None,
    limit: LimitOption = 50,
    watch: WatchOption = None,
) -> None:
    """List recordings, the newest first; with `--attention` what needs attention, the most urgent first.

    Examples: `recordings ls --since 2h`, `recordings ls --state at_risk`,
    `recordings ls --attention --reason source_refused`.
    """
    session = session_of(context, form)
    if attention or filters != Filters():
        if state or since:
            raise typer.BadParameter(_OF_RECORDINGS, param_hint="--state" if state else "--since")
        look = lambda: _attention(session, filters.chosen(session), limit)  # noqa: E731
    else:
        look = lambda: _recordings(session, state or [], since, limit)  # noqa: E731
    raise typer.Exit(watch_screen(session, watch, look))


@with_groups
def list_attention(context: typer.Context, form: Form, filters: Filters, limit: LimitOption = 1000) -> None:
    """List what needs attention: the old spelling of `ls --attention`."""
    session = session_of(context, form)
    raise typer.Exit(_attention(session, filters.chosen(session), limit))


def _recordings(session: Session, states: list[str], since: str | None, limit: int) -> int:
    found = needs_attention(session.ports, session.settings)
    wanted = [_state(state) for state in states]
    listing = list_recordings(session.ports, found.items, since=moment(session, since), states=wanted, limit=limit)
    rows = [_row(session, one) for one in listing.items]
    parts: list[RenderableType] = [table(session, _RECORDINGS, rows)] if rows else [text("no recordings")]
    if listing.more:
        parts.append(beyond(listing.more))
    if not listing.complete:
        parts.append(text(("the catalog has more rows than were examined", "yellow")))
    parts += [text((f"not all could be listed: {place}", "yellow")) for place in found.unlisted]
    session.show(RecordingsView.of(listing).plain(), *parts)
    return UNKNOWN if found.unlisted else FINE


def _state(typed: str) -> str:
    """Return the state that is meant; an empty list for a misspelt one would be read as good news."""
    for state in _STATES:
        if _word(state) == _word(typed):
            return str(state)
    known = ", ".join(_word(state) for state in _STATES)
    raise typer.BadParameter(f"no such state: {typed}; use one of {known}", param_hint="--state")


def _row(session: Session, one: Listed) -> list[Cell]:
    files = f"{one.archived}/{one.chunks}" if one.archived != one.chunks else str(one.chunks)
    return [
        one.recording_id if session.is_wide else short_id(one.recording_id),
        clock_time(one.at, session.now),
        text((one.state, style_of(one.state))),
        files,
        size_of(one.length_bytes) if one.length_bytes else "",
        duration_of(one.duration_ms) if one.duration_ms else "",
        time_left(one.time_left),
        ", ".join(f"{name}={value}" for name, value in one.tags),
    ]


def _attention(session: Session, chosen: HeldFilter, limit: int) -> int:
    found = needs_attention(session.ports, session.settings, chosen)
    answer = HeldListView.of(found, top=limit).plain()
    rows = [_item(session, item) for item in found.items[:limit]]
    nothing = ("nothing needs attention", "green") if found.complete else ("nothing found", "yellow")
    parts: list[RenderableType] = [table(session, _ATTENTION, rows)] if rows else [text(nothing)]
    parts += [text((f"not all could be listed: {place}", "yellow")) for place in found.unlisted]
    if len(found.items) > limit:
        parts.append(beyond(len(found.items) - limit))
    session.show(answer, *parts)
    return NEEDS_ATTENTION if found.items else UNKNOWN if found.unlisted else FINE


def _item(session: Session, item: AttentionItem) -> list[Cell]:
    return [
        item.id if session.is_wide else item_name(item.id, item.recording_id, item.index),
        text((item.kind.value, style_of(item.kind.value))),
        time_left(item.time_left),
        clock_time(item.at, session.now),
        whose(item),
        why(session, item),
    ]
