"""Answers that are more than bytes to write: made while they are sent, cut off, or the last of HTTP on a connection."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from lambent.gateway.http.answer import upgrade_head
from lambent.gateway.http.streams import Framing, StreamedResponse, Upgrade

RESET = struct.pack("ii", 1, 0)  # lingering for no time: what is closed so is reset, socket(7)


async def send_pieces(
    transport: asyncio.Transport,
    response: StreamedResponse,
    framing: Framing,
    wait_for_room: Callable[[], Awaitable[None]],
) -> None:
    """Write the body as it is made, no faster than the client reads. Ends early when the client has gone."""
    async for piece in response.body:
        if transport.is_closing():
            return
        if piece:
            transport.write(framing.piece(piece))
            await asyncio.sleep(0)  # an iterator that never waits must not keep the others waiting
            await wait_for_room()
    if end := framing.end():
        transport.write(end)


def cut_off(transport: asyncio.Transport, framing: Framing) -> None:
    """A body whose end is told lacks it then; to whom the connection's end is the body's, only a reset tells."""
    if framing.until_close:
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()
    else:
        transport.close()


def hand_on(transport: asyncio.Transport, upgrade: Upgrade, beyond: bytes) -> None:
    """From here on the connection is another's, who is given what has come already."""
    transport.write(upgrade_head(upgrade))
    transport.set_protocol(upgrade.protocol)
    upgrade.protocol.connection_made(transport)
    if beyond:
        upgrade.protocol.data_received(beyond)
    if not transport.is_closing():
        transport.resume_reading()
