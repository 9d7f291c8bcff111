"""The benchmark's null block-blob sink: takes blocks, checks their checksums, keeps their ids and forgets their bytes.

What is read back is made anew by `content`: a blob's name tells which file it should be. `GET /stats` tells what came.
"""

import base64
import hashlib
import re
import threading
import time
from collections import defaultdict
from urllib.parse import unquote

from dev.bench import content, http1
from dev.bench.source import Stats
from recording.domain.archived.blocks import crc64_of, staged_block

_STAMPS = {"ETag": '"0x1"', "Last-Modified": "Tue, 24 Nov 2026 00:00:00 GMT", "x-ms-version": "2025-11-05"}


class Sink:
    """The app that a Server serves; any account, any container."""

    def __init__(self, first_byte_seconds: float = 0.0, bytes_per_second: float = 0.0) -> None:
        self.stats = Stats()
        self._first_byte_seconds = first_byte_seconds
        self._bytes_per_second = bytes_per_second
        self._staged: dict[str, dict[str, int]] = defaultdict(dict)  # by blob: ids as sent (base64) and lengths
        self._committed: dict[str, list[tuple[str, int]]] = {}
        self._lock = threading.Lock()

    def serve(self, request: http1.Request, connection: http1.Connection) -> None:
        """PUT of a block, a block list or a blob; GET and HEAD of what was committed."""
        asked = request.query.get("comp")
        if request.path == "/stats":
            connection.answer(200, body=self.stats.shown())
        elif request.method == "PUT":
            self._put(request, connection, asked)
        elif asked == "blocklist":
            self._list(request, connection)
        else:
            _read(request, connection)

    def _put(self, request: http1.Request, connection: http1.Connection, asked: str | None) -> None:
        begun = time.monotonic()
        body = connection.read(request.body_length)
        if self._bytes_per_second:
            takes = self._first_byte_seconds + len(body) / self._bytes_per_second
            time.sleep(max(0.0, begun + takes - time.monotonic()))
        checked = _checked(request, body)
        if checked is None:
            connection.answer(400, {"x-ms-error-code": "Crc64Mismatch"})
            return
        with self._lock:
            if asked == "block":
                block = unquote(request.query["blockid"])
                self._staged[request.path][block] = len(body)
                self.stats.moved(len(body))
            elif asked == "blocklist":
                self._commit(request.path, bytes(body))
            else:
                self.stats.moved(len(body))
        connection.answer(201, {**_STAMPS, **checked})

    def _commit(self, blob: str, body: bytes) -> None:
        named = re.findall(r"<(?:Latest|Uncommitted)>([^<]+)</", body.decode())
        staged = self._staged.pop(blob, {})
        self._committed[blob] = [(name, staged[name] if name in staged else _length_of(name)) for name in named]

    def _list(self, request: http1.Request, connection: http1.Connection) -> None:
        with self._lock:
            committed = list(self._committed.get(request.path, []))
            staged = list(self._staged.get(request.path, {}).items())
        body = f"<BlockList>{_listed('Committed', committed)}{_listed('Uncommitted', staged)}</BlockList>"
        connection.answer(200, {**_STAMPS, "Content-Type": "application/xml"}, body.encode())


def _length_of(name: str) -> int:
    """Return what a block's own id says, where nginx took the block itself; 0 for ids of others."""
    try:
        block = staged_block(base64.b64decode(name).decode())
    except ValueError:
        return 0
    return block.length if block is not None else 0


def _checked(request: http1.Request, body: bytearray) -> dict[str, str] | None:
    """Return the headers that say what was checked; None when the bytes are not what the client says."""
    if wanted := request.headers.get("x-ms-content-crc64"):
        found = base64.b64encode(crc64_of(body).to_bytes(8, "little")).decode()
        return {"x-ms-content-crc64": found} if found == wanted else None
    if wanted := request.headers.get("content-md5"):
        found = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        return {"Content-MD5": found} if found == wanted else None
    return {}


def _listed(kind: str, blocks: list[tuple[str, int]]) -> str:
    rows = (f"<Block><Name>{name}</Name><Size>{size}</Size></Block>" for name, size in blocks)
    return f"<{kind}Blocks>{''.join(rows)}</{kind}Blocks>"


def _read(request: http1.Request, connection: http1.Connection) -> None:
    length = content.length_of(request.path)
    if length is None:
        connection.answer(404, {"x-ms-error-code": "BlobNotFound"})
        return
    wanted = request.headers.get("x-ms-range") or request.headers.get("range")
    start, stop = http1.byte_range(wanted, length) or (0, length)
    headers = {**_STAMPS, "Content-Length": str(stop - start), "x-ms-blob-type": "BlockBlob"}
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    connection.send(http1.head(206 if wanted else 200, headers))
    if request.method != "HEAD":
        for piece in content.pieces(length, start, stop, content.kind_of(request.path)):
            connection.send(piece)
