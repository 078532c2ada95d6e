"""A request that waits for an environment of a pool whose environments are all in use, without a task or a future.

This is the ordinary lot of a request for a function in a custom runtime: the caller has its answer before the runtime
has asked for more, and a caller that sends its next request at once comes first. What a task and its futures for each
of these cost: docs/decisions/0011-warm-path.md. Knows who waits and whether it still does; not how it goes on.

What a pool gives is taken up on the next turn of the event loop, never inside the call that gives it: that call comes
out of the middle of an environment's own bookkeeping.
"""

import asyncio
from collections.abc import Callable

from lambent.errors import ServiceError
from lambent.invocation.calls import Call
from lambent.invocation.lease import Lease
from lambent.invocation.pool import Place, Pool
from lambent.model.function import FunctionSnapshot
from lambent.model.invocation import InvocationResult

Done = Callable[[InvocationResult | Exception], None]
"""Who is told what became of an invocation. Must not raise."""


class Queued:
    """One such request, from `join` until `go_on` is called, once, with a lease that can be used or with an error."""

    __slots__ = ("_go_on", "_left", "_loop", "_pool", "call", "done", "since_s", "snapshot")

    def __init__(self, call: Call, snapshot: FunctionSnapshot, done: Done, since_s: float) -> None:
        self.call, self.snapshot, self.done, self.since_s = call, snapshot, done, since_s
        self._loop = asyncio.get_running_loop()
        self._left = False

    def join(self, pool: Pool, go_on: Callable[["Queued", Place | ServiceError], None]) -> None:
        """Be the last in the line."""
        self._pool, self._go_on = pool, go_on
        pool.wait(self._given, stays=self.call.stays)

    def leave(self) -> None:
        """Want nothing any more: `go_on` is not called."""
        self._left = True

    def _given(self, what: Place | ServiceError) -> bool:
        if not self._left:
            self._loop.call_soon(self._take_up, what)
        return not self._left

    def _take_up(self, what: Place | ServiceError) -> None:
        if not isinstance(what, Lease):
            if not self._left:
                self._go_on(self, what)
        elif self._left:
            self._pool.give_back(what)
        elif what.first or what.environment.usable:
            self._go_on(self, what)
        else:
            self._pool.wait_again(self._given, what, stays=self.call.stays)
