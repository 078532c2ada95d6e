"""What the fake offers to other rooms' tests, beyond the contract."""

from lambent.clock import FakeClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.fake import FakeEnvironment
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

INVOCATION = Invocation("r-1", FunctionKey("000000000000", "us-east-1", "f"), "", b'{"a":1}')


async def invoke(fake: FakeEnvironment, limit_bytes: int = 1000) -> Outcome:
    return await fake.invoke(INVOCATION, "arn", 3.0, limit_bytes)


async def test_it_is_ready_at_once_and_echoes_unless_told_otherwise() -> None:
    fake = FakeEnvironment("e", "k", FakeClock())
    assert (await fake.wait_ready(10)).kind is OutcomeKind.READY
    assert (await invoke(fake)).payload == b'{"a":1}'
    assert fake.invocations == [INVOCATION]


async def test_it_gives_its_answers_in_order() -> None:
    clock = FakeClock()

    async def slowly(invocation: Invocation) -> Outcome:
        fake.write(f"serving {invocation.request_id}")
        return Outcome(OutcomeKind.RESPONSE, 5, b"slow")

    fake = FakeEnvironment("e", "k", clock, answers=[slowly, Outcome(OutcomeKind.ERROR, 1, b"{}", "E")])
    assert (await invoke(fake)).payload == b"slow"
    assert [line.text for line in fake.take_lines()] == ["serving r-1"]
    assert (await invoke(fake)).error_type == "E"
    assert (await invoke(fake, limit_bytes=2)).kind is OutcomeKind.TOO_LARGE
    fake.close()
    assert fake.closed


async def test_an_outcome_that_ends_a_real_one_ends_it() -> None:
    fake = FakeEnvironment("e", "k", FakeClock(), answers=[Outcome(OutcomeKind.EXIT, 1)])
    assert (await invoke(fake)).kind is OutcomeKind.EXIT
    assert not fake.usable
