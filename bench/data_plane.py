"""The cost of the data plane itself, in microseconds of CPU time a call.

    .venv/bin/python bench/data_plane.py [--calls 20000]

An environment that answers on the next turn of the event loop, a journal that only keeps a list:
what remains is ours. Printed: the cost at 1, 16 and 64 callers, beside the bare environment (the limit);
and of 16 callers who share 4 environments, so that most of them wait for one. The budget is 20 microseconds a call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from command import how_many, parser, run
from lambent.clock import Clock, SystemClock
from lambent.environment.api import Outcome, OutcomeKind, Stream
from lambent.environment.fake import FakeEnvironment
from lambent.invocation.fakes import FakeHouse
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationRecord
from lambent.model.messages import LeaseRequest

BUDGET_US, START_S, RUNS, CALLERS = 20.0, 0.2, 5, 64
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


class NextTurn(FakeEnvironment):
    """A fake that answers on the next turn of the loop, without the fake's own tasks and timers."""

    usable = movable = True
    settling, patience_s = False, 0.0
    outcome = Outcome(OutcomeKind.RESPONSE, 500, b"{}")

    def __init__(self, environment_id: str, key: str, clock: Clock) -> None:
        super().__init__(environment_id, key, clock)
        self._loop = asyncio.get_running_loop()

    async def wait_ready(self, timeout_s: float) -> Outcome:
        await asyncio.sleep(START_S)  # so long that it pays to wait for one that is in use
        return await super().wait_ready(timeout_s)

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


class Forgetful(FakeHouse):
    """Counts records instead of keeping them."""

    count = 0

    def append(self, record: InvocationRecord) -> None:
        self.count += 1


async def one_after_the_other(begin: Callable[[Callable[[object], None]], object], count: int) -> None:
    """One caller, as an edge's gateway is one: no task for each call, the next begins where the last is done."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = count

    def done(result: object) -> None:
        nonlocal left
        left -= 1
        if isinstance(result, Exception):
            over.set_exception(result)
        elif left:
            begin(done)
        else:
            over.set_result(None)

    begin(done)
    await over


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
    clock, invocation = SystemClock(), Invocation("00000000-0000-0000-0000-000000000001", KEY, "", b"{}")
    bare = partial(NextTurn("bare", "k", clock).begin, invocation, "", 3, 0)

    def make(name: str, request: LeaseRequest) -> NextTurn:
        return NextTurn(name, request.environment_key, clock)

    costs_us = []
    for environments, callers in ((1, 1), (16, 16), (CALLERS, CALLERS), (4, 16)):
        house = Forgetful(clock, make)
        house.functions[KEY, ""] = SNAPSHOT
        begin = partial(house.data_plane.begin, invocation)
        await asyncio.gather(*(one_after_the_other(begin, 10) for _ in range(environments)))
        name = f"data plane, {environments} environments"
        costs_us.append(await timed(name, callers, calls, partial(one_after_the_other, begin)))
        await timed("bare environment", callers, calls, partial(one_after_the_other, bare))
        await house.data_plane.close()
    return costs_us[1]


def main() -> None:
    """Measure and print; over the budget is a failure."""
    flags = parser(__doc__)
    flags.add_argument("--calls", type=how_many, default=20_000)
    calls = flags.parse_args().calls
    if calls < CALLERS:
        flags.error(f"{CALLERS} callers need at least as many calls")
    cost_us = uvloop.run(measure(calls))
    if cost_us > BUDGET_US:
        raise SystemExit(f"over the budget of {BUDGET_US} us")


if __name__ == "__main__":
    run(main)
