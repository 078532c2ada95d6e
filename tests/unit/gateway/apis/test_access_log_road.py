"""How lines of access logs reach control."""

from typing import Any

from lambent.clock import FakeClock
from lambent.errors import InternalFailure, Unavailable
from lambent.gateway.apis.access_log import PAUSE_S, AccessLogs
from lambent.model.apis import AccessLog
from lambent.model.messages import AccessLines

GROUP = AccessLog("arn:aws:logs:us-east-1:111111111111:log-group:g", "$context.requestId")


async def test_lines_wait_for_a_control_that_is_away_and_go_on_behind_lines_that_it_cannot_write() -> None:
    clock, written = FakeClock(), list[str]()
    faults: list[Exception] = [Unavailable("away"), InternalFailure("a bug")]

    async def send(lines: AccessLines) -> None:
        if faults:
            fault = faults.pop(0)
            if not faults:
                line("third")  # a request that comes meanwhile
            raise fault
        written.extend(each.text for each in lines.lines)

    def read(name: str) -> Any:
        return lambda call: call

    logs = AccessLogs(send, clock)
    line = logs.line_of(GROUP, "s", read)
    line("first")
    await clock.advance(PAUSE_S * 1.5)  # control is away: the line is kept
    assert len(faults) == 1
    line("second")
    await clock.advance(PAUSE_S * 3)  # it cannot write these two, but what came after them
    assert written == ["third"]
    await logs.close()
