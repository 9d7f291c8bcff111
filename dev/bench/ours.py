"""Runs our copy once, as the app does it: the real steps and adapters, with a catalog in memory.

    python -m dev.bench.ours LENGTH [--readback] [--resume] [--kind=mp3]

Settings come from the environment, as in the app. Prints one line of JSON: seconds, CPU seconds, memory.
"""

import json
import os
import resource
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import certifi

from dev.bench import content


def main(arguments: list[str]) -> None:
    """Make one copy; with `--readback`, verify it by reading it back."""
    kind = next((word.removeprefix("--kind=") for word in arguments if word.startswith("--kind=")), "wav")
    prepare()
    work = work_of(int(arguments[0]), kind, is_again="--resume" in arguments)
    idle = rss_mb("VmRSS")
    cpu, begun = time.process_time(), time.perf_counter()
    run(work, is_read_back="--readback" in arguments)
    seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    found = {"seconds": seconds, "cpu": used, "rss_mb": rss_mb("VmHWM") - idle, "sha256": work.record.sha256}
    print(json.dumps(found), flush=True)


def prepare() -> None:
    """Lead the app's adapters to the benchmark's servers."""
    certifi.where = lambda: os.environ["REQUESTS_CA_BUNDLE"]  # the app reads none of the environment
    _lead_acs_to(int(os.environ["BENCH_SOURCE_PORT"]))
    _say_ranges_plainly()
    if cores := int(os.environ.get("BENCH_CORES", "0")):
        from recording.archive.transfer import buffers

        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
        memory = int(os.environ["BENCH_MEMORY_MB"]) << 20
        buffers.memory_bytes = lambda: memory


def run(work: Any, *, is_read_back: bool) -> None:
    """Run the real steps."""
    from recording.archive import copy as copying
    from recording.archive import verify as proving

    copying.copy(work)
    if is_read_back or work.record.sha256 is None:
        proving.verify(work)


def _lead_acs_to(port: int) -> None:
    """ACS's host names lead to loopback, as a hosts file would do it: no proxy shares the CPU."""
    plain = socket.getaddrinfo

    def find(host: Any, asked: Any, *rest: Any, **options: Any) -> Any:
        is_acs = str(host).endswith(".asm.skype.com")
        return plain(*(("127.0.0.1", port) if is_acs else (host, asked)), *rest, **options)

    socket.getaddrinfo = find  # type: ignore[assignment]  # of the few forms that are used here


def _say_ranges_plainly() -> None:
    """nginx, which plays the fast sink, knows HTTP's name for a range but not Azure's."""
    import requests

    plain = requests.Session.send

    def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if "x-ms-range" in request.headers:
            request.headers["Range"] = request.headers["x-ms-range"]
        return plain(session, request, **options)

    requests.Session.send = send  # type: ignore[method-assign,assignment]


def work_of(length: int, kind: str = "wav", *, is_again: bool = False, number: int = 0) -> Any:
    """Return a claimed chunk of this length and kind; the number tells apart chunks of the same file."""
    from recording import wiring
    from recording.archive.claim import Work
    from recording.domain.state.chunk import ChunkRecord
    from recording.ports import Catalog

    now = datetime.now(UTC)
    record = ChunkRecord(
        task=_task(length, kind, now, number),
        first_seen_at=now,
        changed_at=now,
        claim_expires_at=now + timedelta(days=1),
        attempts=2 if is_again else 1,
    )
    ports = wiring.ports()
    ports.source.open_content  # noqa: B018 - makes the adapters, as the first copy of a process would have
    ports.archive.stage_block  # noqa: B018
    ports.pool.budget_bytes  # noqa: B018
    _load_steps()
    object.__setattr__(ports, "catalog", cast("Catalog", _Saved()))
    return Work(record, ports, wiring.settings(), now)


def _load_steps() -> None:
    """Import what the steps need: a process does so once, and the imports of the peers are not measured either."""
    from recording.archive import copy, verify  # noqa: F401 - so that they are there
    from recording.domain.archived.blocks import crc64_of

    crc64_of(b"")  # loads the library that computes it


def _task(length: int, kind: str, now: datetime, number: int) -> Any:
    from recording.domain.state.chunk import ChunkTask

    return ChunkTask(
        recording_id="bench",
        call_id="bench",
        document_id=content.object_id(length, kind),
        index=number,
        content_location=content.location(length, kind),
        format=kind,
        event_id="bench",
        event_time=now,
        expires_at=now + timedelta(days=1),
        folder="bench",
    )


class _Saved:
    """A catalog that only remembers the last record."""

    def save_chunk(self, record: Any) -> Any:
        return record


def rss_mb(field: str) -> float:
    """Return the resident memory in MB: now, or at its highest."""
    if not Path("/proc/self/status").is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main(sys.argv[1:])
