"""All 5,040 orders of seven deliveries, by both doors: the end is always the same.

Five events tell of five chunks of one recording; two of them come twice, the second time by the other door. Between two
deliveries the workers sometimes have time to work, so some chunks are long archived when their duplicate comes.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, metadata, task, wav
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World, world
from dev.prove.picture import picture
from recording.domain.state.quarantine import Origin
from recording.ingest import ingest_event

EVENTS = 5
DELIVERIES = (0, 1, 2, 3, 4, 0, 3)
ORDERS = list(permutations(range(len(DELIVERIES))))  # 5,040
WAYS = ("queue first", "webhook first")


def live(order: Sequence[int], way: str, seed: int) -> dict[str, Any]:
    """Return the end after these deliveries in this order; `seed` says after which of them the workers work."""
    here = world(pool=one_thread_pool())
    for number in range(EVENTS):
        made = task(number, document_id(number), recording_duration_ms=20)
        here.holds(made, wav(20, sample=bytes([number + 1, 7])), metadata(made, chunkDuration=20))
    for place, delivery in enumerate(order):
        is_second = delivery >= EVENTS
        _deliver(here, _event(DELIVERIES[delivery]), by_queue=(way == WAYS[0]) != is_second)
        if seed >> place & 1:
            here.runs(hours=1)
    here.runs()
    return picture(here)


def _event(number: int) -> dict[str, Any]:
    more = "SessionEnded" if number == EVENTS - 1 else "ChunkMaximumSizeExceeded"
    return event(chunk(number, endReason=more), id=f"event-{number}", data={"recordingDurationMs": 20})


def _deliver(here: World, envelope: dict[str, Any], *, by_queue: bool) -> None:
    if by_queue:
        here.announces(envelope)
    else:
        ingest_event(envelope, Origin.EVENT_GRID, here.ports, here.settings)
