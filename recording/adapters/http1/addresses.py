"""Names with several addresses: none is waited for so long that no time is left for those behind it."""

import socket

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
        count = len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, ValueError):
        count = 1
    limit.check()  # a resolver may have taken all of it
    return max(min(most, limit.left() / (count + 1)), SHORTEST)  # the last share is for the answer
