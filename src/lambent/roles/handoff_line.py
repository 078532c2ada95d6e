"""The edge's end of the handoff socket: new environments arrive here with their descriptors."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from lambent.clock import Clock
from lambent.model.environment import EnvironmentGrant
from lambent.model.messages import Hello
from lambent.sandbox.packets import Packets

RETRY_S = 0.05

log = structlog.get_logger()
_grant = msgspec.msgpack.Decoder(EnvironmentGrant).decode


class HandoffLine:
    """Stays connected to the agent; `receive` gets each grant and owns its descriptors.

    `lost` is called whenever the agent has gone: everything it made has gone with it.
    """

    def __init__(
        self,
        path: Path,
        hello: Hello,
        clock: Clock,
        receive: Callable[[EnvironmentGrant, list[int]], None],
        lost: Callable[[], None],
    ) -> None:
        self._path, self._hello, self._clock = path, hello, clock
        self._receive, self._lost = receive, lost
        self.connected = False

    async def run(self) -> None:
        """Connect, take what comes, connect again; for ever."""
        while True:
            end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                end.connect(str(self._path))
            except OSError:
                end.close()
                await self._clock.sleep(RETRY_S)
                continue
            packets = Packets(end)
            try:
                packets.send_nowait(msgspec.msgpack.encode(self._hello))
                self.connected = True
                await self._take_all(packets)
            except OSError as error:
                log.warning("handoff broke", action="edge.handoff", error=str(error))
            finally:
                self.connected = False
                packets.close()
                self._lost()
            await self._clock.sleep(RETRY_S)

    async def _take_all(self, packets: Packets) -> None:
        while True:
            message, descriptors = await packets.receive()
            if not message:
                return
            try:
                grant = _grant(message)
            except msgspec.MsgspecError:
                log.exception("malformed grant", action="edge.handoff")
                for descriptor in descriptors:
                    os.close(descriptor)
                continue
            self._receive(grant, descriptors)
