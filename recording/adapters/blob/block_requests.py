"""The requests that each chunk's media takes: Put Block, Put Blob and Get Blob without copying bytes, and HEAD.

Everything else uses the SDK: block lists, commits, containers, documents. The addresses, the identity's tokens and the
signatures of a connection string's account come from it too; and failures become its exceptions, so that they are
retried and translated like all others.
"""

import base64
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import certifi
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import BlobClient, BlobServiceClient, ContainerSasPermissions, generate_container_sas

from recording.adapters.azure_sdk.clients import STORAGE_SCOPE, credential
from recording.adapters.http1.connections import Answer, ConnectionFailedError, Connections
from recording.adapters.http1.time_limit import limited
from recording.domain.state.stored import StoredBlob
from recording.settings import StorageConnection

_WHOLE_SECONDS = 45.0  # for connection, head and an error's text
_SLOWEST = 16 * 1024  # bytes a second of a body
_RENEW = timedelta(minutes=5)  # before a token or a signature ends
_SIGNED_FOR = timedelta(hours=1)
_CLOCKS = timedelta(minutes=15)  # by which the service's clock may be behind
_ERROR_BYTES = 4096
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,80})</Code>")
_META = "x-ms-meta-"
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_EXPECTED = {"PUT": 201, "GET": 206, "HEAD": 200}
_KINDS: Mapping[int, type[HttpResponseError]] = {
    401: ClientAuthenticationError,
    404: ResourceNotFoundError,
    409: ResourceExistsError,
    412: ResourceModifiedError,
}


class BlockRequests:
    """Put Block, Put Blob, ranged Get Blob and Get Blob Properties in one container."""

    def __init__(self, connection: StorageConnection, service: BlobServiceClient, container: str) -> None:
        self._connections = Connections(ssl.create_default_context(cafile=certifi.where()))
        self._authority = _authority(connection, service, container)
        self._version = service.api_version

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def put_block(
        self, blob: BlobClient, block_id: str, data: bytes | bytearray | memoryview, checksum: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Stage a block; return the checksum that the service verified, by the SDK's name.

        Raises:
            AzureError: as the SDK's own call would.
        """
        encoded = quote(base64.b64encode(block_id.encode()).decode(), safe="")
        with self._answer("PUT", blob, f"comp=block&blockid={encoded}", checksum, data) as answer:
            return _checksum_in(answer)

    def put_blob(
        self,
        blob: BlobClient,
        data: memoryview,
        headers: Mapping[str, str],
        blob_metadata: Mapping[str, str],
    ) -> Mapping[str, Any]:
        """Store a whole blob unless one exists; return the checksum that the service verified, by the SDK's name.

        Args:
            blob: which one.
            data: all of it.
            headers: its media type, tier and checksum.
            blob_metadata: its metadata.

        Raises:
            AzureError: as the SDK's own call would; also when a blob exists.
        """
        metadata = {f"{_META}{name}": value for name, value in blob_metadata.items()}
        sent = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*", **metadata, **headers}
        with self._answer("PUT", blob, "", sent, data) as answer:
            return _checksum_in(answer)

    def head(self, blob: BlobClient) -> StoredBlob:
        """Return length, metadata, ETag and MD5; names of metadata are in lower case.

        Raises:
            AzureError: as the SDK's own call would; also when the answer has no ETag or length, as one of a proxy.
        """
        with self._answer("HEAD", blob, "", {}) as answer:
            fields = {name.lower(): value for name, value in answer.headers.items()}
        length, etag, md5 = (fields.get(name, "") for name in ("content-length", "etag", "content-md5"))
        if not etag or _LENGTH.fullmatch(length) is None:
            raise ServiceResponseError("storage answered without an ETag or a length")
        facts = {name.removeprefix(_META): value for name, value in fields.items() if name.startswith(_META)}
        return StoredBlob(int(length), facts, etag, base64.b64decode(md5) if md5 else None)

    def fill(self, blob: BlobClient, first: int, view: memoryview, etag: str | None) -> int:
        """Read a range into a view; return the length of the whole blob.

        Args:
            blob: which one.
            first: the range's first byte.
            view: is filled, as far as the blob goes.
            etag: of the version to read; another one is refused by the service.

        Raises:
            AzureError: as the SDK's own call would; also when the range is cut short.
        """
        headers = {"Range": f"bytes={first}-{first + len(view) - 1}", "Accept-Encoding": "identity"}
        if etag is not None:
            headers["If-Match"] = etag
        with self._answer("GET", blob, "", headers) as answer:
            total = _total_of(answer, first, len(view))
            expected = min(len(view), total - first)
            if answer.fill(view[:expected]) != expected:
                raise ServiceResponseError("the range is shorter than declared")
        return total

    @contextmanager
    def _answer(
        self,
        method: str,
        blob: BlobClient,
        query: str,
        headers: Mapping[str, str],
        data: bytes | bytearray | memoryview | None = None,
    ) -> Iterator[Answer]:
        signature, authority = self._authority.now()
        address, _, own = blob.url.partition("?")  # its own query is the signature of a connection string
        url = f"{address}?{'&'.join(part for part in (query, own or signature) if part)}".rstrip("?")
        sent = {
            "x-ms-version": self._version,
            "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
            **authority,
            **headers,
        }
        length = len(data) if data is not None else 0
        with _sdk_errors(), limited(_WHOLE_SECONDS + length / _SLOWEST) as limit:
            answer = self._connections.request(method, url, sent, limit, data)
            try:
                _raise_unless(answer, _EXPECTED[method])
                limit.slowest = _SLOWEST
                yield answer
                answer.fill(memoryview(bytearray(1)))  # an empty rest lets the connection stay
            finally:
                answer.close()


def _checksum_in(answer: Answer) -> Mapping[str, Any]:
    found = answer.headers.get("x-ms-content-crc64")
    return {"content_crc64": base64.b64decode(found) if found else None}


def _total_of(answer: Answer, first: int, length: int) -> int:
    """Return the blob's length; None for an answer about another range than requested."""
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", answer.headers.get("Content-Range", ""), re.ASCII)
    if found is None:
        raise ServiceResponseError("the answer does not say which range it is")
    begin, last, total = (int(text) for text in found.groups())
    if begin != first or last != min(first + length, total) - 1:
        raise ServiceResponseError("the answer is about another range")
    return total


def _raise_unless(answer: Answer, expected: int) -> None:
    """Raise the SDK's exception for any other status, without the service's text: it may hold anything."""
    if answer.status == expected:
        return
    code = answer.headers.get("x-ms-error-code")
    if code is None and (found := _CODE.search(answer.read(_ERROR_BYTES))):
        code = found[1].decode()
    error = _KINDS.get(answer.status, HttpResponseError)(f"the service answered {answer.status}")
    error.status_code, error.reason = answer.status, None
    error.response = _Refusal(answer.status, answer.headers)  # type: ignore[assignment]  # what the translation asks
    error.error_code = code  # type: ignore[attr-defined]  # where the storage SDK keeps it
    raise error


@dataclass(frozen=True)
class _Refusal:
    """What the translation asks of an answer."""

    status_code: int
    headers: Mapping[str, str]


@contextmanager
def _sdk_errors() -> Iterator[None]:
    try:
        yield
    except ConnectionFailedError as error:
        if error.conn is not None:
            raise ServiceRequestError("there is no connection", error=error) from None
        raise ServiceResponseError(f"the connection failed ({error.kind})") from None


class _Nothing:
    """The address says it all: a connection string with a signature of its own."""

    def now(self) -> tuple[str, Mapping[str, str]]:
        """Return the query and the headers that authorize a request now."""
        return "", {}


class _Bearer:
    """The identity's token, kept until shortly before it ends."""

    def __init__(self, client_id: str | None) -> None:
        self._client_id = client_id
        self._token: AccessToken | None = None
        self._lock = threading.Lock()

    def now(self) -> tuple[str, Mapping[str, str]]:
        """Return the query and the headers that authorize a request now."""
        with self._lock:
            soon = (datetime.now(UTC) + _RENEW).timestamp()
            if self._token is None or self._token.expires_on < soon:
                self._token = credential(self._client_id).get_token(STORAGE_SCOPE)
            return "", {"Authorization": f"Bearer {self._token.token}"}


class _Signature:
    """A signature for the container, made by the SDK from the account's key, and made anew before it ends."""

    def __init__(self, account: str, key: str, container: str) -> None:
        self._made_for = account, container, key
        self._ends = datetime.min.replace(tzinfo=UTC)
        self._text = ""
        self._lock = threading.Lock()

    def now(self) -> tuple[str, Mapping[str, str]]:
        """Return the query and the headers that authorize a request now."""
        with self._lock:
            now = datetime.now(UTC)
            if self._ends - now < _RENEW:
                self._ends = now + _SIGNED_FOR
                account, container, key = self._made_for
                rights = ContainerSasPermissions(read=True, write=True, create=True)
                self._text = generate_container_sas(
                    account, container, account_key=key, permission=rights, start=now - _CLOCKS, expiry=self._ends
                )
            return self._text, {}


def _authority(
    connection: StorageConnection, service: BlobServiceClient, container: str
) -> _Nothing | _Bearer | _Signature:
    if not connection.connection_string:
        return _Bearer(connection.client_id)
    key = getattr(service.credential, "account_key", None)
    return _Signature(str(service.account_name), key, container) if key else _Nothing()
