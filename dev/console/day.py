"""A made-up day of a contact centre in memory: recordings with real media, and what goes wrong on such a day.

The media is rendered, announced, archived and proven by the app's own line over fakes, so that every fact, pause and
digest on the screens is a true one.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dev.contact_centre import recordings
from dev.in_memory.builders import CALL_ID, RECORDING_ID, RESOURCE, chunk, document_id, event, task
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.catalog import FakeCatalog
from dev.in_memory.fakes.library import FakeDirectory
from dev.in_memory.troubles import at_risk, suspect
from dev.in_memory.world import World, world
from dev.media.metadata import ChunkFacts, Pause, metadata_document
from dev.media.render import render
from dev.media.spec import MediaSpec
from recording.domain.find.directory import IndexRow, row_key
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched.expectation import Expectation
from recording.ports import Unreadable

LEILA = "8:acs:0ca7a121-0000-4f0b-9d2a-000000000000_00000001-cafe-cafe-cafe"
OMAR = "8:acs:0ca7a121-0000-4f0b-9d2a-000000000000_00000002-cafe-cafe-cafe"
CALLER = "4:+15550107788"
THOUSAND, SPAN, AGAIN = 1_000, timedelta(seconds=8_640), "--again-"
OTHERS = tuple(f"4:+1555010{number}" for number in (2200, 3300, 4400))


@dataclass(frozen=True)
class Part:
    """One chunk: when it begins after the recording, and its pauses (begin in the chunk, length), in seconds."""

    spec: MediaSpec
    begins: float = 0.0
    pauses: tuple[tuple[float, float], ...] = ()
    index: int = 0


@dataclass(frozen=True)
class Call:
    """One recorded call."""

    name: str
    ago: timedelta
    people: tuple[str, ...]
    parts: tuple[Part, ...]
    tags: dict[str, str] = field(default_factory=dict)
    consent: dict[str, Any] | None = None


def spec(channel: str, form: str, seconds: float, people: int = 2, seed: int = 1) -> MediaSpec:
    """Return what a file is to be, as ACS documents it."""
    content = "audioVideo" if form == "mp4" else "audio"
    names = tuple(f"Speaker {number}" for number in range(people))
    return MediaSpec(content, channel, form, round(seconds * 1000), names, seed=seed)  # type: ignore[arg-type]


CONSENT = {"basis": "consent", "given": True, "recordedAt": "2026-11-23T08:10:04Z", "method": "spoken at the start"}
CALLS = (
    Call("mp3", timedelta(minutes=44), (CALLER, LEILA), (Part(spec("mixed", "mp3", 96), 0, ((31, 18),)),),
         {"order": "1042", "queue": "returns"}, CONSENT),
    Call("unmixed", timedelta(minutes=95), (LEILA, OMAR, CALLER), (Part(spec("unmixed", "wav", 40, 3, seed=5)),),
         {"case": "C-7731", "customer": "ليلى حدّاد"}),
    Call("five", timedelta(hours=2), (LEILA, OMAR, CALLER, OTHERS[0], OTHERS[1]),
         (Part(spec("unmixed", "wav", 20, 5, seed=9)),), {"case": "C-7730", "customer": "יעל כהן"}),
    Call("wav", timedelta(hours=3), (OTHERS[2], OMAR), (Part(spec("mixed", "wav", 30, seed=3)),), {"order": "1039"}),
    Call("mp4", timedelta(hours=4), (LEILA, CALLER), (Part(spec("mixed", "mp4", 12, seed=4)),), {"visit": "showroom"}),
    Call("long", timedelta(hours=6), (OTHERS[0], OMAR), (
        Part(spec("mixed", "mp3", 60, seed=11), 0),
        Part(spec("mixed", "mp3", 45, seed=12), 60, ((20, 10),), index=1),
        Part(spec("mixed", "mp3", 30, seed=13), 145, (), index=3),
    ), {"order": "1017", "queue": "night desk"}),
)  # fmt: skip


@dataclass
class Day:
    """A day, and the ids of its recordings by what they stand for."""

    world: World
    ids: dict[str, str]

    @property
    def now(self) -> datetime:
        """Return the time of the day."""
        return self.world.now


def quiet_day() -> Day:
    """Return a day on which nothing has happened yet."""
    return Day(_world(), {})


def busy_day(background: int = 0, now: datetime | None = None) -> Day:
    """Return a day with the calls above, what needs attention, and so many more recordings without media.

    Args:
        background: how many more.
        now: when it is, for people who look at it; None: the time of all tests.
    """
    here = _world()
    if now is not None:
        here.fakes.clock.advance(seconds=(now - here.now).total_seconds())
    ids = {call.name: recording_id_of(call.name) for call in CALLS}
    for number, call in enumerate(CALLS):
        record_call(here, call, number)
    here.runs(hours=0.25, until_quiet=False)
    ids |= _trouble(here)
    _control(here)
    if background:
        fill(here, background)
    return Day(here, ids)


def fill(here: World, count: int) -> None:
    """Put so many recordings of a contact centre into catalog and directory, the last one just now."""
    span = timedelta(seconds=86_400 * count / 10_000)
    key = here.fakes.index_keys.keys().current
    rows: list[IndexRow] = []
    for made in recordings(count, key, here.now - span):
        here.fakes.catalog.add_recording(made.recording)
        here.fakes.catalog.add_chunk(made.chunk)
        rows += made.rows
    _directory(here).put_many(rows)


def crowd(here: World, count: int) -> None:
    """Put so many recordings before the last ones: every thousand is the first thousand again, some hours earlier.

    Only their index rows by time and participant are made; the recordings themselves when somebody asks for one.
    """
    fill(here, THOUSAND)
    directory = _directory(here)
    base = [row for row in directory.rows.values() if row.partition.startswith(("t!", "p!"))]
    directory.put_many([_earlier(row, times) for times in range(1, count // THOUSAND) for row in base])


def _directory(here: World) -> "QuickDirectory":
    if not isinstance(here.fakes.directory, QuickDirectory):
        raise TypeError("the world is not one of this module")
    return here.fakes.directory


def _earlier(row: IndexRow, times: int) -> IndexRow:
    begins, again = row.started_at - times * SPAN, f"{row.recording_id}{AGAIN}{times}"
    return IndexRow(
        row.partition, row_key(begins, again), again, begins, row.duration_ms, row.length_bytes, row.formats, row.marks
    )


class QuickCatalog(FakeCatalog):
    """A catalog of a hundred thousand recordings: finds the chunks of one without walking over all."""

    def __init__(self) -> None:
        super().__init__()
        self.by_recording: dict[str, set[Any]] = {}

    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        """Return a recording; one of the crowd is made when it is asked for."""
        name, _, times = recording_id.partition(AGAIN)
        found = super().get_recording(name)
        if not times or found is None or found.facts is None:
            return found
        begins = found.facts.started_at - int(times) * SPAN
        placement = found.placement and found.placement.model_copy(update={"row_key": row_key(begins, recording_id)})
        facts = found.facts.model_copy(update={"started_at": begins})
        return found.model_copy(update={"recording_id": recording_id, "facts": facts, "placement": placement})

    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        """Return recordings, each as `get_recording` does."""
        return [self.get_recording(recording_id) for recording_id in recording_ids]

    def _add(self, rows: Any, key: Any, made: Any) -> bool:
        if isinstance(made, ChunkRecord):
            self.by_recording.setdefault(made.task.recording_id, set()).add(key)
        return super()._add(rows, key, made)

    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        """Return the chunks of a recording in their order."""
        found = [self.chunks[key] for key in self.by_recording.get(recording_id, ())]
        return sorted(found, key=lambda one: (one.task.index, one.task.document_id))

    def chunk_rows_of(self, recording_id: str) -> list[ChunkRecord | Unreadable]:
        """Return the same; where a test has said so, as rows that cannot be read."""
        return [self._chunk_row(key) for key in sorted(self.by_recording.get(recording_id, ()))]


class QuickDirectory(FakeDirectory):
    """A directory that takes a million rows at once: sorted when all are there."""

    def put_many(self, rows: Sequence[IndexRow]) -> None:
        """Put rows."""
        self.rows |= {(row.partition, row.row_key): row for row in rows}
        self._order = sorted(self.rows)


class DiskArchive(FakeArchive):
    """An archive whose largest blobs are files of this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, Path] = {}

    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        """Return a part of a blob, and how long the whole is."""
        if name not in self.files:
            return super().read_range(name, first, length)
        with self.files[name].open("rb") as file:
            file.seek(first)
            return file.read(length), self.files[name].stat().st_size


def _world() -> World:
    here = world(platform_auth=True)
    here.fakes = replace(here.fakes, catalog=QuickCatalog(), directory=QuickDirectory(), archive=DiskArchive())
    return here


def recording_id_of(name: str) -> str:
    """Return the id of a made-up recording."""
    return f"{RECORDING_ID[:-8]}{name:_<8}"


def record_call(here: World, call: Call, number: int) -> None:
    """Let a call be recorded and announced; the line archives it when the world runs."""
    began, recording_id = here.now - call.ago, recording_id_of(call.name)
    here.fakes.catalog.add_recording(
        RecordingRecord(
            recording_id=recording_id,
            started_here=True,
            started_at=began,
            started_by="crm",
            request={"tags": call.tags},
            consent=call.consent,
        )
    )
    chunks = []
    for part in call.parts:
        document = document_id(100 * (number + 1) + part.index)
        begins = began + timedelta(seconds=part.begins)
        of = task(part.index, document, recording_id=recording_id, call_id=_call_id(number))
        here.holds(of, rendered(part.spec), _document(call, part, document, begins, number))
        chunks.append(chunk(part.index, document, endReason="SessionEnded"))
    form = call.parts[0].spec
    here.announces(
        event(
            *chunks,
            id=f"event-{call.name}",
            eventTime=(began + timedelta(seconds=200)).isoformat(),
            subject=f"/recording/call/{_call_id(number)}/serverCallId/{call.name}/recordingId/{recording_id}",
            data={
                "recordingStartTime": began.isoformat(),
                "recordingDurationMs": sum(part.spec.duration_ms for part in call.parts),
                "recordingContentType": form.content,
                "recordingChannelType": form.channel,
                "recordingFormatType": form.format,
            },
        )
    )


def _call_id(number: int) -> str:
    return f"{CALL_ID[:-2]}{number:02d}"


def _document(call: Call, part: Part, document: str, begins: datetime, number: int) -> bytes:
    pauses = tuple(Pause(begins + timedelta(seconds=at), round(length * 1000)) for at, length in part.pauses)
    facts = ChunkFacts(RESOURCE, _call_id(number), document, part.index, begins, call.people, pauses)
    return metadata_document(part.spec, facts)


@cache
def rendered(form: MediaSpec) -> bytes:
    """Return the bytes of media."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"media.{form.format}"
        render(form, path)
        return path.read_bytes()


# --- what goes wrong -------------------------------------------------------------------------------------------------


def _trouble(here: World) -> dict[str, str]:
    """Put in one recording at risk, one missing and one suspect, and a forged event."""
    ids = {name: recording_id_of(name) for name in ("at_risk", "missing", "suspect", "forged")}
    for name, order, hours in (("at_risk", "1031", 23), ("missing", "1032", 9), ("suspect", "1033", 5)):
        here.fakes.catalog.add_recording(_started(here, ids[name], order, hours, is_missing=name == "missing"))
    for made in (at_risk(here, ids["at_risk"], timedelta(minutes=42)), suspect(here, ids["suspect"])):
        here.fakes.catalog.add_chunk(made)
    (cut,) = suspect(here, ids["suspect"]).suspects
    sound = memoryview(rendered(spec("mixed", "wav", 30, seed=3)))[: cut.length_bytes]
    here.fakes.archive.put_media(cut.blob_name, sound, "audio/wav", {})
    for name in ("at_risk", "missing", "suspect"):
        here.fakes.follow_ups.send(ids[name])
    subject = f"/recording/call/x/serverCallId/x/recordingId/{ids['forged']}"
    forged = chunk(7, document_id(7), contentLocation="https://evil.example.org/x")
    here.announces(event(forged, id="forged", subject=subject))
    here.follows_up()
    return ids


def _started(here: World, recording_id: str, order: str, hours: int, *, is_missing: bool) -> RecordingRecord:
    return RecordingRecord(
        recording_id=recording_id,
        started_here=True,
        started_at=here.now - timedelta(hours=hours),
        started_by="crm",
        request={"tags": {"order": order}},
        ended_seen_at=here.now - timedelta(hours=8) if is_missing else None,
        missing_since=here.now - timedelta(hours=3) if is_missing else None,
        stands=Expectation.MISSING if is_missing else None,
    )


def _control(here: World) -> None:
    """Let one recording run, as ACS says."""
    here.fakes.control.states[recording_id_of("running")] = "active"
