"""A night on call: six troubles at three in the morning, seen on every face, mended one after the other, over.

The app's own use cases run over an in-memory world, whose clock skips what would be waited for: events are ingested,
workers copy, reconcile comes by every five minutes for a day and a night. Nothing is written into the tables by hand.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task, wav
from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.world import WitnessedSource, World
from dev.story.alerts import HeardLog
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkTask
from recording.errors import SourceBusyError, SourceRefusedError
from recording.operate.scrub import scrub

BEGINS = datetime(2026, 11, 24, 0, 50, tzinfo=UTC)
THREE = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # in Berlin


class NightSource(WitnessedSource):
    """ACS's storage, of which some files cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: dict[str, Callable[[], Exception]] = {}

    @contextmanager
    def open_content(self, location: str, first: int = 0, length: int | None = None) -> Iterator[FakeContent]:
        if location in self.refusals:
            raise self.refusals[location]()
        with super().open_content(location, first, length) as content:
            yield content


@dataclass
class Night:
    """The world of the night, and the recordings in it by what becomes of them."""

    source: NightSource = field(default_factory=NightSource)
    tasks: dict[str, ChunkTask] = field(default_factory=dict)
    missing_id: str = ""

    def __post_init__(self) -> None:
        self.here = World(source=self.source)

    def until(self, time: datetime) -> None:
        """Let the world run."""
        hours = (time - self.here.now) / timedelta(hours=1)
        self.here.runs(hours=hours, until_quiet=False)

    def name_of(self, trouble: str) -> str:
        """Return how a person names what is in trouble."""
        return short_id(self.missing_id if trouble == "missing" else self.tasks[trouble].recording_id)

    def arrives(self, trouble: str, media: bytes | None = None, why: Callable[[], Exception] | None = None) -> None:
        """End a recording of this hour, and let Event Grid announce its one file."""
        made = self.made(trouble)
        self.here.holds(made, media)
        if why is not None:
            self.source.refusals[made.content_location] = why
        self.announce(made)

    def announce(self, made: ChunkTask) -> None:
        """Event Grid delivers the event of a file."""
        number = int(made.document_id[-4:], 16)
        self.here.announces(
            event(
                chunk(0, document_id(number)),
                id=f"event-{number}",
                subject=f"/recording/call/{made.call_id}/serverCallId/x/recordingId/{made.recording_id}",
                eventTime=self.here.now.isoformat(),
                data={"recordingStartTime": (self.here.now - timedelta(minutes=4)).isoformat()},
            )
        )

    def made(self, trouble: str, recording_id: str | None = None) -> ChunkTask:
        number = len(self.tasks) + 1
        recording_id = recording_id or f"{RECORDING_ID[:-4]}{trouble[:2]}{number:02d}"
        made = task(0, document_id(number), recording_id=recording_id)
        self.tasks[trouble] = made
        return made


def at_three(log: HeardLog | None = None) -> Night:
    """Return the night at three o'clock: a day has gone by, and six things went wrong in it."""
    night = Night()
    if log is not None:
        log.follows(lambda: night.here.now)
    night.here.fakes.clock.advance(seconds=(BEGINS - night.here.now).total_seconds())
    night.arrives("lost", why=lambda: SourceRefusedError("403"))
    night.until(THREE - timedelta(hours=23, minutes=30))
    night.arrives("at risk", why=lambda: SourceRefusedError("403"))
    night.until(THREE - timedelta(hours=14))
    night.arrives("suspect", media=wav()[:-1000])
    night.until(THREE - timedelta(hours=2))
    night.here.forgets(night.tasks["lost"])
    night.source.refusals.pop(night.tasks["lost"].content_location)
    scrub(night.here.ports, night.here.settings)
    night.arrives("archived")
    _records_without_a_file(night)
    night.until(THREE - timedelta(hours=1, minutes=10))
    night.arrives("stuck", why=lambda: SourceBusyError("503"))
    night.until(THREE - timedelta(minutes=5))
    _forges(night)
    night.until(THREE)
    return night


def _records_without_a_file(night: Night) -> None:
    """A recording that was started here ends, and nobody announces its file."""
    body = {"serverCallId": "c2VydmVyLWNhbGw", "format": "wav", "tags": {"order": "1043"}}
    started = start_recording(body, "night-1043", "crm", night.here.ports, night.here.settings)
    night.missing_id = started["recordingId"]
    stop_recording(night.missing_id, night.here.ports)


def _forges(night: Night) -> None:
    """An event that leads to a host which is not Microsoft's."""
    evil = chunk(7, document_id(7), contentLocation="https://storage.asm.skype.com.evil.example/v1/objects/x")
    subject = f"/recording/call/x/serverCallId/x/recordingId/{RECORDING_ID[:-4]}Zm9y"
    night.here.announces(event(evil, id="forged", subject=subject, eventTime=night.here.now.isoformat()))


@dataclass(frozen=True)
class Mend:
    """One thing that is put right: what happened outside, what the operator types, and what has become of it."""

    trouble: str
    story: str
    outside: Callable[[Night], None]
    command: Callable[[Night], str | None]


def mends() -> Iterator[Mend]:
    """Yield what the operator does, the most urgent first."""
    yield Mend(
        "at risk",
        "The identity had lost its role on the Communication Services resource. The role is assigned again, and the "
        "file with half an hour left is retried at once.",
        lambda night: _is_readable(night, "at risk"),
        lambda night: f'recordings retry {night.name_of("at risk")}/0 --note "the role on ACS is back"',
    )
    yield Mend(
        "stuck",
        "ACS answered 503 for an hour, and works again now.",
        lambda night: _is_readable(night, "stuck"),
        lambda night: f'recordings retry {night.name_of("stuck")}/0 --note "ACS is back"',
    )
    yield Mend(
        "missing",
        "Event Grid delivers the event after all. No command is needed.",
        _comes_after_all,
        lambda _: None,
    )
    yield Mend(
        "suspect",
        "ACS has served the same short file for fourteen hours. Quality assurance listened to it: the call was cut.",
        lambda _: None,
        lambda night: f'recordings accept {night.name_of("suspect")}/0 --yes --note "cut call; heard by QA"',
    )
    yield Mend(
        "refused",
        "The forged event is reported to security.",
        lambda _: None,
        lambda _: 'recordings dismiss --reason foreign_host --note "forged; reported to security"',
    )
    yield Mend(
        "lost",
        "ACS has forgotten the file of the first hour: the download was refused for a whole day. That is a separate "
        "incident, and its number goes into the audit trail.",
        lambda _: None,
        lambda night: f'recordings dismiss {night.name_of("lost")}/0 --note "lost; incident 4711, the caller knows"',
    )


def _is_readable(night: Night, trouble: str) -> None:
    night.source.refusals.pop(night.tasks[trouble].content_location)


def _comes_after_all(night: Night) -> None:
    made = night.made("late", night.missing_id)
    night.here.holds(made)
    night.announce(made)
