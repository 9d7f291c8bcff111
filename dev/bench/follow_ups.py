"""What the directory costs the line, and how soon a recording is found: both with the whole app on the local world."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from azure.storage.queue import QueueClient

from dev.bench.find import DOLLARS_PER_REQUEST, counted_requests
from dev.bench.small_chunks import _app, _archived, _tasks
from dev.world import LocalWorld, WorldOptions
from recording.domain.names import FOLLOW_UPS_QUEUE
from recording.library.follow_up import follow_up

Say = Callable[[str], None]
_PATIENCE = 300.0  # seconds until all follow-ups must be done
OFF = {"AzureWebJobs.follow_up.Disabled": "true"}


def measure(say: Say, *, count: int, rounds: int) -> dict[str, Any]:
    """Return the line's rate with and without follow-ups, their lag, and their requests for a recording."""
    rates: dict[str, list[float]] = {"with": [], "without": []}
    lags: list[float] = []
    with LocalWorld(WorldOptions(host="builtin")) as world:
        world._stop_host()
        for number in range(rounds):
            for name in ("without", "with") if number % 2 == 0 else ("with", "without"):
                say(f"round {number + 1}: the line {name} follow-ups")
                tasks = _tasks(world, count + 1)
                is_on = name == "with"
                burst = _archived(world, tasks, OFF if not is_on else {}, _placed if is_on else None)
                rates[name].append(burst.rate)
                if is_on:
                    lags += _lags(world, tasks)
                else:
                    forget_follow_ups(world)
        say("requests for one recording")
        requests = _requests(world)
    lags.sort()
    return {
        "chunks": count,
        "with_per_second": round(statistics.median(rates["with"]), 2),
        "without_per_second": round(statistics.median(rates["without"]), 2),
        "rounds": rates,
        "lag_p50_s": round(statistics.median(lags), 2),
        "lag_p95_s": round(lags[round(len(lags) * 0.95) - 1], 2),
        "requests_per_recording": requests,
        "dollars_per_million_recordings": round(requests * DOLLARS_PER_REQUEST * 1e6, 2),
    }


def forget_follow_ups(world: LocalWorld) -> None:
    """Forget what nobody worked on, so that the next round does not work on it."""
    with QueueClient.from_connection_string(world.storage, FOLLOW_UPS_QUEUE) as queue:
        queue.clear_messages()


def _ids(tasks: list[str]) -> list[str]:
    return sorted({str(json.loads(task)["recording_id"]) for task in tasks})


def _placed(world: LocalWorld, tasks: list[str]) -> None:
    """Wait until each recording of these tasks can be found."""
    from recording import wiring

    give_up_at = time.monotonic() + _PATIENCE
    with _app(world):
        catalog, left = wiring.ports().catalog, _ids(tasks)
        while left:
            records = catalog.get_recordings(left)
            left = [one for one, record in zip(left, records, strict=True) if not _is_done(record)]
            if left and time.monotonic() > give_up_at:
                raise RuntimeError(f"{len(left)} recordings cannot be found after {_PATIENCE:.0f} s")


def _is_done(record: Any) -> bool:
    placement = getattr(record, "placement", None)
    return placement is not None and placement.digest is not None and record.facts.archived_count > 0


def _lags(world: LocalWorld, tasks: list[str]) -> list[float]:
    """Return seconds from the last step of the line until the recording could be found."""
    from recording import wiring

    found: list[float] = []
    with _app(world):
        catalog = wiring.ports().catalog
        for recording_id in _ids(tasks):
            record, chunks = catalog.get_recording(recording_id), catalog.chunks_of(recording_id)
            if record is None or record.placement is None or record.placement.at is None:
                continue
            over = max((chunk.source_deleted_at for chunk in chunks if chunk.source_deleted_at), default=None)
            found += [max(record.placement.at - over, timedelta()).total_seconds()] if over else []
    return found


def _requests(world: LocalWorld) -> int:
    """Return requests to storage for the follow-up of one recording of one chunk and two people."""
    from recording import wiring
    from recording.archive.line import archive_message

    (task,) = _tasks(world, 1)
    with _app(world):
        ports = wiring.ports()
        archive_message(task, replace(ports, follow_ups=None), wiring.settings())
        with counted_requests() as sent:
            follow_up(json.loads(task)["recording_id"], ports)
    return len(sent)
