"""The transport for the Call Automation SDK: every call through it ends within one limit of time, and one of memory.

The SDK's own time-outs count from byte to byte. Connections that it opens or uses while `limited_call` runs in the same
thread are shut down when the time is over. An answer is read up to LARGEST_ANSWER, as it was sent: what is packed could
be of any size, and is neither asked for nor unpacked. No answer leaves a cookie for the next request. The transport
implements no HTTP itself.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from requests.exceptions import ContentDecodingError
from urllib3 import PoolManager
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ProtocolError

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS
from recording.adapters.http1.addresses import seconds_each
from recording.adapters.http1.time_limit import Limit, limited

LARGEST_ANSWER = 1024 * 1024  # bytes; ACS's own have less than a thousand

_current = threading.local()


@contextmanager
def limited_call(seconds: float) -> Iterator[None]:
    """Limit all requests made inside, in this thread and by this transport, to this many seconds in total."""
    with limited(seconds) as limit:
        _current.limit = limit
        try:
            yield
        finally:
            _current.limit = None


def limited_transport(ca_bundle: str | None) -> RequestsTransport:
    """Return a transport whose connections obey the limit of the call that uses them."""
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc of the environment, as for all other clients
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.mount("https://", _LimitedConnections())
    return RequestsTransport(
        session=session,
        session_owner=True,
        connection_verify=ca_bundle or True,
        **{name: CLIENT_OPTIONS[name] for name in ("connection_timeout", "read_timeout")},
    )


class _Connection(HTTPSConnection):
    """A connection that the limit of its present call can shut down."""

    def connect(self) -> None:
        """Connect, within the limit."""
        limit = _watched_by_limit(self)
        if limit is not None:
            self.timeout = seconds_each(self.host, self.port, CLIENT_OPTIONS["connection_timeout"], limit)
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, within the limit."""
        limit = _watched_by_limit(self)
        super().request(*args, **kwargs)
        if limit is not None:
            limit.hold(self.sock)


def _watched_by_limit(connection: _Connection) -> Limit | None:
    limit: Limit | None = getattr(_current, "limit", None)
    if limit is not None:
        limit.check()  # it may have ended while there was no socket to shut down
        limit.watch(connection)
    return limit


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _LimitedConnections(HTTPAdapter):
    """Connections of our own class, directly and through a proxy, whose answers are small and not packed."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Do as requests does, and read no more of the answer than is allowed."""
        request.headers["Accept-Encoding"] = "identity"
        response = super().send(request, *args, **kwargs)
        if response.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
            response.close()
            raise ContentDecodingError("the answer is compressed unasked", response=response)
        response.raw.stream = partial(_small, response.raw.stream, response.raw.close)
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Do as requests does."""
        super().init_poolmanager(*args, **kwargs)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Do as requests does."""
        return _use_our_pools(super().proxy_manager_for(proxy, **kwargs))


def _small(
    stream: Callable[..., Iterator[bytes]], close: Callable[[], None], *args: Any, **kwargs: Any
) -> Iterator[bytes]:
    left = LARGEST_ANSWER
    for piece in stream(*args, **kwargs):
        left -= len(piece)
        if left < 0:
            close()
            raise ProtocolError("the answer is too large")
        yield piece


def _use_our_pools(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": _Pool}
    return manager
