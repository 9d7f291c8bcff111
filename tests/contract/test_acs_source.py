"""The source adapter against a scripted ACS storage: what it sends, what it believes, what it does with failures."""

from unittest.mock import ANY

import pytest

from dev.loopback import Answer, World
from recording.adapters.acs.source import AcsSource
from recording.errors import (
    SourceBrokenError,
    SourceBusyError,
    SourceError,
    SourceRefusedError,
)
from tests.contract.scripted_source import DATA, DELETE, DELETE_PATH, HOST, LOCATION, PATH, download, whole


def test_the_request_is_what_acs_expects(source: AcsSource, world: World) -> None:
    """Signed for the resource, uncompressed, with an explicit range: the facts a whole copy rests on."""
    world.script.on("GET", PATH, whole())
    assert download(source) == DATA
    (seen,) = world.script.seen
    assert seen.host == HOST
    assert seen.headers["Range"] == "bytes=0-"
    assert seen.headers["Accept-Encoding"] == "identity"
    assert seen.headers["x-ms-host"] == "contoso.unitedstates.communication.azure.com"
    assert seen.headers["Authorization"].startswith("HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Sig")
    assert seen.headers["x-ms-date"] == ANY


def test_pieces_are_small(source: AcsSource, world: World) -> None:
    """I8: memory is flat in the file's size."""
    world.script.on("GET", PATH, whole())
    with source.open_content(LOCATION) as content:
        assert max(len(piece) for piece in content.pieces()) <= 1024 * 1024


@pytest.mark.parametrize(
    ("answer", "total"),
    [
        (whole(), len(DATA)),
        (Answer(200, DATA), len(DATA)),
        (Answer(200, DATA, {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}), len(DATA)),
        (Answer(206, DATA, {"Content-Range": f"bytes 0-{len(DATA) - 1}/*"}), len(DATA)),
        (Answer(206, DATA, {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}, length=-1), len(DATA)),
        (Answer(200, DATA, length=-1), None),
        (Answer(200, b""), 0),
    ],
)
def test_the_declared_total_is_what_the_headers_agree_on(
    source: AcsSource, world: World, answer: Answer, total: int | None
) -> None:
    """Proof needs the source's own statement of the length."""
    world.script.on("GET", PATH, answer)
    with source.open_content(LOCATION) as content:
        assert content.declared_total == total


@pytest.mark.parametrize(
    "content_range",
    [
        f"bytes 0-{len(DATA) - 1}/{len(DATA) + 1}",
        f"bytes 0-{len(DATA)}/{len(DATA) + 1}",
        f"bytes 1-{len(DATA)}/{len(DATA) + 1}",
        f"bytes */{len(DATA)}",
        "nonsense",
    ],
)
def test_a_source_that_contradicts_itself_is_not_believed(source: AcsSource, world: World, content_range: str) -> None:
    """Two statements of one length that differ mean that at least one is wrong."""
    world.script.on("GET", PATH, Answer(206, DATA, {"Content-Range": content_range}))
    with pytest.raises(SourceBrokenError) as broken:
        download(source)
    assert broken.value.code == "source_contradicts_itself"


@pytest.mark.parametrize(
    ("content_range", "body"),
    [
        ("bytes 11-20/100", 10),  # another part than was asked for
        ("bytes 10-18/100", 9),  # shorter, although there is more
        ("bytes 10-20/100", 11),  # longer
        ("bytes 10-19/15", 10),  # beyond its own end
        ("bytes 10-19/100", 9),  # of another length than it says
    ],
)
def test_another_range_than_was_asked_for_is_not_believed(
    source: AcsSource, world: World, content_range: str, body: int
) -> None:
    """A block in the wrong place is a broken recording."""
    world.script.on("GET", PATH, Answer(206, DATA[:body], {"Content-Range": content_range}))
    with pytest.raises(SourceBrokenError), source.open_content(LOCATION, 10, 10):
        pass


@pytest.mark.parametrize(
    ("first", "length", "answer"),
    [
        (0, 10, Answer(206, DATA[:10])),
        (0, 10, Answer(206, DATA[:10], length=-1)),
        (0, 10, Answer(206, DATA[:12])),
        (10, 10, Answer(206, DATA[:10])),
        (10, 10, Answer(206, DATA[:4])),
        (0, 10, Answer(206, DATA[:9], {"Content-Type": "multipart/byteranges; boundary=x"})),
    ],
)
def test_a_part_that_does_not_say_of_what_is_not_the_whole(
    source: AcsSource, world: World, first: int, length: int, answer: Answer
) -> None:
    """A gateway that drops Content-Range would make the first block of a recording all of it."""
    world.script.on("GET", PATH, answer)
    with pytest.raises(SourceBrokenError), source.open_content(LOCATION, first, length):
        pass


def test_a_part_that_is_shorter_than_asked_for_is_the_whole(source: AcsSource, world: World) -> None:
    """There was no more to send; refusing it would lose a small file behind such a gateway."""
    world.script.on("GET", PATH, Answer(206, DATA[:9]))
    with source.open_content(LOCATION, 0, 10) as content:
        assert (content.is_whole, content.declared_total) == (True, 9)


def test_a_source_that_ignores_the_range_is_seen_to_do_so(source: AcsSource, world: World) -> None:
    """It is then read once, as a stream."""
    world.script.on("GET", PATH, Answer(200, DATA))
    with source.open_content(LOCATION, 0, 10) as content:
        assert (content.is_whole, content.declared_total) == (True, len(DATA))
    assert world.script.seen[0].headers["Range"] == "bytes=0-9"


def test_a_compressed_body_is_refused(source: AcsSource, world: World) -> None:
    """A truncated gzip stream looks whole; nobody asked for one."""
    world.script.on("GET", PATH, Answer(200, DATA, {"Content-Encoding": "gzip"}))
    with pytest.raises(SourceBrokenError) as broken:
        download(source)
    assert broken.value.code == "unexpected_encoding"


@pytest.mark.parametrize("told", ["", " ", "identity", " Identity "])
def test_an_encoding_that_is_none_is_read(source: AcsSource, world: World, told: str) -> None:
    """Some gateways send the header without a word in it; refused, every recording behind one would be lost."""
    world.script.on("GET", PATH, Answer(200, DATA, {"Content-Encoding": told}))
    assert download(source) == DATA


def test_metadata_is_read_as_served(source: AcsSource, world: World) -> None:
    """Bytes, not JSON: some documents have CRLF, some a BOM."""
    world.script.on("GET", PATH, Answer(200, b'\xef\xbb\xbf{"a":\r\n1}'))
    assert source.read_metadata(LOCATION) == b'\xef\xbb\xbf{"a":\r\n1}'


@pytest.mark.parametrize("length", [None, -1])
def test_metadata_above_a_mebibyte_is_refused(source: AcsSource, world: World, length: int | None) -> None:
    """Whether it says so before or not: memory is ours."""
    world.script.on("GET", PATH, Answer(200, bytes(1024 * 1024 + 1), length=length))
    with pytest.raises(SourceBrokenError) as broken:
        source.read_metadata(LOCATION)
    assert broken.value.code == "metadata_too_large"


def test_metadata_shorter_than_declared_is_refused(source: AcsSource, world: World) -> None:
    """Half a JSON document must not be archived as served."""
    world.script.on("GET", PATH, Answer(200, b"{}", {"Content-Range": "bytes 0-99/100"}, length=-1))
    with pytest.raises(SourceBrokenError) as broken:
        source.read_metadata(LOCATION)
    assert broken.value.code == "metadata_short"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_deletes(source: AcsSource, world: World, status: int) -> None:
    """The SDK raises on 202 and 204 though the object is gone."""
    world.script.on("DELETE", DELETE_PATH, Answer(status))
    assert source.delete(DELETE) is True
    assert "Range" not in world.script.seen[0].headers


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
@pytest.mark.parametrize("status", [200, 202, 203])
def test_a_page_is_no_answer_to_a_delete(source: AcsSource, world: World, status: int, kind: str) -> None:
    """A filtering proxy's page would be recorded as ACS's word that the recording is gone."""
    world.script.on("DELETE", DELETE_PATH, Answer(status, b"<html>blocked</html>", {"Content-Type": kind}), Answer(404))
    with pytest.raises(SourceBusyError):
        source.delete(DELETE)
    assert source.delete(DELETE) is False


def test_a_delete_that_is_answered_with_an_empty_page_is_done(source: AcsSource, world: World) -> None:
    """Some servers name a kind of content where there is none."""
    world.script.on("DELETE", DELETE_PATH, Answer(200, headers={"Content-Type": "text/html"}))
    assert source.delete(DELETE) is True


@pytest.mark.parametrize("status", [404, 410])
def test_deleting_what_is_gone_is_told_apart(source: AcsSource, world: World, status: int) -> None:
    """A delete that timed out after doing its work is answered 404 the next time."""
    world.script.on("DELETE", DELETE_PATH, Answer(status))
    assert source.delete(DELETE) is False


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirected_delete_stays_a_delete(source: AcsSource, world: World, status: int) -> None:
    """The SDK does not follow it and leaves the object there."""
    moved = "https://sa1-storage.asm.skype.com/v1/objects/0-eus-d1-aa"
    world.script.on("DELETE", DELETE_PATH, Answer(status, headers={"Location": moved}), Answer(200))
    assert source.delete(DELETE) is True
    assert [seen.method for seen in world.script.seen] == ["DELETE", "DELETE"]


@pytest.mark.parametrize(
    ("status", "error"), [(400, SourceBusyError), (401, SourceRefusedError), (500, SourceBusyError)]
)
def test_a_delete_that_fails_says_so(source: AcsSource, world: World, status: int, error: type[SourceError]) -> None:
    """Only an answer that says gone lets the record say deleted."""
    world.script.on("DELETE", DELETE_PATH, Answer(status))
    with pytest.raises(error):
        source.delete(DELETE)


def test_connections_are_reused_after_whole_answers(source: AcsSource, world: World) -> None:
    """A TLS handshake for each of many small chunks would cost twice the CPU."""
    world.script.on("GET", PATH, whole(b"x" * 10))
    for _ in range(3):
        assert download(source) == b"x" * 10
    assert len(world.proxy.asked) == 1


def test_a_download_that_is_given_up_does_not_spoil_the_next(source: AcsSource, world: World) -> None:
    """What is left of the old body must not be read as the new one."""
    world.script.on("GET", PATH, whole())
    with source.open_content(LOCATION) as content:
        next(content.pieces())
    assert download(source) == DATA


@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 207, 208, 226, 299])
def test_only_the_objects_own_bytes_are_read(source: AcsSource, world: World, status: int) -> None:
    """A proxy says by 203 that it changed them; 226 is a difference to other bytes."""
    world.script.anything(Answer(status, b"" if status in (204, 205) else b"bytes"))
    with pytest.raises(SourceBusyError), source.open_content(LOCATION):
        pass
    with pytest.raises(SourceBusyError):
        source.read_metadata(LOCATION)
