"""Answers that drip, and the host's workers side by side: who waits how long for whom."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.world import RECONCILED_EVERY, World
from recording.adapters.acs.source import WHOLE_SECONDS
from recording.domain.state.chunk import ChunkTask
from recording.errors import SourceSlowError

HOST_JSON = Path(__file__).resolve().parents[2] / "host.json"
PLACES = ("media", "metadata", "delete")


def workers_of_a_host() -> int:
    """Return how many messages a host works on at once, by the host.json that is deployed."""
    queues = json.loads(HOST_JSON.read_text(encoding="utf-8"))["extensions"]["queues"]
    return int(queues["batchSize"]) + int(queues["newBatchThreshold"])


@dataclass
class Workers:
    """Workers side by side: a turn keeps its worker for as long as ACS lets it wait, and later messages wait too."""

    here: World
    count: int = field(default_factory=workers_of_a_host)
    waited: timedelta = timedelta()  # in the present turn

    def __post_init__(self) -> None:
        self.free_at = [self.here.now] * self.count
        self.timer = self.here.now + RECONCILED_EVERY

    def run(self, until: datetime) -> None:
        """Let time go by: each message is taken by the first free worker, in the order in which they became visible."""
        while (at := self._next()) is not None and at <= until:
            self._go_to(at)
            if at >= self.timer:
                self.timer = at + RECONCILED_EVERY
                self.here.reconciles()
            else:
                self._turn()
        self._go_to(until)

    def _next(self) -> datetime | None:
        waiting = [visible_at for _, visible_at in self.here.fakes.queue.sent]
        if not waiting:
            return self.timer
        return min(self.timer, max(min(waiting), min(self.free_at), self.here.now))

    def _go_to(self, at: datetime) -> None:
        self.here.fakes.clock.advance(seconds=max((at - self.here.now).total_seconds(), 0.0))

    def _turn(self) -> None:
        queue = self.here.fakes.queue
        first = min(range(len(queue.sent)), key=lambda place: queue.sent[place][1])
        message, _ = queue.sent.pop(first)
        others, self.waited = list(queue.sent), timedelta()
        self.here.delivers(message)
        sent = [one for one in queue.sent if one not in others]
        queue.sent[:] = others + [(task, visible_at + self.waited) for task, visible_at in sent]
        worker = self.free_at.index(min(self.free_at))
        self.free_at[worker] = self.here.now + self.waited


@dataclass
class Drips:
    """Some of ACS's answers drip: each ends when the time for a whole request is over, and gives nothing."""

    workers: Workers
    locations: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        source = self.workers.here.source
        plain_open, plain_delete = source.open, source.delete

        def open_slowly(location: str, first: int = 0, length: int | None = None) -> FakeContent:
            self._drip(location)
            return plain_open(location, first, length)

        def delete_slowly(location: str) -> bool:
            self._drip(location)
            return plain_delete(location)

        source.open = open_slowly  # type: ignore[method-assign]  # stands between the app and the fake
        source.delete = delete_slowly  # type: ignore[method-assign]

    def begin(self, place: str, tasks: Sequence[ChunkTask]) -> None:
        """Let what is asked of these chunks drip, in one place of three."""
        told = {"media": "content_location", "metadata": "metadata_location", "delete": "delete_location"}[place]
        self.locations = {str(getattr(task, told)) for task in tasks}

    def end(self) -> None:
        """Answer at once again."""
        self.locations = set()

    def _drip(self, location: str) -> None:
        if location in self.locations:
            self.workers.waited += timedelta(seconds=WHOLE_SECONDS)
            raise SourceSlowError("the source took longer than it may")
