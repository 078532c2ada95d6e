"""WebSocket APIs of one edge, with functions that are lists of what they were asked."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from lambent.clock import FakeClock
from lambent.errors import Unavailable
from lambent.gateway.apis.access_log import AccessLogs
from lambent.gateway.apis.metrics import ApiMetrics
from lambent.gateway.http.websocket import Limits, WebSocket
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.connection import Connection, Surroundings
from lambent.gateway.websockets.event import Standing
from lambent.gateway.websockets.held import Sockets
from lambent.gateway.websockets.integrations import Integrations
from lambent.gateway.websockets.telling import Telling
from lambent.ids import FakeIds
from lambent.model.apis import AccessLog, FunctionTarget, WebSocketApi, WebSocketRoute, WebSocketStage
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import AccessLines
from lambent.model.meter import Collected

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:g"
TARGET = FunctionTarget(FunctionKey("000000000000", "us-east-1", "f"), "", "1.0", 50)
Answer = InvocationResult | Exception | None


def said(body: str = "", status: int = 200) -> InvocationResult:
    """What a function says."""
    return InvocationResult("1", json.dumps({"statusCode": status, "body": body}).encode())


def api(*routes: WebSocketRoute, log: str = "") -> WebSocketApi:
    """An API with one stage, `prod`."""
    by_key = {route.key: route for route in routes}
    stages = {"prod": WebSocketStage("prod", "d1", {"v": "1"}, by_key, AccessLog(GROUP, log) if log else None)}
    return WebSocketApi("a1", "000000000000", "us-east-1", "$request.body.action", stages)


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written, self.closed = b"", False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, _: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Place:
    """One edge. `answer` is what functions say (None: nothing), `api` what is deployed (an exception: no control)."""

    def __init__(self) -> None:
        self.clock, self.ids = FakeClock(), FakeIds()
        self.answer: Answer = said()
        self.api: WebSocketApi | Exception | None = None
        self.permitted, self.admitted = True, True
        self.events: list[dict[str, Any]] = []
        self.sockets = Sockets(3, self.clock, self.ids, Limits())
        permits = SimpleNamespace(known=lambda *_: None, get=self._permit)
        throttles = SimpleNamespace(buckets=lambda *_: (), admit=self._admit)
        rules = SimpleNamespace(event_bytes=6_000_000, answer_bytes=10_000_000)
        asked = {"send": None, "begin": self._begin, "clock": self.clock}
        tools: Any = SimpleNamespace(**asked, permits=permits, throttles=throttles, rules=rules)
        self.lines: list[str] = []
        self.collected: dict[str, Any] = {}
        self.metrics, self.logs = ApiMetrics(self._measured, self.clock), AccessLogs(self._write, self.clock)
        telling = Telling(self.metrics, self.logs)
        self.integrations = Integrations(tools)
        self.around = Surroundings(self.sockets, self.integrations, self._find, telling, self._facts)

    def _facts(self, source_ip: str) -> Facts:
        return Facts(self.ids.uuid(), source_ip, "Root=1-2-3", self.clock.now_ms())

    async def _measured(self, collected: list[Collected]) -> None:
        self.collected = {each.name: each.values for each in collected}

    async def _write(self, lines: AccessLines) -> None:
        self.lines += [line.text for line in lines.lines]

    async def _permit(self, *_: Any) -> bool:
        return self.permitted

    async def _admit(self, _: Any) -> bool:
        return self.admitted

    async def _find(self, _: str) -> WebSocketApi | None:
        if isinstance(self.api, Exception):
            raise self.api
        return self.api

    def _begin(self, invocation: Invocation, done: Callable[[Any], None], _: object) -> None:
        self.events.append(msgspec.json.decode(invocation.payload))
        if self.answer is not None:
            done(self.answer)

    def connect(self) -> tuple[WebSocket, Wire]:
        """A client that has been let in."""
        way, wire = WebSocket(Limits(), self.clock), Wire()
        standing = Standing("a1", "000000000000", "prod", "host", self.sockets.new_id(), 1, "10.0.0.9")
        way.belong_to(Connection(way, standing, ({}, {}), self.around))
        self.sockets.add(way, standing)
        way.connection_made(wire)  # type: ignore[arg-type]
        return way, wire


async def settled() -> None:
    """Whatever can go on without anybody's help has."""
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
def place() -> Place:
    return Place()


AWAY = Unavailable("control is not connected")
