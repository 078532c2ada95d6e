"""The queue at work, with the clock in hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.config import Settings
from lambent.delivery.api import Delivery
from lambent.errors import RemoteServiceError, Unavailable
from lambent.invocation.asynchronous.api import Event, EventRules
from lambent.invocation.asynchronous.queue import EventQueue, Links
from lambent.invocation.asynchronous.records import Ending, attributes_of, deliveries_of, record_of
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

SCHEMA = load_schema("lambent.invocation.asynchronous")
Behaviour = Callable[[Invocation], Awaitable[InvocationResult]]


def invocation(number: int = 1, payload: bytes = b"{}", name: str = "f") -> Invocation:
    return Invocation(f"request-{number}", FunctionKey("0" * 12, "us-east-1", name), "", payload, "trace", "{}")


async def succeed(_: Invocation) -> InvocationResult:
    return InvocationResult("$LATEST", b"null")


async def fail(_: Invocation) -> InvocationResult:
    return InvocationResult("$LATEST", b"{}", "Unhandled", status="error")


async def throttle(_: Invocation) -> InvocationResult:
    raise RemoteServiceError("TooManyRequestsException", 429, "Rate Exceeded.", {})


async def missing(_: Invocation) -> InvocationResult:
    raise RemoteServiceError("ResourceNotFoundException", 404, "Function not found", {})


async def unreachable(_: Invocation) -> InvocationResult:
    raise Unavailable("no edge")


async def surprise(_: Invocation) -> InvocationResult:
    raise RuntimeError("a bug")


class FakeInvoker:
    """Remembers when it was asked for what; `behaviour` answers."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.behaviour: Behaviour = succeed
        self.asked: list[tuple[float, str]] = []
        self.running = self.most = 0

    async def invoke(self, asked: Invocation) -> InvocationResult:
        self.asked.append((self.clock.monotonic_s(), asked.request_id))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self.behaviour(asked)
        finally:
            self.running -= 1


class FakeFunctions:
    """The rules that every function has here."""

    rules = EventRules("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST")
    fails: type[Exception] | None = None

    async def event_rules(self, key: FunctionKey, qualifier: str) -> EventRules:
        if self.fails is not None:
            raise self.fails
        return self.rules


class FakeOutbox:
    """Keeps what it gets, or raises `refusal`."""

    def __init__(self) -> None:
        self.got: list[Delivery] = []
        self.refusal: Exception | None = None

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.got += deliveries


class House:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.clock = settings, FakeClock()
        self.invoker, self.functions, self.outbox = FakeInvoker(self.clock), FakeFunctions(), FakeOutbox()
        self.measured: set[str] = set()

    def links(self) -> Links:
        return Links(self.invoker, self.functions, self.outbox, self)

    def measure(self, place: object, namespace: str, values: dict[str, float], *_: object) -> None:
        self.measured |= set(values)

    async def open(self, parallel: int = 512) -> "House":
        self.database = await open_memory(SCHEMA)
        self.queue = EventQueue(self.database, self.clock, self.settings, self.links(), parallel)
        self.start()
        return self

    def start(self) -> None:
        self.task = asyncio.create_task(self.queue.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def close(self) -> None:
        await self.stop()
        await self.database.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the queue's own work go on until `condition`."""
        async with asyncio.timeout(60):
            while not condition():
                await self.queue.statistics()

    async def quiet(self) -> None:
        """Until the loop has nothing more to do at this time."""
        calm = 0
        async with asyncio.timeout(60):
            while calm < 5:
                before = len(self.invoker.asked)
                running = (await self.queue.statistics()).running
                await asyncio.sleep(0)
                calm = calm + 1 if not running and len(self.invoker.asked) == before else 0

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.quiet()

    async def waiting(self) -> int:
        return (await self.queue.statistics()).waiting

    @property
    def times(self) -> list[float]:
        return [round(at_s, 3) for at_s, _ in self.invoker.asked]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(data=tmp_path)


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    house = await House(settings).open()
    yield house
    await house.close()


async def test_an_event_is_run_once_and_forgotten(house: House) -> None:
    seen: list[Invocation] = []

    async def look(asked: Invocation) -> InvocationResult:
        seen.append(asked)
        return await succeed(asked)

    house.invoker.behaviour = look
    await house.queue.put(invocation(payload=b'{"a":1}'))
    await house.quiet()
    assert seen == [invocation(payload=b'{"a":1}')]
    assert await house.waiting() == 0
    await house.advance(100_000)
    assert len(seen) == 1


async def test_an_event_that_came_without_a_trace_begins_one_for_all_its_attempts(house: House) -> None:
    seen: list[str] = []

    async def fail_traced(asked: Invocation) -> InvocationResult:
        seen.append(asked.trace_header)
        return await fail(asked)

    house.invoker.behaviour, accepted_s = fail_traced, int(house.clock.now_s())
    await house.queue.put(msgspec.structs.replace(invocation(), trace_header=""))
    await house.quiet()
    await house.advance(60)
    assert len(seen) == 2
    assert set(seen) == {f"Root=1-{accepted_s:08x}-"}  # and digits of the request's id, which has none here


async def test_a_function_error_is_tried_after_one_and_two_minutes_under_the_same_id(house: House) -> None:
    house.invoker.behaviour = fail
    await house.queue.put(invocation())
    await house.quiet()
    for seconds in (59, 1, 119, 1, 100_000):
        await house.advance(seconds)
    assert house.times == [0, 60, 180]
    assert {request_id for _, request_id in house.invoker.asked} == {"request-1"}
    assert await house.waiting() == 0
    assert (await house.queue.statistics()).dropped == 1


@pytest.mark.parametrize("behaviour", [throttle, unreachable, surprise])
async def test_our_own_faults_back_off_and_spend_no_retries(house: House, behaviour: Behaviour) -> None:
    house.invoker.behaviour = behaviour
    await house.queue.put(invocation())
    await house.quiet()
    for seconds in (1, 2, 4):
        await house.advance(seconds)
    assert house.times == [0, 1, 3, 7]
    house.invoker.behaviour = fail
    await house.advance(8)
    await house.advance(60)
    await house.advance(120)
    assert house.times == [0, 1, 3, 7, 15, 75, 195]


async def test_many_events_of_a_function_with_little_concurrency_run_one_after_the_other(house: House) -> None:
    """Source: Lambda Developer Guide, "Asynchronous invocation": a queue that is throttled is read more slowly."""
    busy, done = False, list[str]()

    async def one_at_a_time(asked: Invocation) -> InvocationResult:
        nonlocal busy
        if busy:
            return await throttle(asked)
        busy = True
        await house.clock.sleep(0.2)
        busy = False
        done.append(asked.request_id)
        return await succeed(asked)

    house.invoker.behaviour = one_at_a_time
    for number in range(40):
        await house.queue.put(invocation(number))
    for _ in range(200):  # 40 s for 8 s of work; every event alone would be tried at 0, 1, 3, 7, 15 and 31 s
        for _ in range(60):
            await house.queue.statistics()
        await house.clock.advance(0.2)
    assert len(set(done)) == 40
    assert len(house.invoker.asked) < 160


async def test_an_event_that_is_throttled_for_six_hours_is_dropped(house: House) -> None:
    house.invoker.behaviour = throttle
    await house.queue.put(invocation())
    await house.quiet()
    for _ in range(80):
        await house.advance(300)
    assert await house.waiting() == 0
    assert 21_000 < house.times[-1] <= 21_600


async def test_events_of_a_deleted_function_are_dropped_at_once(house: House) -> None:
    house.invoker.behaviour = missing
    await house.queue.put(invocation())
    await house.quiet()
    assert await house.waiting() == 0
    assert house.times == [0]


async def test_many_run_at_once_but_not_more_than_the_bound(settings: Settings) -> None:
    house = await House(settings).open(parallel=8)
    go_on = asyncio.Event()

    async def hold(asked: Invocation) -> InvocationResult:
        await go_on.wait()
        return await succeed(asked)

    house.invoker.behaviour = hold
    await asyncio.gather(*(house.queue.put(invocation(number)) for number in range(20)))
    await house.until(lambda: house.invoker.running == 4)
    go_on.set()
    await house.until(lambda: len(house.invoker.asked) == 20)
    await house.quiet()
    assert house.invoker.most == 4
    assert sorted(name for _, name in house.invoker.asked) == sorted(f"request-{n}" for n in range(20))
    await house.close()


async def test_a_waiting_retry_does_not_hold_up_a_new_event(house: House) -> None:
    house.invoker.behaviour = fail
    await house.queue.put(invocation(1))
    await house.quiet()
    house.invoker.behaviour = succeed
    await house.advance(10)
    await house.queue.put(invocation(2))
    await house.quiet()
    assert house.times == [0, 10]


async def test_what_was_running_when_the_queue_stopped_is_run_again(house: House) -> None:
    async def hang(_: Invocation) -> InvocationResult:
        await asyncio.Event().wait()
        raise AssertionError

    house.invoker.behaviour = hang
    await house.queue.put(invocation())
    await house.until(lambda: house.invoker.running == 1)
    await house.stop()
    house.invoker.behaviour = succeed
    house.start()
    await house.until(lambda: len(house.invoker.asked) == 2)
    await house.quiet()
    assert await house.waiting() == 0


async def test_accepted_events_and_their_counters_are_there_after_a_restart(tmp_path: Path, settings: Settings) -> None:
    house = House(settings)
    house.invoker.behaviour = fail
    for attempt in (1, 2, 3):
        house.database = await open_sqlite(tmp_path / "events.db", SCHEMA)
        house.queue = EventQueue(house.database, house.clock, settings, house.links())
        if attempt == 1:
            await house.queue.put(invocation())
        house.start()
        async with asyncio.timeout(60):
            while (last := await house.queue.statistics()).retried + last.dropped == 0:
                await asyncio.sleep(0)
        last = await house.queue.statistics()
        await house.close()
        await house.clock.advance(200)
        assert len(house.invoker.asked) == attempt
    assert (last.waiting, last.dropped) == (0, 1)


QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def replaced(rules: EventRules, **changes: object) -> EventRules:
    return msgspec.structs.replace(rules, **changes)


@pytest.mark.parametrize("payload", [b"streamed \xff", b"NaN", b"{", b""])
async def test_an_answer_that_is_no_json_does_not_break_the_record(house: House, payload: bytes) -> None:
    async def stream(_: Invocation) -> InvocationResult:
        return InvocationResult("$LATEST", payload)

    house.invoker.behaviour = stream
    house.functions.rules = replaced(house.functions.rules, on_success=QUEUE)
    await house.queue.put(invocation())
    await house.quiet()
    told = json.loads(house.outbox.got[0].payload)
    assert told["responsePayload"] == (payload.decode("utf-8", "replace") or None)


async def test_a_success_is_told_to_its_destination_in_the_recorded_form(house: House) -> None:
    house.functions.rules = replaced(house.functions.rules, on_success=QUEUE)
    await house.queue.put(invocation(payload=b'{"a":1}'))
    await house.quiet()
    [delivery] = house.outbox.got
    assert (delivery.target_arn, delivery.source_arn) == (QUEUE, house.functions.rules.arn)
    assert delivery.options["DetailType"] == "Lambda Function Invocation Result - Success"
    assert delivery.options["TraceHeader"].startswith("trace;Lineage=1:")
    assert json.loads(delivery.payload) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "requestContext": {
            "requestId": "request-1",
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": None,
    }


async def test_a_failure_goes_to_the_destination_and_to_the_dead_letter_queue(house: House) -> None:
    async def complain(_: Invocation) -> InvocationResult:
        return InvocationResult("7", b'{"errorMessage":"no","errorType":"E"}', "Unhandled", status="error")

    house.invoker.behaviour = complain
    house.functions.rules = replaced(house.functions.rules, on_failure=QUEUE, dead_letter=QUEUE + "2", max_retries=1)
    await house.queue.put(invocation(payload=b"[1]"))
    await house.quiet()
    assert house.outbox.got == []
    await house.advance(60)
    record, letter = sorted(house.outbox.got, key=lambda each: each.target_arn)
    told = json.loads(record.payload)
    assert told["requestContext"]["condition"] == "RetriesExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 2
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"}
    assert told["responsePayload"] == {"errorMessage": "no", "errorType": "E"}
    assert letter.payload == b"[1]"
    assert (record.lost_as, letter.lost_as) == ("DestinationDeliveryFailures", "DeadLetterErrors")
    assert "RecursiveInvocationsDropped" not in house.measured
    assert letter.attributes == {
        "RequestID": "request-1",
        "ErrorCode": "200",
        "ErrorMessage": "no",
    }


async def test_the_functions_own_number_of_retries_and_age_hold(house: House) -> None:
    house.invoker.behaviour = fail
    house.functions.rules = replaced(house.functions.rules, max_retries=0, on_failure=QUEUE)
    await house.queue.put(invocation(1))
    await house.quiet()
    assert house.times == [0]
    house.invoker.behaviour = throttle
    house.functions.rules = replaced(house.functions.rules, max_age_s=60.0)
    await house.queue.put(invocation(2))
    await house.quiet()
    for _ in range(70):
        await house.advance(1)
    last = json.loads(house.outbox.got[-1].payload)
    assert last["requestContext"]["condition"] == "EventAgeExceeded"
    assert "responseContext" not in last
    assert house.times[-1] <= 60


async def test_with_a_reserved_concurrency_of_zero_nothing_is_run(house: House) -> None:
    house.functions.rules = replaced(house.functions.rules, stopped=True, on_failure=QUEUE)
    await house.queue.put(invocation())
    await house.quiet()
    told = json.loads(house.outbox.got[0].payload)
    assert told["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert told["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in told
    assert house.times == []


async def test_a_stopped_loop_is_not_tried_again(house: House) -> None:
    async def loop(_: Invocation) -> InvocationResult:
        raise RemoteServiceError("RecursiveInvocationException", 400, "a loop", {})

    house.invoker.behaviour = loop
    house.functions.rules = replaced(house.functions.rules, dead_letter=QUEUE)
    await house.queue.put(invocation())
    await house.quiet()
    assert house.outbox.got[0].attributes["ErrorMessage"] == "a loop"
    assert {"AsyncEventsDropped", "RecursiveInvocationsDropped"} <= house.measured
    assert await house.waiting() == 0


async def test_an_event_is_not_forgotten_before_what_follows_is_on_disk(house: House) -> None:
    house.functions.rules = replaced(house.functions.rules, on_success=QUEUE)
    house.outbox.refusal = Unavailable("away")
    await house.queue.put(invocation())
    await house.until(lambda: house.clock._sleepers != [])
    statistics = await house.queue.statistics()
    assert statistics.waiting + statistics.running == 1
    house.outbox.refusal = None
    await house.advance(2)
    assert len(house.outbox.got) == 1
    assert len(house.invoker.asked) == 2  # at least once
    assert await house.waiting() == 0


async def test_one_function_with_many_events_does_not_hold_up_another(settings: Settings) -> None:
    house = await House(settings).open(parallel=8)
    go_on = asyncio.Event()

    async def hold(asked: Invocation) -> InvocationResult:
        if asked.function.name == "hog":
            await go_on.wait()
        return await succeed(asked)

    house.invoker.behaviour = hold
    for number in range(50):
        await house.queue.put(invocation(number, name="hog"))
    await house.until(lambda: house.invoker.running == 4)
    for name in ("b", "c", "d"):
        await house.queue.put(invocation(100, name=name))
    await house.until(lambda: len(house.invoker.asked) == 7)
    go_on.set()
    await house.until(lambda: len(house.invoker.asked) == 53)
    await house.close()


async def test_rules_that_cannot_be_read_keep_the_event(house: House) -> None:
    house.functions.fails = Unavailable
    await house.queue.put(invocation())
    await house.until(lambda: house.clock._sleepers != [])
    house.functions.fails = None
    await house.advance(2)
    assert len(house.invoker.asked) == 1
    assert await house.waiting() == 0


def event(payload: bytes) -> Event:
    return Event(1, invocation(payload=payload), 0)


def test_payloads_are_left_out_of_what_would_be_too_large() -> None:
    rules = EventRules("arn", on_success=QUEUE.replace("sqs", "sns"))
    result = InvocationResult("$LATEST", b'"%b"' % (b"x" * 200_000))
    [delivery] = deliveries_of(event(b'"%b"' % (b"y" * 100_000)), rules, Ending("Success", 1, result), 0)
    assert set(json.loads(delivery.payload)) == {"version", "timestamp", "requestContext", "responseContext"}


@given(st.text(max_size=2000), st.integers(0, 3))
@hypothesis_settings(max_examples=50)
def test_any_error_message_fits_into_a_message_attribute(message: str, attempts: int) -> None:
    payload = json.dumps({"errorMessage": message}).encode()
    told = attributes_of(event(b"1"), Ending("RetriesExhausted", attempts, InvocationResult("1", payload, "Unhandled")))
    assert 0 < len(told["ErrorMessage"].encode()) <= 1024


@pytest.mark.parametrize("payload", [b"[" * 5000, b'{"errorMessage": "\xff"}', b"\xff", b'{"a": "\xff"}', b""])
def test_an_answer_that_is_no_json_is_text_in_a_record_and_no_message(payload: bytes) -> None:
    ending = Ending("RetriesExhausted", 3, InvocationResult("1", payload, "Unhandled"))
    assert attributes_of(event(b"1"), ending)["ErrorMessage"] == "Unknown"
    json.loads(record_of(event(b"1"), "arn", ending, 0).decode())  # whole, and UTF-8


async def test_a_bug_in_one_event_neither_loses_it_nor_stops_the_others(house: House) -> None:
    house.functions.fails = KeyError
    await house.queue.put(invocation())
    await house.until(lambda: house.clock._sleepers != [])
    assert not house.task.done()
    house.functions.fails = None
    await house.queue.put(invocation(2))
    await house.advance(2)
    assert {request_id for _, request_id in house.invoker.asked} == {"request-1", "request-2"}
    assert await house.waiting() == 0
