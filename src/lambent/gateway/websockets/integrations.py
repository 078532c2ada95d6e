"""Asking what stands behind a route, and what becomes of its silence and its failures.

Source: API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API" (29 s) and "Gateway responses"
(504 for a timeout, 500 where the function does not let API Gateway in); that a failed function is 502 to who opens a
connection is recorded behaviour.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from lambent.errors import Unavailable
from lambent.gateway.apis.api import Tools
from lambent.gateway.websockets.answer import TIMED_OUT, Answer, Failed, answer_of
from lambent.gateway.websockets.event import encoded
from lambent.gateway.websockets.mock import mocked
from lambent.gateway.websockets.proxy import proxied
from lambent.model.apis import FunctionTarget, HttpTarget, MockTarget, WebSocketApi, WebSocketRoute, execute_api_arn
from lambent.model.invocation import Invocation, InvocationResult


class Call:
    """One integration request: to a route of a stage, with ids of its own."""

    __slots__ = ("api", "asked", "integration_ms", "request_id", "route_key", "stage", "trace_header")

    def __init__(self, api: WebSocketApi, stage: str, route_key: str, request_id: str, trace_header: str) -> None:
        self.api, self.stage, self.route_key = api, stage, route_key
        self.request_id, self.trace_header = request_id, trace_header
        self.asked = False
        self.integration_ms: int | None = None

    @property
    def source_arn(self) -> str:
        return execute_api_arn(self.api, self.stage, self.route_key)


class Integrations:
    """What routes lead to."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def admit(self, call: Call, route: WebSocketRoute) -> None:
        """Count a message, or an opening. Raises Failed for one too many."""
        throttles = self._tools.throttles
        if not await throttles.admit(throttles.buckets(call.api, call.stage, call.route_key, route.throttle)):
            raise Failed(429, "Too Many Requests")

    async def answer(self, call: Call, route: WebSocketRoute, event: Mapping[str, Any]) -> Answer:
        """What the route's integration says to `event`. Raises Failed."""
        target = route.target
        if target is None:
            raise Failed(500)
        call.asked = True
        if isinstance(target, MockTarget):
            return mocked(target, event)
        begun_s = self._tools.clock.monotonic_s()
        try:
            if isinstance(target, HttpTarget):
                return await proxied(self._tools.send, target, route, event, self._tools.rules.answer_bytes)
            return answer_of(await self.payload(call, target, call.source_arn, encoded(event)))
        finally:
            call.integration_ms = round((self._tools.clock.monotonic_s() - begun_s) * 1000)

    async def payload(self, call: Call, target: FunctionTarget, source_arn: str, event: bytes) -> bytes:
        """What a function returns that lets API Gateway in for `source_arn`. Raises Failed."""
        permits = self._tools.permits
        permitted = permits.known(target.function, target.qualifier, source_arn)
        if permitted is None:
            permitted = await self._permitted(target, source_arn)
        if not permitted:
            raise Failed(500)
        if len(event) > self._tools.rules.event_bytes:
            raise Failed(413, "Request Too Long")
        invocation = Invocation(call.request_id, target.function, target.qualifier, event, call.trace_header)
        result = await self._run(invocation, target.timeout_ms / 1000)
        if isinstance(result, Unavailable):
            raise Failed(503, "Service Unavailable")
        if isinstance(result, Exception):
            raise Failed(500)
        if result.function_error:
            raise Failed(502, payload=result.payload)
        return result.payload

    async def _permitted(self, target: FunctionTarget, source_arn: str) -> bool:
        try:
            return await self._tools.permits.get(target.function, target.qualifier, source_arn)
        except Unavailable:
            raise Failed(503, "Service Unavailable") from None

    async def _run(self, invocation: Invocation, timeout_s: float) -> InvocationResult | Exception:
        """A function that is late is not waited for; what it says later goes nowhere."""
        answer: asyncio.Future[InvocationResult | Exception] = asyncio.get_running_loop().create_future()

        def done(result: InvocationResult | Exception) -> None:
            if not answer.done():
                answer.set_result(result)

        self._tools.begin(invocation, done, None)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise Failed(504, TIMED_OUT) from None
