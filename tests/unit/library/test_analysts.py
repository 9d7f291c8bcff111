"""For analysts: every recording is in the files, nobody's name is, and the questions in the docs can be asked."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dev.in_memory.builders import RECORDING_ID, settings, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.world import World, world
from dev.policies.repository import DOCS
from recording.domain.find.for_analysts import columns_for, row_of
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.errors import StorageBusyError
from recording.library import analysts
from recording.library.analysts import Exported, export_directory, rewrite_where
from recording.settings import read_settings
from tests.unit.library.corpus import put
from tests.unit.library.reference import Truth

SQL = re.compile(r"```sql\n(.*?)```", re.DOTALL)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def here_with(*truths: Truth, tags: tuple[str, ...] = ()) -> World:
    """A world with these recordings in its directory, and a container for analysts."""
    here = world(parquet_container="for-analysts", parquet_tags=tags)
    here.fakes = replace(here.fakes, analysts=FakeArchive())
    for one in truths:
        put(here, one)
        here.fakes.follow_ups.send(one.recording_id)
    here.follows_up()
    return here


def exports(here: World) -> Exported:
    done = export_directory(here.ports, here.settings)
    assert done is not None
    return done


def rows(here: World, folder: Path, query: str = "SELECT recording_id FROM read_parquet(getvariable('files'))") -> Any:
    """Return what DuckDB finds in the files that were written."""
    assert here.fakes.analysts is not None
    for name, blob in here.fakes.analysts.blobs.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob.data)
    with duckdb.connect() as session:
        session.execute("SET VARIABLE files = $1", [str(folder / "directory/*/*.parquet")])
        return session.execute(query).fetchall()


def many(count: int) -> list[Truth]:
    """Recordings of several months, some of them in trouble."""
    kinds = ["archived", "archived", "held", "running", "incomplete"]
    return [
        Truth(
            f"rec-{number:03d}",
            NOW - timedelta(days=9 * number),
            f"call-{number}",
            kinds[number % 5],
            participants=("+49155501001",),
            tags={"team": "north"},
        )
        for number in range(count)
    ]


def test_every_recording_of_the_nights_months_is_in_the_files(tmp_path: Path) -> None:
    """The two newest months, and in the following nights the others in turn."""
    truths = many(20)
    here = here_with(*truths)
    first = exports(here)
    assert first.months == ["2026-11", "2026-10", "2026-09"]
    nights = [exports(here).months[-1] for _ in range(6)]
    assert nights == ["2026-08", "2026-07", "2026-06", "2026-09", "2026-08", "2026-07"]
    assert sorted(rows(here, tmp_path)) == sorted((one.recording_id,) for one in truths)


def test_nobody_is_named_in_the_files() -> None:
    """No participant, no hash of one, nobody who started it, no tag that was not named."""
    here = world(parquet_container="for-analysts", parquet_tags=("team",))
    here.fakes = replace(here.fakes, analysts=FakeArchive())
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    known = here.fakes.catalog.recordings[RECORDING_ID]
    tags = {"customer": f"Ms {PHONE}", "team": "north"}
    here.fakes.catalog.recordings[RECORDING_ID] = changed(known, started_by="object-7", tags=tags)
    columns = columns_for(here.settings.parquet_tags)
    row = row_of(here.fakes.catalog.recordings[RECORDING_ID], here.settings.parquet_tags)
    assert row is not None
    told = dict(zip([column.name for column in columns], row, strict=True))
    assert (told["participant_count"], told["phone_count"], told["tag_team"]) == (2, 1, "north")
    facts = here.fakes.catalog.recordings[RECORDING_ID].facts
    assert facts is not None
    hashes = [text for one in facts.participants for text in (one.key, one.number_key or one.key)]
    for secret in (PHONE, PARTICIPANT, "customer", "object-7", *hashes):
        assert secret not in str(told)


def test_the_questions_in_the_docs_can_be_asked(tmp_path: Path) -> None:
    """An analyst copies them."""
    here = here_with(*many(10), tags=("team",))
    exports(here)
    days, unfinished, hours = (rows(here, tmp_path, query) for query in SQL.findall((DOCS / "library.md").read_text()))
    assert sum(count for _, count, *_ in days) == 10
    assert {row[0] for row in unfinished} == {f"rec-{n:03d}" for n in range(10) if n % 5 in (2, 3, 4)}
    assert sum(row[2] for row in hours) == 10
    assert {row[0] for row in hours} == {"north"}


def test_a_destroyed_recording_leaves_the_files(tmp_path: Path) -> None:
    """Its row goes with the next time its month is written."""
    here = here_with(*many(2))
    exports(here)
    known = here.fakes.catalog.recordings["rec-000"]
    here.fakes.catalog.recordings["rec-000"] = changed(known, disposed_at=here.now)
    exports(here)
    assert rows(here, tmp_path) == [("rec-001",)]


def test_a_month_of_many_files_may_shrink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is deleted here: a part that is not needed any more has no rows."""
    monkeypatch.setattr(analysts, "PART", 2)
    monkeypatch.setattr(analysts, "READ_AT_ONCE", 3)
    truths = [Truth(f"rec-{n}", NOW - timedelta(minutes=n), "call", "archived") for n in range(7)]
    here = here_with(*truths)
    assert (exports(here).files, len(rows(here, tmp_path))) == (4, 7)
    for number in range(5):
        known = here.fakes.catalog.recordings[f"rec-{number}"]
        here.fakes.catalog.recordings[f"rec-{number}"] = changed(known, disposed_at=here.now)
    assert (exports(here).files, sorted(rows(here, tmp_path))) == (1, [("rec-5",), ("rec-6",)])
    assert here.fakes.analysts is not None
    assert len(here.fakes.analysts.blobs) == 4


def test_a_failure_is_made_good_by_the_next_night(tmp_path: Path) -> None:
    """Files are replaced as a whole."""
    here = here_with(*many(3))
    assert here.fakes.analysts is not None
    here.fakes.analysts.fail_next("put_if_unchanged", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        exports(here)
    exports(here)
    assert len(rows(here, tmp_path)) == 3


def test_a_row_that_its_recording_does_not_confirm_is_passed_over(tmp_path: Path) -> None:
    """A worker that died may have left one; and a recording may be gone."""
    here = here_with(*many(3))
    del here.fakes.catalog.recordings["rec-001"]
    exports(here)
    assert sorted(rows(here, tmp_path)) == [("rec-000",), ("rec-002",)]


@pytest.mark.parametrize("name", ["month=notes/part-0000.parquet", "month=2026-13/part-0.parquet", "month=2026-11/x"])
def test_files_that_others_put_beside_ours_are_left_alone(name: str) -> None:
    """An erasure looks through the files, and one folder that is no month ended it each night."""
    here = here_with(*many(3))
    exports(here)
    assert here.fakes.analysts is not None
    here.fakes.analysts.put_once(f"directory/{name}", b"rec-001", "text/plain")
    done = rewrite_where(lambda data: b"rec-001" in data or b"PAR1" in data, here.ports, here.settings)
    assert done.months == ["2026-11"]
    assert here.fakes.analysts.blobs[f"directory/{name}"].data == b"rec-001"


def test_it_is_off_unless_it_is_asked_for() -> None:
    """No setting, no file, no question to storage."""
    fakes = Fakes()
    assert export_directory(fakes.ports, settings()) is None
    assert fakes.directory.calls == fakes.catalog.calls == []


def test_the_archives_own_container_is_refused() -> None:
    """What analysts read must not be taken for recordings, nor kept by their policy."""
    environment = {
        "ACS_CONNECTION_STRING": "endpoint=https://contoso.communication.azure.com/;accesskey=a2V5",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "ARCHIVE_STORAGE": "UseDevelopmentStorage=true",
        "PARQUET_CONTAINER": "recordings",
    }
    refused = read_settings(environment)
    assert refused.parquet_container is None
    assert [one.name for one in refused.set_aside] == ["PARQUET_CONTAINER"]
    assert read_settings({**environment, "PARQUET_CONTAINER": "for-analysts"}).parquet_container == "for-analysts"
    unread = read_settings({**environment, "PARQUET_CONTAINER": "for-analysts", "PARQUET_TAGS": "a b"})
    assert unread.parquet_container is None  # files without the columns that were asked for would be taken for whole
    assert [one.name for one in unread.set_aside] == ["PARQUET_TAGS"]


def test_a_recording_without_facts_has_no_row() -> None:
    """It was not followed up yet; the next night has it."""
    assert row_of(RecordingRecord(recording_id="rec"), ()) is None
