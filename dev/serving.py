"""HTTP servers on loopback that run in a thread of their own: one way to start and to stop them."""

import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Serving:
    """A server that answers while the context lasts.

    Args:
        server: bound, and not yet started.
        name: of its thread.
        poll_seconds: how long stopping may take.
    """

    def __init__(self, server: ThreadingHTTPServer, name: str = "loopback", poll_seconds: float = 0.5) -> None:
        server.daemon_threads = True
        self.server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(poll_seconds,), name=name, daemon=True)

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self.server.server_address[1])

    @property
    def origin(self) -> str:
        """Return scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, close the port and wait for the thread."""
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Begin to answer."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        self.stop()
