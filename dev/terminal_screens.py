"""Screens of the command line at 80 and 120 columns: docs/commands.md shows what each command really prints.

The commands run over an in-memory world at 3 a.m.: one recording at risk, one missing, one suspect, one archived.
"""

import os
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.doctor import probe_of
from dev.in_memory.troubles import at_risk, suspect
from dev.in_memory.world import World, world
from dev.rewriting import rewrite
from recording.cli.__main__ import main
from recording.domain.find.short_ids import short_id
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched.expectation import Expectation
from recording.operate.scrub import scrub

COLUMNS = 80
PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
_SCREEN = re.compile(
    r"(?P<before>(?:<!-- (?P<columns>\d+) columns -->\n)?```console\n\$ )(?P<command>recordings [^\n]*)\n.*?(?=```)",
    re.DOTALL,
)
_PYTHON = re.compile(r"(?<=ok       python               )3\.\d+")  # of the machine that writes the page
_AT_RISK, _MISSING, _SUSPECT = f"{RECORDING_ID[:-4]}cmlz", f"{RECORDING_ID[:-4]}bWlz", f"{RECORDING_ID[:-4]}c3Vz"
_SUBJECT = f"/recording/call/x/serverCallId/x/recordingId/{RECORDING_ID[:-4]}Zm9y"


def at_three() -> World:
    """Return the world of the page."""
    here = world()
    for recording_id, order in ((_AT_RISK, "1042"), (_MISSING, "1043"), (RECORDING_ID, "1041")):
        here.fakes.catalog.add_recording(_started(here, recording_id, order))
    here.holds(task())
    here.announces(event())
    here.runs(hours=1)
    here.follows_up()
    scrub(here.ports, here.settings)
    here.reconciles()
    here.fakes.clock.advance(minutes=2)
    for made in (at_risk(here, _AT_RISK, timedelta(minutes=30)), suspect(here, _SUSPECT)):
        here.fakes.catalog.add_chunk(made)
    here.announces(
        event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged", subject=_SUBJECT)
    )
    return here


def _started(here: World, recording_id: str, order: str) -> RecordingRecord:
    is_missing = recording_id == _MISSING
    return RecordingRecord(
        recording_id=recording_id,
        started_here=True,
        started_at=here.now - timedelta(hours=9 if is_missing else 23),
        started_by="crm",
        request={"tags": {"order": order}},
        ended_seen_at=here.now - timedelta(hours=8) if is_missing else None,
        missing_since=here.now - timedelta(hours=3) if is_missing else None,
        stands=Expectation.MISSING if is_missing else None,
    )


def names() -> dict[str, str]:
    """Return the short ids of the page by what they stand for."""
    ids = {"archived": RECORDING_ID, "at-risk": _AT_RISK, "missing": _MISSING, "suspect": _SUSPECT}
    return {name: short_id(value) for name, value in ids.items()}


def screen(command: str, columns: int = COLUMNS, *, colour: bool = False) -> str:
    """Return what a command prints in a terminal of this width, in Berlin."""
    told: list[str] = []
    here = at_three()
    with terminal(columns, colour=colour):
        main(shlex.split(command)[1:], lambda: (here.ports, here.settings), told.append, lambda _: probe_of(here))
    return "".join(f"{_PYTHON.sub('3.13', line.rstrip())}\n" for line in "".join(told).splitlines())


@contextmanager
def terminal(columns: int, *, colour: bool = False) -> Iterator[None]:
    """Set a terminal of this width, in Berlin, for what is printed meanwhile."""
    wanted = {"COLUMNS": str(columns), "LINES": "50", "TZ": "Europe/Berlin"} | (
        {"FORCE_COLOR": "1"} if colour else {"NO_COLOR": "1"}
    )
    before = dict(os.environ)
    os.environ.pop("FORCE_COLOR", None)
    os.environ.update(wanted)
    time.tzset()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        time.tzset()


def written(text: str) -> str:
    """Return the page with each of its screens made anew."""
    return _SCREEN.sub(_anew, text)


def _anew(found: re.Match[str]) -> str:
    command, columns = found["command"], int(found["columns"] or COLUMNS)
    return f"{found['before']}{command}\n{screen(command, columns)}"


def main_screens(*, check: bool) -> int:
    """Write the page's screens anew, or with `check` say whether they are what the commands print."""
    return rewrite(PAGE, written, check=check)
