"""The made-up contact centre: the recordings are found by what people know of them, as real ones are."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from dev import contact_centre
from dev.azurite import Azurite
from dev.bench import find as bench
from dev.contact_centre import agent, caller, recordings
from dev.in_memory.builders import settings
from dev.in_memory.fakes.ports import Fakes
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.directory import TableDirectory, TableIndexKeys
from recording.domain.find.find_query import FindQuery, plan_of
from recording.domain.find.placement import is_placed
from recording.library.directory import find_all
from recording.settings import StorageConnection


def test_a_days_recordings_are_found_and_up_to_date() -> None:
    """Nothing is left for a follow-up to do."""
    fakes = Fakes()
    made = list(recordings(300, fakes.index_keys.keys().current, bench.BEGIN))
    for one in made:
        fakes.catalog.recordings[one.recording.recording_id] = one.recording
        fakes.directory.put(one.rows)
        assert is_placed(one.recording, [one.chunk], ())
    assert len(list(find_all(FindQuery(), fakes.ports, settings()))) == 300
    by_agent = [len(list(find_all(FindQuery(participant=agent(n)), fakes.ports, settings()))) for n in range(200)]
    assert sum(by_agent) == 300
    stored = f"{fakes.directory.rows} {fakes.catalog.recordings}"
    assert not [number for number in range(4000) if caller(number) in stored]


def test_two_runs_are_alike() -> None:
    """Figures of two days can be compared."""
    key = Fakes().index_keys.keys().current
    assert list(recordings(20, key, bench.BEGIN)) == list(recordings(20, key, bench.BEGIN))


def test_the_figure_measures_each_key_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azurite is left out here; the contract suite covers it."""
    monkeypatch.setattr(bench, "on_azurite", bench.in_memory)
    found = bench.measure(lambda _: None, quick=True)
    assert all(one["p50_ms"] <= one["p95_ms"] for each in found.values() for one in each.values())
    assert found["in memory, 2000"]["newest"]["found"] == 50
    assert found["in memory, 2000"]["call"]["found"] == 1
    assert found["in memory, 2000"]["tag, rare"]["found"] == 3
    assert bench.worst(found, "Azurite") > 0
    assert bench.growth(found, "in memory") > 0


def test_the_directory_of_the_figure_answers_as_the_one_in_memory_does() -> None:
    """It keeps a million rows by their keys only; what it measures must be the same search."""
    fakes = Fakes()
    for number in range(700):
        fakes.catalog.recordings[bench.made(number).recording.recording_id] = bench.made(number).recording
        fakes.directory.put(bench.made(number).rows)
    directory = bench.NumberedDirectory(700)
    for asked in bench.queries(700).values():
        plan = plan_of(FindQuery.read(asked), fakes.index_keys.keys())
        for span in plan.spans:
            first = fakes.directory.read(span, most=20)
            assert directory.read(span, most=20) == first
            if first.rows:
                after = first.rows[-1].row_key
                assert directory.read(span, after, 7) == fakes.directory.read(span, after, 7)


def test_storage_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Made-up recordings in a real archive would be looked for for years."""
    written: list[int] = []

    def fill(count: int, _known: object) -> int:
        written.append(count)
        return 0

    monkeypatch.setattr(contact_centre, "fill", fill)
    for name, value in {
        "ACS_ENDPOINT": "https://contoso.europe.communication.azure.com",
        "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=a2V5;",
        "ARCHIVE_STORAGE": "UseDevelopmentStorage=true",
    }.items():
        monkeypatch.setenv(name, value)
    assert contact_centre.main(10, None) == 2
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    assert contact_centre.main(10, None) == 0
    assert written == [10]


@pytest.mark.azurite
def test_it_can_be_found_on_azurite() -> None:
    """The tables are filled by Azurite's own file, which another version of it may write otherwise."""
    found = bench.on_azurite(60, 1)
    assert (found["newest"]["found"], found["call"]["found"]) == (50, 1)
    assert (found["newest"]["requests"], found["call"]["requests"]) == (51, 2)


@pytest.mark.azurite
def test_a_running_world_is_filled_by_requests() -> None:
    """Rows of one partition in one transaction, and others alone."""
    with Azurite() as azurite:
        connection = StorageConnection(connection_string=SecretStr(azurite.connection_string))
        known = settings().model_copy(update={"host_storage": connection})
        assert contact_centre.fill(30, known) == 30 * 7
        catalog, directory, keys = TableCatalog(known), TableDirectory(known), TableIndexKeys(known)
        ports = replace(Fakes().ports, catalog=catalog, directory=directory, index_keys=keys)
        assert len(list(find_all(FindQuery(), ports, known))) == 30
        for adapter in (catalog, directory, keys):
            adapter.close()
