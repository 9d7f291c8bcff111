"""The seal's ports: the list in memory and in a table, the container, and keys in memory, in a file and in a vault."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dev.in_memory.builders import settings
from dev.in_memory.fakes.seal import FakeSealKey, FakeSealList, FakeSealStore
from dev.loopback import Answer, World
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.seal_keys import FileKey, StampingAuthority, VaultKey
from recording.adapters.table.seal_list import TableSealList
from recording.domain.names import SEAL_CONTAINER
from recording.domain.seal.signature import is_signed
from recording.errors import SealKeyError
from recording.ports.library.seal import SealKey, SealList, SealStore, ToSeal, Waiting

BOTH = ["fake", pytest.param("azurite", marks=pytest.mark.azurite)]
VAULT = "https://contoso-seal.vault.azure.net"
PRIVATE = ec.derive_private_key(77, ec.SECP256R1())
VERSION = "78deebed173b48e48f55abf87ed4cf71"


@pytest.fixture(params=BOTH)
def waiting(request: pytest.FixtureRequest) -> Iterator[SealList]:
    if request.param == "fake":
        yield FakeSealList()
        return
    adapter = TableSealList(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest) -> Iterator[SealStore]:
    if request.param == "fake":
        yield FakeSealStore()
        return
    known = request.getfixturevalue("storage")
    adapter = BlobArchive(known.model_copy(update={"archive_container": SEAL_CONTAINER}))
    yield adapter
    adapter.close()


def item(name: str, **facts: Any) -> ToSeal:
    return ToSeal(Waiting.RECORDING, name, hashlib.sha256(name.encode()).digest()[:16], facts)


def test_what_waits_comes_in_the_order_in_which_it_was_added(waiting: SealList) -> None:
    """What waits longest is sealed first, and the same thing may wait several times."""
    assert waiting.first(10) == []
    for name in ("rec-9", "rec-1", "rec-9"):
        waiting.add(item(name, leaves=[1, 2]))
    found = waiting.first(10)
    assert [(one.what, one.name, one.facts) for one in found] == [
        (Waiting.RECORDING, name, {"leaves": [1, 2]}) for name in ("rec-9", "rec-1", "rec-9")
    ]
    assert [one.secret for one in found] == [item(one.name).secret for one in found]
    assert waiting.first(2) == found[:2]


def test_what_is_sealed_leaves_the_list_once(waiting: SealList) -> None:
    """Removing twice is success: two instances may have done the same work."""
    for name in ("a", "b", "c"):
        waiting.add(item(name))
    found = waiting.first(10)
    waiting.remove(found[:2])
    waiting.remove(found[:2])
    assert [one.name for one in waiting.first(10)] == ["c"]


def test_a_checkpoint_is_written_once(store: SealStore) -> None:
    """Whoever comes second is refused, so the log cannot fork."""
    assert store.get("checkpoints/0000000000.txt") is None
    assert store.put_once("checkpoints/0000000000.txt", b"first", "text/plain")
    assert not store.put_once("checkpoints/0000000000.txt", b"second", "text/plain")
    found = store.get("checkpoints/0000000000.txt")
    assert found is not None
    assert found[0] == b"first"
    store.put_once("batches/0000000000-ab.json", b"{}", "application/json")
    assert [blob.name for blob in store.list("")] == ["batches/0000000000-ab.json", "checkpoints/0000000000.txt"]


# --- keys ------------------------------------------------------------------------------------------------------------


class Identity:
    """A credential that gives the same token to all who ask for the vault's."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken("the-token", 4_000_000_000)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def told(body: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def key_answer(**changes: Any) -> Answer:
    """What the vault says about the key; coordinates lose no leading zero."""
    numbers = PRIVATE.public_key().public_numbers()
    key = {"kid": f"{VAULT}/keys/seal/{VERSION}", "kty": "EC-HSM", "crv": "P-256"}
    key |= {"x": encoded(numbers.x.to_bytes(32)), "y": encoded(numbers.y.to_bytes(32))}
    return told({"key": {**key, **changes}})


class SigningScript:
    """Plays the vault: the key's public part, and a signature over whatever digest is sent."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.script.on("GET", "/keys/seal", key_answer())
        plain = world.script.answer

        def answer(seen: Any) -> Answer:
            if seen.method == "POST":
                digest = base64.urlsafe_b64decode(json.loads(seen.body)["value"] + "=")
                r, s = decode_dss_signature(PRIVATE.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
                world.script.seen.append(seen)
                return told({"kid": f"{VAULT}/keys/seal/{VERSION}", "value": encoded(r.to_bytes(32) + s.to_bytes(32))})
            return plain(seen)

        world.script.answer = answer  # type: ignore[method-assign]


@pytest.fixture
def vault(world: World) -> Iterator[VaultKey]:
    known = settings(seal_key=f"{VAULT}/keys/seal")
    made = VaultKey(known, Identity(), proxies={"https": world.proxy.url}, connection_verify=world.ca_bundle)
    yield made
    made.close()


@pytest.fixture(params=["fake", "file", "vault"])
def key(request: pytest.FixtureRequest, tmp_path: Path) -> SealKey:
    if request.param == "fake":
        return FakeSealKey()
    if request.param == "file":
        path = tmp_path / "seal.pem"
        path.write_bytes(PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return FileKey(settings(seal_key=str(path)))
    SigningScript(request.getfixturevalue("world"))
    adapter: VaultKey = request.getfixturevalue("vault")
    return adapter


def test_what_a_key_signs_its_public_key_vouches_for(key: SealKey) -> None:
    """Several times, since about one number in 256 begins with a zero byte or has its high bit set."""
    for number in range(24):
        text = f"text {number}".encode()
        assert is_signed(key.public_key(), key.sign(text), text)


def test_the_vault_is_asked_as_the_identity_and_for_the_version_it_named(vault: VaultKey, world: World) -> None:
    """Between two requests somebody may rotate the key; both are about one version."""
    SigningScript(world)
    vault.public_key()
    vault.sign(b"text")
    get, post = world.script.seen[0], world.script.seen[-1]
    assert (get.host, get.path, get.headers["Authorization"]) == (
        "contoso-seal.vault.azure.net",
        "/keys/seal?api-version=7.4",
        "Bearer the-token",
    )
    assert post.path == f"/keys/seal/{VERSION}/sign?api-version=7.4"
    assert json.loads(post.body) == {"alg": "ES256", "value": encoded(hashlib.sha256(b"text").digest())}


BAD = {
    "401": Answer(401),
    "403": told({"error": {"code": "Forbidden", "message": "of tenant-secret"}}, 403),
    "404": told({"error": {"code": "KeyNotFound"}}, 404),
    "429": Answer(429, headers={"Retry-After": "60"}),
    "503": Answer(503),
    "web page": Answer(200, b"<html>"),
    "a list": Answer(200, b"[]"),
    "no key": told({}),
    "another curve": key_answer(crv="P-384"),
    "another kind": key_answer(kty="RSA"),
    "no coordinates": key_answer(x=None),
    "odd base64": key_answer(x="a"),
    "redirect": Answer(302, headers={"Location": "https://evil.example/keys/seal"}),
    "dropped": Answer(is_dropped=True),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
@pytest.mark.usefixtures("no_pauses")
def test_whatever_the_vault_does_is_one_error_that_tells_no_secret(vault: VaultKey, world: World, bad: Answer) -> None:
    """Nothing waits for it, no redirect is followed, and the token goes nowhere else."""
    world.script.anything(bad)
    with pytest.raises(SealKeyError) as refused:
        vault.public_key()
    assert "tenant-secret" not in str(refused.value)
    assert refused.value.retryable
    assert {seen.host for seen in world.script.seen} <= {"contoso-seal.vault.azure.net"}


@pytest.mark.parametrize("value", ["", "AAAA", None, 7])
def test_a_signature_of_another_form_is_refused(vault: VaultKey, world: World, value: object) -> None:
    """A checkpoint with it would look signed and be worth nothing."""
    world.script.on("GET", "/keys/seal", key_answer())
    world.script.on("POST", f"/keys/seal/{VERSION}/sign", told({"value": value}))
    with pytest.raises(SealKeyError):
        vault.sign(b"text")


@pytest.mark.parametrize("content", [b"", b"no key", FakeSealKey().public_key()])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "seal.pem"
    path.write_bytes(content)
    with pytest.raises(SealKeyError):
        FileKey(settings(seal_key=str(path))).sign(b"text")
    path.unlink()
    with pytest.raises(SealKeyError):
        FileKey(settings(seal_key=str(path))).public_key()


# --- time-stamps -----------------------------------------------------------------------------------------------------

AUTHORITY = """
[req]
distinguished_name = name
x509_extensions = tsa
[name]
[tsa]
extendedKeyUsage = critical,timeStamping
[tsa_config]
dir = .
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


@pytest.fixture
def authority(world: World) -> Iterator[StampingAuthority]:
    known = settings(seal_timestamp_url="https://stamps.evil.example/tsr")
    made = StampingAuthority(known, proxies={"https": world.proxy.url}, connection_verify=world.ca_bundle)
    yield made
    made.close()


def openssl(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True).stdout


def test_a_token_of_an_authority_is_checked_by_openssl(
    authority: StampingAuthority, world: World, tmp_path: Path
) -> None:
    """With openssl on both sides: as the authority that stamps, and as the auditor who checks."""
    (tmp_path / "tsa.cnf").write_text(AUTHORITY)
    (tmp_path / "serial").write_text("01")
    subject = ["-subj", "/CN=a time-stamping authority", "-days", "2", "-config", "tsa.cnf"]
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", *subject)
    stamped = b"a checkpoint"
    (tmp_path / "stamped").write_bytes(stamped)
    plain = world.script.answer

    def answer(seen: Any) -> Answer:
        plain(seen)
        assert seen.headers["Content-Type"] == "application/timestamp-query"
        (tmp_path / "q.tsq").write_bytes(seen.body)
        signer = ["-signer", "c.pem", "-inkey", "k.pem", "-config", "tsa.cnf", "-section", "tsa_config"]
        openssl(tmp_path, "ts", "-reply", "-queryfile", "q.tsq", "-out", "r.tsr", *signer)
        return Answer(200, (tmp_path / "r.tsr").read_bytes(), {"Content-Type": "application/timestamp-reply"})

    world.script.answer = answer  # type: ignore[method-assign]
    (tmp_path / "token.tsr").write_bytes(authority.token(hashlib.sha256(stamped).digest()))
    check = ["ts", "-verify", "-in", "token.tsr", "-data", "stamped", "-CAfile", "c.pem"]
    assert b"Verification: OK" in openssl(tmp_path, *check)


@pytest.mark.parametrize("bad", [Answer(503), Answer(200, b"<html>"), Answer(200, bytes.fromhex("30053003020102"))])
@pytest.mark.usefixtures("no_pauses")
def test_an_authority_that_does_not_grant_is_an_error(authority: StampingAuthority, world: World, bad: Answer) -> None:
    world.script.anything(bad)
    with pytest.raises(SealKeyError):
        authority.token(bytes(32))
