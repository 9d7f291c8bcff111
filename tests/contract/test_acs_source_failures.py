"""The source adapter against a scripted ACS storage that breaks off, stalls, refuses or leads elsewhere."""

import threading
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from dev.loopback import Answer, World
from recording.adapters.acs import source as acs_source
from recording.adapters.acs.source import AcsSource
from recording.adapters.http1 import connections
from recording.adapters.http1.time_limit import Limit, limited
from recording.errors import (
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
)
from recording.settings import AcsConnection
from tests.contract.scripted_source import DATA, DELETE_PATH, HOST, LOCATION, PATH, download, whole


@pytest.mark.parametrize(
    "cut",
    [
        Answer(206, DATA[:1000], {}, length=len(DATA)),
        Answer(200, DATA[:1000], chunked=True),
    ],
    ids=["content-length", "chunked"],
)
def test_a_stream_that_breaks_is_busy(source: AcsSource, world: World, cut: Answer) -> None:
    """The queue brings the chunk back; nothing short is taken for whole."""
    world.script.on("GET", PATH, cut)
    with pytest.raises(SourceBusyError):
        download(source)


def test_a_close_delimited_stream_just_ends_short_of_its_total(source: AcsSource, world: World) -> None:
    """HTTP cannot tell here; the declared total can, and the use case compares."""
    headers = {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}
    world.script.on("GET", PATH, Answer(206, DATA[:1000], headers, length=-1))
    with source.open_content(LOCATION) as content:
        assert b"".join(content.pieces()) == DATA[:1000]
        assert content.declared_total == len(DATA)


def test_a_stalled_stream_is_busy(source: AcsSource, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that waits for ever would hold its claim and its place."""
    monkeypatch.setattr(connections, "READ_SECONDS", 0.2)
    stall = threading.Event()
    world.script.on("GET", PATH, Answer(206, DATA[:1000], {}, length=len(DATA), stall=stall))
    with pytest.raises(SourceBusyError):
        download(source)
    stall.set()


@pytest.mark.parametrize("status", [400, 405, 408, 409, 412, 416, 429, 500, 502, 503, 504])
def test_most_failures_pass_by_themselves(source: AcsSource, world: World, status: int) -> None:
    """Also a 400: ACS's front end answers one with a web page now and then."""
    world.script.on("GET", PATH, Answer(status, b"<!DOCTYPE html>", {"Retry-After": "7"}))
    with pytest.raises(SourceBusyError) as busy:
        download(source)
    assert busy.value.retry_after == timedelta(seconds=7)
    assert str(status) in str(busy.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, SourceGoneError), (410, SourceGoneError), (401, SourceRefusedError), (403, SourceRefusedError)],
)
@pytest.mark.parametrize("call", ["open", "metadata"])
def test_lasting_refusals_are_told_apart(
    source: AcsSource, world: World, status: int, error: type[SourceError], call: str
) -> None:
    """Not there, and not for us, need different people."""
    world.script.on("GET", PATH, Answer(status))
    with pytest.raises(error):
        download(source) if call == "open" else source.read_metadata(LOCATION)


def test_a_dropped_connection_is_busy(source: AcsSource, world: World) -> None:
    """Every error of the HTTP client is translated."""
    world.script.on("GET", PATH, Answer(is_dropped=True))
    with pytest.raises(SourceBusyError):
        download(source)


def test_an_unreachable_proxy_is_busy(acs: AcsConnection) -> None:
    """Nobody listens there."""
    source = AcsSource(acs.model_copy(update={"proxy_url": "http://127.0.0.1:9"}))
    with pytest.raises(SourceBusyError):
        download(source)
    source.close()


def test_a_certificate_of_another_authority_is_not_trusted(acs: AcsConnection, world: World) -> None:
    """Verification is never off: without the bundle, the private CA is a stranger."""
    world.script.on("GET", PATH, whole())
    source = AcsSource(acs.model_copy(update={"ca_bundle": None}))
    with pytest.raises(SourceBusyError):
        download(source)
    assert world.script.seen == []
    source.close()


def test_a_redirect_within_the_allow_list_is_followed_and_signed_anew(source: AcsSource, world: World) -> None:
    """ACS moves objects between its own hosts; the SDK loses its signature there and gets a 401."""
    elsewhere = "https://sa1-storage.asm.skype.com/v1/objects/0-eus-d1-aa/content/moved?x=1"
    world.script.on("GET", PATH, Answer(302, headers={"Location": elsewhere}))
    world.script.on("GET", "/v1/objects/0-eus-d1-aa/content/moved", whole())
    assert download(source) == DATA
    first, second = world.script.seen
    assert second.host == "sa1-storage.asm.skype.com"
    assert second.path.endswith("/moved?x=1")
    assert second.headers["Range"] == "bytes=0-"
    assert second.headers["Authorization"] != first.headers["Authorization"]


def test_a_relative_redirect_stays_on_its_host(source: AcsSource, world: World) -> None:
    """HTTP allows it; the guard sees it as a whole location."""
    world.script.on("GET", PATH, Answer(307, headers={"Location": "/v1/objects/0-eus-d1-aa/content/moved"}))
    world.script.on("GET", "/v1/objects/0-eus-d1-aa/content/moved", whole())
    assert download(source) == DATA
    assert {seen.host for seen in world.script.seen} == {HOST}


def test_a_circle_of_redirects_ends(source: AcsSource, world: World) -> None:
    """Three hops are more than ACS was ever seen to make."""
    world.script.on("GET", PATH, Answer(302, headers={"Location": LOCATION}))
    with pytest.raises(SourceBusyError):
        download(source)
    assert len(world.script.seen) == 4


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_redirects_share_the_time_of_the_whole_request(
    source: AcsSource, world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Four answers that each drip for most of the limit would hold a worker four times as long."""
    given: list[float] = []

    def noted(seconds: float) -> AbstractContextManager[Limit]:
        given.append(seconds)
        return limited(seconds)

    monkeypatch.setattr(acs_source, "limited", noted)
    hops = [f"{DELETE_PATH}/content/hop{number}" if method == "GET" else DELETE_PATH for number in range(3)]
    place = PATH if method == "GET" else DELETE_PATH
    hosts = [HOST, *(f"h{number}-storage.asm.skype.com" for number in range(3))]
    redirects = [
        Answer(307, headers={"Location": f"https://{hosts[number + 1]}{hop}"}) for number, hop in enumerate(hops)
    ]
    if method == "GET":
        for path, answer in zip([place, *hops], [*redirects, whole()], strict=True):
            world.script.on("GET", path, answer)
        assert download(source) == DATA
    else:
        world.script.on("DELETE", place, *redirects, Answer(204))
        assert source.delete(f"https://{HOST}{place}")
    assert len(given) == 4
    assert given == sorted(given, reverse=True)
    assert acs_source.WHOLE_SECONDS >= given[0] > given[-1] > 0


def test_a_redirect_after_the_time_is_over_is_not_waited_for(
    source: AcsSource, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of the first answers counts; nothing is left for the last."""
    world.script.on("GET", PATH, Answer(302, headers={"Location": f"{LOCATION}/moved"}))
    world.script.on("GET", f"{PATH}/moved", whole())
    monkeypatch.setattr(acs_source, "WHOLE_SECONDS", 0.0)
    with pytest.raises(SourceError):
        download(source)


def test_a_redirect_that_leads_nowhere_is_busy(source: AcsSource, world: World) -> None:
    """A 302 without a Location is a front end's fault."""
    world.script.on("GET", PATH, Answer(302))
    with pytest.raises(SourceBusyError):
        download(source)
