"""What callers want done with asynchronous events, and what the queue is told of it.

Source: Lambda service model; recorded answers of the service (behaviours sheet section 16).
"""

import itertools
from typing import Any

import pytest

from lambent.errors import ServiceError
from lambent.invocation.asynchronous.api import EventRules

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


async def refused(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


async def rules(house: Any, qualifier: str = "") -> EventRules:
    found: EventRules = await house.service.event_rules.event_rules(house.key(), qualifier)
    return found


async def test_put_replaces_and_update_merges(house: Any) -> None:
    await house.create()
    put, update = "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"
    made = await house.call(put, FunctionName="f", MaximumRetryAttempts=0)
    assert made["FunctionArn"] == f"{ARN}f:$LATEST"
    assert made["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert (await rules(house)).max_retries == 0
    await house.call(update, FunctionName="f", MaximumEventAgeInSeconds=60)
    assert ((await rules(house)).max_retries, (await rules(house)).max_age_s) == (0, 60)
    await house.call(put, FunctionName="f", DestinationConfig={"OnFailure": {"Destination": QUEUE}})
    shown = await house.call("GetFunctionEventInvokeConfig", FunctionName="f:$LATEST")
    assert "MaximumRetryAttempts" not in shown
    assert shown["DestinationConfig"]["OnFailure"] == {"Destination": QUEUE}
    assert (await rules(house)).on_failure == QUEUE
    await house.call(update, FunctionName="f", DestinationConfig={"OnFailure": {"Destination": ""}})
    assert (await rules(house)) == EventRules(f"{ARN}f:$LATEST", role="arn:aws:iam::000000000000:role/r")


async def test_each_qualifier_has_its_own_and_loses_it_when_it_goes(house: Any) -> None:
    await house.create(Publish=True)
    await house.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    for qualifier, retries in (("live", 0), ("1", 1)):
        await house.call(
            "PutFunctionEventInvokeConfig", FunctionName="f", Qualifier=qualifier, MaximumRetryAttempts=retries
        )
    assert [(await rules(house, each)).max_retries for each in ("", "1", "live")] == [2, 1, 0]
    listed = await house.call("ListFunctionEventInvokeConfigs", FunctionName="f", MaxItems=1)
    again = await house.call("ListFunctionEventInvokeConfigs", FunctionName="f", Marker=listed["NextMarker"])
    both = [*listed["FunctionEventInvokeConfigs"], *again["FunctionEventInvokeConfigs"]]
    assert [each["FunctionArn"] for each in both] == [f"{ARN}f:1", f"{ARN}f:live"]
    await house.call("DeleteAlias", FunctionName="f", Name="live")
    await house.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    gone = await refused(house.call("GetFunctionEventInvokeConfig", FunctionName="f", Qualifier="live"))
    assert gone.message == f"The function {ARN}f:live doesn't have an EventInvokeConfig"
    await house.call("DeleteFunctionEventInvokeConfig", FunctionName="f", Qualifier="1")
    assert (await rules(house, "1")).max_retries == 2


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "You must specify at least one of error handling or destination setting."),
        ({"OnSuccess": f"{ARN}f"}, "You can't specify the function as a destination for itself."),
        ({"OnSuccess": f"{ARN}f:$LATEST"}, "You can't specify the function as a destination for itself."),
        ({"OnSuccess": f"{ARN}none"}, f"The destination ARN {ARN}none is invalid."),
        ({"OnSuccess": "arn:aws:s3:::bucket"}, "The destination ARN arn:aws:s3:::bucket is invalid."),
        ({"OnFailure": "arn:aws:s3:::bucket"}, "this server does not serve s3"),
        ({"OnFailure": QUEUE + ".fifo"}, "is invalid."),
        ({"OnFailure": "kafka://topic"}, "is invalid."),
        ({"OnFailure": QUEUE.replace("us-east-1", "eu-west-1")}, "another account or Region"),
    ],
)
async def test_what_cannot_be_delivered_to_is_refused(house: Any, config: dict[str, str], words: str) -> None:
    await house.create()
    wanted = {name: {"Destination": arn} for name, arn in config.items()}
    parameters = {"DestinationConfig": wanted} if wanted else {}
    error = await refused(house.call("PutFunctionEventInvokeConfig", FunctionName="f", **parameters))
    assert (error.code, words in error.message) == ("InvalidParameterValueException", True)
    assert (await refused(house.call("GetFunctionEventInvokeConfig", FunctionName="f"))).status == 404


@pytest.mark.parametrize(
    ("operation", "name", "words"),
    [
        ("PutFunctionEventInvokeConfig", "none", "The function doesn't exist."),
        ("PutFunctionEventInvokeConfig", "f:none", "The function doesn't exist."),
        ("UpdateFunctionEventInvokeConfig", "none", "The function doesn't exist."),
        ("UpdateFunctionEventInvokeConfig", "f", f"The function {ARN}f:$LATEST doesn't have an EventInvokeConfig"),
        ("ListFunctionEventInvokeConfigs", "none", "The function doesn't exist."),
        ("GetFunctionEventInvokeConfig", "none", f"The function {ARN}none:$LATEST doesn't have an EventInvokeConfig"),
        ("GetFunctionEventInvokeConfig", "f:none", f"The function {ARN}f:none doesn't have an EventInvokeConfig"),
        (
            "DeleteFunctionEventInvokeConfig",
            "none",
            f"The function {ARN}none:$LATEST doesn't have an EventInvokeConfig",
        ),
    ],
)
async def test_what_is_missing_is_told_in_awss_words(house: Any, operation: str, name: str, words: str) -> None:
    """Source: answers of the service, recorded in a public test suite."""
    await house.create()
    parameters = {"MaximumRetryAttempts": 1} if operation.startswith(("Put", "Update")) else {}
    error = await refused(house.call(operation, FunctionName=name, **parameters))
    assert (error.status, error.message) == (404, words)


async def test_a_destination_that_is_not_there_is_refused_and_what_was_there_stays(house: Any) -> None:
    """Source: answers of the service, recorded for functions, and told in error reports for queues."""
    await house.create()
    kept = f"{QUEUE}-kept"
    await house.call(
        "PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig={"OnFailure": {"Destination": kept}}
    )
    house.destinations.gone = (QUEUE,)
    for operation, outcome in itertools.product(
        ("PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"), ("OnSuccess", "OnFailure")
    ):
        config = {outcome: {"Destination": QUEUE}}
        error = await refused(house.call(operation, FunctionName="f", DestinationConfig=config))
        assert (error.code, error.message) == (
            "InvalidParameterValueException", f"The destination ARN {QUEUE} is invalid.",
        )  # fmt: skip
    assert (await rules(house)).on_failure == kept
    house.destinations.gone = (kept,)  # deleted later: what does not name it goes on
    changed = await house.call("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0)
    assert changed["DestinationConfig"]["OnFailure"] == {"Destination": kept}


async def test_a_dead_letter_queue_that_is_not_there_is_refused_and_no_function_is_made(house: Any) -> None:
    house.destinations.gone = (QUEUE,)
    error = await refused(house.create(DeadLetterConfig={"TargetArn": QUEUE}))
    assert (error.code, QUEUE in error.message) == ("InvalidParameterValueException", True)
    made = await house.create()
    config = {"DeadLetterConfig": {"TargetArn": QUEUE}, "Timeout": 9}
    await refused(house.call("UpdateFunctionConfiguration", FunctionName="f", **config))
    assert (await house.call("GetFunctionConfiguration", FunctionName="f"))["Timeout"] == made["Timeout"]


async def test_a_dead_letter_queue_is_shown_and_cleared_and_starts_no_new_environments(house: Any) -> None:
    made = await house.create(DeadLetterConfig={"TargetArn": QUEUE})
    assert made["DeadLetterConfig"] == {"TargetArn": QUEUE}
    before = (await house.service.data_plane.snapshot(house.key(), "")).environment_key
    assert (await rules(house)).dead_letter == QUEUE
    cleared = await house.call("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in cleared
    assert (await rules(house)).dead_letter == ""
    assert (await house.service.data_plane.snapshot(house.key(), "")).environment_key == before
    unserved = await refused(house.create("g", DeadLetterConfig={"TargetArn": QUEUE.replace("sqs", "sns")}))
    assert "does not serve sns" in unserved.message


async def test_the_rules_follow_reserved_concurrency_and_deletion(house: Any) -> None:
    await house.create()
    assert not (await rules(house)).stopped
    await house.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    assert (await rules(house)).stopped
    await house.call("DeleteFunction", FunctionName="f")
    assert (await refused(rules(house))).code == "ResourceNotFoundException"


async def test_recursion_is_stopped_unless_it_is_allowed(house: Any) -> None:
    await house.create()
    assert (await house.call("GetFunctionRecursionConfig", FunctionName="f")) == {"RecursiveLoop": "Terminate"}
    assert not (await house.service.data_plane.snapshot(house.key(), "")).recursion_allowed
    await house.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    assert (await house.call("GetFunctionRecursionConfig", FunctionName="f")) == {"RecursiveLoop": "Allow"}
    assert (await house.service.data_plane.snapshot(house.key(), "")).recursion_allowed
    await house.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Terminate")
    assert not (await house.service.data_plane.snapshot(house.key(), "")).recursion_allowed
