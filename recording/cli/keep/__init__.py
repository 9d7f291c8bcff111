"""`recordings hold`, `release`, `holds`, `explain`, `rules`: how long recordings are kept, and for which cases."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, Cell, Column, Session, table, text
from recording.cli.options import Form, RecordingArgument, note_option, session_of, with_groups
from recording.cli.output.times import clock_time
from recording.control.audit import run_audited
from recording.domain.counted import counted
from recording.domain.find.short_ids import short_id
from recording.domain.ids import without_numbers
from recording.domain.incoming.roles import Operation
from recording.domain.keep.custody import Custody, HoldRequest, ReleaseRequest, checked_case
from recording.domain.keep.disposition import Reason
from recording.errors import RequestError
from recording.http.views.keep import (
    DispositionView,
    HeldRecordingsView,
    HoldsView,
    RulesView,
    UpcomingView,
)
from recording.library.keep.assess import Assessed
from recording.library.keep.explain import Upcoming, all_upcoming
from recording.library.keep.explain import explain as explain_one
from recording.library.keep.holds import all_held, place_hold, release_hold
from recording.library.keep.rules import current_rules, etag_of_rules, set_rules
from recording.operate.find_recording import find_recording
from recording.ports import Page

CaseOption = Annotated[str, typer.Option("--case", help="the case, such as a case number; never a person's name")]
WhyOption = Annotated[str, note_option("why: it is kept with the hold and in the audit trail")]
MOST_DAYS = 36_500  # that can be looked ahead: a hundred years
_SHOWN = 50
_HELD = [
    Column("RECORDING"),
    Column("CASE"),
    Column("SINCE"),
    Column("BY", from_width=80),
    Column("WHY", may_wrap=True),
]
_GOES = [Column("RECORDING"), Column("KEPT UNTIL"), Column("STATE"), Column("BECAUSE", may_wrap=True)]
_RULES = [
    Column("RULE"),
    Column("ACTION"),
    Column("DAYS", is_number=True),
    Column("LEGAL"),
    Column("ABOUT", may_wrap=True),
]


@with_groups
def hold(context: typer.Context, recording: RecordingArgument, form: Form, case: CaseOption, note: WhyOption) -> None:
    """Keep a recording for a case, whatever rules and requests say, until it is released.

    Example: `recordings hold 2f7a91c1 --case L-2026-17 --note "lawsuit; counsel asked"`.
    """
    session = session_of(context, form)

    def place(recording_id: str) -> Custody:
        return place_hold(recording_id, case, note, session.caller, session.ports)

    noted = HoldRequest.read({"reason": note}).noted(checked_case(case))
    row = _change(session, recording, Operation.HOLD, noted, place)
    lines = [text(("held  ", "green"), f"{short_id(row.recording_id)} for {case}")]
    standing = next((one for one in row.active_holds if one.case == checked_case(case)), None)
    if standing is not None and standing.reason != without_numbers(note):
        since = clock_time(standing.since, session.now)
        lines.append(text(f"since {since} already: its reason stays ({standing.reason}); yours is in the audit trail"))
    session.show(HoldsView.of(row).plain(), *lines)
    raise typer.Exit(FINE)


@with_groups
def release(
    context: typer.Context, recording: RecordingArgument, form: Form, case: CaseOption, note: WhyOption
) -> None:
    """Release a recording from a case; after the last one a grace period begins.

    Example: `recordings release 2f7a91c1 --case L-2026-17 --note "settled"`.
    """
    session = session_of(context, form)

    def end(recording_id: str) -> Custody:
        return release_hold(recording_id, case, note, session.caller, session.ports)

    noted = ReleaseRequest.read({"reason": note}).noted(checked_case(case))
    row = _change(session, recording, Operation.RELEASE, noted, end)
    left = ", ".join(one.case for one in row.active_holds)
    after = f"still held for {left}" if left else f"kept for {session.settings.hold_grace.days} more days at least"
    session.show(HoldsView.of(row).plain(), text(("released  ", "green"), f"{short_id(row.recording_id)}; {after}"))
    raise typer.Exit(FINE)


@with_groups
def holds(context: typer.Context, form: Form) -> None:
    """List the recordings that are held, with case, reason and by whom.

    Example: `recordings holds`.
    """
    session = session_of(context, form)
    page: Page[Custody] = Page(tuple(all_held(session.ports)))
    view = HeldRecordingsView.of(page)
    rows: list[list[Cell]] = [
        [
            _name(session, row.recording_id),
            one.case,
            clock_time(one.since, session.now),
            one.by or "key holder",
            one.reason,
        ]
        for row in view.recordings
        for one in row.holds
        if one.released_at is None
    ]
    parts: list[RenderableType] = [table(session, _HELD, rows) if rows else text("nothing is held")]
    parts += [text(("cannot be read: ", "yellow"), name) for name in view.unreadable]
    session.show(view.plain(), *parts)
    raise typer.Exit(NEEDS_ATTENTION if view.unreadable else FINE)


@with_groups
def explain(
    context: typer.Context,
    form: Form,
    recording: Annotated[str | None, typer.Argument(metavar="[RECORDING]", help="default: all that are due")] = None,
    within: Annotated[
        int, typer.Option("--within", metavar="DAYS", help="list what is due within this time", min=0, max=MOST_DAYS)
    ] = 30,
) -> None:
    """Explain until when a recording is kept and why; without RECORDING, list what is due within 30 days.

    Nothing is changed. Examples: `recordings explain 2f7a91c1`, `recordings explain --within 90`.
    """
    session = session_of(context, form)
    if recording is None:
        _what_goes(session, within)
        raise typer.Exit(FINE)
    one = explain_one(find_recording(recording, session.ports), session.ports, session.settings)
    session.show(DispositionView.of(one).plain(), *_explained(session, one))
    raise typer.Exit(FINE)


@with_groups
def rules(
    context: typer.Context,
    form: Form,
    put: Annotated[
        Path | None, typer.Option("--put", metavar="FILE", help="replace the rules with those of a JSON file")
    ] = None,
    note: Annotated[str | None, note_option("why; needed with --put")] = None,
) -> None:
    """Show the retention rules in force, or replace them.

    The file has the form of `PUT retention/rules`. Example: `recordings rules --put rules.json --note "policy 2027"`.
    """
    session = session_of(context, form)
    if note is not None and put is None:
        raise typer.BadParameter("it belongs to --put FILE; nothing was changed", param_hint="--note")
    found = current_rules(session.ports, session.settings)
    if put is not None:
        body, known = _file(put, note), etag_of_rules(found)
        shown = run_audited(
            Operation.SET_RULES,
            None,
            session.caller,
            session.ports,
            lambda: RulesView.of(set_rules(body, known, session.caller, session.ports)).plain(),
        )
        found = current_rules(session.ports, session.settings)
    else:
        shown = RulesView.of(found).plain()
    listed: list[list[Cell]] = [
        [
            rule.name,
            rule.action,
            f"{rule.days:g}",
            "yes" if rule.legal else "no",
            _about(rule.model_dump(mode="json")["when"]),
        ]
        for rule in found.rules
    ]
    made = f"version {found.number} of the rules" + (
        f", {clock_time(found.at, session.now)}: {found.note}" if found.at else ""
    )
    session.show(
        shown,
        text((made, "bold")),
        table(session, _RULES, listed)
        if listed
        else text("no rules: nothing is destroyed without a request for erasure"),
    )
    raise typer.Exit(FINE)


def _change(
    session: Session, recording: str, operation: Operation, note: str, act: Callable[[str], Custody]
) -> Custody:
    recording_id = find_recording(recording, session.ports)
    rows: list[Custody] = []

    def run() -> dict[str, Any]:
        rows.append(act(recording_id))
        return {"recordingId": recording_id}

    run_audited(operation, recording_id, session.caller, session.ports, run, note=note)
    return rows[0]


def _what_goes(session: Session, days: int) -> None:
    before = session.now + timedelta(days=days)
    parts = list(all_upcoming(before, session.ports, session.settings))
    whole = Upcoming(
        tuple(one for part in parts for one in part.items), sum(part.seen for part in parts), None, parts[-1].rules
    )
    rows = [_goes(session, one) for one in whole.items[: None if session.is_wide else _SHOWN]]
    due = "is" if len(whole.items) == 1 else "are"
    told = (
        f"{len(whole.items)} of {counted(whole.seen, 'recording')} {due} due before {clock_time(before, session.now)}"
    )
    listed = [table(session, _GOES, rows)] if rows else []
    session.show(
        UpcomingView.of(whole, before).plain(),
        *listed,
        text((f"{told}, by version {whole.rules} of the rules", "bold")),
    )


def _goes(session: Session, one: Assessed) -> list[Cell]:
    until = one.disposition.kept_until
    because = "; ".join(_reason(session, reason) for reason in one.disposition.reasons)
    return [
        _name(session, one.record.recording_id),
        clock_time(until, session.now) if until else "-",
        one.state.value.lower(),
        because,
    ]


def _explained(session: Session, one: Assessed) -> list[RenderableType]:
    found, row = one.disposition, one.custody
    until = clock_time(found.kept_until, session.now) if found.kept_until else ""
    words = {
        "keep": ("kept until " if until else "kept, with no known end", "green"),
        "delete": ("due since ", "yellow"),
        "erase": ("to be erased since ", "yellow"),
    }
    lines: list[RenderableType] = [text(words[found.action], until)]
    if row is not None and row.certificate is not None:
        gone = f"; storage removes its last byte {clock_time(row.gone_at, session.now)}" if row.gone_at else ""
        lines = [text(("destroyed  ", "red"), f"certificate {row.certificate}{gone}")]
    blocking = set(found.blocked_by)
    for reason in found.reasons:
        mark = ("blocked by  ", "bold") if reason in blocking else ("because ", "")
        lines.append(text(mark, _reason(session, reason)))
    if row is not None and row.mark is not None:
        ends = row.mark.at + session.settings.dispose_after
        lines.append(
            text(("marked  ", "yellow"), f"destroyed after {clock_time(ends, session.now)} if nothing changes")
        )
    if row is not None and row.refused is not None:
        lines.append(text(("storage refuses  ", "yellow"), f"{row.refused.reason}, {row.refused.blobs} blobs"))
    lines.append(text((f"by version {found.rules} of the rules", "dim")))
    return lines


def _reason(session: Session, reason: Reason) -> str:
    until = f" until {clock_time(reason.until, session.now)}" if reason.until else ""
    source = f" ({reason.source})" if reason.source else ""
    return f"{reason.because.value.replace('_', ' ')}{source}{until}"


def _about(when: dict[str, Any]) -> str:
    said = [f"{name} {value}" for name, value in when.items() if value]
    return ", ".join(said) or "all recordings"


def _name(session: Session, recording_id: str) -> str:
    return recording_id if session.is_wide else short_id(recording_id)


def _file(path: Path, note: str | None) -> Any:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise RequestError(f"{path} cannot be read as JSON") from None
    return {**body, "note": note} if isinstance(body, dict) and note else body
