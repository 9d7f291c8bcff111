"""Hands that the app does not know of: in the archive, in the clock of one instance, in what ACS serves for a while.

A person, a lifecycle rule or a misbehaving proxy does these things in production; no port call of the app does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.source import FakeSource
from recording.errors import BlobLockedError


@dataclass
class HandInArchive:
    """Changes committed blobs behind the app's back; `touched` tells which, and how."""

    archive: FakeArchive
    touched: dict[str, str] = field(default_factory=dict)

    def deletes(self, name: str) -> None:
        """Remove one blob."""
        del self.archive.blobs[name]
        self.touched[name] = "deleted"

    def empties(self, name: str) -> None:
        """Overwrite one blob with nothing."""
        self._overwrites(name, b"", "emptied")

    def overwrites(self, name: str) -> None:
        """Overwrite one blob with other bytes of the same length, and keep its facts."""
        data = self.archive.blobs[name].data
        self._overwrites(name, bytes(len(data)), "overwritten")

    def drops_container(self) -> None:
        """Remove the container with all that is in it, staged blocks included; the next write makes it anew."""
        for name in list(self.archive.blobs):
            self.deletes(name)
        self.archive.staged.clear()

    def _overwrites(self, name: str, data: bytes, how: str) -> None:
        blob = self.archive.blobs[name]
        facts = {} if how == "emptied" else blob.facts
        self.archive.blobs[name] = replace(blob, data=data, facts=facts, etag=f'"hand-{len(self.touched)}"', blocks=())
        self.touched[name] = how


@dataclass
class SkewedClock:
    """The clock of an instance that is wrong by `skew`."""

    true: FakeClock
    skew: timedelta

    def now(self) -> datetime:
        """Return the wrong time."""
        return self.true.now() + self.skew


def keep_as_written(archive: FakeArchive) -> None:
    """Put the container under a retention policy: what is there may not be written again."""
    plain = archive.put_if_unchanged

    def put_if_unchanged(name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        if name in archive.blobs:
            raise BlobLockedError("a retention policy forbids it")
        return plain(name, data, media_type, etag)

    archive.put_if_unchanged = put_if_unchanged  # type: ignore[method-assign]  # the policy stands before the container


def page_of_text(_media: bytes) -> bytes:
    """Return what a filtering proxy serves instead of the media."""
    return b"<!doctype html><html><body>This address is blocked by policy 17.</body></html>\n" * 4


def first_half(media: bytes) -> bytes:
    """Return the prefix of an object that is still growing."""
    return media[: len(media) // 2]


def header_alone(media: bytes) -> bytes:
    """Return a WAV header without its sound."""
    return media[:44]


WRONG_BODIES: tuple[Callable[[bytes], bytes], ...] = (page_of_text, first_half, header_alone)


def error_as_object(_metadata: bytes) -> bytes:
    """Return an error of the service as JSON, told with 200 in place of the document."""
    return b'{"error": {"code": "ServiceUnavailable", "message": "The service is busy."}, "status": 503}'


def problem_as_object(_metadata: bytes) -> bytes:
    """Return a problem document of a gateway before the service."""
    return b'{"type": "about:blank", "title": "Bad Gateway", "traceId": "00-4bf92f35-01"}'


def error_as_markup(_metadata: bytes) -> bytes:
    """Return an error of the storage behind the service, in XML."""
    return b'<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code></Error>'


def error_about_the_call(_metadata: bytes) -> bytes:
    """Return an error that names the call and the resource, as the document would."""
    return b'{"callId": "0a6d2f9e", "resourceId": "c2f5e8aa", "error": {"code": "NotReady"}, "chunkDuration": null}'


def nothing_known(_metadata: bytes) -> bytes:
    """Return the empty document of a service that has not finished."""
    return b"{}"


def nothing_filled_in(_metadata: bytes) -> bytes:
    """Return a document as it is before the service has filled it in: every field has the value of an unset one."""
    return (
        b'{"resourceId": "", "callId": null, "chunkDocumentId": null, "chunkIndex": 0, "chunkDuration": 0.0, '
        b'"chunkStartTime": "0001-01-01T00:00:00", "pauseResumeIntervals": [], "participants": [], '
        b'"recordingInfo": {"contentType": null, "audioConfiguration": {"sampleRate": 0}}}'
    )


def names_within_names(_metadata: bytes) -> bytes:
    """Return a participant whose id is an identifier within an identifier, and so on."""
    levels = 300
    return b'{"error": "loop", "participants": [' + b'{"rawId": ' * levels + b"1" + b"}" * levels + b"]}"


ERRORS_AS_METADATA: tuple[Callable[[bytes], bytes], ...] = (
    error_as_object,
    problem_as_object,
    error_as_markup,
    error_about_the_call,
    nothing_known,
    nothing_filled_in,
    names_within_names,
)


def serve_wrongly(source: FakeSource, location: str, wrong: Callable[[bytes], bytes]) -> Callable[[], None]:
    """Let an object be served as `wrong` makes it, with lengths to match; the returned call ends that."""
    good = source.objects[location]
    source.objects[location] = wrong(good)

    def end() -> None:
        if location in source.objects:
            source.objects[location] = good

    return end
