"""One daily run over many recordings, measured: its seconds and its requests."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.in_memory.builders import settings
from dev.in_memory.world import World
from recording.domain.incoming.facts import RecordingFacts
from recording.domain.state.recording import RecordingRecord
from recording.library.keep.dispose import dispose
from recording.library.keep.rules import set_rules
from recording.ports import Page


@dataclass
class _Many:
    """A catalog of many recordings, made page by page; requests are counted."""

    count: int
    now: datetime
    requests: int = 0
    position: dict[str, str] = field(default_factory=dict)

    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        self.requests += 1
        first = int(after or 0)
        items = tuple(self._record(number) for number in range(first, min(first + most, self.count)))
        return Page(items, str(first + most) if first + most < self.count else "")

    def _record(self, number: int) -> RecordingRecord:
        began = self.now - timedelta(days=number % 300)
        facts = RecordingFacts.model_construct(
            started_at=began,
            duration_ms=60_000.0,
            paused_ms=0.0,
            formats=("mp3",),
            participants=(),
            content=None,
            channel=None,
        )
        return RecordingRecord.model_construct(
            recording_id=f"r{number:09d}", started_here=False, request={}, tags={}, facts=facts
        )

    def time(self) -> datetime:
        self.requests += 1
        return self.now

    def cursor(self, loop: str) -> str:
        return self.position.get(loop, "")

    def save_cursor(self, loop: str, position: str) -> None:
        self.requests += 1
        self.position[loop] = position


def figures(count: int) -> tuple[float, int]:
    """Return the seconds and requests of one daily run over so many recordings, of which none is due."""
    here = World(settings=settings())
    set_rules(
        {"note": "x", "rules": [{"name": "year", "action": "retain_and_delete", "days": 365}]}, "*", "a", here.ports
    )
    many = _Many(count, here.now)
    object.__setattr__(here.fakes, "catalog", many)
    began = time.perf_counter()
    report = dispose(here.ports, here.settings, lambda: 0.0)
    assert report.seen == count
    return time.perf_counter() - began, many.requests + report.pages + 1
