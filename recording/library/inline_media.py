"""Media inside vCons, read like files beside them: the way to import a vCon that refers to no files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from recording.domain.archived.drift import BlobFacts
from recording.domain.archived.vcon_entries import body_of, bytes_of, inline_place, recordings_in
from recording.errors import StorageError
from recording.ports import Archive

PIECE = 4 << 20


class Lengthy(Protocol):
    """The facts about a file before it is read."""

    @property
    def length_bytes(self) -> int:
        """Return its length in bytes."""
        ...


class ImportSource(Protocol):
    """A container to import from; it is only read. Every method raises StorageError."""

    def look_up(self, name: str) -> Lengthy | None:
        """Return the facts about a file; None when it does not exist."""
        ...

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Return a small file and its ETag; None when it does not exist."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a file's bytes."""
        ...

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Yield all files whose names begin so."""
        ...


@dataclass(frozen=True)
class _Inline:
    length_bytes: int


class WithInlineMedia:
    """A container in which `call.vcon.json#2` is the media inside the third recording of that vCon."""

    def __init__(self, source: Archive) -> None:
        self._source = source
        self._last: tuple[str, bytes] | None = None  # media is first looked up, and then read

    def look_up(self, name: str) -> Lengthy | None:
        """Return the facts about a file."""
        place = inline_place(name)
        if place is None:
            return self._source.look_up(name)
        media = self._inline(name, place)
        return _Inline(len(media)) if media is not None else None

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Return a small file and its ETag."""
        return self._source.get(name)

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a file's bytes."""
        place = inline_place(name)
        if place is None:
            yield from self._source.read(name)
            return
        media = self._inline(name, place)
        if media is None:
            raise StorageError("the vCon has no such media")
        for start in range(0, len(media), PIECE):
            yield media[start : start + PIECE]

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Yield all files with this prefix, without media inside vCons."""
        return self._source.list(prefix)

    def close(self) -> None:
        """Close the container's connections, if any."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def _inline(self, name: str, place: tuple[str, int]) -> bytes | None:
        if self._last is None or self._last[0] != name:
            media = self._decoded(*place)
            self._last = (name, media) if media is not None else None
        return self._last[1] if self._last else None

    def _decoded(self, vcon: str, at: int) -> bytes | None:
        stored = self._source.get(vcon)
        dialog = _dialog(stored[0], at) if stored else None
        body = body_of(dialog) if dialog is not None else None
        try:
            return bytes_of(body) if body is not None else None
        except ValueError:
            return None


def _dialog(raw: bytes, at: int) -> dict[str, Any] | None:
    try:
        found = recordings_in(json.loads(raw))
    except (ValueError, RecursionError):
        return None
    return found[at] if at < len(found) else None
