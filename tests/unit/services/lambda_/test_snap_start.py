"""SnapStart as the API shows it. Sources: Lambda service model (SnapStartResponse, StateReasonCode); Lambda Developer
Guide, "Improving startup performance with Lambda SnapStart"."""

import asyncio
from typing import Any

import pytest

from lambent.model.messages import SnapshotTaken
from lambent.services.lambda_.errors import InvalidParameter

ON = {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "python3.12"}


async def created(house: Any, **parameters: Any) -> None:
    await house.create("f", **(ON | parameters))
    await house.service.settle()


async def state(house: Any, qualifier: str = "1") -> dict[str, Any]:
    answer: dict[str, Any] = await house.call("GetFunctionConfiguration", FunctionName="f", Qualifier=qualifier)
    return answer


async def test_a_version_is_pending_while_it_is_initialised_and_then_active_and_optimized(house: Any) -> None:
    await created(house)
    latest = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert latest["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    go_on = asyncio.Event()
    house.snapshots.hook = go_on.wait
    version = await house.call("PublishVersion", FunctionName="f")
    assert (version["State"], version["StateReasonCode"]) == ("Pending", "Creating")
    assert version["SnapStart"]["OptimizationStatus"] == "Off"
    go_on.set()
    await house.service.settle()
    settled = await state(house)
    assert (settled["State"], settled["SnapStart"]["OptimizationStatus"]) == ("Active", "On")
    assert len(house.snapshots.taken) == 1


async def test_another_update_is_settled_while_a_version_is_initialised(house: Any) -> None:
    await created(house)
    go_on = asyncio.Event()
    house.snapshots.hook = go_on.wait
    await house.call("PublishVersion", FunctionName="f")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    latest: dict[str, Any] = {}
    while latest.get("LastUpdateStatus") != "Successful":
        await asyncio.sleep(0)
        latest = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (await state(house))["State"] == "Pending"
    go_on.set()
    await house.service.settle()
    assert (await state(house))["State"] == "Active"


@pytest.mark.parametrize(
    ("taken", "code"),
    [
        (SnapshotTaken("error", 1, [], "ZeroDivisionError", "division by zero"), "FunctionError"),
        (SnapshotTaken("timeout", 1, [], "Sandbox.Timedout", "too long"), "FunctionError.InitTimeout"),
        (SnapshotTaken("error", 1, [], "Runtime.ExitError", "ended"), "FunctionError.RuntimeInitError"),
        (SnapshotTaken("error", 1, [], "Runtime.OutOfMemory", "memory"), "FunctionError.InitResourceExhausted"),
        (SnapshotTaken("error", 1, [], "Platform", "no walls"), "InternalError"),
    ],
)
async def test_a_version_that_cannot_be_initialised_fails_and_says_why(
    house: Any, taken: SnapshotTaken, code: str
) -> None:
    await created(house)
    house.snapshots.answer = taken
    await house.call("PublishVersion", FunctionName="f")
    await house.service.settle()
    failed = await state(house)
    assert (failed["State"], failed["StateReasonCode"]) == ("Failed", code)
    assert taken.message in failed["StateReason"]
    assert failed["SnapStart"]["OptimizationStatus"] == "Off"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"Runtime": "python3.11"}, "python3.11 is not supported for SnapStart enabled functions."),
        ({"Runtime": "nodejs22.x"}, "nodejs22.x is not supported for SnapStart enabled functions."),
        ({"EphemeralStorage": {"Size": 1024}}, "EphemeralStorage"),
    ],
)
async def test_what_aws_does_not_combine_with_it_is_refused(house: Any, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        await house.create("f", **(ON | parameters))


async def test_a_change_meanwhile_does_not_initialise_a_version_twice(house: Any) -> None:
    await created(house)
    held = asyncio.Event()
    house.snapshots.hook = held.wait
    await house.call("PublishVersion", FunctionName="f")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    held.set()
    await house.service.settle()
    assert len(house.snapshots.taken) == 1


async def test_snapshots_go_with_their_versions(house: Any) -> None:
    await created(house)
    await house.call("PublishVersion", FunctionName="f")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await house.service.settle()
    await house.call("PublishVersion", FunctionName="f")
    await house.service.settle()
    assert len(house.snapshots.taken) == 2
    await house.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert house.snapshots.forgotten == house.snapshots.taken[:1]
    await house.call("DeleteFunction", FunctionName="f")
    assert house.snapshots.forgotten == house.snapshots.taken


async def test_provisioned_concurrency_is_refused_on_it(house: Any) -> None:
    await created(house)
    await house.call("PublishVersion", FunctionName="f")
    await house.service.settle()
    with pytest.raises(InvalidParameter, match="SnapStart"):
        await house.call(
            "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1
        )


async def test_the_init_phase_has_the_network_of_its_function(house: Any) -> None:
    await house.create("f", SnapStart={"ApplyOn": "PublishedVersions"}, Tags={"lambent:network": "none"})
    await house.call("PublishVersion", FunctionName="f")
    await house.service.settle()
    assert [key.partition(".")[2] for key in house.snapshots.taken] == ["none"]
