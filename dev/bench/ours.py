"""Runs our copy once, as the app does it: the real steps and adapters, with a catalog in memory.

    python -m dev.bench.ours LENGTH [--readback] [--resume]

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
    """One copy; with `--readback`, verified by reading it back."""
    from recording.archive import copy as copying
    from recording.archive import verify as proving

    certifi.where = lambda: os.environ["REQUESTS_CA_BUNDLE"]  # the app reads none of the environment
    _lead_acs_to(int(os.environ["BENCH_SOURCE_PORT"]))
    _say_ranges_plainly()

    work = _work(int(arguments[0]), is_again="--resume" in arguments)
    idle = _rss("VmRSS")
    cpu, begun = time.process_time(), time.perf_counter()
    copying.copy(work)
    if "--readback" in arguments or work.record.sha256 is None:
        proving.verify(work)
    seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    sha256 = work.record.sha256
    print(json.dumps({"seconds": seconds, "cpu": used, "rss_mb": _rss("VmHWM") - idle, "sha256": sha256}), flush=True)


def _lead_acs_to(port: int) -> None:
    """ACS's host names lead to loopback, as a hosts file would do it: no proxy shares the CPU."""
    plain = socket.create_connection

    def connect(address: tuple[str, int], *rest: Any, **options: Any) -> Any:
        is_acs = address[0].endswith(".asm.skype.com")
        return plain(("127.0.0.1", port) if is_acs else address, *rest, **options)

    socket.create_connection = connect  # type: ignore[assignment]  # of the few forms that are used here


def _say_ranges_plainly() -> None:
    """nginx, which plays the fast sink, knows HTTP's name for a range but not Azure's."""
    import requests

    plain = requests.Session.send

    def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if "x-ms-range" in request.headers:
            request.headers["Range"] = request.headers["x-ms-range"]
        return plain(session, request, **options)

    requests.Session.send = send  # type: ignore[method-assign,assignment]


def _work(length: int, *, is_again: bool) -> Any:
    from recording import wiring
    from recording.archive.claim import Work
    from recording.domain.state.chunk import ChunkRecord
    from recording.ports import Catalog

    now = datetime.now(UTC)
    record = ChunkRecord(
        task=_task(length, now),
        first_seen_at=now,
        changed_at=now,
        claim_expires_at=now + timedelta(days=1),
        attempts=2 if is_again else 1,
    )
    ports = wiring.ports()
    ports.source.open_content  # noqa: B018 - makes the adapters, as the first copy of a process would have
    ports.archive.stage_block  # noqa: B018
    object.__setattr__(ports, "catalog", cast("Catalog", _Saved()))
    return Work(record, ports, wiring.settings(), now)


def _task(length: int, now: datetime) -> Any:
    from recording.domain.state.chunk import ChunkTask

    return ChunkTask(
        recording_id="bench",
        call_id="bench",
        document_id=content.object_id(length),
        index=0,
        content_location=content.location(length),
        format="wav",
        event_id="bench",
        event_time=now,
        expires_at=now + timedelta(days=1),
        folder="bench",
    )


class _Saved:
    """A catalog that only remembers the last record."""

    def save_chunk(self, record: Any) -> Any:
        return record


def _rss(field: str) -> float:
    """Resident memory in MB: now, or at its highest."""
    if not Path("/proc/self/status").is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main(sys.argv[1:])
