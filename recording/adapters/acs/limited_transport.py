"""The transport for the Call Automation SDK: every call through it ends within one time limit.

The SDK's own time-outs count from byte to byte. Connections that it opens or uses while `limited_call` runs in the same
thread are shut down when the time is over. The transport implements no HTTP itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS
from recording.adapters.http1.time_limit import Limit, limited

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
        _watched_by_limit(self)
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
    """Connections of our own class, directly and through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Do as requests does."""
        super().init_poolmanager(*args, **kwargs)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Do as requests does."""
        return _use_our_pools(super().proxy_manager_for(proxy, **kwargs))


def _use_our_pools(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": _Pool}
    return manager
