"""The cost of the data plane itself: `python bench/data_plane.py [calls]`.

An environment that answers on the next turn of the event loop, a journal that only keeps a list:
what remains is ours. Printed: microseconds a call at 1, 16 and 64 callers, beside the bare
environment (the limit). The budget is 20 microseconds a call.
"""

import asyncio
import sys
import time
from collections.abc import Callable

import uvloop

from lambent.clock import SystemClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.invocation.fakes import FakeHouse
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationRecord, LogLine
from lambent.model.messages import LeaseRequest

BUDGET_US = 20.0
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

    usable = True
    outcome = Outcome(OutcomeKind.RESPONSE, 500, b"{}")

    def __init__(self, environment_id: str, key: str) -> None:
        self.id, self.key = environment_id, key
        self._loop = asyncio.get_running_loop()

    async def wait_ready(self, timeout_s: float) -> Outcome:
        return Outcome(OutcomeKind.READY, 1)

    async def invoke(self, invocation: Invocation, invoked_arn: str, timeout_s: float, limit_bytes: int) -> Outcome:
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


async def measure(calls: int) -> float:
    """Print the table; the cost of a call with 16 callers."""

    def make(name: str, request: LeaseRequest) -> NextTurn:
        return NextTurn(name, request.environment_key)

    house = Forgetful(SystemClock(), make)
    house.functions[KEY, ""] = SNAPSHOT
    bare = NextTurn("bare", "k")
    invocation = Invocation("00000000-0000-0000-0000-000000000001", KEY, "", b"{}")

    async def ours(count: int) -> None:
        for _ in range(count):
            await house.data_plane.invoke(invocation)

    async def limit(count: int) -> None:
        for _ in range(count):
            await bare.invoke(invocation, "", 3, 0)

    costs = {}
    for callers in (1, 16, 64):
        await asyncio.gather(*(ours(10) for _ in range(callers)))
        for name, work in (("data plane", ours), ("bare environment", limit)):
            began_s = time.perf_counter()
            await asyncio.gather(*(work(calls // callers) for _ in range(callers)))
            costs[name, callers] = (time.perf_counter() - began_s) / calls * 1e6
            print(f"{name:>17} {callers:>3} callers {costs[name, callers]:7.2f} us a call")
    await house.data_plane.close()
    return costs["data plane", 16]


if __name__ == "__main__":
    cost_us = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000))
    sys.exit(f"over the budget of {BUDGET_US} us" if cost_us > BUDGET_US else 0)
