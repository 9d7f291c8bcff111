"""Every command of the command line: how it is called, and a world in which all of them find something."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from dev.in_memory.builders import RECORDING_ID, event, task
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.cli.__main__ import main
from recording.cli.app import app
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkState, Suspect

SHORT = short_id(RECORDING_ID)
HELD = f"{RECORDING_ID[:-4]}aGVs"
FILE = f"{short_id(HELD)}/0"
HERE = "HERE"  # stands for a folder of the test's own
NOTE = ("--note", "because")
MOST_CALLS = 15  # of storage, in these tests: what fails later fails alike
# One way to call each; what is refused in this world is answered all the same.
CALLS: dict[str, tuple[str, ...]] = {
    "accept": (FILE, *NOTE, "--yes"),
    "approve": (),
    "derived list": (SHORT,),
    "derived make": (SHORT, "joined"),
    "dismiss": (FILE, *NOTE),
    "doctor": (),
    "drift": ("--sample", "all"),
    "erase": (SHORT, *NOTE, "--as", "alice"),
    "events enable": ("crm",),
    "events replay": ("--since", "2h"),
    "events status": (),
    "explain": (),
    "export get": ("0" * 32, "--to", f"{HERE}/b.zip"),
    "export show": ("0" * 32,),
    "export start": (SHORT,),
    "find": (),
    "get": (SHORT, "--to", f"{HERE}/got"),
    "hold": (SHORT, "--case", "L-17", *NOTE),
    "holds": (),
    "import": ("old-recordings", "--dry-run"),
    "list": (),
    "ls": (),
    "rebuild": (),
    "redrive": ("--all", "--dry-run"),
    "reindex": (),
    "release": (SHORT, "--case", "L-17", *NOTE),
    "retry": (FILE,),
    "rules": (),
    "seal accept-differences": NOTE,
    "seal accept-end": NOTE,
    "seal audit": (),
    "seal catch-up": (),
    "seal get": (f"{HERE}/log",),
    "seal status": (),
    "seal verify": (HERE,),
    "show": (SHORT,),
    "status": (),
    "tag": (SHORT, "order=1"),
    "trail": (),
    "vcon": (SHORT,),
    "verify": (SHORT,),
}
# What each takes that may be unknown, with something that nobody has heard of.
UNKNOWN = (
    *(("show", "zzzzzzzz"), ("verify", "zzzzzzzz"), ("verify", SHORT, "zzzzzzzz"), ("get", "zzzzzzzz")),
    *(("vcon", "zzzzzzzz"), ("tag", "zzzzzzzz", "a=b"), ("explain", "zzzzzzzz"), ("derived", "list", "zzzzzzzz")),
    *(("derived", "make", "zzzzzzzz", "joined"), ("derived", "make", SHORT, "louder")),
    *(("hold", "zzzzzzzz", "--case", "c", *NOTE), ("release", "zzzzzzzz", "--case", "c", *NOTE)),
    *(("release", SHORT, "--case", "never-held", *NOTE), ("erase", "zzzzzzzz", *NOTE, "--as", "alice")),
    *(("approve", "zzzzzzzz", "--as", "bob"), ("export", "start", "zzzzzzzz"), ("export", "show", "zzzzzzzz")),
    *(("export", "get", "zzzzzzzz"), ("events", "enable", "nobody"), ("events", "replay", "--since", "soon")),
    *(("events", "replay", "--since", "2h", "--type", "nonsense"), ("events", "replay", "--since", "2h", "--to", "no")),
    *(("ls", "--state", "lsot"), ("ls", "--reason", "tpyo"), ("ls", "--id", "zzzzzzzz"), ("ls", "--since", "soon")),
    *(("ls", "--recording", "zzzzzzzz"), ("ls", "-a", "--state", "lost"), ("ls", "-a", "--since", "2h")),
    *(("list", "--reason", "tpyo"), ("list", "--id", "x/y"), ("find", "--state", "lsot"), ("find", "--format", "ogg")),
    *(("find", "--from", "soon"), ("find", "--next", "nonsense"), ("find", "--tag", "no-colon")),
    *(("redrive", "--reason", "tpyo"), ("redrive", "--id", "zzzzzzzz"), ("redrive", "--recording", "zzzzzzzz")),
    *(("redrive", "--before", "soon"), ("retry", "zzzzzzzz"), ("retry", "--reason", "tpyo")),
    *(("dismiss", "zzzzzzzz", *NOTE), ("dismiss", "--reason", "tpyo", *NOTE), ("accept", "zzzzzzzz/0", *NOTE)),
    *(("accept", f"{SHORT}/7", *NOTE), ("trail", "--recording", "zzzzzzzz"), ("trail", "--since", "soon")),
    *(("drift", "--sample", "most"), ("rules", "--put", "/no/such/file", *NOTE), ("nonsense",)),
    ("seal", "verify", "/no/such/folder"),
)


def _leaves(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


COMMANDS = sorted(_leaves(typer.main.get_command(app)))


def troubled() -> World:
    """Return one recording that is archived, one that is held, and an event whose sender wants the terminal."""
    here = world()
    here.holds(task())
    here.announces(event())
    here.runs()
    here.follows_up()
    held = {"state": ChunkState.QUARANTINED, "quarantine_reason": "media_suspect", "task": task(recording_id=HELD)}
    name = here.record().blob_name or ""
    bytes_ = Suspect(blob_name=name, sha256=here.record().sha256, length_bytes=64_044, reason="x", at=here.now)
    here.fakes.catalog.add_chunk(here.record().model_copy(update={**held, "suspects": (bytes_,)}))
    here.announces(event(id="\x1b[2J\u202e", subject="/recording/\x07call/x"))
    return here


def run_command(here: World, *arguments: str) -> tuple[int, str]:
    """Return the exit code and the output of a command in this world."""
    told: list[str] = []
    probe = FakeProbe()
    probe.time, probe.has_webhook = here.now, False
    code = main(
        arguments,
        lambda: (here.ports, here.settings),
        told.append,
        lambda _: probe,
        open_container=lambda *_: FakeArchive(),
    )
    return code, "".join(told)


def words_of(command: str, folder: Path) -> list[str]:
    """Return what is typed for a command, with a folder of the test's own."""
    return [*command.split(), *(part.replace(HERE, str(folder)) for part in CALLS[command])]
