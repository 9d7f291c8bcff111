"""Where media are fetched from: ACS's storage plane and the customer's own containers."""

from collections.abc import Iterator
from contextlib import contextmanager

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.incoming.locations import (
    DEFAULT_CONTENT_HOSTS,
    checked_external_blob,
    checked_location,
    stays_with_the_object,
)
from recording.domain.incoming.metadata import LARGEST_METADATA
from recording.errors import (
    SourceBrokenError,
    SourceBusyError,
    SourceGoneError,
    SourceRedirectError,
    UnsafeLocationError,
)
from recording.errors.codes import Code

PIECE = 64 * 1024


class FakeContent:
    """An open download of bytes in memory, of all of them or of a part."""

    version: str | None = None

    def __init__(self, data: bytes, declared_total: int | None, *, breaks: bool = False, is_whole: bool = True) -> None:
        self._data, self._breaks, self._given = data, breaks, 0
        self.declared_total, self.is_whole = declared_total, is_whole

    def fill(self, view: memoryview) -> int:
        piece = self._data[self._given : self._given + len(view)]
        view[: len(piece)] = piece
        self._given += len(piece)
        if len(piece) < len(view) and self._breaks:
            raise SourceBusyError("the stream broke")
        return len(piece)

    def pieces(self) -> Iterator[bytes]:
        while piece := self._data[self._given : self._given + PIECE]:
            self._given += len(piece)
            yield piece
        if self._breaks:
            raise SourceBusyError("the stream broke")


class FakeObjects(Scripted):
    """Objects by location, with the ways in which a source lies about them."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.declared: dict[str, int | None] = {}  # overrides the true length
        self.truncated: dict[str, int] = {}  # the stream just ends after so many bytes
        self.broken: dict[str, int] = {}  # the stream breaks after so many bytes
        self.versions: dict[str, str] = {}  # the ETag, where one is served
        self.names_a_version_each_time = False  # as machines do that do not agree on one
        self._answers = 0
        self.ignores_ranges = False

    def open(self, location: str, first: int = 0, length: int | None = None) -> FakeContent:
        """Return an object, or a part of it, as it will be served."""
        if location not in self.objects:
            raise SourceGoneError("the source has no such object")
        data = self.objects[location]
        total = self.declared.get(location, len(data))
        if self.ignores_ranges:
            first, length = 0, None
        end = len(data) if length is None else min(first + length, max(len(data), total or 0))
        cut = min(self.truncated.get(location, len(data)), self.broken.get(location, len(data)), end)
        breaks = location in self.broken and self.broken[location] < end
        content = FakeContent(data[first:cut], total, breaks=breaks, is_whole=first == 0 and end >= (total or 0))
        self._answers += 1
        content.version = str(self._answers) if self.names_a_version_each_time else self.versions.get(location)
        return content

    def read(self, location: str) -> bytes:
        """Return a small object."""
        data = b"".join(self.open(location).pieces())
        if len(data) > LARGEST_METADATA:
            raise SourceBrokenError("the metadata is larger than 1 MiB", code=Code.METADATA_TOO_LARGE)
        return data


class FakeSource(FakeObjects):
    """ACS's storage plane. Deleting any location of an object deletes all of them, as ACS does."""

    def __init__(self, allowed_hosts: tuple[str, ...] = DEFAULT_CONTENT_HOSTS) -> None:
        super().__init__()
        self.deleted: list[str] = []
        self.redirects: dict[str, str] = {}  # from location to location
        self._allowed_hosts = allowed_hosts

    @scripted
    @contextmanager
    def open_content(self, location: str, first: int = 0, length: int | None = None) -> Iterator[FakeContent]:
        yield self.open(self.final_location(location), first, length)

    @scripted
    def read_metadata(self, location: str) -> bytes:
        return self.read(self.final_location(location))

    def final_location(self, location: str) -> str:
        """Return where a request ends, after a redirect that may be followed."""
        checked = checked_location(location, self._allowed_hosts)
        try:
            target = checked_location(self.redirects.get(checked.url, checked.url), self._allowed_hosts)
        except UnsafeLocationError as error:
            raise SourceRedirectError(
                f"the source redirects to a location that may not be called ({error.code})"
            ) from None
        if target.url != checked.url and not stays_with_the_object(checked, target):
            raise SourceRedirectError("the source redirects to another object")
        return target.url

    @scripted
    def delete(self, location: str) -> bool:
        location = self.final_location(location)
        wanted = checked_location(location, self._allowed_hosts).object_id
        gone = [url for url in self.objects if checked_location(url, self._allowed_hosts).object_id == wanted]
        for url in gone:
            del self.objects[url]
        self.deleted.extend([location] if gone else [])
        return bool(gone)


class FakeExternal(FakeObjects):
    """The customer's own containers."""

    def __init__(self, containers: tuple[str, ...] = ("https://customer.blob.core.windows.net/calls",)) -> None:
        super().__init__()
        self._containers = containers

    @scripted
    @contextmanager
    def open_content(self, location: str) -> Iterator[FakeContent]:
        checked_external_blob(location, self._containers)
        yield self.open(location)

    @scripted
    def read_range(self, location: str, first: int, length: int) -> tuple[bytes, int]:
        checked_external_blob(location, self._containers)
        if location not in self.objects:
            raise SourceGoneError("the source has no such object")
        return self.objects[location][first : first + length], len(self.objects[location])

    @scripted
    def read_metadata(self, location: str) -> bytes:
        checked_external_blob(location, self._containers)
        return self.read(location)
