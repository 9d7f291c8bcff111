"""`recordings events …`: the health of the receivers of events, enabling one again, replay."""

from typing import Annotated, Any

import typer

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, NoteOption, moment, one_of, session_of, with_groups
from recording.cli.output.times import clock_time
from recording.control.audit import run_audited
from recording.domain.counted import counted
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.roles import Operation
from recording.domain.outgoing.delivery import WayHealth
from recording.domain.outgoing.events import EventType, type_named
from recording.errors import RequestError
from recording.http.views.events import ReceiverView, ReplayedView
from recording.library.notify import operate

app = typer.Typer(no_args_is_help=True, help="Inspect the receivers of events, and send events again.")
_BY_HAND = "by an operator"
_COLUMNS = [Column("RECEIVER"), Column("STATE"), Column("SINCE"), Column("CODE"), Column("GIVEN UP")]


@app.command()
@with_groups
def status(context: typer.Context, form: Form) -> None:
    """Show the health of each receiver of events.

    Exit code 1: one is disabled or fails for more than an hour.

    Example: `recordings events status`.
    """
    session = session_of(context, form)
    found = operate.health_of_ways(session.ports)
    views = [ReceiverView.of(health) for health in found]
    rows = [_row(session, *pair) for pair in zip(found, views, strict=True)]
    session.show({"receivers": [view.plain() for view in views]}, table(session, _COLUMNS, rows))
    now = session.ports.clock.now()
    raise typer.Exit(NEEDS_ATTENTION if any(health.needs_attention(now) for health in found) else FINE)


@app.command()
@with_groups
def enable(
    context: typer.Context,
    form: Form,
    name: Annotated[str, typer.Argument(metavar="RECEIVER", help="as `events status` names it")],
    note: NoteOption = _BY_HAND,
) -> None:
    """Enable a receiver that was disabled; events that it missed need a replay.

    Example: `recordings events enable crm`.
    """
    session = session_of(context, form)

    def act() -> dict[str, Any]:
        return ReceiverView.of(operate.enable(name, session.ports)).plain()

    noted = f"{name[:32]}: {without_numbers(note)}"
    done = run_audited(Operation.ENABLE_RECEIVER, None, session.caller, session.ports, act, note=noted)
    session.show(done, text(f"{name} receives events again"))


@app.command()
@with_groups
def replay(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="2h, 3d, today, 2026-11-26; the history has 30 days")
    ],
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="as --since; else now")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="repeatable; else all", autocompletion=one_of(EventType)),
    ] = None,
    receiver: Annotated[list[str] | None, typer.Option("--to", metavar="RECEIVER", help="repeatable; else all")] = None,
    recording: Annotated[
        str | None, typer.Option("--recording", metavar="ID", help="only about this recording")
    ] = None,
    note: NoteOption = _BY_HAND,
) -> None:
    """Send the events of a period again, with the same ids.

    Examples: `recordings events replay --since 2h`,
    `recordings events replay --since 2026-11-01 --type archived --to crm`.
    """
    session = session_of(context, form)
    first = moment(session, since) or session.now
    last = moment(session, until, "--until") or session.now
    name = canonical_id(recording) if recording else None
    asked = operate.Asked(first, last, _types(kind or []), receiver or [], name)
    replayed: list[operate.Replayed] = []

    def act() -> dict[str, Any]:
        replayed.append(operate.replay(asked, session.ports))
        return {}

    run_audited(Operation.REPLAY_EVENTS, name, session.caller, session.ports, act, note=without_numbers(note))
    (done,) = replayed
    told = f"{counted(done.events, 'event')} about {counted(done.subjects, 'subject')} sent again"
    left = f"; not to {', '.join(done.left_out)}, which is disabled" if done.left_out else ""
    session.show(ReplayedView.of(done).plain(), text(told + left))


def _types(words: list[str]) -> list[EventType]:
    found = [(word, type_named(word)) for word in words]
    if unknown := [word for word, kind in found if kind is None]:
        raise RequestError(f"--type: no such type: {', '.join(unknown)}")
    return [kind for _, kind in found if kind is not None]


def _row(session: Session, health: WayHealth, view: ReceiverView) -> list[Cell]:
    since = health.disabled_at or health.failing_since
    shown = clock_time(since, session.now) if since else ""
    return [view.name, view.state, shown, view.code or "", str(view.given_up or "")]
