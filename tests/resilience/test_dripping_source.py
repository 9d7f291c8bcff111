"""Fourteen chunks whose answers never end, over real sockets, and a healthy one behind them on the workers of one host.

The line runs over the real adapter for ACS, TLS and a proxy; the other ports are in memory. The limit of a request is
half a second here and 45 seconds in production.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from dev import wires
from dev.in_memory.builders import document_id, metadata, task, wav
from dev.in_memory.world import world
from dev.loopback import Answer, ConnectProxy, HttpServer, Script, certificates
from dev.prove.drips import PLACES, workers_of_a_host
from dev.prove.played import DRIPPING, MOST_DELAY, is_saved
from recording.adapters.acs import source as acs_source
from recording.adapters.acs.source import AcsSource
from recording.archive.line import archive_message
from recording.archive.transfer.pace import FIRST_BLOCK
from recording.domain.state.chunk import ChunkTask
from recording.settings import AcsConnection

LIMIT = 0.5
LATE = MOST_DELAY.total_seconds() - acs_source.WHOLE_SECONDS  # beyond the limit, as the page of reliability states it
MEDIA = wav()
LONG = 1 << 31  # bytes, as a spoiled answer declares them: a length gives it no time


@dataclass(frozen=True)
class Acs:
    """ACS on loopback, and the app's own client of it."""

    script: Script
    source: AcsSource


@pytest.fixture
def acs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acs]:
    monkeypatch.setattr(acs_source, "WHOLE_SECONDS", LIMIT)
    tls, bundle = certificates(tmp_path)
    with HttpServer(tls) as server, ConnectProxy(server.port) as proxy:
        source = AcsSource(
            AcsConnection(
                endpoint="https://contoso.unitedstates.communication.azure.com",
                access_key=SecretStr("bm90IGEgc2VjcmV0"),
                proxy_url=proxy.url,
                ca_bundle=bundle,
            )
        )
        yield Acs(server.new_script(), source)
        source.close()


def holds(script: Script, number: int) -> ChunkTask:
    """Let ACS have a chunk that can be archived and deleted."""
    made = task(0, document_id(number), recording_id=f"recording-{number}", call_id=f"call-{number}")
    last = len(MEDIA) - 1
    content = Answer(200, MEDIA, {"Content-Type": "audio/wav", "Content-Range": f"bytes 0-{last}/{len(MEDIA)}"})
    script.on("GET", _path(made.content_location), content)
    script.on("GET", _path(made.metadata_location), Answer(200, metadata(made), {"Content-Type": "application/json"}))
    script.on("DELETE", _path(made.delete_location), Answer(200))
    return made


def spoils(script: Script, made: ChunkTask, place: str, number: int) -> None:
    """Let one of the three answers about a chunk never end."""
    told = {"media": made.content_location, "metadata": made.metadata_location, "delete": made.delete_location}[place]
    body = {"media": b"x" * FIRST_BLOCK, "metadata": metadata(made), "delete": b"x" * 1000}[place]
    said = f"Content-Range: bytes 0-{FIRST_BLOCK - 1}/{LONG}\r\n" if place == "media" else ""
    kinds = [*wires.never_ending(said).values(), *wires.never_ending_bodies(body, said).values()]
    script.on("DELETE" if place == "delete" else "GET", _path(told), Answer(wire=kinds[number % len(kinds)]))


def _path(location: str | None) -> str:
    return (location or "").partition(".com")[2]


@pytest.mark.parametrize("first", [0, 10])
@pytest.mark.parametrize("place", PLACES)
def test_a_healthy_chunk_waits_one_limit_behind_fourteen_that_never_end(acs: Acs, place: str, first: int) -> None:
    """No worker is held beyond the limit, no chunk is lost to another's trouble, and nothing is deleted unproven."""
    here = world()
    slow = [holds(acs.script, number) for number in range(1, DRIPPING + 1)]
    for number, made in enumerate(slow):
        spoils(acs.script, made, place, first + number)
    healthy = holds(acs.script, 0)
    for made in (*slow, healthy):
        here.holds(made, MEDIA)
    begun, ended = time.monotonic(), dict[str, float]()

    def noted(made: ChunkTask) -> None:
        archive_message(made.model_dump_json(), replace(here.ports, source=acs.source), here.settings)
        ended[made.recording_id] = time.monotonic() - begun

    with ThreadPoolExecutor(workers_of_a_host()) as workers:
        turns: list[Future[None]] = [workers.submit(noted, made) for made in [*slow, healthy]]
    for turn in turns:
        turn.result()
    assert is_saved(here, healthy)
    assert ended[healthy.recording_id] < LIMIT + LATE
    rounds = -(-(DRIPPING + 1) // workers_of_a_host())
    assert max(ended.values()) < rounds * (LIMIT + LATE)
    assert {made.recording_id for made in slow if _is_deleted(acs.script, made) and not is_saved(here, made)} == set()
    assert len([made for made in slow if _is_deleted(acs.script, made)]) == (DRIPPING if place == "delete" else 0)


def _is_deleted(script: Script, made: ChunkTask) -> bool:
    return ("DELETE", _path(made.delete_location)) in {(seen.method, seen.path) for seen in script.seen}
