"""Fills the ports SealKey and TimeStamps: a key in Key Vault over its REST API, a key in a file, and an authority.

Key Vault's own library is not needed for two requests, and would be one more to load.
"""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, HeadersPolicy, ProxyPolicy, UserAgentPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import ErrorFamily, translate_errors
from recording.domain.seal.signature import COORDINATE_BYTES, der_of, public_key_of
from recording.domain.seal.stamps import is_granted, stamp_request
from recording.errors import SealKeyError
from recording.settings import Settings, needed

KEY = ErrorFamily(SealKeyError, SealKeyError, SealKeyError, SealKeyError)
API_VERSION = "7.4"
LARGEST_ANSWER = 64 * 1024


class VaultKey:
    """A key that never leaves its vault; the newest version signs."""

    def __init__(self, settings: Settings, identity: TokenCredential | None = None, **options: Any) -> None:
        vault, _, name = needed(settings.seal_key, "SEAL_KEY").partition("/keys/")
        self._vault, self._name = vault, name
        self._version: str | None = None
        host = vault.removeprefix("https://")
        given = identity or credential(settings.host_storage.client_id)
        signing_in = BearerTokenCredentialPolicy(given, f"https://{host.partition('.')[2]}/.default")
        self._client = _client(vault, signing_in, **options)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def public_key(self) -> bytes:
        """Ask for the newest version of the key."""
        key, self._version = self._newest()
        return key

    def _newest(self) -> tuple[bytes, str]:
        answer = self._ask(HttpRequest("GET", f"{self._vault}/keys/{self._name}"))
        try:
            key = answer["key"]
            if (key["crv"], key["kty"].removesuffix("-HSM")) != ("P-256", "EC"):
                raise SealKeyError("the key in the vault is not an EC key on P-256")
            version = str(key["kid"]).rpartition("/")[2]
            return public_key_of(_decoded(key["x"]), _decoded(key["y"])), version
        except (KeyError, TypeError, AttributeError, ValueError):
            raise SealKeyError("the vault's answer cannot be read") from None

    def sign(self, text: bytes) -> bytes:
        """Have the vault sign the digest."""
        if self._version is None:
            _, self._version = self._newest()
        asked = {"alg": "ES256", "value": _encoded(hashlib.sha256(text).digest())}
        answer = self._ask(HttpRequest("POST", f"{self._vault}/keys/{self._name}/{self._version}/sign", json=asked))
        try:
            raw = _decoded(answer["value"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SealKeyError("the vault's answer cannot be read") from None
        if len(raw) != 2 * COORDINATE_BYTES:
            raise SealKeyError("the vault's signature has another length than ECDSA on P-256")
        return der_of(raw)

    def _ask(self, request: HttpRequest) -> dict[str, Any]:
        request.url = f"{request.url}?api-version={API_VERSION}"
        with translate_errors("asking the key vault", KEY):
            answer = _answer(self._client, request)
            found = json.loads(answer)
        if not isinstance(found, dict):
            raise SealKeyError("the vault's answer cannot be read")
        return found


class FileKey:
    """A private key in a PEM file: for the local world, where nobody has to be convinced."""

    def __init__(self, settings: Settings) -> None:
        self._path = Path(needed(settings.seal_key, "SEAL_KEY"))

    def close(self) -> None:
        """Hold nothing open."""

    def public_key(self) -> bytes:
        """Read the file."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        made: bytes = self._key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return made

    def sign(self, text: bytes) -> bytes:
        """Sign with the key in the file."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        made: bytes = self._key().sign(text, ECDSA(SHA256()))
        return made

    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self._path.read_bytes(), None)
        except (OSError, ValueError, TypeError):
            raise SealKeyError("the file of the seal's key cannot be read") from None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise SealKeyError("the seal's key is not an EC key on P-256")
        return key


class StampingAuthority:
    """A time-stamping authority that is asked over https (RFC 3161)."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._url = needed(settings.seal_timestamp_url, "SEAL_TIMESTAMP_URL")
        self._client = _client(self._url, **options)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def token(self, digest: bytes) -> bytes:
        """Ask for a token with the authority's certificates in it, so that it can be checked offline."""
        headers = {"Content-Type": "application/timestamp-query"}
        request = HttpRequest("POST", self._url, content=stamp_request(digest), headers=headers)
        with translate_errors("asking for a time-stamp", KEY):
            answer = _answer(self._client, request)
        if not is_granted(answer):
            raise SealKeyError("the authority granted no time-stamp")
        return answer


def _client(url: str, *policies: Any, **options: Any) -> PipelineClient[Any, Any]:
    timeouts = {name: CLIENT_OPTIONS[name] for name in ("connection_timeout", "read_timeout", "use_env_settings")}
    proxy = [ProxyPolicy(proxies=options.pop("proxies"))] if "proxies" in options else []
    chain = [HeadersPolicy(), UserAgentPolicy("recording-archive"), *proxy, *policies]  # no redirects, no retries
    return PipelineClient(url, policies=chain, transport=RequestsTransport(**{**timeouts, **options}))


def _answer(client: PipelineClient[Any, Any], request: HttpRequest) -> bytes:
    def send() -> bytes:
        response = client.send_request(request)
        response.raise_for_status()
        body: bytes = response.content
        return body

    body = attempt(send)
    if len(body) > LARGEST_ANSWER:
        raise AzureError("the answer is too long")
    return body


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
