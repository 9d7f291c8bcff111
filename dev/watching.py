"""Tells what happens in a running local world, a line an event: started, announced, archived and proven, trouble."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import urllib3

from dev.api import JSON, ApiError, RecordingApi

_LOOK_SECONDS = 0.5
_WATCHED = 20
"""The newest recordings; what is older was told long ago."""
_ARCHIVED = "SOURCE_DELETED"
_TROUBLE = frozenset({"QUARANTINED", "EXPIRED"})


@dataclass
class Told:
    """What was told already, so that nothing is told twice."""

    started: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    announced: set[str] = field(default_factory=set)
    chunks: dict[tuple[str, int], str] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    held: int = 0


def news(told: Told, recordings: list[JSON], states: dict[str, JSON], held: int) -> list[str]:
    """Return a line for each thing that is new, and note it.

    Args:
        told: What was told before; changed here.
        recordings: The simulator's recordings.
        states: What the app says of each recording it knows, by id.
        held: How many items the app says need attention.
    """
    lines = [line for recording in recordings for line in _of_recording(told, recording)]
    lines += [line for recording_id, state in states.items() for line in _of_chunks(told, recording_id, state)]
    if held > told.held:
        lines.append(f"[red]needs attention[/]: {held} held; `recordings ls --attention` or GET /api/held shows them")
    told.held = held
    return lines


def _of_recording(told: Told, recording: JSON) -> list[str]:
    name, lines = recording["recordingId"], []
    if name not in told.started:
        told.started.add(name)
        form = f"{recording['content']} {recording['channel']} {recording['format']}"
        lines.append(f"recording {short(name)} started ({form})")
    if recording["endedAt"] and name not in told.ended:
        told.ended.add(name)
        lines.append(f"recording {short(name)} ended ({recording['endReason']}); its files will be announced")
    return lines


def _of_chunks(told: Told, recording_id: str, state: JSON) -> list[str]:
    lines, chunks = [], state["chunks"]
    if chunks and recording_id not in told.announced:
        told.announced.add(recording_id)
        lines.append(f"recording {short(recording_id)} announced: {len(chunks)} chunk{'s' if len(chunks) > 1 else ''}")
    for chunk in chunks:
        key, now = (recording_id, chunk["index"]), _said_of(chunk)
        if now and told.chunks.get(key) != now:
            told.chunks[key] = now
            lines.append(f"chunk {chunk['index']} of {short(recording_id)} {now}")
    return lines


def _said_of(chunk: JSON) -> str:
    if chunk["state"] == _ARCHIVED:
        return f"[green]archived and proven[/], source deleted: {chunk['blobName'].rpartition('/')[2]}"
    if chunk["state"] in _TROUBLE:
        return f"[red]{chunk['state']}[/]: {chunk['lastError']}"
    return f"[yellow]trouble, tried again[/]: {chunk['lastError']}" if chunk["lastError"] else ""


def is_over(state: JSON) -> bool:
    """Return whether nothing more will happen: to ask on would fill the simulator's journal."""
    return state["state"] == "ended" and state["complete"] and all(one["state"] == _ARCHIVED for one in state["chunks"])


def short(recording_id: str) -> str:
    """Return the end of an id, which is what differs."""
    return f"…{recording_id[-6:]}"


class Watcher:
    """Looks twice a second, in a thread of its own, and says what is new. A look that fails is repeated."""

    def __init__(self, recordings: Callable[[], list[JSON]], api: RecordingApi, say: Callable[[str], None]) -> None:
        self._recordings = recordings
        self._api = api
        self._say = say
        self._told = Told()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def __enter__(self) -> "Watcher":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self.look()
            except (urllib3.exceptions.HTTPError, ApiError, OSError):
                continue  # the host restarts, or the world is being stopped

    def look(self) -> None:
        """Look once."""
        recordings = self._recordings()
        names = [one["recordingId"] for one in recordings[-_WATCHED:] if one["recordingId"] not in self._told.over]
        states = {name: state for name in names if (state := self._state(name)) is not None}
        for line in news(self._told, recordings, states, self._api.held_count()):
            self._say(line)
        self._told.over |= {name for name, state in states.items() if is_over(state)}

    def _state(self, recording_id: str) -> JSON | None:
        try:
            return self._api.get(recording_id)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
