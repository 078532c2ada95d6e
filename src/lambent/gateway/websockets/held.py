"""The connections that an edge holds, and what may be done to one from outside: post, get, delete.

Nothing here survives the edge. One that is stopped says goodbye to its clients (1001) and tells $disconnect; one that
is killed cannot, and AWS promises no more ($disconnect is best effort).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from lambent.clock import Clock
from lambent.gateway.http.websocket import AWAY, Ended, Limits, NotReading, WebSocket
from lambent.gateway.websockets.event import Standing
from lambent.gateway.websockets.ids import new_connection_id
from lambent.ids import Ids
from lambent.model.messages import ConnectionAnswer, ConnectionCall

SWEEP_S = 1.0
GOING_AWAY, NORMAL = 1001, 1000
GONE, FULL = ConnectionAnswer("gone"), ConnectionAnswer("full")

log = structlog.get_logger()


class Sockets:
    """All WebSocket connections of one edge, by id."""

    def __init__(self, edge: int, clock: Clock, ids: Ids, limits: Limits) -> None:
        self.edge, self.limits = edge, limits
        self._clock, self._ids = clock, ids
        self._held: dict[str, tuple[WebSocket, Standing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._held)

    def new_id(self) -> str:
        """An id for a connection that will be held here."""
        return new_connection_id(self.edge, self._ids)

    def now_ms(self) -> int:
        """The time."""
        return self._clock.now_ms()

    def add(self, way: WebSocket, standing: Standing) -> None:
        """From now on it can be posted to."""
        self._held[standing.connection_id] = way, standing

    def remove(self, connection_id: str) -> None:
        """It has ended."""
        self._held.pop(connection_id, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside, and wait for it before the edge ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a message failed", action="websocket.fail", exc_info=error)

    async def run(self) -> None:
        """End what was silent, or there, for too long; its owner keeps and cancels this task."""
        while True:
            await self._clock.sleep(SWEEP_S)
            now_s, monotonic_s = self._clock.now_s(), self._clock.monotonic_s()
            for way, _ in list(self._held.values()):
                way.expire(now_s, monotonic_s)

    async def stop(self, patience_s: float) -> None:
        """Say goodbye to everybody, and let what is under way come to its end."""
        step_s = 0.02
        while patience_s > 0 and (self._held or self._tasks):
            for way, _ in list(self._held.values()):  # each time, for those that $connect was still asked about
                way.close(GOING_AWAY, AWAY)
            await self._clock.sleep(step_s)
            patience_s -= step_s

    async def serve(self, call: ConnectionCall) -> ConnectionAnswer:
        """Do what a request to @connections asks."""
        found = self._held.get(call.connection_id)
        if found is None or (found[1].api_id, found[1].stage) != (call.api_id, call.stage) or not found[0].open:
            return GONE
        way, standing = found
        if call.method == "POST":
            return await _post(way, call.data)
        if call.method == "DELETE":
            way.close(NORMAL)
            return ConnectionAnswer("done")
        return ConnectionAnswer(
            "done", standing.connected_ms, round(way.active_s * 1000), standing.source_ip, standing.user_agent
        )


async def _post(way: WebSocket, data: bytes) -> ConnectionAnswer:
    try:
        await way.send(data)
    except Ended:
        return GONE
    except NotReading:
        return FULL
    return ConnectionAnswer("done")
