"""Find at the scale of a contact centre: a page of 50 by each key, in memory and on Azurite, and how it grows."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from dev.azurite import Azurite
from dev.contact_centre import agent, caller, recordings, write_tables
from dev.in_memory.builders import settings as plain_settings
from dev.in_memory.fakes import Fakes
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.directory import TableDirectory, TableIndexKeys
from recording.domain.find.find_query import FindQuery
from recording.library.directory import find
from recording.ports import Ports
from recording.settings import Settings, StorageConnection

Say = Callable[[str], None]
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
REPEATS = 30


def queries(count: int) -> dict[str, dict[str, Any]]:
    """Return a query for each key, and some that combine them."""
    middle = BEGIN + timedelta(days=count / 20_000)
    hour = {"from": middle.isoformat(), "to": (middle + timedelta(hours=1)).isoformat()}
    return {
        "newest": {},
        "an hour": hour,
        "participant": {"participant": agent(7)},
        "number": {"number": caller(7)},
        "last digits": {"number": caller(7)[-7:]},
        "call": {"call": _call_of(count)},
        "tag, rare": {"tag": f"case:C-{count // 7}"},
        "tag, common": {"tag": "team:north"},
        "state held": {"state": "held"},
        "participant and tag": {"participant": agent(7), "tag": "team:north"},
        "tag and format": {"tag": "team:north", "format": "wav"},
    }


def measure(say: Say, *, quick: bool) -> dict[str, Any]:
    """Return milliseconds and rows by place, size and key."""
    memory = (500, 2_000) if quick else (10_000, 100_000)
    azurite = (200,) if quick else (1_000, 10_000)
    found: dict[str, Any] = {}
    for count in memory:
        say(f"{count} recordings in memory")
        found[f"in memory, {count}"] = _in_memory(count, 5 if quick else REPEATS)
    for count in azurite:
        say(f"{count} recordings on Azurite")
        found[f"Azurite, {count}"] = _on_azurite(count, 3 if quick else REPEATS)
    return found


def worst(found: Mapping[str, Any], place: str) -> float:
    """Return the largest p95 of a place, in milliseconds."""
    return max(float(one["p95_ms"]) for name, each in found.items() if name.startswith(place) for one in each.values())


def growth(found: Mapping[str, Any], place: str) -> float:
    """Return by how much the medians of selective keys grow from the smallest to the largest size; the worst one."""
    sizes = [each for name, each in found.items() if name.startswith(place)]
    keys = ("participant", "number", "call", "tag, rare", "state held")
    return max(float(sizes[-1][key]["p50_ms"]) / max(float(sizes[0][key]["p50_ms"]), 0.05) for key in keys)


def _in_memory(count: int, repeats: int) -> dict[str, Any]:
    fakes = Fakes()
    for made in recordings(count, fakes.index_keys.keys().current, BEGIN):
        fakes.catalog.recordings[made.recording.recording_id] = made.recording
        fakes.directory.put(made.rows)
    return _timed(count, repeats, fakes.ports, plain_settings())


def _on_azurite(count: int, repeats: int) -> dict[str, Any]:
    with Azurite() as azurite:
        connection = StorageConnection(connection_string=SecretStr(azurite.connection_string))
        known = plain_settings().model_copy(update={"host_storage": connection})
        keys, directory, catalog = TableIndexKeys(known), TableDirectory(known), TableCatalog(known)
        try:
            made = list(recordings(count, keys.keys().current, BEGIN))
            write_tables(made, known)
            ports = replace(Fakes().ports, catalog=catalog, directory=directory, index_keys=keys)
            return _timed(count, repeats, ports, known)
        finally:
            for adapter in (keys, directory, catalog):
                adapter.close()


def _timed(count: int, repeats: int, ports: Ports, known: Settings) -> dict[str, Any]:
    return {name: _one(FindQuery.read(asked), repeats, ports, known) for name, asked in queries(count).items()}


def _one(query: FindQuery, repeats: int, ports: Ports, known: Settings) -> dict[str, Any]:
    find(query, ports, known)
    times: list[float] = []
    for _ in range(repeats):
        begun = time.perf_counter()
        page = find(query, ports, known)
        times.append((time.perf_counter() - begun) * 1000)
    times.sort()
    p95 = times[min(len(times) - 1, round(len(times) * 0.95))]
    return {"p50_ms": round(statistics.median(times), 2), "p95_ms": round(p95, 2), "found": len(page.items)}


def _call_of(count: int) -> str:
    made = list(recordings(count // 2 + 1, _ANY_KEY, BEGIN))[-1]
    return made.recording.call_id or ""


_ANY_KEY = Fakes().index_keys.keys().current
