"""End connections with RST, as a peer does that dies or a network that drops them."""

import asyncio
import socket
import struct

_LINGER_AND_DROP = struct.pack("ii", 1, 0)


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection with RST; what was not sent yet is lost."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_DROP)
    transport.abort()
