"""What an instance makes of it: one core and little memory, and what a thousand calls cost."""

import subprocess
from pathlib import Path

from dev.bench import servers, small_chunks
from dev.bench.goals import MB, Figure, Goal, Say
from dev.bench.runs import OURS, Bench, Results, Run
from dev.bench.servers import REPOSITORY

BEFORE = "cf16a30"  # the commit before the copy was made faster
_BEFORE_AT = REPOSITORY / ".local-world" / "bench" / "before"
PRICES_OF = "2026-07"  # list prices in USD of a European region, as docs/cost.md has them
GB_SECOND, WRITE, READ, ROW = 0.000026, 0.00001, 0.00000044, 0.000000036
_READS = frozenset({"look_up", "fill", "read_range", "get", "committed_blocks", "staged_blocks", "list"})
_ON_INSTANCE = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{cores}])
try:
    from recording.archive.transfer import buffers
except ImportError:
    from recording.engine import slots as buffers  # as it was called before
buffers.memory_bytes = lambda: {memory_mb} << 20
from dev.bench import {module} as ours
ours.main({arguments})
"""


def on_instance(
    bench: Bench, length: int, *, memory_mb: int, cores: int, program: Path = REPOSITORY, **settings: str
) -> Run:
    """Return our copy with read-back, as if the process had so much memory and so many cores.

    Its servers have them all.
    """
    script = _ON_INSTANCE.format(cores=cores, memory_mb=memory_mb, module="ours", arguments=[str(length), "--readback"])
    return bench.script(["-c", script], settings, program)


def one_core(say: Say, *, quick: bool) -> Figure:
    """Return half a gigabyte with full proof, on one core with the buffers of a 512 MB instance, now and before."""
    length, rounds = (16 * MB, 1) if quick else (512 * MB, 5)
    results = Results(length)
    before = _before()
    with servers.certificate() as tls, servers.nginx(tls, (length,)) as server:
        bench = Bench(tls, server, server)
        for _ in range(rounds):
            say("now")
            results.runs[OURS].append(on_instance(bench, length, memory_mb=512, cores=1))
            if before is None:
                results.missing["before"] = f"the history has no {BEFORE}: a shallow clone, or a zip"
                continue
            say("before")
            results.runs["before"].append(
                on_instance(bench, length, memory_mb=512, cores=1, program=before, COPY_SHA512="")
            )
    return Figure(
        [
            Goal(
                f"one core, 512 MB, with proof: this app / as it was ({BEFORE})",
                1.4,
                1.6,
                results.ratio(OURS, "before"),
            )
        ],
        results.as_json(),
    )


def _before() -> Path | None:
    """Return the repository as it was, from its own history; None when the history does not reach so far."""
    if not (_BEFORE_AT / "dev").is_dir():
        packed = subprocess.run(["git", "archive", BEFORE], cwd=REPOSITORY, capture_output=True, check=False)
        if packed.returncode:
            return None
        _BEFORE_AT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-x"], cwd=_BEFORE_AT, input=packed.stdout, check=True)
    return _BEFORE_AT


def cost(say: Say, *, quick: bool) -> Figure:
    """Return a thousand calls of 10 MB: CPU, memory by the second, storage operations and money."""
    length, times = (MB, 2) if quick else (10 * MB, 20)
    with servers.certificate() as tls, servers.nginx(tls, (length,)) as server:
        say("the CPU")
        run = Bench(tls, server, server).many(1, [length] * times)
    say("the calls")
    calls = small_chunks.calls_of_a_chunk()
    blobs = [method for port, method in calls if port in ("archive", "quarantine")]
    reads = (
        sum(method in _READS for method in blobs) + -(-length // (4 << 20)) - 1
    )  # it is read back in ranges of 4 MiB
    writes = len(blobs) - sum(method in _READS for method in blobs) + -(-length // (2 << 20))
    tables = sum(port == "catalog" for port, _ in calls)
    cpu = run.cpu / times * 1000
    gb_seconds = run.seconds / times * 1000 * 2  # an instance of 2 GB that does one at a time
    money = gb_seconds * GB_SECOND + 1000 * (writes * WRITE + reads * READ + tables * ROW)
    return Figure(
        [
            Goal("1,000 calls of 10 MB: vCPU seconds", 100, None, cpu, "s", at_most=True),
            Goal("1,000 calls of 10 MB: USD", 1, None, money, "USD", at_most=True, note=f"prices of {PRICES_OF}"),
        ],
        {
            "vcpu_seconds": round(cpu, 1),
            "gb_seconds": round(gb_seconds, 1),
            "operations": {"blob writes": writes * 1000, "blob reads": reads * 1000, "table": tables * 1000},
            "usd": round(money, 3),
            "prices_of": PRICES_OF,
        },
    )
