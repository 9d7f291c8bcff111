"""The made-up contact centre: the recordings are found by what people know of them, as real ones are."""

from pathlib import Path

import pytest

from dev import contact_centre
from dev.bench import find as bench
from dev.contact_centre import agent, caller, recordings
from dev.in_memory.builders import settings
from dev.in_memory.fakes import Fakes
from recording.domain.find.directory import is_placed
from recording.domain.find.find_query import FindQuery
from recording.library.directory import find_all


def test_a_days_recordings_are_found_and_up_to_date() -> None:
    """Nothing is left for a follow-up to do."""
    fakes = Fakes()
    made = list(recordings(300, fakes.index_keys.keys().current, bench.BEGIN))
    for one in made:
        fakes.catalog.recordings[one.recording.recording_id] = one.recording
        fakes.directory.put(one.rows)
        assert is_placed(one.recording, [one.chunk])
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
    monkeypatch.setattr(bench, "_on_azurite", bench._in_memory)
    found = bench.measure(lambda _: None, quick=True)
    assert all(one["p50_ms"] <= one["p95_ms"] for each in found.values() for one in each.values())
    assert found["in memory, 2000"]["newest"]["found"] == 50
    assert found["in memory, 2000"]["call"]["found"] == 1
    assert found["in memory, 2000"]["tag, rare"]["found"] == 3
    assert bench.worst(found, "Azurite") > 0
    assert bench.growth(found, "in memory") > 0


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
    """The tables are written in transactions, as no follow-up does."""
    found = bench._on_azurite(60, 1)
    assert (found["newest"]["found"], found["call"]["found"]) == (50, 1)
