"""`recordings doctor`: test everything that the app needs, and name the remedy for what fails."""

from collections.abc import Iterator

import typer
from rich.console import RenderableType

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, session_of, with_groups
from recording.cli.output.words import style_of
from recording.http.views.status import DeepHealthView
from recording.operate.doctor import examine
from recording.operate.doctor.findings import Finding, State

_ORDER = [State.FAILED, State.WARNING, State.OK, State.SKIPPED]
_COLUMNS = [Column(""), Column(""), Column("", may_wrap=True)]


@with_groups
def doctor(context: typer.Context, form: Form) -> None:
    """Test everything that the app needs, with real requests that leave nothing behind.

    Exit code 1: something failed.

    Examples: `recordings doctor`, `recordings --app NAME -g GROUP doctor`.
    """
    session = session_of(context, form)
    found = examine(session.dependencies, session.look_with(), as_person=session.target is not None)
    failed = sum(finding.state is State.FAILED for finding in found)
    session.show(DeepHealthView.of(found).plain(), *_screen(session, found, failed))
    raise typer.Exit(NEEDS_ATTENTION if failed else FINE)


def _screen(session: Session, found: list[Finding], failed: int) -> Iterator[RenderableType]:
    if session.target:
        yield text((session.target, "dim"))
    rows: list[list[Cell]] = []
    for finding in sorted(found, key=lambda one: _ORDER.index(one.state)):
        rows.append([text((finding.state, style_of(finding.state))), finding.check, finding.found])
        if finding.remedy:
            rows.append(["", "", text(("→ ", "dim"), finding.remedy)])
    yield table(session, _COLUMNS, rows)
    end = (f"{failed} of {len(found)} checks failed", "bold red") if failed else ("all is well", "green")
    yield text(end)
    if failed and session.hint:
        yield text(session.hint)
