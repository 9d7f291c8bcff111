"""Every class of failure in docs/runbook.md is made with the real adapter, and ends as its row says.

ACS is the real adapter against a scripted TLS server; so is the archive where a row is about its answers. The rest of
the line is real, over fakes. What is compared: how one turn of a worker ends, the code, and whose fault it is.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory import world as worlds
from dev.in_memory.builders import metadata, task, wav
from dev.loopback import Answer, HttpServer, Seen, World
from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS
from recording.adapters.acs.source import AcsSource
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.http1 import connections
from recording.domain.state.chunk import ChunkState
from recording.errors import ClaimLostError, RecordingError, StorageBusyError
from recording.settings import AcsConnection
from tests.contract.conftest import storage_settings
from tests.contract.test_storage_failures import KEY, connection_string, failure

CHUNK = task(recording_duration_ms=20_000)
MEDIA = wav(20_000)  # several blocks of 64 KiB
BLOCK = 64 * 1024
PATH = CHUNK.content_location.partition(".com")[2]
METADATA_PATH = (CHUNK.metadata_location or "").partition(".com")[2]
DELETE_PATH = (CHUNK.delete_location or "").partition(".com")[2]
ELSEWHERE = f"https://us-storage.asm.skype.com{PATH}"
PAGE = b"<!DOCTYPE html><html><title>Bad Request</title></html>"
WORDS = {"nobody": "time", "acs": "ACS", "operator": "operator"}


@dataclass(frozen=True)
class Ended:
    """How a turn ended: the state of the work, the last code, and whose fault it was."""

    how: str
    code: str = "-"
    fault: str = "-"


class Turn:
    """One chunk, one worker, and an ACS that answers as told; at first everything is well."""

    def __init__(self, loopback: World, acs: AcsConnection) -> None:
        connection = {name: getattr(acs, name) for name in ("endpoint", "access_key", "proxy_url", "ca_bundle")}
        self.here = worlds.world(acs=connection, copy_block_bytes=BLOCK)
        self.source = AcsSource(self.here.settings.acs)
        self.here.fakes = replace(self.here.fakes, source=self.source)  # type: ignore[arg-type]  # the real one
        self.script = loopback.script
        self.gets: list[Callable[[Seen], Answer]] = []  # for the media; the last one is repeated
        self.works = 1
        self._scripted = self.script.answer
        self.script.answer = self._answer  # type: ignore[method-assign]  # ranges need to look at the request
        self.acs("GET", METADATA_PATH, Answer(200, metadata(chunkDuration=20_000)))
        self.acs("DELETE", DELETE_PATH, Answer(200))

    def acs(self, method: str, path: str, *answers: Answer) -> None:
        """What ACS answers."""
        self.script.on(method, path, *answers)

    def media(self, *answers: Answer) -> None:
        """What it answers to requests for the media."""
        self.gets = [lambda _seen, answer=answer: answer for answer in answers]  # type: ignore[misc]

    def _answer(self, seen: Seen) -> Answer:
        if (seen.method, seen.path) != ("GET", PATH):
            return self._scripted(seen)
        if not self.gets:
            return ranged(seen, MEDIA)
        return (self.gets.pop(0) if len(self.gets) > 1 else self.gets[0])(seen)

    def run(self, caplog: pytest.LogCaptureFixture) -> Ended:
        """The worker's turns; how the last one ended."""
        with caplog.at_level(logging.INFO, logger="recording"):
            for _ in range(self.works):
                caplog.clear()
                self.here.fakes.queue.sent.clear()
                self.here.works(CHUNK)
        told = {entry.__dict__["event"]: entry.__dict__ for entry in caplog.records if hasattr(entry, "event")}
        failed = told.get("recording.chunk.attempt_failed", told.get("recording.chunk.waiting", {}))
        if "recording.chunk.quarantined" in told:
            return Ended("quarantine", told["recording.chunk.quarantined"]["reason"])
        if "recording.chunk.expired" in told:
            return Ended("expired", "expired")
        if self.here.fakes.queue.sent:
            return Ended("again", failed["code"], WORDS[failed.get("fault", "nobody")])
        assert self.here.state() is ChunkState.SOURCE_DELETED
        return Ended("done")


def ranged(seen: Seen, media: bytes, **headers: str) -> Answer:
    """A range as it was asked for."""
    first, _, last = seen.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
    begin, end = int(first), min(int(last or len(media)), len(media) - 1)
    told = {"Content-Range": f"bytes {begin}-{end}/{len(media)}", **headers}
    return Answer(206, media[begin : end + 1], told)


def cut(seen: Seen, *, is_declared: bool, stall: threading.Event | None = None) -> Answer:
    """A body that ends, or stands still, after a thousand bytes; what it should be stands in its head."""
    whole = ranged(seen, MEDIA)
    return replace(whole, body=whole.body[:1000], length=len(whole.body) if is_declared else -1, stall=stall)


def short(turn: Turn) -> None:
    """Without a Content-Length, HTTP cannot tell an end from a break."""
    turn.gets = [lambda seen: cut(seen, is_declared=False)]


def broken_off(turn: Turn) -> None:
    """With one, it can."""
    turn.gets = [lambda seen: cut(seen, is_declared=True)]


def answers(*given: Answer) -> Callable[[Turn], None]:
    """ACS answers so to requests for the media."""
    return lambda turn: turn.media(*given)


def deleting(*given: Answer) -> Callable[[Turn], None]:
    """ACS answers so to the delete."""
    return lambda turn: turn.acs("DELETE", DELETE_PATH, *given)


def describing(*given: Answer) -> Callable[[Turn], None]:
    """ACS answers so to the request for the metadata."""
    return lambda turn: turn.acs("GET", METADATA_PATH, *given)


def after_expiry(turn: Turn) -> None:
    """ACS has forgotten it, and nobody came in time."""
    turn.media(Answer(404))
    turn.here.fakes.clock.advance(hours=25)


def after_our_delete(turn: Turn) -> None:
    """The delete took effect, its answer was lost, and everything is asked again."""
    turn.acs("DELETE", DELETE_PATH, Answer(is_dropped=True), Answer(404))
    turn.works = 2


def refused_elsewhere(turn: Turn) -> None:
    """ACS sends us to another of its hosts, and that one does not know us."""
    turn.media(Answer(302, headers={"Location": ELSEWHERE}), Answer(401))


def changed_between_reads(turn: Turn) -> None:
    """The second range is of a longer object."""
    turn.gets = [lambda seen: ranged(seen, MEDIA), lambda seen: ranged(seen, MEDIA + MEDIA)]


def two_bodies(turn: Turn) -> None:
    """Other bytes lie under this chunk's name already."""
    calm = worlds.world()
    calm.works(calm.holds(task()))
    name = calm.record().blob_name or ""
    turn.here.fakes.archive.stage_block(name, "x", b"other")
    turn.here.fakes.archive.commit(name, ["x"], "audio/wav", {})


def not_media_twice(turn: Turn) -> None:
    """The same bytes a second time are what ACS has."""
    turn.gets = [lambda seen: ranged(seen, b"x" * 1000)]
    turn.works = 2


def commit_reply_lost(turn: Turn) -> None:
    """The commit took effect, and the worker never knew."""
    turn.here.fakes.archive.fail_next("commit", StorageBusyError("the connection ended"), after=True)
    turn.works = 2


def zombie(turn: Turn) -> None:
    """Another worker changed the record meanwhile: 412."""
    turn.here.fakes.catalog.fail_next("save_chunk", ClaimLostError("412"))


def stored_differs(turn: Turn) -> None:
    """The archive gives back another byte than it was given."""
    archive = turn.here.fakes.archive
    commit = archive.commit

    def corrupting(name: str, *rest: Any) -> Any:
        done = commit(name, *rest)
        archive.blobs[name] = replace(archive.blobs[name], data=archive.blobs[name].data[:-1] + b"?")
        return done

    archive.commit = corrupting  # type: ignore[method-assign,assignment]


CLASSES: dict[str, Callable[[Turn], None]] = {
    "0 bytes": answers(Answer(200)),
    "short: the body ends before its declared end": short,
    "cut: the connection ends within the body": broken_off,
    "404 before the object is ready": answers(Answer(404)),
    "404 after the expiry": after_expiry,
    "404 after our own delete": after_our_delete,
    "400 with a web page": answers(Answer(400, PAGE, {"Content-Type": "text/html"})),
    "401: clock, or a rotated key": answers(Answer(401)),
    "401: the recording of another resource": answers(Answer(401, b'{"error":{"code":"Unauthorized"}}')),
    "401 after a redirect": refused_elsewhere,
    "a redirect to a foreign host, to http or to another object": answers(
        Answer(302, headers={"Location": "https://evil.example/x"})
    ),
    "403": answers(Answer(403)),
    "409": answers(Answer(409)),
    "412": answers(Answer(412)),
    "416": answers(Answer(416)),
    "429": answers(Answer(429)),
    "429 with a Retry-After of an hour": answers(Answer(429, headers={"Retry-After": "3600"})),
    "a storm of 5xx": answers(*[Answer(status) for status in (500, 502, 503, 504)]),
    "a stall": answers(),
    "no connection": answers(Answer(is_dropped=True)),
    "`Range` ignored": answers(Answer(200, MEDIA)),
    "the object changes between two reads": changed_between_reads,
    "a compressed body": answers(Answer(200, MEDIA, {"Content-Encoding": "gzip"})),
    "two bodies under one id": two_bodies,
    "media that does not open": answers(Answer(200, b"x" * 1000)),
    "media that does not open, twice the same": not_media_twice,
    "metadata that is not there yet": describing(Answer(404)),
    "metadata that is not JSON, or says nothing of a chunk": describing(Answer(200, b"<html>")),
    "metadata of another chunk": describing(Answer(200, metadata(chunkIndex=7))),
    "delete: 202 or 204": deleting(Answer(202)),
    "delete: 404": deleting(Answer(404)),
    "delete: no answer": deleting(Answer(is_dropped=True)),
    "delete: 403": deleting(Answer(403)),
    "delete: success, and the object is still there": deleting(Answer(200)),
    "archive: 401 or 403": lambda _turn: None,
    "archive: 5xx, or no connection": lambda _turn: None,
    "archive: 409 after a lost reply": commit_reply_lost,
    "archive: it returns other bytes": stored_differs,
    "catalog: 412, another worker has the chunk": zombie,
}
ARCHIVES = {
    "archive: 401 or 403": failure(403, "AuthorizationPermissionMismatch"),
    "archive: 5xx, or no connection": failure(503, "ServerBusy"),
}
ROWS = {row["class"]: row for row in rows_with(DOCS / "runbook.md", "class", "ends", "code", "whose fault")}


@pytest.fixture
def turn(world: World, acs: AcsConnection, no_pauses: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turn]:
    monkeypatch.setattr(connections, "READ_SECONDS", 1)
    made = Turn(world, acs)
    with closing(made.source):
        yield made


def told(row: dict[str, str]) -> Ended:
    """What a row of the page says."""
    code = spans(row["code"])
    return Ended(row["ends"], code[0] if code else "-", row["whose fault"])


def compare(ended: Ended, row: dict[str, str]) -> None:
    """In quarantine, the fault is that of the reason in docs/errors.md."""
    expected = told(row)
    if ended.how in ("quarantine", "expired"):
        (reason,) = [each for each in rows_with(DOCS / "errors.md", "code") if f"`{ended.code}`" == each["code"]]
        ended = replace(ended, fault=reason["whose fault"])
    assert ended == expected


def test_the_page_has_exactly_these_classes() -> None:
    """A class without a test is a guess, and one without a row helps nobody."""
    assert ROWS.keys() == CLASSES.keys()


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in (*ARCHIVES, "a stall")])
def test_a_failure_ends_as_its_row_says(name: str, turn: Turn, caplog: pytest.LogCaptureFixture) -> None:
    """What the operator reads at night must be what happens."""
    CLASSES[name](turn)
    compare(turn.run(caplog), ROWS[name])


def test_a_stall_ends_as_its_row_says(turn: Turn, caplog: pytest.LogCaptureFixture) -> None:
    """A worker that waits for ever keeps its claim and its place."""
    stall = threading.Event()
    turn.gets = [lambda seen: cut(seen, is_declared=True, stall=stall)]
    compare(turn.run(caplog), ROWS["a stall"])
    stall.set()


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_failing_archive_ends_as_its_row_says(name: str, turn: Turn, caplog: pytest.LogCaptureFixture) -> None:
    """The real adapter, and a server that refuses."""
    with HttpServer() as server:
        server.new_script().anything(ARCHIVES[name])
        with closing(BlobArchive(storage_settings(connection_string(server.port, f"AccountKey={KEY}")))) as archive:
            turn.here.fakes = replace(turn.here.fakes, archive=archive)  # type: ignore[arg-type]  # the real one
            compare(turn.run(caplog), ROWS[name])


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_delete_that_took_effect_is_not_asked_twice(
    turn: Turn, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when ACS still serves the object for a while: it is gone at the latest with its expiry."""
    turn.acs("DELETE", DELETE_PATH, Answer(status))
    turn.works = 2
    assert turn.run(caplog) == Ended("done")
    assert [seen.method for seen in turn.script.seen].count("DELETE") == 1


def test_an_hour_of_retry_after_is_capped_by_the_time_left(turn: Turn) -> None:
    """Twenty-four refusals of an hour each would be the end of the recording."""
    turn.media(Answer(429, headers={"Retry-After": "3600"}))
    turn.here.works(CHUNK)
    ((_, due),) = turn.here.fakes.queue.sent
    assert timedelta(minutes=1) < due - turn.here.now <= timedelta(hours=1)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_again_and_fault_are_those_of_the_code(row: dict[str, str]) -> None:
    """One code means one thing, wherever it is looked up."""
    expected = told(row)
    if expected.code == "-":
        assert (expected.how, expected.fault) == ("done", "-")
        return
    (meaning,) = [each for each in rows_with(DOCS / "errors.md", "code") if f"`{expected.code}`" == each["code"]]
    assert (meaning["again?"], meaning["whose fault"]) == ("yes" if expected.how == "again" else "no", expected.fault)


def test_a_failure_carries_its_cause_only_in_words_that_may_be_told(turn: Turn) -> None:
    """Rows are for people; the log line has the same words."""
    turn.media(Answer(403, b"AccountKey=secret"))
    with pytest.raises(RecordingError) as refused:
        turn.source.read_metadata(CHUNK.content_location)
    assert "secret" not in str(refused.value)
