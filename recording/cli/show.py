"""`recordings show`: one recording, the state of its chunks, and its timeline; or one item that is held."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from recording.cli.connect.session import ARROW, FINE, NEEDS_ATTENTION, Column, Session, table, text
from recording.cli.connect.watching import watch_screen
from recording.cli.options import Form, WatchOption, session_of, with_groups
from recording.cli.output.times import clock_time, due_in, duration_of, size_of, time_left
from recording.cli.output.words import meaning_of, remedy_of, style_of
from recording.cli.status import why
from recording.domain.find.short_ids import item_name, short_id
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.transitions import is_archived, is_finished, is_held
from recording.domain.watched import deadline
from recording.domain.watched.attention import Attention, AttentionItem
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.attention import HeldListView
from recording.http.views.recordings import StoryView
from recording.operate.attention import needs_attention
from recording.operate.find_recording import find_item, find_recording
from recording.operate.held_items import Held
from recording.operate.recordings import tags_of
from recording.operate.timeline import Story, Unread, story

_CHUNKS = [
    Column("FILE", is_number=True),
    Column("STATE"),
    Column("SIZE", is_number=True),
    Column("PLAYS", is_number=True),
    Column("TRIES", is_number=True, from_width=70),
    Column("SHA-256", from_width=100),
    Column("NAME", may_be_cut=True, keeps_end=True),
]
_MOMENTS = [
    Column("WHEN"),
    Column("UTC", from_width=100),
    Column("FILE", is_number=True),
    Column("WHAT", may_wrap=True),
    Column("WHO", may_be_cut=True, from_width=130),
]


ShownArgument = Annotated[
    str, typer.Argument(metavar="RECORDING", help="id, short id, the id of its call, or an id of `ls --attention`")
]
_MAY_BE_DISMISSED = (Attention.HELD, Attention.LOST, Attention.MISSING, Attention.INCOMPLETE)


@with_groups
def show(context: typer.Context, form: Form, recording: ShownArgument, watch: WatchOption = None) -> None:
    """Show one recording: its files, why one is stuck, and its timeline; or one item of `ls --attention`.

    Exit code 1: it is such an item, which needs attention.

    Examples: `recordings show 2f7a91c1`, `recordings show 4751a766`, `recordings show 2f7a91c1 -o json`.
    """
    session = session_of(context, form)
    whole, _, index = recording.rpartition("/")
    is_file = bool(whole) and index.isdecimal()  # as `ls --attention` lists it: all of its recording is shown
    try:
        recording_id = find_recording(whole if is_file else recording, session.ports)
    except RequestError as error:
        item_id = _item_named(recording, session) if error.code == Code.UNKNOWN_RECORDING else None
        if item_id is None:
            raise error from None
        raise typer.Exit(watch_screen(session, watch, lambda: _look_at_item(session, item_id))) from None
    raise typer.Exit(watch_screen(session, watch, lambda: _look(session, recording_id, index if is_file else None)))


def _item_named(typed: str, session: Session) -> str | None:
    try:
        return find_item(typed, session.ports, session.settings)
    except RequestError:
        return None


def _look_at_item(session: Session, item_id: str) -> int:
    """Show an item that belongs to no recording of the catalog, such as a refused event or a message."""
    found = needs_attention(session.ports, session.settings, HeldFilter(id=item_id))
    held = {one.id: one for one in found.held}
    parts = (part for item in found.items for part in _item(session, item, held.get(item.id)))
    session.show(HeldListView.of(found, whole=True).plain(), *parts)
    return NEEDS_ATTENTION


def _item(session: Session, item: AttentionItem, held: Held | None) -> Iterator[RenderableType]:
    name = item_name(item.id, item.recording_id, item.index)
    left = f"{time_left(item.time_left)} left" if item.time_left is not None else ""
    since = f"since {clock_time(item.at, session.now)}"
    of = f"recording {short_id(item.recording_id)}" if item.recording_id else ""
    head = [part for part in (item.kind.value.replace("_", " "), since, left, of) if part]
    yield text((name, "bold"), " · ", (head[0], style_of(item.kind.value)), *(f" · {part}" for part in head[1:]))
    yield text((item.id, "dim"))
    meaning = f" – {meaning_of(item.reason)}" if Code.of(item.reason) else ""
    yield text((why(session, item), "yellow"), meaning)
    if remedy := remedy_of(item.reason):
        yield text((ARROW, "dim"), remedy)
    if held is not None:
        yield text((ARROW, "dim"), f"recordings redrive --id {name}")
    if item.kind in _MAY_BE_DISMISSED:
        yield text((ARROW, "dim"), f"recordings dismiss {name} --note WHY")
    if held is not None and held.payload:
        yield Text()
        yield from (text(line) for line in _pretty(held.payload).splitlines())


def _pretty(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2)
    except (ValueError, RecursionError):
        return payload


def _look(session: Session, recording_id: str, index: str | None) -> int:
    told = story(recording_id, session.ports)
    if told is None:  # it existed a moment ago
        return FINE
    if index is not None and not told.unread and index not in {str(chunk.task.index) for chunk in told.chunks}:
        raise RequestError(f"recording {short_id(recording_id)} has no file {index}", code=Code.UNKNOWN_ID)
    session.show(StoryView.of(recording_id, told).plain(), *_screen(session, recording_id, told))
    return FINE


def _screen(session: Session, recording_id: str, told: Story) -> Iterator[RenderableType]:
    yield text(" · ".join(_head(session, recording_id, told)))
    yield text((recording_id, "dim"))
    if told.chunks:
        yield Text()
        yield table(session, _CHUNKS, [_chunk(session, chunk) for chunk in told.chunks])
    for chunk in told.chunks:
        yield from _trouble(session, chunk)
    for one in told.unread:
        yield from _unread(one)
    yield Text()
    rows: list[list[str | Text]] = [
        [
            f"{moment.at.astimezone():%d %b %H:%M:%S}",
            f"{moment.at:%Y-%m-%dT%H:%M:%SZ}",
            "" if moment.index is None else str(moment.index),
            moment.what,
            moment.who or "",
        ]
        for moment in told.moments
    ]
    yield table(session, _MOMENTS, rows)


def _unread(one: Unread) -> Iterator[Text]:
    """Yield which row the timeline lacks, why, and what to do."""
    about = "" if one.index is None else f"file {one.index}: "
    place = (f"{about}row {one.row.key} of the table {one.table}: ", "bold")
    yield text(place, (one.row.code, "yellow"), f" – {meaning_of(one.row.code)}")
    if remedy := remedy_of(one.row.code):
        yield text((ARROW, "dim"), remedy)


def _head(session: Session, recording_id: str, told: Story) -> Iterator[str]:
    record, now = told.recording, session.now
    yield from (f"{name} {value}" for name, value in tags_of(record))
    yield short_id(recording_id)
    if record and record.started_at:
        yield f"started {clock_time(record.started_at, now)}" + (
            f" by {record.started_by}" if record.started_by else ""
        )
    yield f"{len(told.chunks)} file{'' if len(told.chunks) == 1 else 's'}"
    if told.unread:
        yield f"{len(told.unread)} row{'' if len(told.unread) == 1 else 's'} not read"
    left = [chunk.task.expires_at for chunk in told.chunks if not is_finished(chunk)]
    if left:
        until = min(left)
        yield f"{time_left(deadline.time_left(until, now))} left (until {clock_time(until, now)})"
    if record and record.missing_since:
        yield f"missing since {clock_time(record.missing_since, now)}"


def _chunk(session: Session, chunk: ChunkRecord) -> list[str | Text]:
    style = "green" if is_archived(chunk) else style_of("held") if is_held(chunk) else ""
    return [
        str(chunk.task.index),
        text((str(chunk.state), style)),
        size_of(chunk.length_bytes) if chunk.length_bytes else "",
        duration_of(chunk.duration_ms) if chunk.duration_ms else "",
        str(chunk.attempts or ""),
        chunk.sha256 or "" if session.is_wide else (chunk.sha256 or "")[:12],
        _file_name(chunk, session),
    ]


def _file_name(chunk: ChunkRecord, session: Session) -> str:
    if chunk.blob_name is None:
        return ""
    return chunk.blob_name if session.is_wide else chunk.blob_name.rpartition("/")[2]


def _trouble(session: Session, chunk: ChunkRecord) -> Iterator[Text]:
    """Yield why a chunk is not archived, who can fix it, and what to type; nothing of one that was destroyed."""
    reason = chunk.quarantine_reason or chunk.last_error
    if is_archived(chunk) or reason is None or chunk.disposed_at is not None:
        return
    name = f"{short_id(chunk.task.recording_id)}/{chunk.task.index}"
    yield text((f"file {chunk.task.index}: ", "bold"), (reason, "yellow"), f" – {meaning_of(reason)}")
    if remedy := remedy_of(reason):
        yield text((ARROW, "dim"), remedy)
    if is_held(chunk):
        yield text((ARROW, "dim"), f"recordings redrive --id {name}")
        for suspect in chunk.suspects:
            about = f"{size_of(suspect.length_bytes)}, {suspect.reason}"
            yield text(("  suspect bytes: ", "dim"), suspect.blob_name.rpartition("/")[2], f" ({about})")
            yield text((ARROW, "dim"), f"recordings accept {name} --note WHY")
    elif chunk.next_attempt_at:
        due = due_in(chunk.next_attempt_at, session.now)
        yield text(("  next try ", "dim"), due, (" · now: ", "dim"), f"recordings retry {name}")
