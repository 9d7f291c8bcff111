"""Fills the port RecordingSource: downloads from and deletes in ACS's storage, with every hop guarded and signed.

A client of our own instead of the SDK's download: our guard sees each location and each redirect before any request,
the signature is made anew for every hop, ranges are always explicit, and a body that was cut short is never taken for
a whole one (docs/adr/0003).
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from recording.adapters.acs import source_answers as answers
from recording.adapters.acs.signing import signed_headers
from recording.adapters.acs.time_limit import POOLS, Limit, limited
from recording.domain.incoming.locations import Location, checked_location, stays_with_the_object
from recording.errors import (
    SourceBrokenError,
    SourceBusyError,
    SourceRedirectError,
    TokenUnavailableError,
    UnsafeLocationError,
)
from recording.errors.codes import Code
from recording.settings import AcsConnection

PIECE = 1024 * 1024
LARGEST_METADATA = 1024 * 1024
MOST_REDIRECTS = 3
GONE = (404, 410)
TIMEOUT = urllib3.Timeout(connect=10, read=30)  # seconds without a byte; well inside a claim of two minutes
WHOLE_SECONDS = 45.0  # for a request without a long body, redirects apart: connection, headers, metadata, delete
SLOWEST = 16 * 1024  # bytes a second of a body: 64 connections share a link of 1 MB/s; less is a drip, asked for again
IDENTITY_SCOPE = "https://communication.azure.com//.default"  # with both slashes, as the SDK asks for it


class AcsContent:
    """One open download, of the whole object or of a range."""

    def __init__(self, response: urllib3.BaseHTTPResponse, part: answers.Part, limit: Limit) -> None:
        self._response = response
        self._limit = limit
        self.declared_total = part.total
        self.is_whole = part.is_whole
        self.version = part.version

    def fill(self, view: memoryview) -> int:
        """Reads until the view is full or the body ends."""
        filled = 0
        with _network_errors("the download broke"):
            while filled < len(view):
                piece = self._response.read(min(PIECE, len(view) - filled), decode_content=False)
                if not piece:
                    self._limit.check()
                    break
                view[filled : filled + len(piece)] = piece
                filled += len(piece)
        return filled

    def pieces(self) -> Iterator[bytes]:
        """The bytes, up to 1 MiB at a time, exactly as they came."""
        with _network_errors("the download broke"):
            yield from self._response.stream(PIECE, decode_content=False)
            self._limit.check()


class AcsSource:
    """ACS's storage plane, through one pool of connections."""

    def __init__(self, acs: AcsConnection) -> None:
        self._acs = acs
        self._pool = connection_pool(acs)

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    @contextmanager
    def open_content(self, location: str, first: int = 0, length: int | None = None) -> Iterator[AcsContent]:
        """Opens a download. The range is always explicit: it makes ACS tell the total in Content-Range."""
        end = "" if length is None else first + length - 1
        with self._requested("GET", location, {"Range": f"bytes={first}-{end}"}) as (response, limit):
            part = answers.part_of(response.headers, first, length)
            bytes_left = (part.total or 0) - first if part.is_whole or length is None else length
            limit.allow(WHOLE_SECONDS + max(bytes_left, 0) / SLOWEST)
            yield AcsContent(response, part, limit)

    def read_metadata(self, location: str) -> bytes:
        """The metadata document's bytes."""
        with self._requested("GET", location) as (response, limit):
            content, raw = AcsContent(response, answers.part_of(response.headers), limit), bytearray()
            for piece in content.pieces():
                raw += piece
                if len(raw) > LARGEST_METADATA:
                    raise SourceBrokenError("the metadata is larger than 1 MiB", code=Code.METADATA_TOO_LARGE)
        if content.declared_total not in (None, len(raw)):
            raise SourceBrokenError("the metadata is shorter than declared", code=Code.METADATA_SHORT)
        return bytes(raw)

    def delete(self, location: str) -> bool:
        """Deletes; any 2xx is success (the SDK knows only 200), 404 and 410 mean it was gone."""
        with self._requested("DELETE", location, also_fine=GONE) as (response, _):
            return response.status not in GONE

    @contextmanager
    def _requested(
        self, method: str, location: str, headers: Mapping[str, str] | None = None, also_fine: tuple[int, ...] = ()
    ) -> Iterator[tuple[urllib3.BaseHTTPResponse, Limit]]:
        """The final answer to a request, after at most three redirects; closed at the end, whatever happens."""
        checked = checked_location(location, self._acs.content_hosts)
        for _ in range(MOST_REDIRECTS + 1):
            with limited(WHOLE_SECONDS) as limit:
                response = self._send(method, checked, headers or {})
                try:
                    if (next_location := answers.redirect_of(response.status, response.headers, checked)) is None:
                        if response.status not in also_fine:
                            answers.raise_for(response.status, response.headers, datetime.now(UTC))
                        yield response, limit
                        return
                finally:
                    response.close()  # a fully read answer has given its connection back to the pool before
            checked = self._followed(checked, next_location)
        raise SourceBusyError("the source redirects in a circle")

    def _followed(self, checked: Location, target: str) -> Location:
        """Where a redirect leads: any allowed host, the same object. Nothing else is contacted (I5)."""
        try:
            found = checked_location(target, self._acs.content_hosts)
        except UnsafeLocationError as error:
            raise SourceRedirectError(f"the source redirects to where nothing is asked for ({error.code})") from None
        if not stays_with_the_object(checked, found):
            raise SourceRedirectError("the source redirects to another object")
        return found

    def _send(self, method: str, checked: Location, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        sent = {
            "Accept-Encoding": "identity",
            "x-ms-host": self._acs.host,
            **headers,
            **self._authority(method, checked),
        }
        with _network_errors("the source cannot be reached"):
            return self._pool.request(
                method,
                checked.url,
                headers=sent,
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
                timeout=TIMEOUT,
            )

    def _authority(self, method: str, checked: Location) -> dict[str, str]:
        """What authorises this very request: a signature, or the identity's token."""
        if key := self._acs.access_key:
            target = checked.path + checked.query
            return signed_headers(method, target, self._acs.host, key.get_secret_value(), at=datetime.now(UTC))
        return {"Authorization": f"Bearer {_token(self._acs.client_id)}"}


def connection_pool(acs: AcsConnection) -> urllib3.PoolManager:
    """Connections that verify certificates, through the egress proxy if there is one."""
    options: dict[str, Any] = {
        # One context for all connections: reading the certificates takes 16 ms, a connection without that two.
        "ssl_context": ssl.create_default_context(cafile=acs.ca_bundle or certifi.where()),
        "maxsize": 64,  # as many as the copy engine may use at once: a connection closed is a handshake lost
    }
    pool = urllib3.ProxyManager(acs.proxy_url, **options) if acs.proxy_url else urllib3.PoolManager(**options)
    pool.pool_classes_by_scheme = POOLS
    return pool


def _token(client_id: str | None) -> str:
    from azure.core.exceptions import AzureError  # only an identity needs these: a key starts faster

    from recording.adapters.azure_sdk.clients import credential

    try:
        return credential(client_id).get_token(IDENTITY_SCOPE).token
    except AzureError as error:
        raise TokenUnavailableError(f"the identity got no token for ACS ({type(error).__name__})") from None


@contextmanager
def _network_errors(what: str) -> Iterator[None]:
    """All of urllib3's errors are passing ones. They are not chained: their messages hold the URL."""
    try:
        yield
    except (HTTPError, OSError) as error:
        raise SourceBusyError(f"{what} ({type(error).__name__})") from None
