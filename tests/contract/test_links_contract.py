"""Links for downloads: signed by the identity, for one blob, to read it, for minutes; refused where the account is."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from pydantic import SecretStr

from dev.in_memory.builders import settings
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.links import FakeLinks
from dev.loopback import Answer, World
from recording.adapters.blob import links
from recording.adapters.blob.links import DelegatedLinks
from recording.errors import StorageRefusedError
from recording.ports.library.links import DownloadLinks
from recording.settings import Settings, StorageConnection

ACCOUNT = "https://archive1.blob.core.windows.net"
NAME = "2026/11/23/call one/0000-a b.mp3"
KEPT = "2026-11-23 08-56 ….mp3"
SECRET = base64.b64encode(b"a delegation key of the tests").decode()


class Identity:
    """A credential that gives the same token to all who ask."""

    def get_token(self, *_scopes: str, **_: object) -> AccessToken:
        return AccessToken("the-token", 4_000_000_000)


def key(begin: datetime, end: datetime) -> bytes:
    """Return the service's answer, as its documentation has it."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    return (
        '<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>'
        "<SignedOid>11111111-2222-3333-4444-555555555555</SignedOid>"
        "<SignedTid>66666666-7777-8888-9999-000000000000</SignedTid>"
        f"<SignedStart>{begin:{form}}</SignedStart><SignedExpiry>{end:{form}}</SignedExpiry>"
        "<SignedService>b</SignedService><SignedVersion>2024-11-04</SignedVersion>"
        f"<Value>{SECRET}</Value></UserDelegationKey>"
    ).encode()


@pytest.fixture
def account() -> Settings:
    """An archive that is reached by identity."""
    return settings(archive_storage=StorageConnection(blob_uri=ACCOUNT))


@pytest.fixture
def reached(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The scripted server as that account."""
    found: dict[str, Any] = {
        "proxies": {"https": world.proxy.url},
        "connection_verify": world.ca_bundle,
        "retry_total": 0,
    }
    monkeypatch.setattr(links, "blob_service", lambda _: BlobServiceClient(ACCOUNT, Identity(), **found))
    return world


def soon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=15)


def test_one_blob_can_be_read_until_then_and_nothing_else(account: Settings, reached: World) -> None:
    """What the signature says: this blob, read, https, no longer than the key, which the identity was given."""
    until = soon()
    reached.script.anything(Answer(200, key(until - timedelta(minutes=20), until), {"Content-Type": "application/xml"}))
    adapter = DelegatedLinks(account)
    url = adapter.link(NAME, KEPT, "audio/mpeg", until)
    adapter.close()
    parts = urlsplit(url)
    signed = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.hostname) == ("https", "archive1.blob.core.windows.net")
    assert parts.path == "/recordings/2026/11/23/call%20one/0000-a%20b.mp3"
    assert (signed["sp"], signed["sr"], signed["spr"]) == ("r", "b", "https")
    assert datetime.fromisoformat(signed["se"]) == until
    assert signed["skoid"] == "11111111-2222-3333-4444-555555555555"
    assert signed["rscd"].startswith("attachment; filename*=UTF-8''2026-11-23%2008-56")
    assert (signed["rsct"], signed["rscc"]) == ("audio/mpeg", "private, no-store")
    assert not {"ss", "srt", "si", "sip"} & set(signed), "no account SAS, no stored policy"
    (asked,) = reached.script.seen
    query = parse_qs(urlsplit(asked.path).query)
    assert (asked.method, query["restype"], query["comp"]) == ("POST", ["service"], ["userdelegationkey"])
    assert asked.headers["Authorization"] == "Bearer the-token"
    assert f"<Expiry>{until:%Y-%m-%dT%H:%M:%SZ}</Expiry>".encode() in asked.body
    assert SECRET not in url


def test_each_link_has_a_key_of_its_own(account: Settings, reached: World) -> None:
    """So no signature can outlive what it was made for, and nothing is kept."""
    until = soon()
    reached.script.anything(Answer(200, key(until, until), {"Content-Type": "application/xml"}))
    adapter = DelegatedLinks(account)
    for _ in range(2):
        adapter.link(NAME, KEPT, "audio/mpeg", until)
    adapter.close()
    assert len(reached.script.seen) == 2


@pytest.mark.parametrize(
    "code", ["AuthorizationPermissionMismatch", "AuthorizationFailure", "KeyBasedAuthenticationNotPermitted"]
)
def test_an_account_that_gives_no_key_refuses(code: str, account: Settings, reached: World) -> None:
    """A missing role, a firewall: an operator must act, and the message has no address."""
    reached.script.anything(Answer(403, headers={"x-ms-error-code": code}))
    adapter = DelegatedLinks(account)
    with pytest.raises(StorageRefusedError) as refused:
        adapter.link(NAME, KEPT, "audio/mpeg", soon())
    adapter.close()
    assert "windows.net" not in str(refused.value)


ADDRESSES = {
    "a key": StorageConnection(
        connection_string=SecretStr(f"AccountName=archive1;AccountKey={SECRET};BlobEndpoint={ACCOUNT}")
    ),
    "a signature": StorageConnection(
        connection_string=SecretStr(f"BlobEndpoint={ACCOUNT};SharedAccessSignature=sv=2024-11-04&sig=x")
    ),
    "no TLS": StorageConnection(blob_uri="http://archive1.blob.core.windows.net"),
}


@pytest.mark.parametrize("connection", ADDRESSES.values(), ids=ADDRESSES)
def test_an_account_that_is_reached_by_anything_else_is_not_asked(connection: StorageConnection) -> None:
    """The account's key could sign anything for ever; no link is made with it."""
    adapter: DownloadLinks = DelegatedLinks(settings(archive_storage=connection))
    with pytest.raises(StorageRefusedError):
        adapter.link(NAME, KEPT, "audio/mpeg", soon())
    adapter.close()  # type: ignore[attr-defined]  # of the adapter


def test_the_model_opens_what_a_link_allows_and_nothing_else() -> None:
    """As the service: another blob, another method, a later moment and a revoked key are refused."""
    clock, archive = FakeClock(), FakeArchive()
    archive.put_media(NAME, memoryview(b"sound"), "audio/mpeg", {})
    archive.put_media("other.mp3", memoryview(b"other"), "audio/mpeg", {})
    model = FakeLinks(clock, archive)
    url = model.link(NAME, KEPT, "audio/mpeg", clock.now() + timedelta(minutes=5))
    signed = parse_qs(urlsplit(url).query)
    assert (signed["sp"], signed["sr"], signed["spr"]) == (["r"], ["b"], ["https"])
    assert model.open(url) == b"sound"
    assert [model.open(url, method) for method in ("PUT", "DELETE", "POST")] == [None] * 3
    assert model.open(url.replace(urlsplit(url).path, "/recordings/other.mp3")) is None
    clock.advance(seconds=301)
    assert model.open(url) is None
    again = model.link(NAME, KEPT, "audio/mpeg", clock.now() + timedelta(minutes=5))
    model.revoke()
    assert model.open(again) is None
    model.allows = False
    with pytest.raises(StorageRefusedError):
        model.link(NAME, KEPT, "audio/mpeg", clock.now())
