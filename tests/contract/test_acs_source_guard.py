"""The source adapter and hostile locations: no connection, no credential, no word of them in an error (I5, I6)."""

import traceback
from collections.abc import Callable, Iterator

import pytest

from dev.loopback import Answer, World
from recording.adapters.acs.source import AcsSource
from recording.errors import RecordingError, SourceRedirectError, UnsafeLocationError
from recording.settings import AcsConnection
from tests.contract.conftest import ACCESS_KEY

PATH = "/v1/objects/0-eus-d1-aa/content/audio"
HOSTILE = [
    f"http://storage.asm.skype.com{PATH}",
    f"https://evil.example{PATH}",
    f"https://asm.skype.com{PATH}",
    f"https://evilasm.skype.com.evil.example{PATH}",
    f"https://127.0.0.1{PATH}",
    f"https://user:hunter2@storage.asm.skype.com{PATH}",
    f"https://evil.example\\@x.asm.skype.com{PATH}",
    f"https://evil.example#@x.asm.skype.com{PATH}",
    f"https://evil.example?.asm.skype.com{PATH}",
    f"https://storage.asm.skype.com:8443{PATH}",
    f"https://storage.asm.skype.com:4430{PATH}",
    f"https://storage.asm.skype.com%2eevil.example{PATH}",
    "https://storage.asm.skype.com/v1/%2e%2e/objects",
    "https://storage.asm.skype.com/v1/../admin",
    f"https://storage.asm.skype.com{PATH}\r\nX-Evil: 1",
    f" https://storage.asm.skype.com{PATH}",
    f"https://xn--80ak6aa92e.asm.skype.com{PATH}",
    f"//storage.asm.skype.com{PATH}",
    f"file://storage.asm.skype.com{PATH}",
    "https://storage.asm.skype.com",
    "",
]
Call = Callable[[AcsSource, str], object]


def _open(source: AcsSource, location: str) -> object:
    with source.open_content(location) as content:
        return list(content.pieces())


CALLS: dict[str, Call] = {"open": _open, "metadata": AcsSource.read_metadata, "delete": AcsSource.delete}


@pytest.fixture
def source(acs: AcsConnection) -> Iterator[AcsSource]:
    adapter = AcsSource(acs)
    yield adapter
    adapter.close()


@pytest.mark.parametrize("location", HOSTILE)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_connection_is_made_to_a_hostile_location(
    source: AcsSource, world: World, call: Call, location: str
) -> None:
    """The guard comes before the first packet: the proxy, the only way out, is never asked."""
    with pytest.raises(UnsafeLocationError) as refused:
        call(source, location)
    assert world.proxy.asked == []
    assert world.script.seen == []
    assert "evil" not in told(refused.value)
    assert "hunter2" not in told(refused.value)


@pytest.mark.parametrize("location", [url for url in HOSTILE if url.strip() == url != ""])
@pytest.mark.parametrize("status", [302, 307])
def test_no_connection_is_made_to_a_hostile_redirect(
    source: AcsSource, world: World, status: int, location: str
) -> None:
    """I5: no credential follows a redirect out of the allow-list, whatever ACS's answer says."""
    location = location.replace("\r\nX-Evil: 1", "\\r")  # the server could not send it
    world.script.on("GET", PATH, Answer(status, headers={"Location": location}))
    with pytest.raises(SourceRedirectError) as refused:
        _open(source, f"https://storage.asm.skype.com{PATH}")
    assert (refused.value.code, refused.value.retryable, refused.value.fault) == ("redirect_refused", True, "operator")
    assert set(world.proxy.asked) == {"storage.asm.skype.com:443"}
    assert len(world.script.seen) == 1
    assert "hunter2" not in told(refused.value)


def test_a_redirected_delete_does_not_leave_the_allow_list(source: AcsSource, world: World) -> None:
    """A delete with our signature at a stranger's host is a credential given away."""
    world.script.on("DELETE", "/v1/objects/a", Answer(307, headers={"Location": f"https://evil.example{PATH}"}))
    with pytest.raises(SourceRedirectError):
        source.delete("https://us-storage.asm.skype.com/v1/objects/a")
    assert world.proxy.asked == ["us-storage.asm.skype.com:443"]


OTHERS = [
    "/v1/objects/b",
    "/v1/objects/b/content/audio",
    "/v1/objects/A",
    "/v1/objects/a/objects/b",
    "/admin/objects/a",
    "/admin/v1/objects/a",
    "/v1/objects/a/content/acsmetadata",
    "/login",
]


@pytest.mark.parametrize("host", ["storage.asm.skype.com", "sa1-storage.asm.skype.com"])
@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_redirect_changes_the_object(source: AcsSource, world: World, call: Call, path: str, host: str) -> None:
    """Else another recording is archived as this one, or is deleted in its place; the first hop is no exception."""
    asked = {_open: "/v1/objects/a/content/audio", AcsSource.read_metadata: "/v1/objects/a/content/audio"}
    requested = asked.get(call, "/v1/objects/a")  # type: ignore[arg-type]
    world.script.anything(Answer(200, b"other bytes"))
    for method in ("GET", "DELETE"):
        world.script.on(method, requested, Answer(307, headers={"Location": f"https://{host}{path}"}))
    with pytest.raises(SourceRedirectError):
        call(source, f"https://storage.asm.skype.com{requested}")
    assert len(world.script.seen) == 1


def test_the_second_redirect_is_held_to_the_object_too(source: AcsSource, world: World) -> None:
    """Each hop of a delete is compared: the one before it proves nothing about the next."""
    hosts = [f"https://sa{at}-storage.asm.skype.com/v1/objects/" for at in (1, 2)]
    world.script.on(
        "DELETE",
        "/v1/objects/a",
        Answer(307, headers={"Location": f"{hosts[0]}a"}),
        Answer(307, headers={"Location": f"{hosts[1]}b"}),
    )
    world.script.on("DELETE", "/v1/objects/b", Answer(200))
    with pytest.raises(SourceRedirectError):
        source.delete("https://us-storage.asm.skype.com/v1/objects/a")
    assert [seen.path for seen in world.script.seen] == ["/v1/objects/a"] * 2


def test_a_harmless_redirect_is_followed(source: AcsSource, world: World) -> None:
    """With a default port, in capitals: the host is asked by its ordinary name."""
    target = f"https://SA1-storage.asm.skype.com:443{PATH}?se=10:00&sig=a%2bb"
    world.script.on("GET", PATH, Answer(302, headers={"Location": target}), Answer(200, b"recording"))
    assert _open(source, f"https://storage.asm.skype.com:443{PATH}") == [b"recording"]
    assert [seen.host for seen in world.script.seen] == ["storage.asm.skype.com", "sa1-storage.asm.skype.com"]
    assert world.script.seen[1].path == f"{PATH}?se=10:00&sig=a%2Bb"


@pytest.mark.parametrize(
    "answer", [Answer(401), Answer(503), Answer(404), Answer(is_dropped=True), Answer(200, b"x", length=9)]
)
def test_errors_tell_neither_locations_nor_credentials(source: AcsSource, world: World, answer: Answer) -> None:
    """Error texts are logged, with their traceback; a location may hold a secret one day."""
    path = "/v1/objects/very-private-id"
    world.script.on("GET", path, answer)
    with pytest.raises(RecordingError) as failed:
        _open(source, f"https://storage.asm.skype.com{path}?token=hunter2")
    text = told(failed.value)
    for secret in ("very-private-id", "hunter2", "HMAC-SHA256", "Signature", ACCESS_KEY):
        assert secret not in text


def told(error: BaseException) -> str:
    """Everything a log could show of an error, without the lines of this file's and the adapter's source."""
    lines = traceback.format_exception(error)
    return "".join(line for line in lines if not line.startswith("  File"))
