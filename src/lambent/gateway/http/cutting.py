"""Ending a connection so that its client sees that an answer is unfinished."""

import asyncio
import socket
import struct

from lambent.gateway.http.streams import Framing

RESET = struct.pack("ii", 1, 0)  # lingering for no time: what is closed so is reset, socket(7)


def cut_off(transport: asyncio.Transport, framing: Framing) -> None:
    """A body whose end is told lacks it then; to whom the connection's end is the body's, only a reset tells."""
    if framing.until_close:
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()
    else:
        transport.close()
