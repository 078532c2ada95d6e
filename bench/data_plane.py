"""The cost of the data plane itself: `python bench/data_plane.py [calls]`.

An environment that answers on the next turn of the event loop, a journal that only keeps a list:
what remains is ours. Printed: microseconds of CPU time a call at 1, 16 and 64 callers, beside the bare
environment (the limit); and of 16 callers who share 4 environments, so that most of them wait for
one. The budget is 20 microseconds a call.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import uvloop

from lambent.clock import SystemClock
from lambent.environment.api import Outcome, OutcomeKind, Stream
from lambent.invocation.fakes import FakeHouse
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationRecord, InvocationResult, LogLine
from lambent.model.messages import LeaseRequest

BUDGET_US, START_S, RUNS = 20.0, 0.2, 5
KEY = FunctionKey("000000000000", "us-east-1", "echo")
SNAPSHOT = FunctionSnapshot(
    key=KEY,
    version="$LATEST",
    invoked_arn="arn:aws:lambda:us-east-1:000000000000:function:echo",
    environment_key="k",
    runtime="python3.12",
    handler="app.handler",
    timeout_s=3,
    memory_mb=128,
    ephemeral_mb=512,
    role="",
    log_group="/aws/lambda/echo",
    revision_id="r",
)


class NextTurn:
    """An environment that answers on the next turn of the loop."""

    usable = movable = True
    settling, patience_s = False, 0.0
    outcome = Outcome(OutcomeKind.RESPONSE, 500, b"{}")

    def __init__(self, environment_id: str, key: str) -> None:
        self.id, self.key = environment_id, key
        self._loop = asyncio.get_running_loop()

    async def wait_ready(self, timeout_s: float) -> Outcome:
        await asyncio.sleep(START_S)  # so long that it pays to wait for one that is in use
        return Outcome(OutcomeKind.READY, 1)

    async def invoke(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        stream: Stream | None = None,
    ) -> Outcome:
        waiter: asyncio.Future[Outcome] = self._loop.create_future()
        self._loop.call_soon(waiter.set_result, self.outcome)
        return await waiter

    def begin(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        done: Callable[[Outcome], None],
        stream: Stream | None = None,
    ) -> None:
        self._loop.call_soon(done, self.outcome)

    def take_lines(self) -> list[LogLine]:
        return []

    def peak_memory_bytes(self) -> int:
        return 30_000_000

    def exited(self, notice: EnvironmentExit) -> None:
        raise AssertionError("nothing ends here")

    def close(self) -> None:
        pass


class Forgetful(FakeHouse):
    """Counts records instead of keeping them."""

    count = 0

    def append(self, record: InvocationRecord) -> None:
        self.count += 1


async def call(house: FakeHouse, count: int) -> None:
    """One caller, as an edge's gateway is one: no task for each call."""
    invocation = Invocation("00000000-0000-0000-0000-000000000001", KEY, "", b"{}")
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = count

    def done(result: InvocationResult | Exception) -> None:
        nonlocal left
        left -= 1
        if isinstance(result, Exception):
            over.set_exception(result)
        elif left:
            house.data_plane.begin(invocation, done)
        else:
            over.set_result(None)

    house.data_plane.begin(invocation, done)
    await over


async def bare(count: int) -> None:
    """The limit."""
    environment = NextTurn("bare", "k")
    invocation = Invocation("00000000-0000-0000-0000-000000000001", KEY, "", b"{}")
    for _ in range(count):
        await environment.invoke(invocation, "", 3, 0)


async def timed(name: str, callers: int, calls: int, work: Callable[[int], Awaitable[None]]) -> float:
    """Microseconds a call, the least of some runs."""
    costs_us = []
    for _ in range(RUNS):
        began_s = time.process_time()
        await asyncio.gather(*(work(calls // callers) for _ in range(callers)))
        costs_us.append((time.process_time() - began_s) / calls * 1e6)
    print(f"{name:>32} {callers:>3} callers {min(costs_us):7.2f} us a call")
    return min(costs_us)


async def measure(calls: int) -> float:
    """Print the table; the cost of a call with 16 callers."""

    def make(name: str, request: LeaseRequest) -> Any:
        return NextTurn(name, request.environment_key)

    costs_us = []
    for environments, callers in ((1, 1), (16, 16), (64, 64), (4, 16)):
        house = Forgetful(SystemClock(), make)
        house.functions[KEY, ""] = SNAPSHOT
        await asyncio.gather(*(call(house, 10) for _ in range(environments)))
        name = f"data plane, {environments} environments"
        costs_us.append(await timed(name, callers, calls, partial(call, house)))
        await timed("bare environment", callers, calls, bare)
        await house.data_plane.close()
    return costs_us[1]


if __name__ == "__main__":
    cost_us = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
    sys.exit(f"over the budget of {BUDGET_US} us" if cost_us > BUDGET_US else 0)
