"""`recordings erase`, `approve`: two people erase a participant or recordings."""

from typing import Annotated, Any

import typer

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, LimitOption, beyond, note_option, session_of, with_groups
from recording.cli.output.times import clock_time
from recording.control.audit import run_audited
from recording.domain.counted import counted
from recording.domain.find.short_ids import named_by, short_id
from recording.domain.ids import without_numbers
from recording.domain.incoming.roles import Operation
from recording.domain.keep.erasure import Erasure, ErasureRequest, Scope
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.keep import ErasureView
from recording.library.keep import erasures
from recording.operate.find_recording import find_recording
from recording.ports import Unreadable

PersonOption = Annotated[str | None, typer.Option("--as", metavar="NAME", help="your name, if nobody is signed in")]
_ERASED = [Column("RECORDING"), Column("STATE"), Column("REFUSED, OR CERTIFICATE", may_be_cut=True)]
_REQUESTS = [
    Column("ERASURE"),
    Column("STATE"),
    Column("ASKED"),
    Column("BY", may_be_cut=True, from_width=80),
    Column("WHY", may_be_cut=True),
]


@with_groups
def erase(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    note: Annotated[str, note_option("why: it is kept with the request and in the audit trail")],
    recordings: Annotated[list[str] | None, typer.Argument(metavar="[RECORDING]...", help="or --participant")] = None,
    participant: Annotated[str | None, typer.Option(metavar="ID", help="a raw id, a number, or h: and a hash")] = None,
    also: Annotated[list[str] | None, typer.Option(metavar="ID", help="another id, number or name")] = None,
    scope: Annotated[Scope, typer.Option(help="all of a recording, or the participant's channel")] = Scope.RECORDING,
    person: PersonOption = None,
) -> None:
    """Request the erasure of a participant or of recordings; another person has to approve it.

    Example: `recordings erase --participant '+49 30 1234567' --note "request of 3 May" --as alice`.
    """
    session = session_of(context, form)
    by = session.caller or person
    ids = [find_recording(one, session.ports) for one in recordings or []]
    body = {"participant": participant, "alsoKnownAs": also or [], "recordings": ids, "scope": scope, "reason": note}
    ErasureRequest.read(body)
    made: list[str] = []

    def act() -> dict[str, Any]:
        made.append(erasures.request_erasure(body, by, session.ports, session.settings).erasure_id)
        return {}

    run_audited(Operation.REQUEST_ERASURE, None, by, session.ports, act, note=without_numbers(note))
    _show_erasure(session, made[0])


@with_groups
def approve(  # noqa: PLR0917 - typer takes options as parameters
    context: typer.Context,
    form: Form,
    erasure: Annotated[
        str | None, typer.Argument(metavar="[ERASURE]", help="id, or its beginning; default: list all")
    ] = None,
    person: PersonOption = None,
    look: Annotated[bool, typer.Option("--look", help="only show its state")] = False,
    limit: LimitOption = 200,
) -> None:
    """Approve an erasure that another person requested; without ERASURE, list the requests.

    Examples: `recordings approve`, `recordings approve 0c9f4e1d --look`, `recordings approve 0c9f4e1d --as bob`.
    """
    session = session_of(context, form)
    if erasure is None:
        _list(session, limit)
        raise typer.Exit(FINE)
    by, erasure = session.caller or person, _meant(session, erasure)
    if not look:

        def act() -> dict[str, Any]:
            erasures.approve_erasure(erasure, by, session.ports, session.settings)
            return {}

        run_audited(Operation.APPROVE_ERASURE, None, by, session.ports, act, note=erasure)
    _show_erasure(session, erasure)


def _list(session: Session, limit: int) -> None:
    listed = erasures.list_erasures(session.ports)
    found = [one for one in listed if isinstance(one, Erasure)]
    unread = [one.where for one in listed if isinstance(one, Unreadable)]
    rows: list[list[Cell]] = [
        [
            one.erasure_id if session.is_wide else short_id(one.erasure_id),
            one.state_at(session.now).value,
            clock_time(one.requested_at, session.now),
            one.requested_by,
            one.reason,
        ]
        for one in found[:limit]
    ]
    told = [{"erasureId": one.erasure_id, "state": one.state_at(session.now).value} for one in found[:limit]]
    more = len(found) - len(told)
    shown = table(session, _REQUESTS, rows) if rows else text("no requests for erasure")
    lines = [text(("cannot be read: ", "yellow"), name) for name in unread]
    lines += [beyond(more)] if more else []
    session.show({"erasures": told, "more": more, "unreadable": unread}, shown, *lines)
    raise typer.Exit(NEEDS_ATTENTION if unread else FINE)


def _meant(session: Session, typed: str) -> str:
    """Return the whole id of the request that is meant; the use case reports an unknown one.

    Raises:
        RequestError: several begin so.
    """
    found = named_by(typed, map(erasures.name_of_erasure, erasures.list_erasures(session.ports)))
    if len(found) > 1:
        raise RequestError(f"{typed!r} names {len(found)} requests: type more of it")
    return found[0] if found else typed


def _show_erasure(session: Session, erasure_id: str) -> None:
    view = ErasureView.of(erasures.erasure_status(erasure_id, session.ports, session.settings))
    rows: list[list[Cell]] = [
        [
            one.recording_id if session.is_wide else short_id(one.recording_id),
            one.state.lower(),
            one.refused_because or one.certificate or "-",
        ]
        for one in view.recordings
    ]
    rows += [[one if session.is_wide else short_id(one), "not read", Code.UNREADABLE_RECORD] for one in view.unreadable]
    head = text((f"{view.state}  ", "bold"), f"{view.erasure_id}, {counted(len(rows), 'recording')}")
    session.show(view.plain(), head, *([table(session, _ERASED, rows)] if rows else []))
    raise typer.Exit(FINE)
