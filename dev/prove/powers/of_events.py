"""What is announced, and by which clock it is read: wrong indexes, backdated events, one instance ahead of the rest."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from dev.in_memory.builders import chunk, event
from dev.in_memory.world import WorkerDiedError
from dev.prove.powers.power import Power
from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.errors import RecordingError


@dataclass
class WrongClock(Power):
    """One of the instances has a clock that is a day ahead, or hours behind."""

    skew: timedelta = timedelta()
    is_over: bool = False

    def begin(self) -> None:
        """Choose by how much."""
        self.skew = timedelta(hours=self.dice.choice([25, 49, -3, 6]))

    def at_turn(self) -> None:
        """Let chance decide which instance gets the messages of this moment."""
        self.world.skew = self.skew if not self.is_over and self.dice.random() < 0.3 else timedelta()

    def end(self) -> None:
        """Mend the clock."""
        self.is_over, self.world.skew = True, timedelta()


@dataclass
class BackdatedFirst(Power):
    """Some chunks are announced with a time long ago, before they can be read; the true event comes hours later."""

    hours_of_trouble: ClassVar[float | None] = 4.0
    chosen: list[ChunkTask] = field(default_factory=list)
    reveals_at: datetime | None = None
    is_revealed: bool = False

    def begin(self) -> None:
        """Hide the files, and tell of them with a false time."""
        self.chosen = [made for made in self.tasks if self.dice.random() < 0.6]
        self.reveals_at = self.world.now + timedelta(hours=2)
        for made in self.chosen:
            self.world.source.objects.pop(made.content_location, None)
            self._announces(made, self.world.now - timedelta(hours=30))

    def tells(self, made: ChunkTask, facts: dict[str, Any]) -> dict[str, Any] | None:
        """Say nothing of these chunks by the ordinary way."""
        return None if made in self.chosen else facts

    def at_turn(self) -> None:
        """Show the files, and tell of them truly; a delivery that fails is made again."""
        if self.reveals_at is None or self.world.now < self.reveals_at:
            return
        for made in self.chosen if not self.is_revealed else []:
            self.world.source.objects[made.content_location] = self.world.truth[made.document_id][0]
        self.is_revealed = True
        self._tell_truly()

    def end(self) -> None:
        """Tell what was not told yet."""
        self.reveals_at = self.world.now
        self.at_turn()

    def excuses(self, record: ChunkRecord) -> bool:
        """Return whether the true event has not come yet: until then nothing is known but a deadline that is over."""
        return record.key in {made.key for made in self.chosen}

    def _tell_truly(self) -> None:
        for made in list(self.chosen):
            with suppress(RecordingError, WorkerDiedError):
                self._announces(made, made.event_time)
                self.chosen.remove(made)

    def _announces(self, made: ChunkTask, at: datetime) -> None:
        told = chunk(made.index, made.document_id)
        facts = {"recordingDurationMs": made.recording_duration_ms}
        self.world.announces(event(told, eventTime=at.isoformat(), id=f"{made.index} {at}", data=facts))


@dataclass
class TimelessByAWrongClock(Power):
    """Some chunks are announced without a time, to an instance a day behind, an hour before they can be read.

    By its clock their deadline is over, and ACS answers "not found" for as long as it would take to prove that.
    """

    chosen: list[ChunkTask] = field(default_factory=list)
    shows_at: datetime | None = None

    def begin(self) -> None:
        """Hide the files and tell of them."""
        self.shows_at = self.world.now + timedelta(hours=1)
        self.chosen = [made for made in self.tasks if self.dice.random() < 0.5]
        self.world.skew = -timedelta(hours=25)
        for made in self.chosen:
            self.world.source.objects.pop(made.content_location, None)
            facts = {"recordingDurationMs": made.recording_duration_ms, "recordingStartTime": None}
            told = chunk(made.index, made.document_id)
            self.world.announces(event(told, eventTime=None, id=f"timeless {made.index}", data=facts))
        self.world.skew = timedelta()

    def tells(self, made: ChunkTask, facts: dict[str, Any]) -> dict[str, Any] | None:
        """Say nothing of these chunks by the ordinary way."""
        return None if made in self.chosen else facts

    def at_turn(self) -> None:
        """Show the files, unless ACS has forgotten them meanwhile."""
        if self.shows_at is None or self.world.now < self.shows_at:
            return
        self.shows_at = None
        for made in self.chosen if self.world.now < self.tasks[0].expires_at else []:
            self.world.source.objects[made.content_location] = self.world.truth[made.document_id][0]

    def end(self) -> None:
        """Show them now."""
        self.shows_at = self.shows_at and self.world.now
        self.at_turn()


@dataclass
class WrongIndexFirst(Power):
    """Some files are announced under a wrong index of their recording before they are announced truly."""

    OFFSET: ClassVar[int] = 50  # between a true index and a wrong one
    chosen: set[str] = field(default_factory=set)  # documents
    over_at: datetime | None = None

    def begin(self) -> None:
        """Announce them."""
        for made in self.tasks:
            if self.dice.random() < 0.5:
                self.chosen.add(made.document_id)
                told = chunk(made.index + self.OFFSET, made.document_id)
                facts = {"recordingDurationMs": made.recording_duration_ms}
                self.world.announces(event(told, id=f"wrong {made.index}", data=facts))

    def end(self) -> None:
        """Note when metadata could be had."""
        self.over_at = self.world.now

    def excuses(self, record: ChunkRecord) -> bool:
        """Return whether the trouble lasted so long that no metadata could decide."""
        return record.task.document_id in self.chosen and self._is_too_late(record.task)

    def excuses_absence(self, made: ChunkTask) -> bool:
        """Return the same for the true index, of which there is an entry in quarantine then."""
        kept = self.world.fakes.quarantine.kept.values()
        is_held = any(entry.reason == "duplicate_document" and made.document_id in entry.payload for entry in kept)
        return is_held and made.document_id in self.chosen and self._is_too_late(made)

    def _is_too_late(self, made: ChunkTask) -> bool:
        return self.over_at is None or self.over_at >= made.expires_at - timedelta(hours=2)
