"""Says which chunks a recording becomes: pauses are cut out, and a new file begins when one is full."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dev.acs_simulator.state.model import RecordingState, Transition
from dev.media import Pause


@dataclass(frozen=True)
class ChunkPlan:
    """One file to be: `duration_ms` is what it plays, `pauses` are what was cut out of it."""

    index: int
    started_at: datetime
    duration_ms: int
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True)
class _Piece:
    started_at: datetime
    duration: timedelta


def plan_chunks(transitions: Sequence[Transition], ended_at: datetime, max_seconds: float) -> list[ChunkPlan]:
    """Return the chunks of a recording with these state changes, in order.

    None when it was never active for a millisecond.
    """
    files = _filled(_active_pieces(transitions, ended_at), timedelta(seconds=max_seconds))
    return [_plan(index, pieces) for index, pieces in enumerate(files) if _milliseconds(pieces)]


def _active_pieces(transitions: Sequence[Transition], ended_at: datetime) -> list[_Piece]:
    ends = [later.at for later in transitions[1:]] + [ended_at]
    return [
        _Piece(transition.at, min(end, ended_at) - transition.at)
        for transition, end in zip(transitions, ends, strict=False)  # nothing happened: an end without a beginning
        if transition.state is RecordingState.ACTIVE and min(end, ended_at) > transition.at
    ]


def _filled(pieces: list[_Piece], limit: timedelta) -> list[list[_Piece]]:
    """Put the pieces into files of at most `limit`, cutting a piece where its file is full."""
    files: list[list[_Piece]] = []
    room = timedelta()
    for piece in pieces:
        rest = piece
        while rest.duration > timedelta():
            if room <= timedelta():
                files.append([])
                room = limit
            taken = min(room, rest.duration)
            files[-1].append(_Piece(rest.started_at, taken))
            rest = _Piece(rest.started_at + taken, rest.duration - taken)
            room -= taken
    return files


def _plan(index: int, pieces: list[_Piece]) -> ChunkPlan:
    gaps = itertools.pairwise(pieces)
    pauses = tuple(_pause(before, after) for before, after in gaps)
    return ChunkPlan(index, pieces[0].started_at, _milliseconds(pieces), pauses)


def _pause(before: _Piece, after: _Piece) -> Pause:
    started_at = before.started_at + before.duration
    return Pause(started_at, round((after.started_at - started_at) / timedelta(milliseconds=1)))


def _milliseconds(pieces: list[_Piece]) -> int:
    return round(sum((piece.duration for piece in pieces), timedelta()) / timedelta(milliseconds=1))
