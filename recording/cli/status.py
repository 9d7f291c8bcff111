"""`recordings status`: what needs attention, the most urgent first, and the state of the whole archive."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Column, Session, table, text
from recording.cli.connect.watching import watch_screen
from recording.cli.options import Form, WatchOption, session_of, with_groups
from recording.cli.output.times import distance, due_in, length_of, size_of, time_left
from recording.cli.output.words import label_of, style_of
from recording.domain.archived.drift import SCRUB_CYCLE
from recording.domain.find.short_ids import item_name
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched.attention import Attention, AttentionItem
from recording.http.views.status import StatusView
from recording.operate.attention import NeedsAttention, needs_attention
from recording.operate.recordings import tags_of
from recording.operate.timeline import Overview, overview
from recording.ports import QueueDepth

_COLUMNS = [
    Column(""),
    Column("", is_number=True),
    Column("", from_width=60),
    Column(""),
    Column("", from_width=100),
    Column("", may_be_cut=True),
]


@with_groups
def status(context: typer.Context, form: Form, watch: WatchOption = None) -> None:
    """Show what needs attention, and the state of the archive.

    Exit code 1: something needs attention; 2: nothing of what could be listed does, and there may be more.

    Examples: `recordings status`, `recordings status --watch 5`, `recordings status -o json`.
    """
    session = session_of(context, form)
    raise typer.Exit(watch_screen(session, watch, lambda: _look(session)))


def _look(session: Session) -> int:
    seen, found = overview(session.ports), needs_attention(session.ports, session.settings)
    queues = session.ports.queue.depths()
    answer = StatusView.of(seen, found, queues).plain()
    session.show(answer, *_screen(session, seen, found, queues))
    return NEEDS_ATTENTION if found.items else UNKNOWN if found.unlisted else FINE


def _screen(
    session: Session, seen: Overview, found: NeedsAttention, queues: Sequence[QueueDepth]
) -> Iterator[RenderableType]:
    if session.target:
        yield text((session.target, "dim"))
    if found.items:
        rows = [_row(session, kind, items) for kind, items in _by_kind(found)]
        yield Group(table(session, _COLUMNS, rows), Text())
    elif found.unlisted:
        yield text(("nothing of what was examined needs attention", "yellow"))
    else:
        yield text(("nothing needs attention", "green"))
    yield text(" · ".join(_figures(session, seen, queues)))
    yield text(" · ".join(_timers(session, found)))
    if not seen.counted_all:
        yield text(("the counts cover only a part of the catalog", "yellow"))
    if not found.complete:
        where = f" in {', '.join(found.beyond)}" if found.beyond else ""
        yield text((f"not everything that is open{where} was examined; the most urgent is here", "yellow"))
    if found.items:
        yield text(
            ("all of it: ", "dim"), "recordings ls --attention", ("   one: ", "dim"), "recordings show RECORDING"
        )


def _by_kind(found: NeedsAttention) -> Iterator[tuple[Attention, list[AttentionItem]]]:
    for kind in Attention:
        if items := [item for item in found.items if item.kind is kind]:
            yield kind, items


def _row(session: Session, kind: Attention, items: list[AttentionItem]) -> list[str | Text]:
    first = items[0]
    return [
        text((label_of(kind.value).upper(), style_of(kind.value))),
        str(len(items)),
        _when(session, first),
        item_name(first.id, first.recording_id, first.index),
        _tag(session, first),
        why(session, first),
    ]


def _when(session: Session, item: AttentionItem) -> str:
    if item.time_left is not None and item.time_left.total_seconds() > 0:
        return f"{time_left(item.time_left)} left"
    return distance(item.at, session.now)


def _tag(session: Session, item: AttentionItem) -> str:
    found = session.ports.catalog.get_recordings([item.recording_id])[0] if item.recording_id else None
    record = found if isinstance(found, RecordingRecord) else None  # a row that cannot be read hides no other item
    return next((f"{name} {value}" for name, value in tags_of(record)), "")


def why(session: Session, item: AttentionItem) -> str:
    """Return an item's reason with its tries."""
    words = {
        "missing": "no file was announced",
        "incomplete": "some files were not announced",
        "reconcile_late": "overdue chunks are not searched for: is the app running?",
        "scrub_behind": "some media was not read whole within the cycle",
        "seal_differs": "the log or the audit trail is not as it was sealed",
        "seal_not_compared": "the nightly comparison with the seal does not run",
    }
    told = words.get(item.reason, item.reason)
    tries = f" ×{item.attempts}" if item.attempts > 1 else ""
    due = f", next try {due_in(item.next_attempt_at, session.now)}" if item.next_attempt_at else ""
    return f"{told}{tries}{due}"


def _timers(session: Session, found: NeedsAttention) -> Iterator[str]:
    """Yield when reconcile and the scrub last ran and what they found, with the share of the media that was read."""
    look, scrubbed = found.reconciled, found.scrubbed
    if look is None:
        yield "reconcile has not run yet"
    else:
        counts = (look.at_risk, "at risk"), (look.missing, "missing"), (look.redriven, "re-queued")
        told = ", ".join([f"{look.open_chunks} open", *(f"{count} {word}" for count, word in counts if count)])
        yield f"reconcile {distance(look.at, session.now)}: {told}"
    if scrubbed is None:
        yield "no scrub yet"
    else:
        yield f"scrub {distance(scrubbed.at, session.now)}: {_percent(scrubbed.coverage)} in {SCRUB_CYCLE.days} days"


def _percent(share: float) -> str:
    """Return a share in percent, rounded down: all of it means all of it."""
    return f"{int(share * 1000) / 10:g} %"


def _figures(session: Session, seen: Overview, queues: Sequence[QueueDepth]) -> Iterator[str]:
    left = f" (least {time_left(seen.least_time_left)} left)" if seen.least_time_left is not None else ""
    yield f"open {seen.open_chunks}{left}"
    yield f"archived {seen.archived_chunks}, today {seen.archived_today} ({size_of(seen.bytes_today)})"
    for queue in queues:
        if queue.messages or not queue.name.endswith("-poison"):
            age = (
                f", oldest {length_of(max(session.now - queue.oldest_at, timedelta()))}"
                if queue.messages and queue.oldest_at
                else ""
            )
            yield f"{queue.name.removeprefix('recording-')} queue {queue.messages}{age}"
