"""ACS's log of recordings, as Azure Monitor answers it."""

from collections.abc import Iterator
from datetime import datetime

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.ports import RecordingSummary


class FakeLog(Scripted):
    """ACS's own log: `rows` is what it says."""

    def __init__(self, *rows: RecordingSummary) -> None:
        super().__init__()
        self.rows = list(rows)

    @scripted
    def summaries(self, since: datetime, after: str = "", most: int = 10_000) -> Iterator[RecordingSummary]:
        best: dict[str, RecordingSummary] = {}
        for row in self.rows:
            known = best.get(row.recording_id, row)
            merged = max(row.chunk_count, known.chunk_count), min(row.ready_at, known.ready_at)
            best[row.recording_id] = RecordingSummary(row.recording_id, *merged, max(row.noted_at, known.noted_at))
        found = [row for row in best.values() if (row.noted_at, row.recording_id) > (since, after)]
        return iter(sorted(found, key=lambda row: (row.noted_at, row.recording_id))[:most])
