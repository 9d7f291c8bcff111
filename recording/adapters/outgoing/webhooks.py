"""Fills the port Way with Standard Webhooks 1.0: a signed POST to a checked address, without redirects.

The name is resolved here and the connection goes to a checked address, while the certificate must match the name: a
different DNS answer between check and connection has no effect. Redirects are not followed.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
LARGEST_ANSWER = 16 * 1024  # bytes that are read of it; only the status matters
MOST_ADDRESSES = 4  # of one name that are tried
USER_AGENT = "recording-archive"
_BROKEN = (500, 502, 503, 504)  # not 501: the method is unknown to a server that works
Resolve = Callable[[str, int], list[str]]
Opening = Callable[[tuple[str, int], float], socket.socket]


class WebhookWay:
    """One endpoint of the setting `WEBHOOKS`.

    Args:
        settings: with the allowed hosts and networks.
        endpoint: the URL and its secrets.
        resolve: resolves a host name.
        opening: connects to an address and a port within a number of seconds.
        trusted: certificate authorities; None: those of certifi.
        seconds: for one try.
    """

    def __init__(
        self,
        settings: Settings,
        endpoint: WebhookEndpoint,
        *,
        resolve: Resolve | None = None,
        opening: Opening = socket.create_connection,
        trusted: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.name = endpoint.name
        self.tenant = endpoint.tenant
        self._endpoint = endpoint
        self._hosts, self._networks = settings.webhook_hosts, settings.webhook_networks
        self._api = settings.events_api
        self._resolve, self._opening = resolve or addresses_of, opening
        self._tls = ssl.create_default_context(cafile=trusted or certifi.where())
        self._seconds = seconds
        self._signers = [Webhook(secret.get_secret_value()) for secret in endpoint.secrets]

    def close(self) -> None:
        """Have nothing to close: no connection outlives its request."""

    def wants(self, kind: EventType) -> bool:
        """Answer by the types in the setting."""
        return self._endpoint.wants(kind)

    def send(self, event: OutgoingEvent, now: datetime) -> Answer:
        """Post one event; return the outcome, also when it is not sent, not answered or refused."""
        body = webhook_body(event, self._api)
        found = self._ask(_Request("POST", self.headers(event.id, now, body), body))
        return found if isinstance(found, Answer) else _answer(found)

    def probe(self, now: datetime) -> Answer:
        """Send HEAD, which discloses nothing: any answer except a server error shows that the endpoint exists."""
        del now
        found = self._ask(_Request("HEAD", {"User-Agent": USER_AGENT, "Connection": "close"}))
        if isinstance(found, Answer):
            return found
        is_trouble = 300 <= found < 400 or found in (*_BROKEN, http.HTTPStatus.GONE)
        return _answer(found) if is_trouble else Answer(Result.DELIVERED)

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

    def _ask(self, request: "_Request") -> int | Answer:
        """Return the status of the answer, or the reason why there is none."""
        try:
            place = checked_url(self._endpoint.url.get_secret_value(), self._hosts, self._networks)
            with limited(self._seconds) as limit:
                found = checked_addresses(self._resolve(place.host, place.port), self._networks)
                return self._ask_first(request, place, found, limit)
        except UnsafeAddressError:
            return Answer(Result.REFUSED, Code.ENDPOINT_UNSAFE)
        except (OSError, http.client.HTTPException, ValueError):  # ssl.SSLError and TimeoutError are OSErrors
            return Answer(Result.FAILED, Code.ENDPOINT_UNREACHABLE)

    def _ask_first(self, request: "_Request", place: Place, addresses: Sequence[str], limit: Limit) -> int:
        """Ask the first address that takes the connection, and return the status of the answer."""
        tls = None if place.is_plain else self._tls
        connection = _Connection(place, addresses[:MOST_ADDRESSES], tls, limit, self._opening)
        try:
            headers = {"Host": place.authority, **request.headers}
            connection.request(request.method, place.path, request.body, headers)
            answer = connection.getresponse()
            with suppress(OSError, http.client.HTTPException, ValueError):  # the status is there, whatever follows it
                answer.read(LARGEST_ANSWER)
            limit.check()
            return answer.status
        finally:
            connection.close()


@dataclass(frozen=True, repr=False)
class _Request:
    """A request to an endpoint."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None = None


def _answer(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(Result.DELIVERED)
    if status == http.HTTPStatus.GONE:
        return Answer(Result.GONE, Code.ENDPOINT_GONE)
    return Answer(Result.FAILED, Code.ENDPOINT_REFUSED)


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a host name, as the system resolves it.

    Raises:
        OSError: the name does not resolve, or DNS does not answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Connection(http.client.HTTPConnection):
    """A connection to checked addresses; the certificate is compared with the name."""

    def __init__(
        self, place: Place, addresses: Sequence[str], tls: ssl.SSLContext | None, limit: Limit, opening: Opening
    ) -> None:
        super().__init__(place.host, place.port)
        self._place, self._addresses, self._tls, self._limit = place, addresses, tls, limit
        self._open = opening

    def connect(self) -> None:
        """Connect to the first address that answers, within the limit."""
        self._limit.watch(self)
        raw = self._connect()
        self.sock: Any = raw
        self._limit.hold(raw)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(raw, server_hostname=self._place.host)
            self._limit.hold(self.sock)
        self._limit.check()

    def _connect(self) -> socket.socket:
        """Connect to the first address that answers; one that never answers leaves time for the others."""
        for number, address in enumerate(self._addresses):
            self._limit.check()
            share = self._limit.left() / (len(self._addresses) - number)
            try:
                raw = self._open((address, self._place.port), share)
            except OSError:  # TimeoutError is one
                continue
            raw.settimeout(self._limit.left())
            return raw
        raise OSError("no address accepts a connection")
