"""Find at the scale of a contact centre: a page of 50 by each key, in memory and on Azurite, and how it grows.

In memory a recording is made from its number when it is asked for, so that a million fit; a query is asked once before
it is timed, and then nothing is made any more.
"""

import statistics
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import psutil
import requests
from pydantic import SecretStr

from dev.azurite import Azurite
from dev.bench.azurite_seed import seeded
from dev.contact_centre import Made, agent, caller, recording
from dev.in_memory.builders import settings as plain_settings
from dev.in_memory.fakes.ports import Fakes
from recording.adapters.table import rows
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.directory import TableDirectory, entity_of
from recording.domain.find.directory import IndexRow, Span
from recording.domain.find.find_query import FindQuery
from recording.library.directory import find
from recording.ports import Catalog, Directory, DirectoryPage, Ports
from recording.settings import Settings, StorageConnection

Say = Callable[[str], None]
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
REPEATS = 30
DOLLARS_PER_REQUEST = 0.00036 / 10_000  # of a table, whatever it does (docs/cost.md)
SELECTIVE = ("participant", "number", "call", "tag, rare", "state held")
KEY = Fakes().index_keys.keys().current


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
        "call": {"call": made(count // 2).recording.call_id or ""},
        "tag, rare": {"tag": f"case:C-{count // 7}"},
        "tag, common": {"tag": "team:north"},
        "state held": {"state": "held"},
        "participant and tag": {"participant": agent(7), "tag": "team:north"},
        "tag and format": {"tag": "team:north", "format": "wav"},
    }


@cache
def made(number: int) -> Made:
    """Return the recording of a number; the same one whenever it is asked for."""
    return recording(number, KEY, BEGIN)


def measure(say: Say, *, quick: bool, memory: Sequence[int] = (), azurite: Sequence[int] = ()) -> dict[str, Any]:
    """Return milliseconds, rows and requests by place, size and key."""
    memory = memory or ((500, 2_000) if quick else (10_000, 100_000, 1_000_000))
    azurite = azurite or ((200,) if quick else (10_000, 100_000))
    found: dict[str, Any] = {}
    for count in memory:
        say(f"{count} recordings in memory")
        found[f"in memory, {count}"] = in_memory(count, 5 if quick else REPEATS)
        made.cache_clear()
    for count in azurite:
        say(f"{count} recordings on Azurite")
        found[f"Azurite, {count}"] = on_azurite(count, 3 if quick else REPEATS)
        made.cache_clear()
    return found


def worst(found: Mapping[str, Any], place: str) -> float:
    """Return the largest p95 of a place, in milliseconds."""
    return max(float(one["p95_ms"]) for name, each in found.items() if name.startswith(place) for one in each.values())


def growth(found: Mapping[str, Any], place: str) -> float:
    """Return by how much the medians of selective keys grow from the smallest to the largest size; the worst one.

    For each recording on the page, because more recordings mean fuller pages.
    """
    sizes = [each for name, each in found.items() if name.startswith(place)]
    return max(_per_row(sizes[-1][key]) / max(_per_row(sizes[0][key]), 0.01) for key in SELECTIVE)


def _per_row(page: Mapping[str, float]) -> float:
    return float(page["p50_ms"]) / max(page["found"], 1)


# --- in memory -------------------------------------------------------------------------------------------------------


class NumberedCatalog:
    """A catalog that makes each recording from its number."""

    def get_recordings(self, recording_ids: Sequence[str]) -> list[Any]:
        """Return the recordings of these ids."""
        return [made(int(recording_id.rpartition("-")[2])).recording for recording_id in recording_ids]


class NumberedDirectory:
    """A directory that keeps the keys of its rows only, in their order; what a row says is made when it is read."""

    def __init__(self, count: int) -> None:
        self._keys = sorted((row.partition, row.row_key) for n in range(count) for row in recording(n, KEY, BEGIN).rows)

    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        """Walk the rows of a span, as the table does."""
        left = span.behind(after)
        position = bisect_left(self._keys, (left.first_partition, left.first_row))
        found: list[IndexRow] = []
        for partition, at in self._keys[position : position + most]:
            if partition > left.last_partition or (partition == left.last_partition and at > left.last_row):
                break
            found.append(_row(partition, at))
        return DirectoryPage(tuple(found), is_end=len(found) < most)


@cache
def _row(partition: str, at: str) -> IndexRow:
    found = made(int(at.rpartition("-")[2])).rows
    return next(row for row in found if row.partition == partition)


def in_memory(count: int, repeats: int) -> dict[str, Any]:
    """Return the figures of so many recordings, without any storage."""
    catalog, directory = cast("Catalog", NumberedCatalog()), cast("Directory", NumberedDirectory(count))
    _row.cache_clear()
    return _timed(count, repeats, replace(Fakes().ports, catalog=catalog, directory=directory), plain_settings())


# --- on Azurite ------------------------------------------------------------------------------------------------------


def on_azurite(count: int, repeats: int) -> dict[str, Any]:
    """Return the figures of so many recordings with the app's own adapters, each on an Azurite of its own."""
    numbers = range(count)
    with (
        tempfile.TemporaryDirectory() as first,
        tempfile.TemporaryDirectory() as second,
        seeded(Path(first), "recordings", (rows.recording_row(_once(n).recording) for n in numbers)) as records,
        seeded(Path(second), "directory", (entity_of(row) for n in numbers for row in _once(n).rows)) as index,
    ):
        catalog, directory = TableCatalog(_at(records.connection_string)), TableDirectory(_at(index.connection_string))
        try:
            ports = replace(Fakes().ports, catalog=catalog, directory=directory)
            return _timed(count, repeats, ports, plain_settings(), (records, index))
        finally:
            catalog.close()
            directory.close()


def _once(number: int) -> Made:
    return recording(number, KEY, BEGIN)


def _at(connection_string: str) -> Settings:
    connection = StorageConnection(connection_string=SecretStr(connection_string))
    return plain_settings().model_copy(update={"host_storage": connection})


# --- timing ----------------------------------------------------------------------------------------------------------


def _timed(count: int, repeats: int, ports: Ports, known: Settings, servers: Sequence[Azurite] = ()) -> dict[str, Any]:
    return {name: _one(FindQuery.read(asked), repeats, ports, known, servers) for name, asked in queries(count).items()}


def _one(query: FindQuery, repeats: int, ports: Ports, known: Settings, servers: Sequence[Azurite]) -> dict[str, Any]:
    with counted_requests() as sent:
        find(query, ports, known)
    times: list[float] = []
    used = _cpu_seconds(servers)
    for _ in range(repeats):
        begun = time.perf_counter()
        page = find(query, ports, known)
        times.append((time.perf_counter() - begun) * 1000)
    used = _cpu_seconds(servers) - used
    times.sort()
    p95 = times[min(len(times) - 1, round(len(times) * 0.95))]
    return {
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(p95, 2),
        "cpu_ms": round(used / repeats * 1000, 2),
        "found": len(page.items),
        "requests": len(sent),
        "dollars_per_million": round(len(sent) * DOLLARS_PER_REQUEST * 1e6, 2),
    }


def _cpu_seconds(servers: Sequence[Azurite]) -> float:
    """Return what this process and the servers have used: unlike a time, it does not depend on who else is at work."""
    found = sum(sum(process.cpu_times()[:2]) for server in servers for process in _processes(server))
    return time.process_time() + float(found)


def _processes(server: Azurite) -> list[psutil.Process]:
    own = psutil.Process(server.pid)
    return [own, *own.children(recursive=True)]


@contextmanager
def counted_requests() -> Iterator[list[str]]:
    """Collect the methods of all requests that Azure's SDKs send meanwhile."""
    sent: list[str] = []
    plain = requests.Session.request

    def noted(session: requests.Session, method: str, *rest: Any, **options: Any) -> requests.Response:
        sent.append(str(method))
        return plain(session, method, *rest, **options)

    requests.Session.request = noted  # type: ignore[method-assign,assignment]
    try:
        yield sent
    finally:
        requests.Session.request = plain  # type: ignore[method-assign]
