"""Hostile input as a proof: forgeries by both doors, ids, locations and metadata documents, with what came of each.

The use cases are the real ones, over the fakes of `dev/in_memory`, which remember every call. Compressed answers
need a real connection: `dev/prove/bombs.py`.
"""

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from azure.functions import get_binding_registry, meta

from dev.in_memory.builders import CALL_ID, RECORDING_ID, chunk, document_id, event, metadata, task
from dev.in_memory.world import World, world
from dev.prove.forged import FORGED, Forged
from dev.prove.parsers import fuzzed
from recording import telemetry
from recording.domain.archived.layout import LONGEST_NAME, media_name
from recording.domain.incoming.locations import checked_location
from recording.domain.state.quarantine import Origin
from recording.domain.state.transitions import is_finished
from recording.errors import UnsafeLocationError
from recording.http.event_trigger import BINDING, envelope_of, keep_envelopes
from recording.ingest import ingest_event, ingest_text
from recording.telemetry import Event

DOORS = ("webhook", "queue")
NASTY = "aZ09-_=.~/\\%:@?#&+ \t\r\n\x00\x1b\x7f\x85\u00a0\u0430\u2028\u202e\u3002\uff0f\U0001f600\ud800\"'{}"
OUR_LINE = "recording."


@dataclass
class Witness:
    """All that was logged while it looked: the events as a metric counts them, and the lines as a log shows them."""

    events: Counter[Event] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def hears(self, event: Event, _fields: object) -> None:
        """Count."""
        self.events[event] += 1

    def span(self, _name: str, _facts: object) -> Any:
        """Do nothing."""
        return nullcontext()

    @property
    def forged_lines(self) -> list[str]:
        """Return lines that are not one event of ours in plain printable ASCII."""
        return [
            line for line in self.lines if not (line.isascii() and line.isprintable() and line.startswith(OUR_LINE))
        ]


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextmanager
def witnessed() -> Iterator[Witness]:
    """Yield a witness of everything that is logged meanwhile."""
    witness, logger = Witness(), logging.getLogger("recording")
    handler, level = _Lines(witness.lines), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    telemetry.listen(witness)
    try:
        yield witness
    finally:
        telemetry.listen(None)
        logger.removeHandler(handler)
        logger.setLevel(level)


# --- forged events ---------------------------------------------------------------------------------------------------


def enter(here: World, text: str, door: str) -> bool:
    """Deliver by one door; False when the Functions library itself turned it away, and no code of ours ran."""
    if door == "queue":
        ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
        return True
    try:
        arrived = _from_the_trigger(text)
    except Exception:  # noqa: BLE001 - whatever the library raises: the host answers Event Grid with an error
        return False
    ingest_event(arrived, Origin.EVENT_GRID, here.ports, here.settings)
    return True


def _from_the_trigger(text: str) -> Any:
    """Return what the function gets of a text: the host parses it, and the library makes its object of it."""
    datum = meta.Datum(json.dumps(json.loads(text)), "json")
    keep_envelopes()
    registry: Any = get_binding_registry()  # type: ignore[no-untyped-call]
    return envelope_of(registry.get(BINDING).decode(datum, trigger_metadata=None))


def outcome(forged: Forged, door: str) -> tuple[bool, list[str]]:
    """Return whether our code saw it, and what went wrong.

    Nobody is called, and the odd part alone is kept or reported.
    """
    here = world()
    with witnessed() as witness:
        entered = enter(here, forged.text, door)
    wrong = _called(here) + (_misjudged(forged, here, witness, door) if entered else [])
    if witness.forged_lines or any("://" in line for line in witness.lines):
        wrong.append("a line of the log is forged or tells a location")
    return entered, [f"{forged.name} by the {door}: {what}" for what in wrong]


def _called(here: World) -> list[str]:
    ours = (here.fakes.quarantine, here.fakes.catalog, here.fakes.queue)
    calls = {type(fake).__name__: fake.calls for fake in here.scripted if fake not in ours and fake.calls}
    return [f"calls: {calls}"] if calls else []


def _misjudged(forged: Forged, here: World, witness: Witness, door: str) -> list[str]:
    wrong: list[str] = []
    tasks, kept = here.fakes.queue.tasks, list(here.fakes.quarantine.kept.values())
    if len(tasks) != forged.taken:
        wrong.append(f"{len(tasks)} tasks and not {forged.taken}")
    if not forged.taken and (here.fakes.catalog.chunks or here.fakes.catalog.recordings):
        wrong.append("the catalog was changed")
    refused = (
        Event.EVENT_REJECTED if forged.is_kept else Event.LOCATION_REFUSED if forged.taken else Event.EVENT_IGNORED
    )
    if witness.events != Counter({refused: 1} | ({Event.EVENT_ACCEPTED: 1} if forged.taken else {})):
        wrong.append(f"logged {dict(witness.events)}")
    if len(kept) != forged.is_kept:
        wrong.append(f"{len(kept)} entries")
    if forged.is_kept and door == "queue" and [entry.reason for entry in kept] != [forged.reason]:
        wrong.append(f"kept as {[entry.reason for entry in kept]} and not as {forged.reason}")
    for sent in tasks:
        for place in filter(None, (sent.content_location, sent.metadata_location, sent.delete_location)):
            try:
                checked_location(place, here.settings.acs.content_hosts)
            except UnsafeLocationError:
                wrong.append("a task holds a location that may not be called")
    return wrong


def prove_forged() -> tuple[str, list[str]]:
    """Return every forgery by both doors."""
    results = [(door, forged, *outcome(forged, door)) for forged in FORGED for door in DOORS]
    entered = [forged for _, forged, entered, _ in results if entered]
    kept, beside = sum(forged.is_kept for forged in entered), sum(forged.taken for forged in entered)
    told = f"{len(FORGED)} forged events by both delivery paths: {kept} quarantined, {beside} good files beside a"
    told += f" forged part taken, {sum(not (f.is_kept or f.taken) for f in entered)} of other types counted, 0 calls"
    return f"{told}; {len(results) - len(entered)} turned away by the trigger itself", [
        w for *_, wrong in results for w in wrong
    ]


# --- ids -------------------------------------------------------------------------------------------------------------


def prove_ids(first: int, cases: int) -> tuple[str, list[str]]:
    """Return ids of nasty characters in events: refused, or made into names that stay in their folder.

    No line is forged.
    """
    chance, counts, wrong = random.Random(first), Counter[str](), list[str]()
    for _ in range(cases):
        here, text = world(), json.dumps(_with_odd_ids(chance))
        with witnessed() as witness:
            ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
        names = _names(here)
        counts["names" if names else "refused"] += 1
        wrong += [f"{text}: {name!r} leaves its folder" for name in names if not _stays(name)]
        wrong += [f"{text}: forged the line {line!r}" for line in witness.forged_lines]
        lines = [line for line in witness.lines if not line.startswith(Event.LOCATION_REFUSED)]  # it is of another id
        if bool(names) == bool(here.fakes.quarantine.kept) or len(lines) != 1:
            wrong.append(f"{text}: neither taken nor kept, or {len(lines)} lines")
    told = f"{counts['refused']:,} kept, {counts['names']:,} named inside their folder, 0 lines forged"
    return f"{cases:,} events with nasty ids: {told}", wrong


def _with_odd_ids(chance: random.Random) -> dict[str, Any]:
    ids = [_odd(good, chance) for good in (document_id(), CALL_ID, RECORDING_ID)]
    subject = f"/recording/call/{ids[1]}/recordingId/{ids[2]}"
    return event(chunk(0, documentId=ids[0]), subject=subject, id=_odd("event-1", chance, share=1.0))


def _odd(good: str, chance: random.Random, share: float = 0.4) -> str:
    if chance.random() > share:
        return good
    letters = NASTY if chance.random() < 0.5 else "aZ0-_=.~"
    return "".join(chance.choices(letters, k=chance.randint(1, 12))) if chance.random() < 0.9 else "../" * 200


def _names(here: World) -> list[str]:
    template = here.settings.archive_path_template
    return [
        media_name(template, sent.folder, sent.index, sent.document_id, sent.format) for sent in here.fakes.queue.tasks
    ]


def _stays(name: str) -> bool:
    """Below `yyyy/MM/dd/call/recording/`, of plain characters only."""
    parts = name.split("/")
    plain = name.isascii() and not set(name) & set("\\%?#: \x7f") and name.isprintable()
    return plain and len(parts) == 6 and not {"", ".", ".."} & set(parts) and len(name) <= LONGEST_NAME


# --- metadata documents ----------------------------------------------------------------------------------------------


def _deep(depth: int) -> bytes:
    return metadata()[:-1] + b', "x": ' + b"[" * depth + b"]" * depth + b"}"


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "one byte more than a mebibyte": lambda: metadata() + b" " * ((1 << 20) + 1 - len(metadata())),
    "8 MiB": lambda: b'{"x": "' + b"x" * (8 << 20) + b'"}',
    "lists 10,000 deep": lambda: _deep(10_000),
    "objects 10,000 deep": lambda: b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
    "500,000 brackets": lambda: b"[" * 500_000,
    "number of 100,000 digits": lambda: metadata()[:-1] + b', "chunkDuration": ' + b"9" * 100_000 + b"}",
    "number without end": lambda: metadata()[:-1] + b', "chunkDuration": 1e999999}',
    "no number": lambda: metadata()[:-1] + b', "chunkDuration": NaN, "chunkIndex": -Infinity}',
    "half a character": lambda: metadata()[:-1] + b', "callId": "\\ud800"}',
    "null bytes": lambda: metadata()[:-1] + b', "callId": "\\u0000\\u0000"}',
    "no UTF-8": lambda: b"\xff\xfe\xfd" * 1000,
    "a zip": lambda: b"\x1f\x8b\x08" + bytes(10_000),
    "20,000 participants": lambda: metadata(participants=[{"participantId": "x" * 20}] * 20_000),
    "20,000 names": lambda: json.dumps({f"n{number}": number for number in range(20_000)}).encode(),
    "a list": lambda: b"[" + metadata() + b"]",
    "ids that climb": lambda: metadata(callId="../../x", recordingInfo={"format": "../../exe"}),
    "line breaks": lambda: metadata(callId="x\r\nrecording.chunk.archived"),
}


def archived_despite(document: bytes) -> list[str]:
    """Return what went wrong in a life whose metadata is this document; the world's witness looks at the delete."""
    here, made = world(), task()
    here.holds(made, document=document)
    with witnessed() as witness:
        here.announces()
        here.runs()
    wrong = [] if is_finished(here.record()) else [f"it ended as {here.state()}"]
    if here.deaths:
        wrong.append(f"{here.deaths} workers did not return")
    if len(here.media_blobs()) != 1:
        wrong.append("the media is not in the archive")
    return wrong + [f"forged the line {line[:200]!r}" for line in witness.forged_lines]


def prove_documents() -> tuple[str, list[str]]:
    """Return every hostile metadata document through the archive line."""
    wrong = [f"{name}: {what}" for name, make in DOCUMENTS.items() for what in archived_despite(make())]
    return f"{len(DOCUMENTS)} hostile metadata documents: media archived each time, 0 workers lost", wrong


# --- the command -----------------------------------------------------------------------------------------------------


def prove_locations(first: int, cases: int) -> tuple[str, list[str]]:
    """Return the guard against four parsers."""
    counts, differences = fuzzed(first, cases)
    told = f"{cases:,} locations, {counts['accepted']:,} accepted: 0 differences among urllib, urllib3, yarl and httpx"
    return f"{told} ({counts['read in several ways']:,} refused ones have more than one host)", differences


def print_hostile(first: int, cases: int) -> int:
    """Run all parts, one line of figures each; 1 when something got through."""
    from dev.prove.bombs import prove_bombs  # the adapter and a TLS server, which no other part needs

    begun, found = time.monotonic(), 0
    parts: list[Callable[[], tuple[str, list[str]]]] = [
        prove_forged,
        lambda: prove_locations(first, cases),
        lambda: prove_ids(first, cases // 10),
        prove_documents,
        prove_bombs,
    ]
    for part in parts:
        told, wrong = part()
        found += len(wrong)
        print(f"  {told}" if not wrong else "\n".join(f"VIOLATION: {what}" for what in wrong[:5]), flush=True)
    if not found:
        print(f"hostile: seed {first}; in {time.monotonic() - begun:.0f} s, 0 violations", flush=True)
    return min(found, 1)
