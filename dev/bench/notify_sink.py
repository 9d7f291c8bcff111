"""A receiver of webhooks in a process of its own: answers at once, and remembers when each delivery was there."""

import asyncio
import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import urllib3

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nwebhook-id: *(\S+)", re.IGNORECASE)
_START_SECONDS = 30.0


@dataclass(frozen=True)
class Arrival:
    """One delivery: which event, of which type, and how many seconds after it happened."""

    event_id: str
    type: str
    lag: float


@dataclass(frozen=True)
class Sink:
    """A running receiver."""

    url: str

    def settings(self, secret: str) -> dict[str, str]:
        """Return the app settings that send every event here."""
        endpoint = {"name": "sink", "url": f"{self.url}/webhook", "secrets": [secret]}
        return {"WEBHOOKS": json.dumps([endpoint]), "WEBHOOK_NETWORKS": "127.0.0.0/8"}

    def arrivals(self) -> list[Arrival]:
        """Return the first delivery of each event, in order."""
        answer = urllib3.request("GET", f"{self.url}/", retries=False, timeout=60.0)
        return [Arrival(*one) for one in answer.json()]

    def forget(self) -> None:
        """Forget what has arrived."""
        urllib3.request("DELETE", f"{self.url}/", retries=False, timeout=60.0)


@contextmanager
def running_sink() -> Iterator[Sink]:
    """Yield a receiver; its process ends with the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        if not here.poll(_START_SECONDS):
            raise RuntimeError("the receiver did not start")
        yield Sink(f"http://127.0.0.1:{here.recv()}")
    finally:
        process.terminate()
        process.join()
        here.close()


def _serve(tell: Connection) -> None:
    asyncio.run(_live(tell))


async def _live(tell: Connection) -> None:
    kept: list[tuple[float, bytes, bytes]] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Exchange(kept), "127.0.0.1", 0, backlog=4096)
    tell.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Exchange(asyncio.Protocol):
    """One request on one connection: the time is taken when all of it is there, and nothing is read out of it yet."""

    def __init__(self, kept: list[tuple[float, bytes, bytes]]) -> None:
        self._kept = kept
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once all of the request is there."""
        self._data += data
        head, mark, body = self._data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not mark or len(body) < int(length[1] if length else 0):
            return
        if head.startswith(b"POST"):
            self._kept.append((time.time(), head, body))
            self._answer(b"")
        elif head.startswith(b"DELETE"):
            self._kept.clear()
            self._answer(b"")
        else:
            self._answer(json.dumps(list(_first_of_each(self._kept))).encode())

    def _answer(self, body: bytes) -> None:
        told = (
            "HTTP/1.1 200 OK",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
            "Connection: close",
        )
        head = "\r\n".join((*told, "", ""))
        self._transport.write(head.encode() + body)
        self._transport.close()


def _first_of_each(kept: list[tuple[float, bytes, bytes]]) -> Iterator[tuple[str, str, float]]:
    seen: set[str] = set()
    for at, head, body in kept:
        found, document = _ID.search(head), json.loads(body)
        event_id = found[1].decode() if found else ""
        if event_id not in seen:
            seen.add(event_id)
            yield event_id, document["type"], at - datetime.fromisoformat(document["timestamp"]).timestamp()
