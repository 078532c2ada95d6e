"""Deliveries at work, with the clock in hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from structlog.testing import capture_logs

from lambent.clock import FakeClock
from lambent.delivery.api import Carrier, DeadLetter, Delivery, NotDelivered
from lambent.delivery.deliveries import Deliveries
from lambent.delivery.retry import GiveUp, Later, after_failure
from lambent.delivery.store import MOST_TO_HOST
from lambent.errors import Unavailable
from lambent.ids import FakeIds
from lambent.store.memory import open_memory
from lambent.store.sql import Schema, load_schema
from lambent.store.sqlite import open_sqlite

SCHEMA = load_schema("lambent.delivery")
TARGET, QUEUE = "arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:sqs:us-east-1:000000000000:dead"
LETTER = DeadLetter(QUEUE, b"original", {"RULE_ARN": "rule"})


class Post:
    """Carriers that remember what they were given; `fault` decides what happens to each."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.arrived: list[Delivery] = []
        self.asked: list[tuple[float, str]] = []
        self.fault: Callable[[Delivery], Exception | None] = lambda _: None

    def carrier(self, target_arn: str) -> Carrier | None:
        return self if ":nowhere:" not in target_arn else None

    def refusal(self, target_arn: str) -> str | None:
        return None

    async def carry(self, delivery: Delivery) -> None:
        self.asked.append((round(self.clock.monotonic_s()), delivery.target_arn))
        fault = self.fault(delivery)
        if fault is not None:
            raise fault
        self.arrived.append(delivery)


class House:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.post = Post(self.clock)

    async def open(self, path: Path | None = None) -> "House":
        self.database = await (open_sqlite(path, SCHEMA) if path else open_memory(SCHEMA))
        self.measured: list[tuple[Any, ...]] = []
        self.deliveries = Deliveries(self.database, self.clock, FakeIds(), meter=self)
        self.deliveries.carriers = self.post
        self.task = asyncio.create_task(self.deliveries.run())
        return self

    def measure(self, *what: Any) -> None:
        self.measured.append(what)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.database.close()

    async def quiet(self) -> None:
        """Until nothing is being tried."""
        calm = 0
        async with asyncio.timeout(60):
            while calm < 8:
                before = len(self.post.asked), await self.deliveries.statistics()
                await asyncio.sleep(0.001)
                after = len(self.post.asked), await self.deliveries.statistics()
                calm = calm + 1 if before == after else 0

    async def arrival(self) -> None:
        """Until something has arrived: threads of a file's database may take longer than it seems quiet."""
        async with asyncio.timeout(60):
            while not self.post.arrived:
                await asyncio.sleep(0.001)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.quiet()

    def delivery(self, dead_letter: DeadLetter | None = None, target: str = TARGET, retries: int = 185) -> Delivery:
        now_ms = self.clock.now_ms()
        return Delivery(
            "0" * 12, "us-east-1", target, b"{}", "rule", "events.amazonaws.com", now_ms, max_retries=retries,
            dead_letter=dead_letter,
        )  # fmt: skip


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().open()
    yield made
    await made.close()


async def test_what_was_put_arrives_once(house: House) -> None:
    await house.deliveries.put([house.delivery(), house.delivery()])
    await house.quiet()
    assert len(house.post.arrived) == 2
    assert (await house.deliveries.statistics()).waiting == 0


async def test_what_fails_is_tried_again_with_growing_waits(house: House) -> None:
    failing = [True]
    house.post.fault = lambda _: NotDelivered("THROTTLING", "slow down", again=True) if failing[0] else None
    await house.deliveries.put([house.delivery()])
    await house.quiet()
    for _ in range(4):
        await house.advance(10)
    assert len(house.post.asked) >= 4
    failing[0] = False
    await house.advance(480)
    assert len(house.post.arrived) == 1


async def test_what_is_refused_for_good_goes_to_the_dead_letter_queue_at_once(house: House) -> None:
    """Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events"."""
    house.post.fault = lambda each: (
        NotDelivered("NO_PERMISSIONS", "no", again=False) if each.target_arn == TARGET else None
    )
    await house.deliveries.put([house.delivery(LETTER)])
    await house.quiet()
    (letter,) = house.post.arrived
    assert (letter.target_arn, letter.payload) == (QUEUE, b"original")
    assert letter.attributes == {
        "RULE_ARN": "rule", "ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no", "RETRY_ATTEMPTS": "0",
    }  # fmt: skip


async def test_retries_that_are_used_up_are_named(house: House) -> None:
    house.post.fault = lambda each: Unavailable("away") if each.target_arn == TARGET else None
    await house.deliveries.put([house.delivery(LETTER, retries=2)])
    await house.quiet()
    for _ in range(3):
        await house.advance(5)
    (letter,) = house.post.arrived
    assert letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert letter.attributes["RETRY_ATTEMPTS"] == "2"
    assert letter.attributes["ERROR_CODE"] == "INTERNAL_ERROR"


async def test_what_is_too_old_when_its_turn_comes_is_not_tried(house: House) -> None:
    old = house.delivery(LETTER)
    await house.clock.advance(86_401)
    await house.deliveries.put([old])
    await house.quiet()
    (letter,) = house.post.arrived
    assert letter.target_arn == QUEUE
    assert letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


async def test_a_target_reads_the_number_of_the_attempt_where_it_was_asked_for(house: House) -> None:
    seen = list[bytes]()

    def fault(each: Delivery) -> Exception | None:
        seen.append(each.payload)
        return Unavailable("away") if len(seen) < 3 else None

    house.post.fault = fault
    await house.deliveries.put([structs.replace(house.delivery(), payload=b"try N", attempt_mark="N")])
    await house.quiet()
    for _ in range(2):
        await house.advance(5)
    assert seen == [b"try 1", b"try 2", b"try 3"]


async def test_without_a_dead_letter_queue_it_is_dropped_and_counted(house: House) -> None:
    await house.deliveries.put([house.delivery(target="arn:aws:nowhere:us-east-1:000000000000:x")])
    await house.quiet()
    statistics = await house.deliveries.statistics()
    assert (statistics.waiting, statistics.dropped) == (0, 1)


async def test_a_bug_of_a_carrier_neither_loses_a_delivery_nor_stops_the_others(house: House) -> None:
    broken = [True]
    house.post.fault = lambda each: ValueError("bug") if each.target_arn == TARGET and broken[0] else None
    await house.deliveries.put([house.delivery(), house.delivery(target=QUEUE)])
    await house.quiet()
    assert [each.target_arn for each in house.post.arrived] == [QUEUE]
    broken[0] = False
    await house.advance(2)
    assert len(house.post.arrived) == 2


async def test_what_was_acknowledged_arrives_after_a_restart(tmp_path: Path) -> None:
    first = House()
    first.post.fault = lambda _: Unavailable("away")
    await first.open(tmp_path / "d.sqlite")
    await first.deliveries.put([first.delivery()])
    await first.quiet()
    await first.close()
    second = House()
    await second.clock.advance(10)
    await second.open(tmp_path / "d.sqlite")
    await second.arrival()
    await second.quiet()
    assert len(second.post.arrived) == 1
    await second.close()


@settings(max_examples=50)
@given(st.integers(1, 400), st.integers(0, 185), st.integers(60, 86_400), st.integers(0, 100_000), st.floats(0, 0.999))
def test_a_retry_is_later_within_the_age_and_the_number(
    attempts: int, retries: int, age_s: int, passed_s: int, fraction: float
) -> None:
    delivery = Delivery("0" * 12, "r", TARGET, b"", "s", "p", 0, max_retries=retries, max_age_s=age_s)
    following = after_failure(delivery, attempts, passed_s * 1000, fraction)
    if isinstance(following, Later):
        assert attempts <= retries
        assert passed_s * 1000 < following.due_ms <= age_s * 1000
    else:
        assert isinstance(following, GiveUp)
        assert attempts > retries or passed_s + 528 > age_s


async def test_deliveries_of_one_line_keep_their_order_while_others_pass(house: House) -> None:
    """The first of line `a` fails for a while; nothing of `a` overtakes it, and nothing else waits for it."""
    failing = [True]
    first = structs.replace(house.delivery(LETTER), line="a", payload=b"a0")
    fault = NotDelivered("THROTTLING", "slow down", again=True)
    house.post.fault = lambda each: fault if each.payload == b"a0" and failing[0] else None
    names = [b"a1", b"b0", b"a2", b"b1"]
    more = [structs.replace(first, line=name.decode()[0], payload=name) for name in names]
    await house.deliveries.put([first, *more])
    await house.quiet()
    assert [each.payload for each in house.post.arrived] == [b"b0", b"b1"]
    failing[0] = False
    await house.advance(5)
    assert [each.payload for each in house.post.arrived[2:]] == [b"a0", b"a1", b"a2"]
    await house.deliveries.put([structs.replace(first, payload=b"a3")])
    await house.quiet()
    assert house.post.arrived[-1].payload == b"a3"


async def test_what_is_given_up_lets_its_line_go_on_and_its_letters_keep_the_order(house: House) -> None:
    house.post.fault = lambda each: (
        NotDelivered("NO_PERMISSIONS", "no", again=False) if each.target_arn == TARGET else None
    )
    letters = [DeadLetter(QUEUE, b"%d" % number, explained=False, options={"o": "1"}) for number in range(3)]
    await house.deliveries.put([structs.replace(house.delivery(letter), line="a") for letter in letters])
    await house.quiet()
    assert [(each.payload, each.attributes, each.options) for each in house.post.arrived] == [
        (b"%d" % number, {}, {"o": "1"}) for number in range(3)
    ]
    assert (await house.deliveries.statistics()).waiting == 0


async def test_a_host_that_does_not_answer_keeps_nobody_else_waiting(house: House) -> None:
    """As many as a thousand messages for it, put first."""
    hung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asked = 0

    class Silent:
        async def carry(self, delivery: Delivery) -> None:
            nonlocal asked
            asked += 1
            await hung

    plain = house.post.carrier

    def carrier(target_arn: str) -> Carrier | None:
        return Silent() if "silent" in target_arn else plain(target_arn)

    house.post.carrier = carrier  # type: ignore[method-assign]
    silent = [house.delivery(target=f"http://me@silent.example:81/{number}") for number in range(1_100)]
    await house.deliveries.put([*silent, house.delivery(), house.delivery(target="https://other.example/")])
    await house.quiet()
    assert {each.target_arn for each in house.post.arrived} == {TARGET, "https://other.example/"}
    assert asked == MOST_TO_HOST
    hung.set_result(None)
    await house.quiet()
    assert (await house.deliveries.statistics()).waiting == 0
    assert asked == 1_100


async def test_what_waited_before_deliveries_had_lanes_and_lines_is_delivered(tmp_path: Path) -> None:
    old = Schema(SCHEMA.package, SCHEMA.migrations[0], SCHEMA.migrations[:1])
    before = await open_sqlite(tmp_path / "deliveries.sqlite", old)
    body = msgspec.json.encode(House().delivery())
    insert = "INSERT INTO deliveries (account, region, body, due_ms) VALUES ('a', 'r', :body, 0)"
    await before.write(lambda tx: tx.run(insert, body=body))
    await before.close()
    house = await House().open(tmp_path / "deliveries.sqlite")
    await house.arrival()
    await house.quiet()
    assert len(house.post.arrived) == 1
    await house.close()


async def test_the_log_of_what_is_given_up_shows_the_host_and_no_password(house: House) -> None:
    house.post.fault = lambda _: NotDelivered("HTTP_404", "The endpoint answered 404.", again=False)
    with capture_logs() as told:
        await house.deliveries.put([house.delivery(target="https://me:secret@example.com/in?key=secret")])
        await house.quiet()
    (line,) = told
    assert line["target"] == "http example.com"
    assert "secret" not in str(line)


@pytest.mark.parametrize("lost_as", ["DeadLetterErrors", ""])
async def test_what_is_lost_is_a_metric_of_the_function_it_is_about(house: House, lost_as: str) -> None:
    """Source: Lambda Developer Guide, "Types of metrics for Lambda functions" (DeadLetterErrors)."""
    house.post.fault = lambda _: NotDelivered("NO_RESOURCE", "gone", again=False)
    source_arn = "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"
    await house.deliveries.put([structs.replace(house.delivery(), source_arn=source_arn, lost_as=lost_as)])
    await house.quiet()
    place = "000000000000", "us-east-1"
    assert house.measured == [
        (place, "AWS/Lambda", {lost_as: 1.0}, dimensions, "Count")
        for dimensions in ((), (("FunctionName", "f"),))
        if lost_as
    ]
