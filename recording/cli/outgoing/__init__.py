"""`recordings events …`: how the receivers of events stand, enable one again, replay."""

from datetime import datetime
from typing import Annotated, Any

import typer

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, table, text
from recording.cli.options import Form, session_of, with_groups
from recording.domain.outgoing.delivery import WayHealth
from recording.domain.outgoing.events import EventType, type_named
from recording.domain.times import as_utc
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
    rows = [_row(health) for health in found]
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
    since: Annotated[datetime, typer.Option("--since", help="UTC; the history reaches back 30 days")],
    until: Annotated[datetime | None, typer.Option("--until", help="UTC; else now")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="repeatable; else all")] = None,
    receiver: Annotated[list[str] | None, typer.Option("--to", metavar="RECEIVER", help="repeatable; else all")] = None,
) -> None:
    """Send the events of a time again, under their ids.

    Example: `recordings events replay --since 2026-11-01 --type archived --to crm`.
    """
    session = session_of(context, form)
    last = as_utc(until) if until else session.ports.clock.now()
    done = operate.replay(as_utc(since), last, session.ports, types=_types(kind or []), only=receiver or [])
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


def _row(health: WayHealth) -> list[Cell]:
    since = health.disabled_at or health.failing_since
    shown = f"{since:%Y-%m-%d %H:%M}" if since else ""
    return [health.way, _state(health), shown, health.code or "", str(health.given_up or "")]
