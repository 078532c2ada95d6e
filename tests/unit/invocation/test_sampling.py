"""Which requests of a function with TracingConfig Active are traced.

Source: Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray": one request a second, and 5 %
of the others; a decision that came with the request holds.
"""

import uuid

from lambent.clock import FakeClock
from lambent.invocation.sampling import Sampling
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.model.trace import new_trace, traced

KEY = FunctionKey("000000000000", "us-east-1", "f")


def asked(number: int, header: str | None = None, key: FunctionKey = KEY) -> Invocation:
    request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, str(number)))
    return Invocation(request_id, key, "", b"{}", new_trace(request_id, 0) if header is None else header)


async def test_one_a_second_of_each_function_and_a_share_of_the_others() -> None:
    clock = FakeClock()
    sampling = Sampling(clock)
    first = [bool(traced(sampling.decided(asked(number)).trace_header)) for number in range(2_001)]
    assert first[0]
    assert 50 < sum(first[1:]) < 150  # 100 of 2,000; the requests are always the same
    other = FunctionKey("000000000000", "us-east-1", "g")
    assert traced(sampling.decided(asked(1, key=other)).trace_header)
    await clock.advance(1.0)
    assert traced(sampling.decided(asked(2)).trace_header)


def test_what_came_decided_stays_and_deciding_twice_is_deciding_once() -> None:
    sampling = Sampling(FakeClock())
    for header in (
        "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
        "Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=1",
    ):
        assert sampling.decided(asked(0, header)).trace_header == header
    once = sampling.decided(asked(0))
    assert sampling.decided(once) is once
