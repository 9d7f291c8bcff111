"""The source adapter and hostile locations: no connection, no credential, no word of them in an error (I5, I6)."""

import traceback
from collections.abc import Callable, Iterator

import pytest

from recording.adapters.acs.source import AcsSource
from recording.errors import RecordingError, UnsafeLocationError
from recording.settings import AcsConnection
from tests.contract.conftest import ACCESS_KEY
from tests.contract.loopback import Answer, World

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
    f"https://storage.asm.skype.com:443{PATH}",
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
    with pytest.raises(UnsafeLocationError) as refused:
        _open(source, f"https://storage.asm.skype.com{PATH}")
    assert set(world.proxy.asked) == {"storage.asm.skype.com:443"}
    assert len(world.script.seen) == 1
    assert "hunter2" not in told(refused.value)


def test_a_redirected_delete_does_not_leave_the_allow_list(source: AcsSource, world: World) -> None:
    """A delete with our signature at a stranger's host is a credential given away."""
    world.script.on("DELETE", "/v1/objects/a", Answer(307, headers={"Location": f"https://evil.example{PATH}"}))
    with pytest.raises(UnsafeLocationError):
        source.delete("https://us-storage.asm.skype.com/v1/objects/a")
    assert world.proxy.asked == ["us-storage.asm.skype.com:443"]


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
