"""AWS_PROXY: a function answers. Warm, and let in, it is begun without waiting for anything."""

from collections.abc import Awaitable

from lambent.gateway.apis.api import Tools
from lambent.gateway.apis.http_call import HttpCall, failure
from lambent.gateway.apis.http_event import event_1, event_2
from lambent.gateway.exchange import LATER, Step
from lambent.model.apis import FunctionTarget
from lambent.model.invocation import Invocation

EVENTS = {"1.0": event_1, "2.0": event_2}
TOO_LARGE = "Request Entity Too Large"
NOT_LET_IN = "The function's resource policy does not let API Gateway in."


class FunctionIntegration:
    """One integration."""

    def __init__(self, target: FunctionTarget, tools: Tools) -> None:
        self._target, self._tools = target, tools
        self._event = EVENTS[target.payload_format]

    def __call__(self, call: HttpCall) -> Step | Awaitable[Step]:
        """Answer."""
        target = self._target
        permitted = self._tools.permits.known(target.function, target.qualifier, call.source_arn)
        if permitted is None:
            return self._ask(call)
        return self._invoke(call) if permitted else call.failed(NOT_LET_IN)

    async def _ask(self, call: HttpCall) -> Step:
        target = self._target
        permitted = await self._tools.permits.get(target.function, target.qualifier, call.source_arn)
        return self._invoke(call) if permitted else call.failed(NOT_LET_IN)

    def _invoke(self, call: HttpCall) -> Step:
        target, event = self._target, self._event(call)
        if len(event) > self._tools.rules.event_bytes:
            return call.refused(failure(413, TOO_LARGE), TOO_LARGE)
        call.await_function(target.payload_format, target.timeout_ms)
        request_id = call.exchange.request_id
        invocation = Invocation(request_id, target.function, target.qualifier, event, call.trace_header)
        self._tools.begin(invocation, call.done, None)
        return LATER
