"""Exhaustive crash points: a worker dies, or a rival steps in, before and after every port call there is.

A plan is one small story from the event to the last delete. Its calm run is counted call by call; then it is lived
again with trouble at each point, and at each pair of points. However it went, the end must be the picture of the calm
run, and the witness beside each DELETE must have seen nothing wrong.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from dev.in_memory.builders import CONTAINER, chunk, cloud_event, document_id, event, metadata, task, wav
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from dev.prove.picture import picture
from recording.domain.state.chunk import ChunkTask
from recording.errors import RecordingError, SourceBusyError, StorageRefusedError
from recording.ports import DeadLetter

SHORT = {"recordingDurationMs": 20}
OWN_MEDIA, OWN_METADATA = f"{CONTAINER}/a/0.wav", f"{CONTAINER}/a/0.json"
_HOURS = 6.0


class Trouble(StrEnum):
    """What happens at a point."""

    DEATH_BEFORE = "death before"  # the worker dies before the call has any effect
    DEATH_AFTER = "death after"  # it dies after the effect, and nobody hears the answer
    RIVAL = "rival"  # another worker has its whole turn in between
    ZOMBIE = "zombie"  # the same, after the claim of the first has ended; then the first goes on


DEATHS = (Trouble.DEATH_BEFORE, Trouble.DEATH_AFTER)
Point = tuple[int, Trouble]


@dataclass(frozen=True)
class Plan:
    """One story: what the world holds, and what comes to the app from outside."""

    name: str
    build: Callable[[], World]
    arrive: Callable[[World], None]


@dataclass
class Outcome:
    """One life: how many port calls it had, and how it ended."""

    calls: int
    picture: dict[str, Any]
    violations: list[str] = field(default_factory=list)


def live(plan: Plan, *points: Point) -> Outcome:
    """Return one life of a plan with trouble at these points.

    The calls are counted from 1, in the life as it is then.
    """
    here = plan.build()
    found = Outcome(0, {})
    rivals = 0

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal rivals
        if rivals:  # the rival's own calls are not points: it is a clean second worker
            return None, False
        found.calls += 1
        trouble = next((what for call, what in points if call == found.calls), None)
        if trouble in DEATHS:
            return WorkerDiedError("the process is gone"), trouble is Trouble.DEATH_AFTER
        if trouble is not None:
            rivals += 1
            _second_worker(here, is_late=trouble is Trouble.ZOMBIE)
            rivals -= 1
        return None, False

    intercept(here, decide)
    try:
        plan.arrive(here)
        _goes_on(here)
    except AssertionError as error:
        found.violations.append(str(error))
    leave_alone(here)
    found.picture = picture(here)
    return found


def _second_worker(here: World, *, is_late: bool) -> None:
    if is_late:
        here.fakes.clock.advance(minutes=6)
    known = sorted(here.fakes.catalog.chunks.values(), key=lambda record: record.task.index)
    for record in known:
        here.delivers(record.task)


def _goes_on(here: World) -> None:
    """Messages are delivered and the timer fires until all is quiet; a timer that dies fires again later."""
    end = here.now + timedelta(hours=_HOURS)
    while here.now < end:
        with suppress(WorkerDiedError, RecordingError):
            here.runs(hours=(end - here.now).total_seconds() / 3600)
        if not here.fakes.queue.sent and not here._is_unfinished():
            with suppress(WorkerDiedError, RecordingError):
                here.reconciles()
                return
        here.fakes.clock.advance(minutes=5)


# --- the plans -------------------------------------------------------------------------------------------------------


def _tell(here: World, envelope: dict[str, Any]) -> None:
    """Event Grid delivers until the app takes it."""
    while True:
        try:
            here.announces(envelope)
        except (RecordingError, WorkerDiedError):
            here.fakes.clock.advance(seconds=30)
            continue
        return


def _short(number: int) -> ChunkTask:
    return task(number, document_id(number), recording_duration_ms=20)


def _media(number: int) -> bytes:
    whole = wav(20, sample=bytes([number + 1, 7]))
    return whole[:28] + bytes(4) + whole[32:]  # an odd byte rate: a remark that no death may lose


def _with(*numbers: int, document: bytes | None = None, **changes: Any) -> World:
    here = world(pool=one_thread_pool(), **changes)
    for number in numbers:
        made = _short(number)
        here.holds(made, _media(number), metadata(made, chunkDuration=20) if document is None else document)
    return here


def _one() -> dict[str, Any]:
    return event(chunk(), data=SHORT)


def _plain(here: World) -> None:
    _tell(here, _one())


def _both_doors(here: World) -> None:
    _tell(here, _one())
    _tell(here, cloud_event(chunk(), data=SHORT))


def _two_chunks(here: World) -> None:
    first = chunk(0, endReason="ChunkMaximumSizeExceeded")
    _tell(here, event(first, chunk(1), data=SHORT))


def _six_files_of_one_event(here: World) -> None:
    last = {5: "SessionEnded"}
    files = [chunk(number, endReason=last.get(number, "ChunkMaximumSizeExceeded")) for number in range(6)]
    _tell(here, event(*files, data=SHORT))


def _late_metadata() -> World:
    return _with(0, document=b"")


def _metadata_comes(here: World) -> None:
    _tell(here, _one())
    with suppress(WorkerDiedError, RecordingError):
        here.runs(hours=0.01)
    here.holds(_short(0), _media(0), metadata(_short(0), chunkDuration=20))


def _source_fails_first(here: World) -> None:
    here.source.fail_next("open_content", SourceBusyError("503"))
    _tell(here, _one())


def _message_lost(here: World) -> None:
    _tell(here, _one())
    here.fakes.queue.sent.clear()


def _poisoned(here: World) -> None:
    here.fakes.queue.poison_event(json.dumps(_one()))


def _lost_and_poisoned(here: World) -> None:
    _tell(here, event(chunk(0, endReason="ChunkMaximumSizeExceeded"), data=SHORT))
    here.fakes.queue.sent.clear()
    folder = here.record(_short(0)).task.folder
    here.fakes.queue.poison(_short(1).model_copy(update={"folder": folder}).model_dump_json())
    here.fakes.queue.poison("no task")
    here.fakes.clock.advance(minutes=11)
    _timer_alone(here)


def _blocks() -> World:
    return _with(0, copy_block_bytes=256, copy_slots=2)


def _external() -> World:
    here = world(pool=one_thread_pool())
    here.fakes.external.objects |= {OWN_MEDIA: _media(0), OWN_METADATA: metadata(_short(0), chunkDuration=20)}
    return here


def _external_event(here: World) -> None:
    own = chunk(0, contentLocation=OWN_MEDIA, metadataLocation=OWN_METADATA, deleteLocation=None)
    _tell(here, event(own, data={**SHORT, "storageType": "BlobStorage"}))


def _letter() -> World:
    here = _with(0)
    letter = DeadLetter("voice/TO-QUEUE/a.json", json.dumps([_one()]), here.now)
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(letter))
    return here


def _timer_alone(here: World) -> None:
    with suppress(WorkerDiedError, RecordingError):
        here.reconciles()


def _fallback() -> World:
    here = _with(0, fallback_after=timedelta(minutes=1))
    object.__setattr__(here.fakes, "fallback", FakeArchive())
    return here


def _archive_refuses(here: World) -> None:
    for method in ("put_media", "put_once"):
        here.fakes.archive.fail_next(method, StorageRefusedError("403"), times=6)
    _tell(here, _one())


PLANS = [
    Plan("plain", lambda: _with(0), _plain),
    Plan("both doors", lambda: _with(0), _both_doors),
    Plan("two chunks", lambda: _with(0, 1), _two_chunks),
    Plan("several blocks", _blocks, _plain),
    Plan("six files of one event", lambda: _with(*range(6)), _six_files_of_one_event),
    Plan("late metadata", _late_metadata, _metadata_comes),
    Plan("source fails first", lambda: _with(0), _source_fails_first),
    Plan("message lost", lambda: _with(0), _message_lost),
    Plan("poisoned event", lambda: _with(0), _poisoned),
    Plan("lost and poisoned tasks", lambda: _with(0, 1), _lost_and_poisoned),
    Plan("dead letter", _letter, _timer_alone),
    Plan("external storage", _external, _external_event),
    Plan("second destination", _fallback, _archive_refuses),
]


# --- the points ------------------------------------------------------------------------------------------------------


def single_points(plan: Plan) -> Iterator[Point]:
    """Yield every point of the calm life, with every trouble."""
    for call in range(1, live(plan).calls + 1):
        yield from ((call, trouble) for trouble in Trouble)


def pairs(plan: Plan, one_in: int = 1) -> Iterator[tuple[Point, Point]]:
    """Yield a death at every point, or at one in so many, and a second one at every later point of that life."""
    for call in range(1, live(plan).calls + 1, one_in):
        for first in DEATHS:
            length = live(plan, (call, first)).calls
            for later in range(call + 1, length + 1):
                yield from (((call, first), (later, second)) for second in DEATHS)


def differences(plan: Plan, calm: dict[str, Any], *points: Point) -> list[str]:
    """Return what is wrong with the life that has trouble at these points; nothing, if all is well."""
    found = live(plan, *points)
    other = [name for name in calm if found.picture[name] != calm[name]]
    return found.violations + [f"{name}: {found.picture[name]!r:.300}, and calm {calm[name]!r:.300}" for name in other]
