"""Fills the port Way with Standard Webhooks 1.0: a signed POST to an address that was checked, and no further.

The name is resolved here and the connection goes to an address that was checked, while the certificate must be for the
name: a second answer of DNS between check and connection changes nothing. Redirects are not followed.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import certifi
from standardwebhooks.webhooks import Webhook

from recording.adapters.http1.time_limit import Limit, limited
from recording.domain.outgoing.address import Place, UnsafeAddressError, checked_addresses, checked_url
from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.documents import webhook_body
from recording.domain.outgoing.endpoints import WebhookEndpoint
from recording.domain.outgoing.events import EventType, OutgoingEvent
from recording.errors.codes import Code
from recording.ports.outgoing import Answer
from recording.settings import Settings

SECONDS = 20.0  # for one try, from the connection to the end of the answer
LARGEST_ANSWER = 16 * 1024  # bytes that are read of it; nothing in it matters but the status
MOST_ADDRESSES = 4  # of one name that are tried
USER_AGENT = "recording-archive"
Resolve = Callable[[str, int], list[str]]


class WebhookWay:
    """One endpoint of the setting `WEBHOOKS`.

    Args:
        settings: with the hosts and networks that are allowed.
        endpoint: where to, with which secrets.
        resolve: what a name stands for.
        trusted: certificate authorities; None: those of certifi.
        seconds: for one try.
    """

    def __init__(
        self,
        settings: Settings,
        endpoint: WebhookEndpoint,
        *,
        resolve: Resolve | None = None,
        trusted: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint
        self._hosts, self._networks = settings.webhook_hosts, settings.webhook_networks
        self._api = settings.events_api
        self._resolve = resolve or addresses_of
        self._tls = ssl.create_default_context(cafile=trusted or certifi.where())
        self._seconds = seconds
        self._signers = [Webhook(secret.get_secret_value()) for secret in endpoint.secrets]

    def close(self) -> None:
        """Have nothing to close: no connection outlives its request."""

    def wants(self, kind: EventType) -> bool:
        """Answer by the types in the setting."""
        return self._endpoint.wants(kind)

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Post one event; what is not sent, not answered or refused is an answer as well."""
        body = webhook_body(event, self._api)
        try:
            place = checked_url(self._endpoint.url.get_secret_value(), self._hosts, self._networks)
            with limited(self._seconds) as limit:
                found = checked_addresses(self._resolve(place.host, place.port), self._networks)
                status = self._posted(place, found, body, self.headers(event.id, now, body), limit)
        except UnsafeAddressError:
            return Answer(Result.REFUSED, Code.ENDPOINT_UNSAFE)
        except (OSError, http.client.HTTPException, ValueError):  # ssl.SSLError and TimeoutError are OSErrors
            return Answer(Result.FAILED, Code.ENDPOINT_UNREACHABLE)
        return _answer(status)

    def headers(self, event_id: str, now: datetime, body: bytes) -> dict[str, str]:
        """Return the headers of one try: its time is of this try, its id that of the event."""
        at = now.astimezone(UTC).replace(microsecond=0)
        signatures = [signer.sign(event_id, at, body.decode()) for signer in self._signers]
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }

    def _posted(
        self, place: Place, addresses: Sequence[str], body: bytes, headers: dict[str, str], limit: Limit
    ) -> int:
        """Post to the first address that takes the connection, and return the status of the answer."""
        connection = _Connection(place, addresses[:MOST_ADDRESSES], None if place.is_plain else self._tls, limit)
        try:
            connection.request("POST", place.path, body, {"Host": place.authority, **headers})
            answer = connection.getresponse()
            answer.read(LARGEST_ANSWER)
            limit.check()
            return answer.status
        finally:
            connection.close()


def _answer(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(Result.DELIVERED)
    if status == http.HTTPStatus.GONE:
        return Answer(Result.GONE, Code.ENDPOINT_GONE)
    return Answer(Result.FAILED, Code.ENDPOINT_REFUSED)


def addresses_of(host: str, port: int) -> list[str]:
    """Return what a name stands for, as the system resolves it.

    Raises:
        OSError: it stands for nothing, or DNS does not answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Connection(http.client.HTTPConnection):
    """A connection to checked addresses; the certificate is compared with the name."""

    def __init__(self, place: Place, addresses: Sequence[str], tls: ssl.SSLContext | None, limit: Limit) -> None:
        super().__init__(place.host, place.port)
        self._place, self._addresses, self._tls, self._limit = place, addresses, tls, limit

    def connect(self) -> None:
        """Connect to the first address that answers, within the limit."""
        self._limit.watch(self)
        raw = self._opened()
        self.sock: Any = raw
        self._limit.hold(raw)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(raw, server_hostname=self._place.host)
            self._limit.hold(self.sock)
        self._limit.check()

    def _opened(self) -> socket.socket:
        for address in self._addresses:
            self._limit.check()
            try:
                return socket.create_connection((address, self._place.port), timeout=self._limit.left())
            except TimeoutError:
                raise
            except OSError:
                continue
        raise OSError("no address takes a connection")
