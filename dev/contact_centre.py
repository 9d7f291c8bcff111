"""A day of a contact centre: thousands of recordings, put straight into catalog and directory, without any media.

Agents, callers with numbers, queues and cases are drawn from a seeded generator, so that two runs are alike.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from azure.data.tables import TableClient, UpdateMode

from recording.adapters.table import rows
from recording.adapters.table.directory import TableIndexKeys, entity_of
from recording.adapters.table.tables import table_service
from recording.domain.find.directory import IndexRow, gathered_facts, rows_for
from recording.domain.find.index_keys import IndexKey
from recording.domain.find.placement import digest_of_sources, intended
from recording.domain.formats import FormatType
from recording.domain.incoming.facts import Placement
from recording.domain.incoming.metadata import ChunkMetadata, Participant
from recording.domain.names import CHUNKS_TABLE, DIRECTORY_TABLE, RECORDINGS_TABLE
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome, SourceOutcome
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.settings import Settings, read_settings, use_settings_file

A_DAY = 10_000  # recordings
AGENTS, CALLERS, TEAMS = 200, 4_000, ("north", "south", "claims", "sales", "night")
WRITERS = 8
LARGEST_BATCH = 100  # entities of one partition in a transaction


@dataclass(frozen=True)
class Made:
    """One recording with everything that the line and its follow-up would have left in the tables."""

    recording: RecordingRecord
    chunk: ChunkRecord
    rows: tuple[IndexRow, ...]


def agent(number: int) -> str:
    """Return the raw id of an agent."""
    return f"8:acs:0ca7a121-0000-4f0b-9d2a-000000000000_{number:08x}-cafe-cafe-cafe"


def caller(number: int) -> str:
    """Return the raw id of a caller: a number of a range that nobody has."""
    return f"4:+1555{number:07d}"


def recordings(count: int, key: IndexKey, begin: datetime, seed: int = 1) -> Iterator[Made]:
    """Yield so many recordings of calls that begin over a day; more than 10,000 take more days."""
    for number in range(count):
        yield recording(number, key, begin, seed)


def recording(number: int, key: IndexKey, begin: datetime, seed: int = 1) -> Made:
    """Return the recording of this number; each is drawn on its own, so that any can be made without the others."""
    chance = random.Random(f"{seed}-{number}")
    at = begin + timedelta(seconds=86_400 * number / A_DAY + chance.random() * 8)
    return _made(number, at, key, chance)


def main(count: int, settings_file: Path | None) -> int:
    """Fill the storage that the settings name; refused where it is not on this machine."""
    if settings_file is not None:
        use_settings_file(settings_file)
    known = read_settings()
    if not _is_local(known):
        print("the settings name storage that is not on this machine; made-up recordings do not belong there")
        return 2
    begun = time.monotonic()
    written = fill(count, known)
    print(f"{count} recordings and {written} index rows in {time.monotonic() - begun:.0f} s")
    return 0


def _is_local(known: Settings) -> bool:
    given = known.host_storage.connection_string
    text = given.get_secret_value() if given else ""
    return "UseDevelopmentStorage=true" in text or "//127.0.0.1:" in text or "//localhost:" in text


def fill(count: int, settings: Settings | None = None) -> int:
    """Write so many recordings into the tables of these settings; return how many index rows they have."""
    known = settings or read_settings()
    keys = TableIndexKeys(known)
    written = 0
    try:
        begin = datetime.now(UTC) - timedelta(days=max(1.0, count / A_DAY))
        for batch in _batches(recordings(count, keys.keys().current, begin), A_DAY):
            written += write_tables(batch, known)
    finally:
        keys.close()
    return written


def write_tables(made: Iterable[Made], settings: Settings) -> int:
    """Write recordings and index rows, a hundred entities of a partition in one transaction."""
    one = list(made)
    entities = {
        RECORDINGS_TABLE: [rows.recording_row(each.recording) for each in one],
        CHUNKS_TABLE: [rows.chunk_row(each.chunk) for each in one],
        DIRECTORY_TABLE: [entity_of(row) for each in one for row in each.rows],
    }
    with table_service(settings.host_storage) as service, ThreadPoolExecutor(WRITERS) as writers:
        for name, written in entities.items():
            table = service.create_table_if_not_exists(name)
            list(writers.map(partial(_write, table), _transactions(written)))
    return len(entities[DIRECTORY_TABLE])


def _write(table: TableClient, operations: list[tuple[str, dict[str, Any]]]) -> None:
    """Write the rows of one partition; a transaction of one row costs more than the row alone."""
    if len(operations) > 1:
        table.submit_transaction(operations)
    else:
        table.upsert_entity(operations[0][1], mode=UpdateMode.REPLACE)


def _transactions(entities: Sequence[dict[str, Any]]) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    partitions: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for entity in entities:
        partitions[entity["PartitionKey"]].append(("upsert", entity))
    for operations in partitions.values():
        yield from (operations[at : at + LARGEST_BATCH] for at in range(0, len(operations), LARGEST_BATCH))


def _batches(made: Iterator[Made], size: int) -> Iterator[list[Made]]:
    batch: list[Made] = []
    for one in made:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _made(number: int, at: datetime, key: IndexKey, chance: random.Random) -> Made:
    people = (agent(chance.randrange(AGENTS)), caller(chance.randrange(CALLERS)))
    length_ms = chance.expovariate(1 / 240_000) + 1_000
    chunk = _chunk(number, at, length_ms, chance)
    tags = {"case": f"C-{number // 3}", "team": chance.choice(TEAMS)}
    record = RecordingRecord(
        recording_id=chunk.task.recording_id,
        folder=chunk.task.folder,
        call_id=chunk.task.call_id,
        started_at=at,
        started_here=True,
        request={"tags": tags},
        first_event_at=chunk.first_seen_at,
        settled_at=chunk.first_seen_at,
    )
    document = ChunkMetadata(participants=tuple(Participant(raw_id=person) for person in people))
    facts = gathered_facts(record, [chunk], [document], key, ())
    done = {"digest": digest_of_sources(record, [chunk], ()), "at": chunk.first_seen_at}
    placement = Placement(**{**intended(record, facts, key).model_dump(), **done})
    return Made(changed(record, facts=facts, placement=placement), chunk, tuple(rows_for(record, facts, key)))


def _chunk(number: int, at: datetime, length_ms: float, chance: random.Random) -> ChunkRecord:
    name, end = f"contact-{number:07d}", at + timedelta(milliseconds=length_ms)
    kind = FormatType.MP3 if chance.random() < 0.8 else FormatType.WAV
    folder = f"{at:%Y/%m/%d}/contact-centre/{name}"
    task = ChunkTask(
        recording_id=name,
        call_id=str(UUID(int=chance.getrandbits(128))),
        document_id=f"0-weu-d1-{number:032x}",
        index=0,
        content_location="",
        format=kind,
        end_reason="SessionEnded",
        session_end_reason="CallEnded",
        recording_start_time=at,
        recording_duration_ms=length_ms,
        event_id=name,
        event_time=end,
        expires_at=end + timedelta(hours=24),
        folder=folder,
    )
    return ChunkRecord(
        task=task,
        state=ChunkState.SOURCE_DELETED,
        first_seen_at=end,
        changed_at=end,
        blob_name=f"{folder}/0000-{task.document_id}.{kind.value}",
        format=kind,
        length_bytes=int(length_ms * 6),
        sha256=f"{chance.getrandbits(256):064x}",
        duration_ms=length_ms,
        metadata=MetadataOutcome.ARCHIVED,
        source=SourceOutcome.DELETED,
    )
