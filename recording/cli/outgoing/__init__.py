"""`recordings events …`: how the receivers of events stand, enable one again, replay."""

from typing import Annotated, Any

import typer

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, moment, one_of, session_of, with_groups
from recording.cli.output.times import clock_time
from recording.domain.outgoing.delivery import WayHealth
from recording.domain.outgoing.events import EventType, type_named
from recording.errors import RequestError
from recording.library.notify import operate

app = typer.Typer(no_args_is_help=True, help="See and replay what other systems are told.")
_COLUMNS = [Column("RECEIVER"), Column("STATE"), Column("SINCE"), Column("CODE"), Column("GIVEN UP")]


@app.command()
@with_groups
def status(context: typer.Context, form: Form) -> None:
    """Show how each receiver of events stands.

    Exit code 1: one is disabled or fails for more than an hour.

    Example: `recordings events status`.
    """
    session = session_of(context, form)
    found = operate.health_of_ways(session.ports)
    rows = [_row(session, health) for health in found]
    session.show({"receivers": [_facts(health) for health in found]}, table(session, _COLUMNS, rows))
    now = session.ports.clock.now()
    raise typer.Exit(NEEDS_ATTENTION if any(health.needs_attention(now) for health in found) else FINE)


@app.command()
@with_groups
def enable(
    context: typer.Context,
    form: Form,
    name: Annotated[str, typer.Argument(metavar="RECEIVER", help="as `events status` names it")],
) -> None:
    """Send to a receiver again that was disabled; what it missed needs a replay.

    Example: `recordings events enable crm`.
    """
    session = session_of(context, form)
    session.show(_facts(operate.enable(name, session.ports)), text(f"{name} gets events again"))


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
) -> None:
    """Send the events of a time again, under their ids.

    Examples: `recordings events replay --since 2h`,
    `recordings events replay --since 2026-11-01 --type archived --to crm`.
    """
    session = session_of(context, form)
    first = moment(session, since) or session.now
    last = moment(session, until, "--until") or session.now
    done = operate.replay(first, last, session.ports, types=_types(kind or []), only=receiver or [])
    session.show(vars(done), text(f"{done.events} events about {done.subjects} subjects are sent again"))


def _types(words: list[str]) -> list[EventType]:
    found = [(word, type_named(word)) for word in words]
    if unknown := [word for word, kind in found if kind is None]:
        raise RequestError(f"--type: no such type: {', '.join(unknown)}")
    return [kind for _, kind in found if kind is not None]


def _facts(health: WayHealth) -> dict[str, Any]:
    times = {"failingSince": health.failing_since, "disabledAt": health.disabled_at}
    told = {name: at.isoformat() if at else None for name, at in times.items()}
    return {"name": health.way, "state": _state(health), **told, "code": health.code, "givenUp": health.given_up}


def _state(health: WayHealth) -> str:
    return "disabled" if health.is_disabled else "failing" if health.failing_since else "well"


def _row(session: Session, health: WayHealth) -> list[Cell]:
    since = health.disabled_at or health.failing_since
    shown = clock_time(since, session.now) if since else ""
    return [health.way, _state(health), shown, health.code or "", str(health.given_up or "")]
