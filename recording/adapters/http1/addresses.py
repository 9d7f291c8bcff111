"""Names with several addresses: none is waited for so long that no time is left for those behind it."""

import socket
from typing import Any

from recording.adapters.http1.time_limit import Limit

SHORTEST = 0.05  # seconds; a time-out of 0 would not wait at all


def seconds_each(host: str, port: int, most: float, limit: Limit) -> float:
    """Return how many seconds to wait for each address of a name, which are tried one after the other.

    Args:
        host: the name; if it does not resolve, the connection itself says so.
        port: of the service.
        most: for one address, however much time is left.
        limit: of the request that needs the connection.

    Raises:
        TimeoutError: the time is over.
    """
    try:
        count = len(_addresses(host, port))
    except (OSError, ValueError):
        count = 1
    return _share(count, most, limit)


def connect_to(host: str, port: int, most: float, limit: Limit) -> socket.socket:
    """Connect to the first address of a name that answers; the name is resolved once.

    Args:
        host: the name.
        port: of the service.
        most: seconds for one address, however much time is left.
        limit: of the request that needs the connection.

    Raises:
        OSError: the name does not resolve, or no address accepts a connection; the last one's reason.
        TimeoutError: the time is over.
        ValueError: what is given cannot be a name.
    """
    found = _addresses(host, port)
    seconds = _share(len(found), most, limit)
    for number, (family, kind, protocol, _, address) in enumerate(found, 1):
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(seconds)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            if number == len(found):
                raise
        else:
            return sock
    raise OSError("the name has no address")


def _addresses(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _share(count: int, most: float, limit: Limit) -> float:
    limit.check()  # a resolver may have taken all of it
    return max(min(most, limit.left() / (count + 1)), SHORTEST)  # the last share is for the answer
