"""One batch, invoked: tried again while the platform refuses it and its records may wait.

Throttles and faults of the platform are waited out with the batch in hand: giving it back would cost its messages a
receive, and in the end their place in the queue, for no fault of their own.

Source: Lambda Developer Guide, "Configuring a queue to use with Lambda" (Lambda retries a throttled batch within the
visibility timeout). The waits are our own.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog
from msgspec import Struct

from lambent.clock import Clock
from lambent.errors import ServiceError, Unavailable
from lambent.ids import Ids
from lambent.invocation.errors import is_throttle
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.lineage import RecursiveInvocation
from lambent.model.meter import Meter, measure_function
from lambent.model.trace import new_trace
from lambent.pollers.api import Invoker, Mapping

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 15.0
NOT_FOUND, THROTTLED = "ResourceNotFoundException", "TooManyRequestsException"
log = structlog.get_logger()


class Refusal(Struct, frozen=True):
    """No answer of the function. `gone`: there is no such function any more."""

    code: str
    message: str
    gone: bool = False

    @property
    def throttled(self) -> bool:
        return self.code == THROTTLED


class Attempt(Struct, frozen=True):
    """The last invocation of a batch."""

    request_id: str
    answer: InvocationResult | Refusal


class Patience(NamedTuple):
    """How long a batch may be tried. `until_s` is the last moment to begin; `rest` waits so many seconds, and answers
    whether to go on; `refused` is told of each refusal that is waited out."""

    until_s: float
    rest: Callable[[float], Awaitable[bool]]
    refused: Callable[[Refusal], None]


class BatchInvoker:
    """Invokes a mapping's function."""

    def __init__(self, invoker: Invoker, clock: Clock, ids: Ids, meter: Meter) -> None:
        self._invoker, self._clock, self._ids, self._meter = invoker, clock, ids, meter

    async def invoke(self, mapping: Mapping, payload: bytes, trace_header: str, patience: Patience) -> Attempt:
        """The function's answer, or why there is none as far as patience goes."""
        wait_s = FIRST_WAIT_S
        while True:
            request_id = self._ids.uuid()
            invocation = Invocation(
                request_id=request_id,
                function=mapping.function,
                qualifier=mapping.qualifier,
                payload=payload,
                trace_header=trace_header or new_trace(request_id, self._clock.now_s()),
            )
            refusal = await self._attempt(invocation)
            attempt = Attempt(invocation.request_id, refusal)
            if isinstance(refusal, InvocationResult):
                return attempt
            if refusal.gone:
                return attempt
            if refusal.code == RecursiveInvocation.code:
                measure_function(self._meter, mapping.function, "RecursiveInvocationsDropped")
                return attempt
            patience.refused(refusal)
            if self._clock.monotonic_s() + wait_s >= patience.until_s or not await patience.rest(wait_s):
                return attempt
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _attempt(self, invocation: Invocation) -> InvocationResult | Refusal:
        try:
            return await self._invoker.invoke(invocation)
        except ServiceError as error:
            if not is_throttle(error):
                log.info("a batch was not run", action="poller.refused", code=error.code, **_facts(invocation))
            return Refusal(error.code, error.message, gone=error.code == NOT_FOUND)
        except Unavailable as error:
            log.info("a batch was not run", action="poller.refused", code="Unavailable", **_facts(invocation))
            return Refusal("Unavailable", str(error))


def _facts(invocation: Invocation) -> dict[str, object]:
    return {"request_id": invocation.request_id, "function": invocation.function.name}
