"""Options that several commands share: alone, or in groups that a command takes as one parameter."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer
from rich.text import Text

from recording.cli.connect.session import Output, Session, text
from recording.cli.output.times import read_moment
from recording.domain.find.short_ids import named_by
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.quarantine import REASONS
from recording.domain.watched.attention import STUCK_AFTER, Attention
from recording.errors import RequestError
from recording.operate.accept import check_note
from recording.operate.attention import needs_attention
from recording.operate.find_recording import find_item, find_recording


def note_option(what_for: str) -> Any:
    """Return the option of a note; one that could not be kept is refused before anything is done."""
    return typer.Option("--note", help=what_for, callback=_kept_note)


def _kept_note(note: str | None) -> str | None:
    if note is not None:
        check_note(note)
    return note


RecordingArgument = Annotated[str, typer.Argument(metavar="RECORDING", help="id, short id, or the id of its call")]
WatchOption = Annotated[
    int | None, typer.Option("--watch", "-w", metavar="SECONDS", help="repeat at this interval", min=1, max=86_400)
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="at most this many rows")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="do not ask for confirmation")]
NoteOption = Annotated[str, note_option("why: it is kept in the audit trail or the receipt")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="2h, 3d, today, 2026-11-26, 2026-11-26T14:05 (local time)")
]


def beyond(count: int) -> Text:
    """Return the line that says how many rows a list leaves out: without it, a part would be read as all."""
    return text((f"{count} more; --limit shows them", "dim"))


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that completes these words in a shell."""
    known = sorted(set(words))

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


ReasonOption = Annotated[
    str | None,
    typer.Option(
        "--reason", help="with this reason, state or kind, as listed", autocompletion=one_of((*REASONS, *Attention))
    ),
]
RecordingOption = Annotated[str | None, typer.Option("--recording", metavar="RECORDING", help="only this recording")]


@dataclass(frozen=True)
class Form:
    """In which form the answer is printed."""

    output: Annotated[Output, typer.Option("--output", "-o", help="text, wide (whole ids, more columns) or json")] = (
        Output.TEXT
    )
    as_json: Annotated[bool, typer.Option("--json", hidden=True, help="the same as -o json")] = False


@dataclass(frozen=True)
class Filters:
    """Filters for what needs attention; one that is left out selects nothing less."""

    item: Annotated[str | None, typer.Option("--id", help="only this id, as listed")] = None
    reason: ReasonOption = None
    recording: RecordingOption = None
    before: Annotated[
        str | None, typer.Option("--before", metavar="TIME", help="events before this time; as --since")
    ] = None
    after: Annotated[str | None, typer.Option("--after", metavar="TIME", help="events since this time; as --since")] = (
        None
    )

    def chosen(self, session: Session, stuck_after: int = STUCK_AFTER) -> HeldFilter:
        """Return which items are meant; short ids become whole ones."""
        return HeldFilter.read(
            {
                "id": None if self.item is None else find_item(self.item, session.ports, session.settings, stuck_after),
                "reason": self.reason,
                "recordingId": None if self.recording is None else _recording(session, self.recording),
                "before": moment(session, self.before, "--before"),
                "after": moment(session, self.after, "--after"),
            }
        )


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of each group where it takes the group."""
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and is_dataclass(kind):
            groups[name] = kind
            parameters += _options_of(kind)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind))

    @wraps(command)
    def run(**given: Any) -> None:
        taken = {name: kind(**{one.name: given.pop(one.name) for one in fields(kind)}) for name, kind in groups.items()}
        command(**given, **taken)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads both
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _options_of(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(group)
    ]


def session_of(context: typer.Context, form: Form) -> Session:
    """Return this run's session, with the form of output that was asked for."""
    session: Session = context.obj
    session.output = Output.JSON if form.as_json else form.output
    return session


def moment(session: Session, text: str | None, option: str = "--since") -> datetime | None:
    """Return the time that an option names."""
    if text is None:
        return None
    try:
        return read_moment(text, session.now)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint=option) from None


def _recording(session: Session, typed: str) -> str:
    """Return the recording that is meant; one that only a held event names is taken as it was typed."""
    try:
        return find_recording(typed, session.ports)
    except RequestError:
        items = needs_attention(session.ports, session.settings).items
        found = named_by(typed, (item.recording_id for item in items if item.recording_id))
        return found[0] if len(found) == 1 else typed
