"""One mapping of a queue at work: what is taken, run, deleted and left.

Source of the behaviour: Lambda Developer Guide, "Using Lambda with Amazon SQS" (batching, scaling, errors, filters).
"""

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.errors import RemoteServiceError, Unavailable
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.lineage import MOST_PASSES, RecursiveInvocation, extended, passes

if TYPE_CHECKING:
    from tests.unit.pollers.conftest import House

THROTTLE = RemoteServiceError("TooManyRequestsException", 429, "Rate Exceeded.", {})
GONE = RemoteServiceError("ResourceNotFoundException", 404, "Function not found: f", {})


def result(payload: Any = None, function_error: str = "") -> InvocationResult:
    return InvocationResult("$LATEST", json.dumps(payload).encode(), function_error)


def records(invocation: Invocation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(invocation.payload)["Records"]
    return found


def raising(error: Exception) -> Any:
    def answer(_: Invocation) -> InvocationResult:
        raise error

    return answer


async def test_a_message_is_run_once_and_deleted(house: "House") -> None:
    arn = await house.queue()
    await house.map(arn)
    await house.rest()
    await house.send(arn, "hello")
    await house.until(lambda: house.counts(arn) == (0, 0) and not house.function.running)
    assert house.function.seen == [["hello"]]
    assert house.statistics().deleted == 1


async def test_what_waits_is_cut_into_batches_of_the_size_asked_for(house: "House") -> None:
    arn = await house.queue()
    await house.send(arn, *(str(n) for n in range(25)))
    await house.map(arn)
    await house.until(lambda: house.counts(arn) == (0, 0))
    assert sorted(len(batch) for batch in house.function.seen) == [5, 10, 10]
    assert sorted(map(int, house.function.bodies)) == list(range(25))


async def test_a_failed_batch_comes_again_when_its_visibility_timeout_ends(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="30")
    house.function.answer = lambda _: result({"errorMessage": "no"}, "Unhandled")
    await house.send(arn, "a")
    await house.map(arn)
    await house.until(lambda: len(house.function.seen) == 1)
    await house.pass_s(29)
    assert len(house.function.seen) == 1
    house.function.answer = lambda _: result()
    await house.pass_s(2)
    await house.until(lambda: house.counts(arn) == (0, 0))
    again = records(house.function.events[1])[0]["attributes"]
    assert again["ApproximateReceiveCount"] == "2"


async def test_a_message_that_fails_too_often_goes_to_the_dead_letter_queue(house: "House") -> None:
    dead = await house.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    arn = await house.queue(VisibilityTimeout="5", RedrivePolicy=policy)
    house.function.answer = lambda _: result(None, "Unhandled")
    await house.send(arn, "poison")
    await house.map(arn)
    await house.pass_s(30)
    assert house.function.bodies == ["poison"] * 3
    assert (house.counts(arn), house.counts(dead)) == ((0, 0), (1, 0))


async def test_only_reported_messages_come_again(house: "House") -> None:
    arn = await house.queue()
    await house.send(arn, "good", "bad", "fine")

    def answer(invocation: Invocation) -> InvocationResult:
        bad = [each["messageId"] for each in records(invocation) if each["body"] == "bad"]
        return result({"batchItemFailures": [{"itemIdentifier": name} for name in bad]})

    house.function.answer = answer
    await house.map(arn, reports_failures=True)
    await house.until(lambda: house.counts(arn) == (0, 1) and not house.function.running)
    await house.pass_s(31)
    assert house.function.seen[1:] == [["bad"]]


async def test_what_the_criteria_do_not_want_is_deleted_unseen(house: "House") -> None:
    arn = await house.queue()
    await house.send(arn, '{"kind": "order"}', '{"kind": "noise"}', "plain")
    await house.map(arn, filters=('{"body": {"kind": ["order"]}}',))
    await house.until(lambda: house.counts(arn) == (0, 0))
    assert house.function.bodies == ['{"kind": "order"}']
    assert house.statistics().filtered_out == 2


async def test_events_are_measured_for_a_mapping_that_asks_for_it(house: "House") -> None:
    arn, other = await house.queue(), await house.queue("other")
    await house.send(arn, '{"kind": "order"}', "noise")
    await house.send(other, "a")
    await house.map(other, "silent")
    await house.map(arn, filters=('{"body": {"kind": ["order"]}}',), counts_events=True)
    await house.until(lambda: house.counts(arn) == house.counts(other) == (0, 0))
    await house.rest()
    dimensions = (("EventSourceMappingUUID", "m"),)
    expected = {"PolledEventCount": 2, "FilteredOutEventCount": 1, "InvokedEventCount": 1, "DeletedEventCount": 2}
    found = {name: count for (name, _), count in house.measured.items()}
    assert found == expected
    assert {each for _, each in house.measured} == {dimensions}


async def test_a_window_gathers_until_the_batch_is_full(house: "House") -> None:
    arn = await house.queue()
    await house.map(arn, batch_size=3, window_s=10)
    await house.send(arn, "a")
    await house.rest()
    await house.send(arn, "b")
    await house.rest()
    assert house.function.seen == []
    await house.send(arn, "c")
    await house.until(lambda: house.function.seen == [["a", "b", "c"]])


async def test_a_window_that_ends_sends_what_there_is(house: "House") -> None:
    arn = await house.queue()
    await house.map(arn, batch_size=100, window_s=10)
    await house.send(arn, "a", "b")
    await house.pass_s(9)
    assert house.function.seen == []
    await house.pass_s(2)
    assert house.function.seen == [["a", "b"]]


async def test_a_window_takes_at_most_half_of_the_visibility_timeout(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="20")
    await house.map(arn, batch_size=100, window_s=300)
    await house.send(arn, "a")
    await house.pass_s(11)
    assert house.function.seen == [["a"]]


async def test_five_batches_run_at_first_and_one_more_every_fifth_of_a_second(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="600")
    house.function.held = True
    await house.send(arn, *(str(n) for n in range(60)))
    await house.map(arn, batch_size=1)
    await house.until(lambda: house.function.running == 5)
    await house.rest()
    assert (house.function.running, house.counts(arn)[0]) == (5, 55)  # the others wait in the queue, not here
    await house.pass_s(2.1, 0.1)
    assert 13 <= house.function.running <= 16


async def test_maximum_concurrency_is_never_exceeded(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="600")
    house.function.held = True
    await house.send(arn, *(str(n) for n in range(20)))
    await house.map(arn, batch_size=1, most_concurrent=2)
    await house.pass_s(5)
    assert house.function.running == 2
    for _ in range(30):
        house.function.let_go(1)
        await house.rest()
    assert house.function.most == 2
    await house.until(lambda: house.counts(arn) == (0, 0))


async def test_maximum_concurrency_holds_when_an_update_meets_running_batches(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="600")
    house.function.held = True
    await house.send(arn, *(str(n) for n in range(20)))
    await house.map(arn, batch_size=1, most_concurrent=3)
    await house.until(lambda: house.function.running == 3)
    await house.pollers.stop("m")
    await house.map(arn, batch_size=2, most_concurrent=3)
    await house.rest()
    assert house.function.most == 3
    house.function.let_go()
    await house.until(lambda: ["3", "4"] in house.function.seen)


async def test_a_throttled_batch_waits_and_costs_its_messages_no_receive(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="60")
    house.function.answer = raising(THROTTLE)
    await house.send(arn, *(str(n) for n in range(50)))
    await house.map(arn)
    await house.until(lambda: len(house.function.seen) >= 5)
    await house.pass_s(5)
    assert house.statistics().allowed == 1
    house.function.answer = lambda _: result()
    await house.pass_s(25)
    assert house.counts(arn) == (0, 0)
    counts = {
        each["attributes"]["ApproximateReceiveCount"] for event in house.function.events for each in records(event)
    }
    assert counts == {"1"}


async def test_a_batch_that_is_throttled_too_long_is_left_to_its_timeout(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="20")
    house.function.answer = raising(THROTTLE)
    await house.send(arn, "a")
    await house.map(arn)
    await house.pass_s(19)
    house.function.answer = lambda _: result()
    await house.pass_s(3)
    assert house.counts(arn) == (0, 0)
    assert records(house.function.events[-1])[0]["attributes"]["ApproximateReceiveCount"] == "2"


async def test_a_platform_that_is_away_is_waited_for(house: "House") -> None:
    arn = await house.queue()
    house.function.answer = raising(Unavailable("no edge is connected"))
    await house.send(arn, "a")
    await house.map(arn)
    await house.until(lambda: len(house.function.seen) == 1)
    house.function.answer = lambda _: result()
    await house.pass_s(1)
    assert house.counts(arn) == (0, 0)


async def test_a_mapping_whose_function_is_gone_ends_and_gives_its_messages_back(house: "House") -> None:
    arn = await house.queue()
    house.function.answer = raising(GONE)
    await house.send(arn, "a")
    await house.map(arn)
    await house.until(lambda: house.ended_ == [("m", "PROBLEM: Function not found: f")])
    await house.pass_s(60)
    assert len(house.function.seen) == 1
    assert house.counts(arn) == (1, 0)


async def test_a_queue_that_is_gone_is_a_problem_until_it_is_back(house: "House") -> None:
    arn = f"{(await house.queue('other')).rpartition(':')[0]}:later"
    await house.map(arn)
    await house.until(lambda: house.pollers.result("m").startswith("PROBLEM: "))
    await house.queue("later")
    await house.send(arn, "a")
    await house.pass_s(6)
    assert house.function.seen == [["a"]]
    assert house.pollers.result("m") == ""


async def test_a_stopped_mapping_takes_nothing_more_and_gives_back_what_it_gathered(house: "House") -> None:
    arn = await house.queue()
    await house.map(arn, batch_size=100, window_s=10)
    await house.send(arn, "a")
    await house.until(lambda: house.counts(arn) == (0, 1))
    await house.pollers.stop("m")
    await house.until(lambda: house.counts(arn) == (1, 0))
    await house.send(arn, "b")
    await house.pass_s(60)
    assert house.function.seen == []
    assert house.counts(arn) == (2, 0)


async def test_what_waits_for_concurrency_is_given_back_when_its_mapping_stops(house: "House") -> None:
    arn = await house.queue(VisibilityTimeout="300")
    house.function.answer = raising(THROTTLE)
    await house.send(arn, "a", "b")
    await house.map(arn)
    await house.pass_s(10)
    assert house.counts(arn) == (0, 2)
    await house.pollers.stop("m")
    await house.until(lambda: house.counts(arn) == (2, 0))


async def test_a_mapping_that_is_stopped_before_it_has_begun_stays_stopped(house: "House") -> None:
    arn = await house.queue()
    await house.map(arn)
    await house.pollers.stop("m")
    await house.send(arn, "a")
    await house.pass_s(30)
    assert house.function.seen == []
    await house.map(arn)
    await house.until(lambda: house.function.seen == [["a"]])


async def test_nothing_is_polled_after_the_end(house: "House") -> None:
    arn = await house.queue()
    await house.send(arn, "a")
    await house.pollers.close()
    await house.map(arn)
    await house.rest()
    assert (house.function.seen, house.counts(arn)) == ([], (1, 0))


async def test_a_slow_mapping_does_not_delay_another(house: "House") -> None:
    slow, quick = await house.queue("slow"), await house.queue("quick")
    await house.send(slow, *(str(n) for n in range(100)))
    house.function.held = True
    await house.map(slow, "slow")
    await house.until(lambda: house.function.running == 5)
    house.function.held = False
    await house.map(quick, "quick")
    await house.send(quick, "now")
    await house.until(lambda: "now" in house.function.bodies and house.counts(quick) == (0, 0))


async def test_the_groups_of_a_fifo_queue_keep_their_order_and_run_one_batch_each(house: "House") -> None:
    arn = await house.fifo()
    house.function.held = True
    await house.send(arn, *(f"a{n}" for n in range(15)), group="a")
    await house.send(arn, *(f"b{n}" for n in range(5)), group="b")
    await house.map(arn)
    await house.rest()
    assert house.function.seen[0] == [f"a{n}" for n in range(10)]
    in_hand = [body for batch in house.function.seen for body in batch]
    assert "a10" not in in_hand
    for _ in range(10):
        house.function.let_go()
        await house.rest()
    assert house.counts(arn) == (0, 0)
    for group, count in (("a", 15), ("b", 5)):
        assert [body for body in house.function.bodies if body[0] == group] == [f"{group}{n}" for n in range(count)]


async def test_nothing_of_a_fifo_group_overtakes_what_failed(house: "House") -> None:
    arn = await house.fifo()
    house.function.answer = lambda _: result(None, "Unhandled")
    await house.send(arn, "first", group="g")
    await house.map(arn)
    await house.until(lambda: len(house.function.seen) == 1)
    await house.send(arn, "second", group="g")
    await house.pass_s(10)
    assert house.function.bodies == ["first"]
    house.function.answer = lambda _: result()
    await house.pass_s(25)
    assert house.function.bodies == ["first", "first", "second"]


async def test_a_fifo_batch_that_is_too_large_runs_in_parts_that_wait_for_one_another(house: "House") -> None:
    arn = await house.fifo()
    large = "x" * 1_000_000
    await house.send(arn, *(f"{n}{large}" for n in range(8)), group="g")
    await house.map(arn)
    house.function.answer = lambda _: result(None, "Unhandled")
    await house.until(lambda: bool(house.function.seen) and not house.function.running)
    await house.rest()
    assert [body[0] for body in house.function.bodies] == list("012345")  # the second part was not begun
    house.function.answer = lambda _: result()
    await house.pass_s(31)
    assert [body[0] for body in house.function.bodies[6:]] == list("01234567")
    assert all(len(event.payload) <= 6_291_456 for event in house.function.events)


async def test_the_trace_header_of_a_message_is_handed_on(house: "House") -> None:
    arn = await house.queue()
    header = extended("Root=1-00000000-000000000000000000000001", house.function_key)
    await house.send(arn, "plain")
    await house.send(arn, "traced", trace_header=header)
    await house.map(arn)
    await house.until(lambda: house.counts(arn) == (0, 0))
    assert house.function.events[0].trace_header == header


async def test_a_message_in_a_loop_stops_no_other(house: "House") -> None:
    arn, header = await house.queue(), ""
    for _ in range(MOST_PASSES):
        header = extended(header, house.function_key)
    assert passes(header, house.function_key) == MOST_PASSES

    def answer(invocation: Invocation) -> InvocationResult:
        if passes(invocation.trace_header, house.function_key):
            raise RecursiveInvocation
        return result()

    house.function.answer = answer
    await house.send(arn, "looping", trace_header=header)
    await house.send(arn, "innocent")
    await house.map(arn)
    await house.until(lambda: house.counts(arn) == (0, 1) and not house.function.running)
    assert sorted(house.function.seen) == [["innocent"], ["looping"]]
    assert [house.measured[name] for name in house.measured if name[0] == "RecursiveInvocationsDropped"] == [1, 1]


@pytest.mark.parametrize("count", [1, 7, 64])
async def test_every_message_is_deleted_only_after_a_success(house: "House", count: int) -> None:
    """Whatever order of failures and throttles: at the end all succeeded, and none is left."""
    arn = await house.queue(VisibilityTimeout="10")
    tries = 0

    def answer(_: Invocation) -> InvocationResult:
        nonlocal tries
        tries += 1
        if tries % 3 == 1:
            raise THROTTLE
        return result(None, "Unhandled" if tries % 3 == 2 else "")

    house.function.answer = answer
    await house.send(arn, *(str(n) for n in range(count)))
    await house.map(arn, batch_size=3)
    for _ in range(40):
        await house.pass_s(5)
        if house.counts(arn) == (0, 0):
            break
    assert house.counts(arn) == (0, 0)
    await house.rest()
    assert set(house.function.bodies) == {str(n) for n in range(count)}
    assert house.statistics().deleted == count
