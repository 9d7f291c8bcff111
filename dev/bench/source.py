"""The benchmark's source: serves `content` under ACS's paths, as fast or as slowly as a figure needs.

Like ACS it understands Range, sends Content-Range even with a 200, and sends no ETag. Signatures are not looked at:
this is about speed. `GET /stats` tells what was sent so far.
"""

import json
import threading
import time
from dataclasses import dataclass, field

from dev.bench import content, http1

_PACED_PIECE = 64 * 1024  # at 12 MB/s one piece takes 5 ms: smooth enough, and few wake-ups


@dataclass(frozen=True)
class SourceOptions:
    """How slow a source is; the defaults are as fast as this machine allows.

    Attributes:
        first_byte_seconds: before the answer begins.
        bytes_per_second: for each request; 0 is unlimited.
        burst_bytes: of each request, which go at once, as a token bucket lets them.
    """

    first_byte_seconds: float = 0.0
    bytes_per_second: float = 0.0
    burst_bytes: float = 0.0


@dataclass
class Stats:
    """What a server has seen; counted for all connections together."""

    requests: int = 0
    bytes_moved: int = 0
    busy: int = 0
    most_busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> None:
        """Count a request that has arrived."""
        with self.lock:
            self.requests += 1
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)

    def moved(self, count: int) -> None:
        """Count so many bytes of a body."""
        with self.lock:
            self.bytes_moved += count

    def end(self) -> None:
        """Count a request as answered, or its client as gone."""
        with self.lock:
            self.busy -= 1

    def shown(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(
            {"requests": self.requests, "bytes_moved": self.bytes_moved, "most_busy": self.most_busy}
        ).encode()


class Source:
    """The app that a Server serves."""

    def __init__(self, options: SourceOptions = SourceOptions()) -> None:
        self.options = options
        self.stats = Stats()

    def serve(self, request: http1.Request, connection: http1.Connection) -> None:
        """GET and HEAD of an object, DELETE of anything, GET of the stats."""
        connection.discard(request.body_length)
        if request.path == "/stats":
            connection.answer(200, body=self.stats.shown())
        elif request.method == "DELETE":
            connection.answer(200)
        elif (length := content.length_of(request.path)) is None:
            connection.answer(404)
        else:
            self.stats.begin()
            try:
                self._send(request, connection, length)
            finally:
                self.stats.end()

    def _send(self, request: http1.Request, connection: http1.Connection, length: int) -> None:
        asked = http1.byte_range(request.headers.get("range"), length)
        start, stop = asked or (0, length)
        time.sleep(self.options.first_byte_seconds)
        if start >= stop:
            connection.answer(416, {"Content-Range": f"bytes */{length}"})
            return
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(stop - start),
            "Content-Range": f"bytes {start}-{stop - 1}/{length}",
        }
        connection.send(http1.head(200 if asked is None else 206, headers))
        if request.method != "HEAD":
            self._send_body(connection, length, start, stop, content.kind_of(request.path))

    def _send_body(self, connection: http1.Connection, length: int, start: int, stop: int, kind: str) -> None:
        pace = Pace(self.options.bytes_per_second, self.options.burst_bytes)
        step = _PACED_PIECE if self.options.bytes_per_second else content.PIECE
        for piece in content.pieces(length, start, stop, kind):
            for offset in range(0, len(piece), step):
                part = piece[offset : offset + step]
                connection.send(part)
                self.stats.moved(len(part))
                pace.wait_after(len(part))


class Pace:
    """Holds a stream at a rate; 0 does not hold it."""

    def __init__(self, bytes_per_second: float, burst_bytes: float = 0.0) -> None:
        self._rate = bytes_per_second
        self._done = -burst_bytes
        self._started = time.monotonic()

    def wait_after(self, count: int) -> None:
        """Wait until these bytes, too, have had their time."""
        self._done += count
        if self._rate and (ahead := self._started + self._done / self._rate - time.monotonic()) > 0:
            time.sleep(ahead)
