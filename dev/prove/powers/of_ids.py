"""Two files of one document's id: ACS may give several files with the same ids, and each is a recording of its own."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from dev.in_memory.builders import chunk, document_id, event, location, wav
from dev.in_memory.world import WorkerDiedError
from dev.prove.powers.power import Power
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask
from recording.domain.state.transitions import is_archived
from recording.errors import RecordingError


@dataclass
class TwoFilesOfOneId(Power):
    """Some documents have a second file at a place of its own: of another chunk, or of the very same one.

    The event of the second file comes at once or minutes later, and either file may be there later than its event.
    """

    hours_of_trouble: ClassVar[float | None] = 5.0
    OFFSET: ClassVar[int] = 20  # between the index of a document's first file and that of its second one
    media: dict[str, bytes] = field(default_factory=dict)  # of both files of a document, by location
    seconds: list[ChunkTask] = field(default_factory=list)
    untold: list[tuple[datetime, ChunkTask]] = field(default_factory=list)
    hidden: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)  # when a file appears, by location
    ended_at: datetime | None = None

    def begin(self) -> None:
        """Make the second files, and hide some."""
        for made in self.tasks:
            if self.dice.random() < 0.5:
                self._make_second(made)

    def _make_second(self, made: ChunkTask) -> None:
        index = made.index + (self.OFFSET if self.dice.random() < 0.6 else 0)
        place = location(document_id(200 + made.index))
        second = with_changes(
            made, {"index": index, "content_location": place, "metadata_location": None, "delete_location": None}
        )
        self.world.holds(second, wav(20, sample=bytes([made.index + 100, 9])), b"")
        self.seconds.append(second)
        objects, now = self.world.source.objects, self.world.now
        self.untold.append((now + timedelta(minutes=self.dice.choice([0, 1, 40, 150])), second))
        self.media[made.content_location] = self.world.truth[made.document_id][0]
        self.media[place] = objects[place]
        late = self.dice.choice([None, made.content_location, *[second.content_location] * 2])
        if late is not None and objects.get(late) == self.media[late]:  # no other power is about it
            self.hidden[late] = now + timedelta(minutes=self.dice.choice([20, 200, 290])), objects.pop(late)

    def at_turn(self) -> None:
        """Tell of the files whose time has come, and show them; a delivery that fails is made again."""
        for place, (at, media) in list(self.hidden.items()):
            if at <= self.world.now:
                self.world.source.objects.setdefault(place, media)
                del self.hidden[place]
        for at, second in list(self.untold):
            if at <= self.world.now:
                with suppress(RecordingError, WorkerDiedError):
                    self._announce(second)
                    self.untold.remove((at, second))
        for second in self.seconds:
            if self.world.now >= second.expires_at:
                self.world.forgets(second)

    def _announce(self, second: ChunkTask) -> None:
        place = {"contentLocation": second.content_location, "metadataLocation": None, "deleteLocation": None}
        told = chunk(second.index, second.document_id, **place)
        facts = {"recordingDurationMs": second.recording_duration_ms}
        self.world.announces(event(told, id=f"second {second.index}", data=facts))

    def end(self) -> None:
        """Tell and show what is left."""
        self.ended_at = now = self.world.now
        self.untold = [(now, second) for _, second in self.untold]
        self.hidden = {place: (now, media) for place, (_, media) in self.hidden.items()}
        self.at_turn()

    def owns(self, record: ChunkRecord) -> bool:
        """Return whether it is a second file's chunk, or one for which two files contend."""
        return record.key in {second.key for second in self.seconds}

    def excuses(self, record: ChunkRecord) -> bool:
        """Return whether `faults` judges a chunk, or it is a third name of a document for which two files contend."""
        contended = {second.document_id for second in self.seconds if second.index < self.OFFSET}
        return self.owns(record) or record.task.document_id in contended

    def faults(self) -> list[str]:
        """Return what is wrong with these chunks: each file is archived, unless ACS forgot it meanwhile."""
        return [fault for second in self.seconds for fault in self._faults_of(second)]

    def _faults_of(self, second: ChunkTask) -> list[str]:
        records = [one for one in self.world.fakes.catalog.chunks.values() if one.key == second.key]
        if not records:
            return [f"I2: the second file of chunk {second.index} was announced and is not known"]
        is_contended = second.index < self.OFFSET
        if not is_contended and is_archived(records[0]):
            stored = self.world.fakes.archive.blobs[records[0].blob_name or ""].data
            is_own = stored == self.media[second.content_location]
            return [] if is_own else [f"I3: chunk {second.index} is archived with another file's bytes"]
        if self.ended_at is None or self.ended_at >= second.expires_at - timedelta(hours=2):
            return []
        if not is_contended:
            return [f"I9: chunk {second.index} rests in {records[0].state}"]
        kept = set(self.world.media_blobs(second.document_id).values())
        both = {second.content_location, location(second.document_id)}
        lost = [place for place in sorted(both) if self.media[place] not in kept]
        is_settled = records[0].state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)
        faults = [f"I3: of the files of chunk {second.index}, {len(lost)} are not in the archive"] if lost else []
        return faults if is_settled else [*faults, f"I9: chunk {second.index} rests in {records[0].state}"]
