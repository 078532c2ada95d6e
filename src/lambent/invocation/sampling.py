"""TracingConfig Active: which requests are traced, where nobody before has decided.

Knows when each function was last sampled; asks nobody. What is decided goes to the function with the trace header,
and whatever the function traces itself with (an X-Ray or OpenTelemetry library) holds to it.

Source: Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray": one request a second, and 5 %
of the others, which cannot be set. Each edge counts its own second.
"""

import msgspec

from lambent.clock import Clock
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.model.trace import decided, is_decided

SHARE_OF_MORE = 0.05


class Sampling:
    """The decisions of one edge."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_s: dict[FunctionKey, int] = {}

    def decided(self, invocation: Invocation) -> Invocation:
        """`invocation` with a header that says whether it is traced."""
        if is_decided(invocation.trace_header):
            return invocation
        takes, now_s = self._takes(invocation), self._clock.now_s()
        header = decided(invocation.trace_header, invocation.request_id, now_s, sampled=takes)
        return msgspec.structs.replace(invocation, trace_header=header)

    def _takes(self, invocation: Invocation) -> bool:
        second = int(self._clock.monotonic_s())
        if self._last_s.get(invocation.function) != second:
            self._last_s[invocation.function] = second
            return True
        return int(invocation.request_id[:8], 16) < SHARE_OF_MORE * 2**32  # its digits are random
