"""One mapping of a table's stream at work: what is run, in which order, tried again, given up and remembered.

Source of the behaviour: Lambda Developer Guide, "Using Lambda with DynamoDB" and its pages on errors, partial batch
responses, discarded records and tumbling windows.
"""

import json
from typing import TYPE_CHECKING, Any

from lambent.errors import RemoteServiceError
from lambent.model.invocation import Invocation, InvocationResult

if TYPE_CHECKING:
    from tests.unit.pollers.conftest import House

THROTTLE = RemoteServiceError("TooManyRequestsException", 429, "Rate Exceeded.", {})
GONE = RemoteServiceError("ResourceNotFoundException", 404, "Function not found: f", {})
QUEUE = "arn:aws:sqs:us-east-1:000000000000:given-up"


def result(payload: Any = None, function_error: str = "") -> InvocationResult:
    return InvocationResult("$LATEST", json.dumps(payload).encode(), function_error)


def event(invocation: Invocation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(invocation.payload)
    return found


def names(invocation: Invocation) -> list[str]:
    return [each["dynamodb"]["Keys"]["id"]["S"] for each in event(invocation)["Records"]]


def failing_on(*bad: str) -> Any:
    """A function that fails on batches with these items."""

    def answer(invocation: Invocation) -> InvocationResult:
        return result(None, "Unhandled") if set(bad) & set(names(invocation)) else result()

    return answer


def raising(error: Exception) -> Any:
    def answer(_: Invocation) -> InvocationResult:
        raise error

    return answer


def items(count: int, name: str = "k") -> list[tuple[str, int]]:
    return [(f"{name}{number}", number) for number in range(count)]


async def test_a_change_reaches_the_function_in_the_form_that_aws_sends(house: "House") -> None:
    """Lambda Developer Guide, "Using Lambda with DynamoDB", example event; behaviours section 22."""
    table, stream = await house.table()
    await house.follow(stream)
    await house.write(table, ("a", 1), raw={"B": b"\x00\x01"})
    await house.until(lambda: bool(house.function.events))
    (record,) = event(house.function.events[0])["Records"]
    assert len(record.pop("eventID")) == 32
    inside = record.pop("dynamodb")
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": stream,
    }
    assert inside.pop("SequenceNumber").isdigit()
    assert inside == {
        "ApproximateCreationDateTime": 1_800_000_000,
        "Keys": {"id": {"S": "a"}},
        "NewImage": {"id": {"S": "a"}, "n": {"N": "1"}, "raw": {"B": "AAE="}},
        "SizeBytes": inside["SizeBytes"],
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    assert house.pollers.result("m") == "OK"


async def test_an_item_that_expired_is_shown_as_deleted_by_the_service(house: "House") -> None:
    """DynamoDB Developer Guide, "DynamoDB Streams and Time to Live"; Lambda writes the members in lower case."""
    table, stream = await house.table()
    specification = {"Enabled": True, "AttributeName": "ends"}
    await house.dynamodb_call("UpdateTimeToLive", TableName=table, TimeToLiveSpecification=specification)
    await house.write(table, ("a", 1), ends={"N": str(1_800_000_000 - 10)})
    await house.follow(stream)
    await house.until(lambda: house.function.bodies == ["a1"])
    await house.dynamodb.upkeep.sweep()
    await house.until(lambda: len(house.function.events) == 2)
    (record,) = event(house.function.events[1])["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


async def test_batches_are_of_the_size_asked_for_and_follow_one_another(house: "House") -> None:
    table, stream = await house.table()
    await house.write(table, *items(250))
    await house.follow(stream, batch_size=100)
    await house.until(lambda: len(house.function.bodies) == 250)
    assert [len(batch) for batch in house.function.seen] == [100, 100, 50]
    assert house.function.most == 1
    assert house.function.bodies == [f"k{n}{n}" for n in range(250)]


async def test_a_window_waits_for_more_records(house: "House") -> None:
    table, stream = await house.table()
    await house.follow(stream, window_s=5)
    await house.write(table, ("a", 1))
    await house.pass_s(3)
    await house.write(table, ("b", 2))
    assert house.function.seen == []
    await house.pass_s(3)
    assert house.function.seen == [["a1", "b2"]]


async def test_latest_is_what_is_written_after_the_mapping_was_applied(house: "House") -> None:
    table, stream = await house.table()
    await house.write(table, ("old", 1))
    await house.follow(stream, starting_position="LATEST")
    await house.write(table, ("new", 2))
    await house.until(lambda: house.function.bodies == ["new2"])


async def test_a_mapping_goes_on_where_it_was_after_a_restart(house: "House") -> None:
    table, stream = await house.table()
    mapping = await house.follow(stream, batch_size=1)
    await house.write(table, ("a", 1), ("b", 2))
    await house.until(lambda: house.function.bodies == ["a1", "b2"])
    await house.rest()
    await house.pollers.close()
    await house.write(table, ("c", 3))
    house.begin()
    await house.pollers.apply(mapping)
    await house.until(lambda: len(house.function.bodies) == 3)
    assert house.function.bodies == ["a1", "b2", "c3"]


async def test_a_failed_batch_holds_up_its_lane_until_it_succeeds(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = failing_on("a")
    await house.write(table, ("a", 1), ("b", 2))
    await house.follow(stream, batch_size=1)
    await house.pass_s(30)
    assert set(house.function.bodies) == {"a1"}
    assert 5 < len(house.function.bodies) < 12  # the waits grow
    assert house.pollers.result("m") == "PROBLEM: Function call failed"
    house.function.answer = lambda _: result()
    await house.pass_s(65)
    assert house.function.bodies[-2:] == ["a1", "b2"]


async def test_retries_that_are_used_up_end_in_the_destination(house: "House") -> None:
    """Lambda Developer Guide, "Retain discarded records for a DynamoDB event source": the record."""
    table, stream = await house.table()
    house.function.answer = failing_on("a")
    await house.write(table, ("a", 1), ("b", 2), ("c", 3))
    await house.follow(stream, batch_size=2, max_retries=2, on_failure=QUEUE)
    await house.pass_s(10)
    assert house.function.seen == [["a1", "b2"]] * 3 + [["c3"]]
    (delivery,) = house.outbox
    assert (delivery.target_arn, delivery.role_arn) == (QUEUE, "arn:aws:iam::000000000000:role/of-f")
    record = json.loads(delivery.payload)
    shard = record["DDBStreamBatchInfo"].pop("shardId")
    assert shard.startswith("shardId-")
    first, second = (each["dynamodb"]["SequenceNumber"] for each in event(house.function.events[0])["Records"])
    assert record == {
        "requestContext": {
            "requestId": house.function.events[2].request_id,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": record["timestamp"],
        "DDBStreamBatchInfo": {
            "startSequenceNumber": first,
            "endSequenceNumber": second,
            "approximateArrivalOfFirstRecord": "2027-01-15T08:00:00Z",
            "approximateArrivalOfLastRecord": "2027-01-15T08:00:00Z",
            "batchSize": 2,
            "streamArn": stream,
        },
    }
    assert (house.statistics().dropped, house.statistics().handed_on) == (2, 2)


async def test_a_bucket_gets_the_records_too(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = failing_on("a")
    await house.write(table, ("a", 1))
    await house.follow(stream, max_retries=0, on_failure="arn:aws:s3:::given-up")
    await house.until(lambda: bool(house.outbox))
    record = json.loads(house.outbox[0].payload)
    assert json.loads(record["payload"]) == event(house.function.events[0])
    shard = record["DDBStreamBatchInfo"]["shardId"]
    assert house.outbox[0].options == {"ObjectKeyPrefix": f"aws/lambda/m/{shard}"}


async def test_bisecting_finds_the_record_that_fails_and_gives_up_that_one_alone(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = failing_on("k5")
    await house.write(table, *items(8))
    await house.follow(stream, batch_size=8, bisects=True, max_retries=0, on_failure=QUEUE)
    await house.until(lambda: "k77" in house.function.bodies[-1:] and house.statistics().dropped == 1)
    sizes = [len(batch) for batch in house.function.seen]
    assert sizes == [8, 4, 4, 2, 1, 1, 2]
    assert json.loads(house.outbox[0].payload)["DDBStreamBatchInfo"]["batchSize"] == 1


async def test_a_partial_answer_moves_the_checkpoint_to_the_lowest_number(house: "House") -> None:
    table, stream = await house.table()
    wrong = True

    def answer(invocation: Invocation) -> InvocationResult:
        numbers = [each["dynamodb"]["SequenceNumber"] for each in event(invocation)["Records"]]
        failed = [numbers[4], numbers[2]] if wrong and len(numbers) > 4 else []
        return result({"batchItemFailures": [{"itemIdentifier": each} for each in failed]})

    house.function.answer = answer
    await house.write(table, *items(6))
    await house.follow(stream, reports_failures=True)
    await house.pass_s(2)
    assert house.function.seen == [[f"k{n}{n}" for n in range(6)], [f"k{n}{n}" for n in range(2, 6)]]


async def test_records_that_are_too_old_are_not_run(house: "House") -> None:
    table, stream = await house.table()
    await house.write(table, ("old", 1))
    await house.pass_s(70, step_s=35)
    await house.write(table, ("new", 2))
    await house.follow(stream, max_age_s=60, on_failure=QUEUE)
    await house.until(lambda: house.function.bodies == ["new2"])
    context = json.loads(house.outbox[0].payload)["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RecordAgeExceeded", 0)


async def test_a_record_that_grows_too_old_while_it_fails_is_given_up(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = failing_on("a")
    await house.write(table, ("a", 1))
    await house.follow(stream, max_age_s=60, on_failure=QUEUE, batch_size=1)
    await house.pass_s(50)
    await house.write(table, ("b", 2))
    await house.pass_s(80)
    assert json.loads(house.outbox[0].payload)["requestContext"]["condition"] == "RecordAgeExceeded"
    assert house.function.bodies[-1] == "b2"


async def test_throttles_spend_no_retries(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = raising(THROTTLE)
    await house.write(table, ("a", 1))
    await house.follow(stream, max_retries=0, on_failure=QUEUE)
    await house.pass_s(60)
    assert house.outbox == []
    assert house.statistics().throttled > 3
    assert house.pollers.result("m") == "PROBLEM: Rate Exceeded."  # told while the batch waits, not a day later
    house.function.answer = lambda _: result()
    await house.pass_s(30)
    assert house.pollers.result("m") == "OK"
    assert house.function.bodies[-1] == "a1"
    assert house.statistics().dropped == 0


async def test_lanes_keep_the_order_of_each_item_and_one_that_fails_holds_up_no_other(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = failing_on("k0")
    for round_ in range(5):
        await house.write(table, *((f"k{key}", round_) for key in range(20)))
    await house.follow(stream, batch_size=3, parallel=4)
    await house.pass_s(20)
    done: dict[str, list[int]] = {}
    for invocation in house.function.events:
        if "k0" not in names(invocation):
            for record in event(invocation)["Records"]:
                inside = record["dynamodb"]
                done.setdefault(inside["Keys"]["id"]["S"], []).append(int(inside["NewImage"]["n"]["N"]))
    assert all(numbers == sorted(set(numbers)) for numbers in done.values())
    whole = [key for key, numbers in done.items() if numbers == [0, 1, 2, 3, 4]]
    assert len(whole) >= 10  # those of the three other lanes
    house.function.answer = lambda _: result()
    await house.pass_s(70)
    assert {name for each in house.function.events for name in names(each)} == {f"k{key}" for key in range(20)}


async def test_another_number_of_lanes_begins_where_the_slowest_was_and_skips_nothing(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = failing_on("k0")
    await house.write(table, *items(20))
    await house.follow(stream, batch_size=2, parallel=3)
    await house.pass_s(5)
    house.function.answer = lambda _: result()
    house.function.events.clear()
    await house.follow(stream, batch_size=2, parallel=2)
    await house.pass_s(70)
    assert "k0" in {name for each in house.function.events for name in names(each)}
    await house.write(table, ("last", 1))
    await house.until(lambda: "last1" in house.function.bodies)


async def test_a_change_of_settings_waits_for_the_batch_in_hand(house: "House") -> None:
    table, stream = await house.table()
    house.function.held = True
    await house.write(table, *items(4))
    await house.follow(stream, batch_size=2)
    await house.until(lambda: house.function.running == 1)
    await house.follow(stream, batch_size=1)
    await house.rest()
    assert house.function.most == 1
    house.function.held = False
    house.function.let_go()
    await house.until(lambda: len(house.function.bodies) == 4)
    assert house.function.seen == [["k00", "k11"], ["k22"], ["k33"]]


async def test_a_mapping_that_is_disabled_and_enabled_goes_on_where_it_was(house: "House") -> None:
    table, stream = await house.table()
    mapping = await house.follow(stream)
    await house.write(table, ("a", 1))
    await house.until(lambda: house.function.bodies == ["a1"])
    await house.rest()
    await house.pollers.stop("m")
    await house.write(table, ("b", 2))
    await house.rest()
    assert house.function.bodies == ["a1"]
    await house.pollers.apply(mapping)
    await house.until(lambda: house.function.bodies == ["a1", "b2"])


async def test_a_mapping_that_is_deleted_leaves_nothing(house: "House") -> None:
    table, stream = await house.table()
    mapping = await house.follow(stream, parallel=2)
    await house.write(table, ("a", 1))
    await house.until(lambda: house.function.bodies == ["a1"])
    house.function.held = True
    await house.write(table, ("b", 1))
    await house.until(lambda: house.function.running == 1)
    await house.pollers.forget(mapping)
    house.function.let_go()
    await house.rest()
    for name in ("origins", "checkpoints"):
        count = f"SELECT count(*) AS rows FROM {name}"
        found = await house.checkpoints.read(lambda tx, count=count: tx.one(count))  # type: ignore[misc]
        assert found["rows"] == 0


async def test_a_function_that_is_gone_disables_the_mapping_and_loses_nothing(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = raising(GONE)
    await house.write(table, ("a", 1))
    mapping = await house.follow(stream)
    await house.until(lambda: bool(house.ended_))
    assert house.ended_ == [("m", "PROBLEM: Function not found: f")]
    await house.pass_s(10)
    assert len(house.function.events) == 1
    house.function.answer = lambda _: result()
    await house.pollers.apply(mapping)
    await house.until(lambda: house.function.bodies == ["a1", "a1"])


async def test_shards_are_read_after_their_parents(house: "House") -> None:
    table, stream = await house.table()
    await house.write(table, ("a", 1))
    await house.clock.advance(4 * 3600 + 60)
    await house.dynamodb.upkeep.sweep()
    await house.write(table, ("a", 2))
    house.function.held = True
    await house.follow(stream)
    await house.until(lambda: house.function.running == 1)
    await house.rest()
    assert house.function.most == 1
    house.function.held = False
    house.function.let_go()
    await house.until(lambda: house.function.bodies == ["a1", "a2"])
    await house.clock.advance(4 * 3600 + 60)
    await house.dynamodb.upkeep.sweep()
    await house.write(table, ("a", 3))
    await house.until(lambda: house.function.bodies == ["a1", "a2", "a3"])


async def test_shards_that_the_stream_has_forgotten_are_forgotten_too(house: "House") -> None:
    table, stream = await house.table()
    await house.follow(stream)
    for number in range(3):
        await house.write(table, ("a", number))
        await house.pass_s(4 * 3600 + 60, step_s=1800)
        await house.dynamodb.upkeep.sweep()
    await house.until(lambda: house.function.bodies == ["a0", "a1", "a2"])
    await house.pass_s(17 * 3600, step_s=1800)
    await house.rest()
    statement = "SELECT shard FROM checkpoints"
    kept = {row["shard"] for row in await house.checkpoints.read(lambda tx: tx.all(statement))}
    listed = {shard.id for shard in await house.dynamodb.streams.shards(stream)}
    assert kept <= listed
    assert len(kept) == 3  # of four, the first is older than a day


async def test_a_deleted_table_is_read_to_the_end_and_its_mapping_ends_with_the_stream(house: "House") -> None:
    table, stream = await house.table()
    await house.write(table, ("a", 1))
    await house.dynamodb_call("DeleteTable", TableName=table)
    await house.follow(stream)
    await house.until(lambda: house.function.bodies == ["a1"])
    assert house.ended_ == []
    await house.pass_s(24 * 3600 + 120, step_s=1800)
    await house.until(lambda: bool(house.ended_))
    assert "not found" in house.ended_[0][1]


async def test_filters_pass_over_what_nobody_wants_and_remember_it(house: "House") -> None:
    """Lambda Developer Guide, "Using event filtering with a DynamoDB event source"."""
    table, stream = await house.table()
    pattern = json.dumps({"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["wanted"]}}}})
    await house.write(table, *items(5), kind={"S": "other"})
    await house.write(table, ("w", 7), kind={"S": "wanted"})
    await house.write(table, *items(5, "x"), kind={"S": "other"})
    mapping = await house.follow(stream, filters=(pattern,), counts_events=True)
    await house.until(lambda: house.function.bodies == ["w7"])
    await house.pass_s(30)
    assert (house.statistics().polled, house.statistics().filtered_out) == (11, 10)
    assert house.measured["FilteredOutEventCount", (("EventSourceMappingUUID", "m"),)] == 10
    await house.pollers.close()
    house.begin()
    await house.pollers.apply(mapping)
    await house.rest()
    assert house.statistics().polled == 0


async def test_the_age_of_the_newest_record_is_measured(house: "House") -> None:
    """Lambda Developer Guide, "Types of metrics for Lambda functions": IteratorAge."""
    table, stream = await house.table()
    await house.write(table, ("a", 1))
    await house.pass_s(7)
    await house.follow(stream)
    await house.until(lambda: bool(house.function.events))
    assert house.measured["IteratorAge", (("FunctionName", "f"),)] == 7000


async def test_a_tumbling_window_carries_its_state_and_ends_once(house: "House") -> None:
    """Lambda Developer Guide, "Implementing stateful DynamoDB stream processing"."""
    table, stream = await house.table()

    def count(invocation: Invocation) -> InvocationResult:
        told = event(invocation)
        return result({"state": {"sum": told["state"].get("sum", 0) + len(told["Records"])}})

    house.function.answer = count
    await house.follow(stream, tumbling_s=30, batch_size=2)
    await house.write(table, *items(3))
    await house.pass_s(10)
    await house.write(table, *items(2, "x"))
    await house.pass_s(25)
    await house.write(table, ("later", 1))
    await house.pass_s(2)
    told = [event(each) for each in house.function.events]
    assert [len(each["Records"]) for each in told] == [2, 1, 2, 0, 1]
    assert [each["state"] for each in told] == [{}, {"sum": 2}, {"sum": 3}, {"sum": 5}, {}]
    assert [each["isFinalInvokeForWindow"] for each in told] == [False, False, False, True, False]
    assert not any(each["isWindowTerminatedEarly"] for each in told)
    assert told[0]["window"] == {"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:00:30Z"}
    assert told[4]["window"]["start"] == "2027-01-15T08:00:30Z"
    assert told[0]["eventSourceARN"] == stream
    assert told[0]["shardId"].startswith("shardId-")


async def test_a_windows_state_survives_a_restart(house: "House") -> None:
    table, stream = await house.table()
    house.function.answer = lambda _: result({"state": {"seen": 1}})
    mapping = await house.follow(stream, tumbling_s=60)
    await house.write(table, ("a", 1))
    await house.until(lambda: bool(house.function.events))
    await house.rest()
    await house.pollers.close()
    house.begin()
    await house.pollers.apply(mapping)
    await house.pass_s(62)
    last = event(house.function.events[-1])
    assert (last["isFinalInvokeForWindow"], last["state"], last["Records"]) == (True, {"seen": 1}, [])


async def test_an_answer_without_state_is_a_failure_and_a_state_over_a_megabyte_ends_its_window(house: "House") -> None:
    table, stream = await house.table()
    answers = [result({}), result({"state": {"long": "x" * 1_100_000}}), result({"state": {}}), result({"state": {}})]
    house.function.answer = lambda _: answers.pop(0)
    await house.follow(stream, tumbling_s=60)
    await house.write(table, ("a", 1))
    await house.pass_s(3)
    await house.write(table, ("b", 1))
    await house.pass_s(3)
    told = [event(each) for each in house.function.events]
    assert [len(each["Records"]) for each in told] == [1, 1, 0, 1]
    assert [each["isWindowTerminatedEarly"] for each in told] == [False, False, True, False]
    assert told[3]["state"] == {}
