"""Event source mappings: what may be asked for, and the states between asking and being served.

Sources: Lambda service model; behaviours section 21 (states and words).
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.pollers.api import QueueFacts
from lambent.services.lambda_.errors import InUse, InvalidParameter
from lambent.services.lambda_.mapping_rules import changes_of
from lambent.services.lambda_.mapping_states import TRANSITIONS, State, Step, state_after

SQS = "arn:aws:sqs:us-east-1:000000000000"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
PATTERN = '{"body": {"kind": ["order"]}}'


async def made(house: Any, **parameters: Any) -> str:
    """The UUID of a mapping that is at rest."""
    answer = await house.call(
        "CreateEventSourceMapping", **({"EventSourceArn": f"{SQS}:orders", "FunctionName": "f"} | parameters)
    )
    await house.service.settle()
    return str(answer["UUID"])


async def refusal(house: Any, operation: str = "CreateEventSourceMapping", **parameters: Any) -> ServiceError:
    if operation == "CreateEventSourceMapping":
        parameters = {"EventSourceArn": f"{SQS}:orders", "FunctionName": "f"} | parameters
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, **parameters)
    assert await house.call("ListEventSourceMappings") == {"EventSourceMappings": []} or "UUID" in parameters
    return caught.value


@pytest.mark.parametrize("pair", sorted(set(product(State, Step)) - set(TRANSITIONS)), ids=str)
def test_a_step_that_the_table_lacks_is_refused(pair: tuple[State, Step]) -> None:
    with pytest.raises(InUse):
        state_after(*pair)


async def test_a_mapping_is_creating_and_then_enabled_and_shows_what_was_asked_for(house: Any) -> None:
    await house.create()
    answer = await house.call("CreateEventSourceMapping", EventSourceArn=f"{SQS}:orders", FunctionName="f")
    uuid = answer["UUID"]
    assert answer.pop("LastModified").timestamp() == pytest.approx(house.clock.now_s(), abs=1)
    assert answer == {
        "UUID": uuid,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": f"{SQS}:orders",
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}",
        "FunctionArn": ARN,
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": [],
    }
    await house.service.settle()
    assert (await house.call("GetEventSourceMapping", UUID=uuid))["State"] == "Enabled"
    assert house.pollers.served[uuid].function == house.key()


async def test_every_setting_reaches_the_poller_and_is_shown(house: Any) -> None:
    await house.create()
    wanted = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 5,
        "FilterCriteria": {"Filters": [{"Pattern": PATTERN}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 7},
        "MetricsConfig": {"Metrics": ["EventCount"]},
    }
    uuid = await made(house, **wanted)
    shown = await house.call("GetEventSourceMapping", UUID=uuid)
    assert {name: shown[name] for name in wanted} == wanted
    served = house.pollers.served[uuid]
    assert (served.batch_size, served.window_s, served.filters) == (100, 5, (PATTERN,))
    assert (served.reports_failures, served.most_concurrent, served.counts_events) == (True, 7, True)


async def test_an_update_changes_what_it_names_and_empty_forms_take_away(house: Any) -> None:
    await house.create()
    uuid = await made(
        house, FilterCriteria={"Filters": [{"Pattern": PATTERN}]}, ScalingConfig={"MaximumConcurrency": 7}
    )
    changed = await house.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=5)
    assert (changed["State"], changed["BatchSize"]) == ("Updating", 5)
    await house.service.settle()
    assert house.pollers.served[uuid].filters == (PATTERN,)
    await house.call("UpdateEventSourceMapping", UUID=uuid, FilterCriteria={}, ScalingConfig={})
    await house.service.settle()
    shown = await house.call("GetEventSourceMapping", UUID=uuid)
    assert (shown["State"], shown["BatchSize"]) == ("Enabled", 5)
    assert "FilterCriteria" not in shown
    assert "ScalingConfig" not in shown
    assert house.pollers.served[uuid].most_concurrent is None


async def test_a_mapping_is_disabled_and_enabled(house: Any) -> None:
    await house.create()
    uuid = await made(house, Enabled=False)
    assert (await house.call("GetEventSourceMapping", UUID=uuid))["State"] == "Disabled"
    assert not house.pollers.served
    assert (await house.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True))["State"] == "Enabling"
    await house.service.settle()
    assert list(house.pollers.served) == [uuid]
    assert (await house.call("UpdateEventSourceMapping", UUID=uuid, Enabled=False))["State"] == "Disabling"
    await house.service.settle()
    assert not house.pollers.served
    assert (await house.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=3))["State"] == "Updating"
    await house.service.settle()
    assert (await house.call("GetEventSourceMapping", UUID=uuid))["State"] == "Disabled"


async def test_a_deleted_mapping_is_deleting_and_then_gone(house: Any) -> None:
    await house.create()
    uuid = await made(house)
    assert (await house.call("DeleteEventSourceMapping", UUID=uuid))["State"] == "Deleting"
    await house.service.settle()
    assert house.pollers.gone == [uuid]
    error = await refusal(house, "GetEventSourceMapping", UUID=uuid)
    assert (error.code, error.message) == ("ResourceNotFoundException", "The resource you requested does not exist.")


async def test_a_mapping_on_its_way_is_in_use(house: Any) -> None:
    await house.create()
    gate = asyncio.Event()
    house.pollers.hook = gate.wait
    answer = await house.call("CreateEventSourceMapping", EventSourceArn=f"{SQS}:orders", FunctionName="f")
    for operation in ("UpdateEventSourceMapping", "DeleteEventSourceMapping"):
        error = await refusal(house, operation, UUID=answer["UUID"])
        assert error.code == "ResourceInUseException"
    gate.set()
    await house.service.settle()


async def test_a_restart_serves_what_is_enabled_and_finishes_what_was_on_its_way(house: Any) -> None:
    await house.create()
    await house.create("g")
    enabled, disabled = await made(house), await made(house, FunctionName="g", Enabled=False)
    house.pollers.hook = asyncio.Event().wait
    on_its_way = (await house.call("CreateEventSourceMapping", EventSourceArn=f"{SQS}:orders.fifo", FunctionName="f"))[
        "UUID"
    ]
    await house.service.close()
    house.pollers.served.clear()
    house.pollers.hook = None
    await house.build()
    await house.service.settle()
    assert set(house.pollers.served) == {enabled, on_its_way}
    states = {
        uuid: (await house.call("GetEventSourceMapping", UUID=uuid))["State"]
        for uuid in (enabled, disabled, on_its_way)
    }
    assert states == {enabled: "Enabled", disabled: "Disabled", on_its_way: "Enabled"}


async def test_a_mapping_outlives_its_function_and_is_disabled_with_the_problem(house: Any) -> None:
    await house.create()
    uuid = await made(house)
    await house.call("DeleteFunction", FunctionName="f")
    assert (await house.call("GetEventSourceMapping", UUID=uuid))["State"] == "Enabled"
    await house.service.mappings.ended(house.pollers.served[uuid], "PROBLEM: no function")
    shown = await house.call("GetEventSourceMapping", UUID=uuid)
    assert (shown["State"], shown["LastProcessingResult"]) == ("Disabled", "PROBLEM: no function")
    await house.create()
    await house.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    await house.service.settle()
    shown = await house.call("GetEventSourceMapping", UUID=uuid)
    assert shown["State"] == "Enabled"
    assert "LastProcessingResult" not in shown


async def test_what_keeps_a_poller_from_polling_is_shown(house: Any) -> None:
    await house.create()
    uuid = await made(house)
    house.pollers.problems[uuid] = "PROBLEM: the queue"
    assert (await house.call("GetEventSourceMapping", UUID=uuid))["LastProcessingResult"] == "PROBLEM: the queue"


async def test_a_function_has_one_mapping_of_a_source_for_each_qualifier(house: Any) -> None:
    await house.create()
    await house.call("PublishVersion", FunctionName="f")
    uuid = await made(house)
    other = await made(house, FunctionName=f"{ARN}:1")
    with pytest.raises(ServiceError) as caught:
        await made(house, FunctionName=ARN)
    assert caught.value.code == "ResourceConflictException"
    assert caught.value.message == (
        f'An event source mapping with SQS arn (" {SQS}:orders ") and function (" f ") already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}"
    )
    with pytest.raises(ServiceError):
        await house.call("UpdateEventSourceMapping", UUID=other, FunctionName="f")


async def test_lists_are_in_pages_and_by_source_and_function(house: Any) -> None:
    for name in ("f", "g", "h"):
        await house.create(name)
        await made(house, FunctionName=name)
    await made(house, EventSourceArn=f"{SQS}:orders.fifo")
    found, marker = [], None
    while True:
        page = await house.call("ListEventSourceMappings", MaxItems=1, **({"Marker": marker} if marker else {}))
        found += [each["UUID"] for each in page["EventSourceMappings"]]
        marker = page.get("NextMarker")
        if marker is None:
            break
    assert len(found) == len(set(found)) == 4

    async def count(**wanted: str) -> int:
        return len((await house.call("ListEventSourceMappings", **wanted))["EventSourceMappings"])

    assert await count(EventSourceArn=f"{SQS}:orders") == 3
    assert await count(FunctionName="f") == 2
    assert await count(FunctionName=f"{ARN}:1") == 0
    assert await count(FunctionName="f", EventSourceArn=f"{SQS}:orders.fifo") == 1


async def test_mappings_have_tags(house: Any) -> None:
    await house.create()
    uuid = await made(house, Tags={"a": "1"})
    arn = f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}"
    await house.call("TagResource", Resource=arn, Tags={"b": "2"})
    await house.call("UntagResource", Resource=arn, TagKeys=["a"])
    assert (await house.call("ListTags", Resource=arn))["Tags"] == {"b": "2"}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"EventSourceArn": ""}, "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:s3:::bucket"}, "Unrecognized event source."),
        (
            {"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
            "streams of tables (dynamodb), not kinesis",
        ),
        ({"EventSourceArn": f"{SQS}:nowhere"}, "AWS.SimpleQueueService.NonExistentQueue"),
        ({"EventSourceArn": "arn:aws:sqs:eu-west-1:000000000000:orders"}, "the source is in eu-west-1"),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:111111111111:orders"}, "sources of other accounts"),
        ({"StartingPosition": "LATEST"}, f"Unsupported starting position for arn type: {SQS}:orders"),
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"EventSourceArn": f"{SQS}:orders.fifo", "BatchSize": 11}, "BatchSize for FIFO queues"),
        (
            {"EventSourceArn": f"{SQS}:orders.fifo", "MaximumBatchingWindowInSeconds": 1},
            "not supported for FIFO queues",
        ),
        (
            {"ParallelizationFactor": 2},
            "Unsupported ParallelizationFactor parameter for given event source mapping type.",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": f"{SQS}:dead"}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 2}}, "ProvisionedPollerConfig is refused"),
        ({"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}, "KMSKeyArn is refused"),
        ({"MetricsConfig": {"Metrics": ["KafkaMetrics"]}}, "The metrics KafkaMetrics are not supported"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": PATTERN}] * 6}}, "at most 5 filters"),
        ({"Tags": {"aws:mine": "x"}}, "reserved"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_stays(house: Any, parameters: Any, words: str) -> None:
    await house.create()
    error = await refusal(house, **parameters)
    assert error.code == "InvalidParameterValueException"
    assert words in error.message


async def test_a_function_that_may_run_longer_than_its_messages_are_hidden_is_refused(house: Any) -> None:
    await house.create(Timeout=60)
    error = await refusal(house)
    assert error.message == "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    house.queues.known["orders"] = QueueFacts(False, 60)
    await made(house)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=40), max_size=7))
def test_any_patterns_are_accepted_or_refused_by_name(patterns: list[str]) -> None:
    try:
        changes_of({"FilterCriteria": {"Filters": [{"Pattern": pattern} for pattern in patterns]}})
    except InvalidParameter as error:
        assert "filter" in error.message  # noqa: PT017  what Hypothesis finds is what we look at


STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000"
DEAD = {"OnFailure": {"Destination": f"{SQS}:dead"}}


async def stream_mapping(house: Any, **parameters: Any) -> str:
    await house.create()
    return await made(house, **({"EventSourceArn": STREAM, "StartingPosition": "LATEST"} | parameters))


async def test_a_mapping_of_a_stream_has_its_own_defaults(house: Any) -> None:
    """Source: Lambda Developer Guide, "Lambda parameters for Amazon DynamoDB event source mappings"."""
    uuid = await stream_mapping(house)
    answer = await house.call("GetEventSourceMapping", UUID=uuid)
    for name in ("LastModified", "UUID", "EventSourceMappingArn"):
        del answer[name]
    assert answer == {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "TumblingWindowInSeconds": 0,
        "StartingPosition": "LATEST",
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": STREAM,
        "FunctionArn": ARN,
        "FunctionResponseTypes": [],
        "State": "Enabled",
        "StateTransitionReason": "User action",
        "LastProcessingResult": "No records processed",
    }


async def test_what_is_changed_reaches_the_poller_and_the_rest_stays(house: Any) -> None:
    uuid = await stream_mapping(house, ParallelizationFactor=3, DestinationConfig=DEAD, MaximumRecordAgeInSeconds=60)
    await house.call("UpdateEventSourceMapping", UUID=uuid, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0)
    await house.service.settle()
    served = house.pollers.served[uuid].stream
    assert (served.parallel, served.max_age_s, served.on_failure) == (3, 60, f"{SQS}:dead")
    assert (served.bisects, served.max_retries, served.starting_position) == (True, 0, "LATEST")
    await house.call("UpdateEventSourceMapping", UUID=uuid, DestinationConfig={"OnFailure": {}})
    await house.service.settle()
    assert house.pollers.served[uuid].stream.on_failure == ""


async def test_a_destination_that_is_not_there_is_refused_for_a_new_mapping_and_for_an_old_one(house: Any) -> None:
    uuid = await stream_mapping(house, DestinationConfig=DEAD)
    house.destinations.gone = (f"{SQS}:gone",)
    gone = {"OnFailure": {"Destination": f"{SQS}:gone"}}
    with pytest.raises(InvalidParameter, match=r"The destination ARN .*:gone is invalid"):
        await house.call("UpdateEventSourceMapping", UUID=uuid, DestinationConfig=gone)
    await house.create("g")
    with pytest.raises(InvalidParameter, match=r"The destination ARN .*:gone is invalid"):
        await house.call(
            "CreateEventSourceMapping",
            EventSourceArn=STREAM, FunctionName="g", StartingPosition="LATEST", DestinationConfig=gone,
        )  # fmt: skip
    listed = await house.call("ListEventSourceMappings")
    assert [each["DestinationConfig"] for each in listed["EventSourceMappings"]] == [DEAD]
    house.destinations.gone = (f"{SQS}:dead",)  # deleted later: what does not name it goes on
    await house.call("UpdateEventSourceMapping", UUID=uuid, MaximumRetryAttempts=1)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."),
        ({"StartingPosition": "AT_TIMESTAMP"}, f"Unsupported starting position for arn type: {STREAM}"),
        ({"EventSourceArn": STREAM.replace("orders", "nothing"), "StartingPosition": "LATEST"}, "Stream not found"),
        ({"EventSourceArn": STREAM.partition("/stream")[0], "StartingPosition": "LATEST"}, "Unrecognized event source"),
        ({"StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 59}, "must be -1 or at least 60"),
        ({"StartingPosition": "LATEST", "ScalingConfig": {"MaximumConcurrency": 2}}, "ScalingConfig is not supported"),
        ({"StartingPosition": "LATEST", "Queues": ["q"]}, "Queues is not supported"),
        (
            {"StartingPosition": "LATEST", "DestinationConfig": {"OnSuccess": {"Destination": f"{SQS}:q"}}},
            "OnSuccess is not supported",
        ),
        (
            {"StartingPosition": "LATEST", "DestinationConfig": {"OnFailure": {"Destination": ARN}}},
            "The destination ARN",
        ),
    ],
)
async def test_what_a_stream_cannot_have_is_refused(house: Any, parameters: Any, words: str) -> None:
    await house.create()
    error = await refusal(house, **({"EventSourceArn": STREAM} | parameters))
    assert isinstance(error, InvalidParameter)
    assert words in error.message


async def test_a_second_mapping_of_the_same_stream_and_function_is_refused(house: Any) -> None:
    uuid = await stream_mapping(house)
    with pytest.raises(ServiceError) as caught:
        await house.call(
            "CreateEventSourceMapping", EventSourceArn=STREAM, FunctionName="f", StartingPosition="TRIM_HORIZON"
        )
    assert caught.value.message.endswith(
        f"already exists. Please update or delete the existing mapping with UUID {uuid}"
    )


async def test_a_mapping_that_could_not_be_told_for_a_reason_nobody_thought_of_comes_to_rest_later(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Any) -> None:
        raise KeyError("a bug")

    await house.create()
    failed = asyncio.Event()
    with monkeypatch.context() as patched:
        patched.setattr(house.pollers, "apply", fail)
        patched.setattr(house.clock, "sleep", then(failed, house.clock.sleep))
        answer = await house.call("CreateEventSourceMapping", EventSourceArn=f"{SQS}:orders", FunctionName="f")
        await asyncio.wait_for(failed.wait(), 20)
        assert (await house.call("GetEventSourceMapping", UUID=answer["UUID"]))["State"] == "Creating"
    await house.clock.advance(60)
    await house.service.settle()
    assert (await house.call("GetEventSourceMapping", UUID=answer["UUID"]))["State"] == "Enabled"


def then(event: asyncio.Event, sleep: Callable[[float], Awaitable[None]]) -> Callable[[float], Awaitable[None]]:
    """The same, which says that somebody sleeps."""

    async def telling(seconds: float) -> None:
        event.set()
        await sleep(seconds)

    return telling
