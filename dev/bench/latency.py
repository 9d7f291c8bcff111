"""How long one chunk takes: its copy to proof, and from its event to a proven archive through the local world."""

import statistics
import time

from dev.bench import servers
from dev.bench.goals import MB, Figure, Goal, Say
from dev.bench.runs import Bench
from dev.world import LocalWorld, WorldOptions

_LONGEST_SECONDS = 60.0


def latency(say: Say, *, quick: bool) -> Figure:
    """Return a chunk of 10 MB: from a throttled source to proof, and through the whole local world."""
    times = 2 if quick else 20
    with servers.certificate() as tls, servers.throttled(tls) as (source, sink):
        say("copies to proof")
        copies = [seconds for _, seconds in Bench(tls, source, sink).many(1, [10 * MB] * times).took]
    say("events to proven archives")
    world = _through_the_world(times, say)
    p99 = sorted(world)[max(0, -(-len(world) * 99 // 100) - 1)]
    return Figure(
        [
            Goal(
                "a chunk of 10 MB, throttled, copy to proof, p50",
                0.35,
                0.25,
                statistics.median(copies),
                "s",
                at_most=True,
            ),
            Goal("event to proven archive, p50", 1, 0.6, statistics.median(world), "s", at_most=True),
            Goal("event to proven archive, p99", 3, 1.5, p99, "s", at_most=True),
        ],
        {"copy_seconds": copies, "world_seconds": world},
    )


def _through_the_world(times: int, say: Say) -> list[float]:
    """Return seconds from each event to its source's deletion, which comes last, one recording after another."""
    took = []
    with LocalWorld(WorldOptions(host="builtin")) as world:
        for number in range(times + 1):
            say(f"event {number + 1} of {times + 1}")
            begun = time.monotonic()
            made = world.simulator.create_objects(wav_bytes=10 * MB)
            wanted = {one["recordingId"] for one in made}
            while any(one["recordingId"] in wanted and not one["deletedAt"] for one in world.simulator.objects()):
                if time.monotonic() - begun > _LONGEST_SECONDS:
                    raise RuntimeError("a chunk was not archived in a minute")
                time.sleep(0.01)
            took.append(time.monotonic() - begun)
    return took[1:]  # the first one starts what a process starts once
