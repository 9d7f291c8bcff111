"""What ACS answers: wrong bodies, files that are not there yet or still grow, redirects and delete locations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

from dev.in_memory.builders import MP3_FRAME, metadata, mp3
from dev.in_memory.hand import ERRORS_AS_METADATA, WRONG_BODIES, serve_wrongly
from dev.prove.powers.power import Power
from recording.domain.state.chunk import ChunkTask


@dataclass
class _UntilATime(Power):
    """A trouble that is over once its time is up."""

    until: datetime | None = None

    def at_turn(self) -> None:
        """End the trouble once its time is up."""
        if self.until is not None and self.world.now >= self.until:
            self.end()


@dataclass
class _ServesWrongly(_UntilATime):
    """ACS serves something else in place of some documents, until a time."""

    ends: list[Callable[[], None]] = field(default_factory=list)

    def end(self) -> None:
        """Serve the truth."""
        while self.ends:
            self.ends.pop()()


@dataclass
class SteadyWrongBody(_ServesWrongly):
    """For minutes or hours ACS's front serves something else for some chunks, well formed and with lengths to match."""

    def begin(self) -> None:
        """Choose the chunks, the body and the time."""
        wrong = self.dice.choice(WRONG_BODIES)
        for made in self.tasks:
            if made.content_location in self.world.source.objects and self.dice.random() < 0.9:
                self.ends.append(serve_wrongly(self.world.source, made.content_location, wrong))
        self.until = self.world.now + timedelta(minutes=self.dice.choice([1, 5, 20, 90, 300, 300]))


@dataclass
class ErrorAsMetadata(_ServesWrongly):
    """For minutes or hours ACS tells an error with 200 in place of some chunks' metadata."""

    def begin(self) -> None:
        """Choose the chunks, an error for each, and the time."""
        for made in self.tasks:
            if self.dice.random() < 0.7:
                wrong = self.dice.choice(ERRORS_AS_METADATA)
                self.ends.append(serve_wrongly(self.world.source, made.metadata_location or "", wrong))
        self.until = self.world.now + timedelta(minutes=self.dice.choice([1, 5, 20, 90, 300]))


@dataclass
class NotThereYet(_UntilATime):
    """Files are announced before they can be read: "not found" for minutes or hours."""

    hidden: list[ChunkTask] = field(default_factory=list)

    def begin(self) -> None:
        """Hide some of the files."""
        self.hidden = [made for made in self.tasks if self.dice.random() < 0.5]
        for made in self.hidden:
            self.world.source.objects.pop(made.content_location, None)
        self.until = self.world.now + timedelta(minutes=self.dice.choice([1, 10, 60, 240]))

    def end(self) -> None:
        """Show the files, unless ACS has forgotten them meanwhile."""
        for made in self.hidden if self.world.now < self.tasks[0].expires_at else []:
            self.world.source.objects[made.content_location] = self.world.truth[made.document_id][0]
        self.hidden = []


@dataclass
class LongMemory(Power):
    """No file can be read until the deadline, ACS keeps them a day longer, and then says "not found" now and then."""

    memory: ClassVar[timedelta] = timedelta(hours=24)
    hours_of_trouble: ClassVar[float | None] = 30.0
    hidden: dict[str, bytes] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)  # one stale answer for each file: two apart would be proof
    has_answered: bool = False
    is_over: bool = False

    def begin(self) -> None:
        """Let ACS declare no length, so that nothing can be proved."""
        self.world.source.declared.update({made.content_location: None for made in self.tasks})

    def at_turn(self) -> None:
        """Let a stale replica answer for a moment past the deadline."""
        objects = self.world.source.objects
        if self.world.now >= self.tasks[0].expires_at:
            self.world.source.declared.clear()
        self._show()
        if self.world.now < self.tasks[0].expires_at or self.dice.random() < 0.5 or self.is_over:
            return
        made = self.dice.choice(self.tasks)
        if made.content_location in objects and made.content_location not in self.struck:
            self.struck.add(made.content_location)
            self.hidden[made.content_location] = objects.pop(made.content_location)

    def end(self) -> None:
        """Answer truly from now on."""
        self.is_over = True
        self.world.source.declared.clear()
        self._show()

    def at_call(self, method: str) -> None:
        """Let one request be answered by the stale replica."""
        if self.has_answered:
            self._show()
        self.has_answered = method == "open_content"

    def _show(self) -> None:
        self.world.source.objects.update(self.hidden)
        self.hidden.clear()


@dataclass
class RedirectsElsewhere(_UntilATime):
    """For a while ACS's front redirects requests for some objects to other objects, downloads and deletes alike."""

    def begin(self) -> None:
        """Choose the objects and the time."""
        for made, other in zip(self.tasks, [*self.tasks[1:], self.tasks[0]], strict=True):
            for place in ("content_location", "delete_location"):
                if self.dice.random() < 0.6:
                    self.world.source.redirects[str(getattr(made, place))] = str(getattr(other, place))
        self.until = self.world.now + timedelta(minutes=self.dice.choice([1, 5, 20, 90]))

    def end(self) -> None:
        """Redirect no more."""
        self.world.source.redirects.clear()


@dataclass
class OddDeleteLocations(Power):
    """Some events name another object where they say what to delete; published samples do so."""

    def tells(self, made: ChunkTask, facts: dict[str, Any]) -> dict[str, Any] | None:
        """Name another chunk's object now and then."""
        other = self.tasks[(made.index + 1) % len(self.tasks)]
        return {**facts, "deleteLocation": other.delete_location} if self.dice.random() < 0.7 else facts


@dataclass
class GrowingObject(Power):
    """Some files are announced while ACS still writes them: half of one, all but its last second, or more each time.

    They are in a form whose every part opens and plays like a whole file. Metadata gives the length of two of them; the
    other is only known to be no longer than the recording. ACS serves an ETag with each length, always the same one,
    or none, and now and then more bytes than the head of the same answer declares.
    """

    told_ms: ClassVar[int] = 60_000
    leaves_names: ClassVar[bool] = True
    FRAMES: ClassVar[int] = 250  # 9 s: half of that contradicts metadata that gives a length, a second less does not
    LAST_SECOND: ClassVar[int] = 28  # frames
    until: datetime | None = None
    missing: int = 0  # frames; 0: fewer each time
    tag: str = ""
    steps: int = 0
    declared: set[str] = field(default_factory=set)  # locations whose head says less than there is

    @classmethod
    def file_of(cls, made: ChunkTask) -> tuple[bytes, bytes] | None:
        """Return an MP3 for every other chunk, each of another length."""
        if made.index % 2 == 0:
            return None
        length_ms = (cls.FRAMES + made.index) * 36 if made.index > 1 else None
        return _frames(cls.FRAMES + made.index), metadata(made, chunkDuration=length_ms)

    def begin(self) -> None:
        """Choose how much is missing, how long, and what ACS says of its versions."""
        self.until = self.world.now + timedelta(minutes=self.dice.choice([0.2, 3, 9, 9]))
        self.missing = self.dice.choice([self.FRAMES // 2, self.LAST_SECOND, self.LAST_SECOND, 0])
        self.tag = self.dice.choice(["", "one", "each"])
        self._show()

    def at_call(self, method: str) -> None:
        """Write a little more before some downloads, and let some heads tell of less."""
        if method == "open_content":
            self.steps += self.dice.random() < 0.5
            self._show(is_behind=self.dice.random() < 0.1)

    def at_turn(self) -> None:
        """Show what there is by now."""
        self._show()

    def end(self) -> None:
        """Finish all files."""
        self.until = self.world.now
        self._show()

    def _show(self, *, is_behind: bool = False) -> None:
        for place in self.declared:
            self.world.source.declared.pop(place, None)
        self.declared.clear()
        for made in self.tasks[1::2]:
            self._show_one(made.content_location, _frames(self.FRAMES + made.index), is_behind=is_behind)

    def _show_one(self, place: str, whole: bytes, *, is_behind: bool) -> None:
        """Show a part of a file, unless it is hidden or something else is served in its place."""
        source = self.world.source
        if not whole.startswith(source.objects.get(place, b"-")):
            return
        source.objects[place] = part = whole[: self._length(len(whole))]
        source.versions.pop(place, None)
        if self.tag:
            source.versions[place] = f'"{len(part) if self.tag == "each" else 1}"'
        if is_behind and place not in source.declared and len(part) < len(whole):
            source.declared[place] = len(part) - len(MP3_FRAME)
            self.declared.add(place)

    def _length(self, whole: int) -> int:
        if self.until is None or self.world.now >= self.until:
            return whole
        missing = self.missing or max(self.FRAMES // 2 - self.steps, 1)
        return whole - missing * len(MP3_FRAME)


@cache
def _frames(count: int) -> bytes:
    return mp3(count)
