"""Fills the port RecordingSource: downloads from and deletes in ACS's storage, with every hop guarded and signed.

Our own client instead of the SDK's download: our guard checks each location and each redirect before any request, every
hop is signed separately, ranges are always explicit, and a truncated body is never taken for a complete one
(docs/adr/0003).
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import certifi

from recording.adapters.acs import source_answers as answers
from recording.adapters.acs.signing import signed_headers
from recording.adapters.http1.connections import Answer, ConnectionFailedError, Connections
from recording.adapters.http1.time_limit import Limit, limited
from recording.domain.incoming.locations import Location, checked_location, stays_with_the_object
from recording.domain.incoming.metadata import LARGEST_METADATA
from recording.errors import (
    SourceBrokenError,
    SourceBusyError,
    SourceRedirectError,
    SourceSlowError,
    TokenUnavailableError,
    UnsafeLocationError,
)
from recording.errors.codes import Code
from recording.settings import AcsConnection

PIECE = 1024 * 1024
MOST_REDIRECTS = 3
GONE = (404, 410)
PARTIAL = 206
WHOLE_SECONDS = 45.0  # for a request, redirects included: connection, headers, metadata, delete
SLOWEST = 16 * 1024  # bytes a second of media beyond it: 64 connections share a link of 1 MB/s; others are asked again
IDENTITY_SCOPE = "https://communication.azure.com//.default"  # with both slashes, as the SDK asks for it


class AcsContent:
    """One open download, of the whole object or of a range."""

    def __init__(self, answer: Answer, part: answers.Part) -> None:
        self._answer = answer
        self.declared_total = part.total
        self.is_whole = part.is_whole
        self.version = part.version

    def fill(self, view: memoryview) -> int:
        """Read until the view is full or the body ends."""
        with _network_errors("the download broke"):
            return self._answer.fill(view)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes, up to 1 MiB at a time, exactly as received."""
        view = memoryview(bytearray(PIECE))
        while count := self.fill(view):
            yield bytes(view[:count])


class AcsSource:
    """ACS's storage plane, through one pool of connections."""

    def __init__(self, acs: AcsConnection) -> None:
        self._acs = acs
        self._connections = connections_to(acs)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    @contextmanager
    def open_content(self, location: str, first: int = 0, length: int | None = None) -> Iterator[AcsContent]:
        """Open a download. The range is always explicit, so that ACS reports the total in Content-Range."""
        end = "" if length is None else first + length - 1
        with self._request("GET", location, {"Range": f"bytes={first}-{end}"}) as (answer, limit):
            answers.check_is_content(answer.status)
            part = answers.part_of(answer.headers, first, length, is_partial=answer.status == PARTIAL)
            limit.slowest = SLOWEST
            yield AcsContent(answer, part)

    def read_metadata(self, location: str) -> bytes:
        """Return the metadata document's bytes."""
        with self._request("GET", location) as (answer, _):
            answers.check_is_content(answer.status)
            content, raw = AcsContent(answer, answers.part_of(answer.headers)), bytearray()
            for piece in content.pieces():
                raw += piece
                if len(raw) > LARGEST_METADATA:
                    raise SourceBrokenError("the metadata is larger than 1 MiB", code=Code.METADATA_TOO_LARGE)
        if content.declared_total not in (None, len(raw)):
            raise SourceBrokenError("the metadata is shorter than declared", code=Code.METADATA_SHORT)
        return bytes(raw)

    def delete(self, location: str) -> bool:
        """Delete; any 2xx is success (the SDK knows only 200), 404 and 410 mean it was gone."""
        with self._request("DELETE", location, also_fine=GONE) as (answer, _):
            if answer.status in GONE:
                return False
            answers.check_is_no_page(answer.headers)
            return True

    @contextmanager
    def _request(
        self, method: str, location: str, headers: Mapping[str, str] | None = None, also_fine: tuple[int, ...] = ()
    ) -> Iterator[tuple[Answer, Limit]]:
        """Yield the final answer to a request, after at most three redirects; always close it at the end."""
        checked, whole = checked_location(location, self._acs.content_hosts), Limit(WHOLE_SECONDS)
        for _ in range(MOST_REDIRECTS + 1):
            with limited(whole.left()) as limit:
                answer = self._send(method, checked, headers or {}, limit)
                try:
                    if (next_location := answers.redirect_of(answer.status, answer.headers, checked)) is None:
                        if answer.status not in also_fine:
                            answers.raise_for(answer.status, answer.headers, datetime.now(UTC))
                        yield answer, limit
                        return
                finally:
                    answer.close()
            checked = self._follow(checked, next_location)
        raise SourceBusyError("the source redirects in a loop")

    def _follow(self, checked: Location, target: str) -> Location:
        """Return where a redirect leads: any allowed host, the same object. Nothing else is contacted (I5)."""
        try:
            found = checked_location(target, self._acs.content_hosts)
        except UnsafeLocationError as error:
            raise SourceRedirectError(
                f"the source redirects to a location that may not be called ({error.code})"
            ) from None
        if not stays_with_the_object(checked, found):
            raise SourceRedirectError("the source redirects to another object")
        return found

    def _send(self, method: str, checked: Location, headers: Mapping[str, str], limit: Limit) -> Answer:
        sent = {
            "Accept-Encoding": "identity",
            "x-ms-host": self._acs.host,
            **headers,
            **self._authority(method, checked),
        }
        with _network_errors("the source cannot be reached"):
            return self._connections.request(method, checked.url, sent, limit)

    def _authority(self, method: str, checked: Location) -> dict[str, str]:
        """Return the authorization of this request: a signature, or the identity's token."""
        if key := self._acs.access_key:
            target = checked.path + checked.query
            return signed_headers(method, target, self._acs.host, key.get_secret_value(), at=datetime.now(UTC))
        return {"Authorization": f"Bearer {_token(self._acs.client_id)}"}


def connections_to(acs: AcsConnection) -> Connections:
    """Return connections that verify certificates, through the egress proxy if there is one.

    One TLS context serves all of them: reading the certificates takes 16 ms, a connection without that two.
    """
    return Connections(ssl.create_default_context(cafile=acs.ca_bundle or certifi.where()), acs.proxy_url)


def _token(client_id: str | None) -> str:
    from azure.core.exceptions import AzureError  # only an identity needs these: a key starts faster

    from recording.adapters.azure_sdk.clients import credential

    try:
        return credential(client_id).get_token(IDENTITY_SCOPE).token
    except AzureError as error:
        raise TokenUnavailableError(f"the identity got no token for ACS ({type(error).__name__})") from None


@contextmanager
def _network_errors(what: str) -> Iterator[None]:
    """Raise every network failure as a transient error, unchained: its message may contain the URL."""
    try:
        yield
    except ConnectionFailedError as error:
        kind = SourceSlowError if error.is_slow else SourceBusyError
        raise kind(f"{what} ({error.kind})") from None
