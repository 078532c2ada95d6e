"""Provisioned concurrency as it is configured and told.

Sources: Lambda service model; behaviours sections 6 and 10 (texts recorded from the real service).
"""

from typing import Any

import pytest

from lambent.errors import ServiceError
from lambent.placement.api import Standing, Target

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."


@pytest.fixture
async def aliased(house: Any) -> Any:
    """A function with the versions 1 and 2, and the alias `live` on 1."""
    await house.create()
    await house.call("PublishVersion", FunctionName="f")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await house.service.settle()
    await house.call("PublishVersion", FunctionName="f")
    await house.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    return house


async def put(house: Any, qualifier: str, count: int) -> Any:
    return await house.call(
        "PutProvisionedConcurrencyConfig",
        FunctionName="f",
        Qualifier=qualifier,
        ProvisionedConcurrentExecutions=count,
    )


async def get(house: Any, qualifier: str) -> Any:
    return await house.call("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier=qualifier)


async def targets(house: Any) -> list[tuple[str, dict[str, int]]]:
    wanted = await house.service.data_plane.provisioned(house.key())
    return [(each.qualifier, {target.version: target.count for target in each.targets}) for each in wanted]


async def test_it_is_in_progress_until_it_is_ready(aliased: Any) -> None:
    assert await put(aliased, "live", 3) == {
        "RequestedProvisionedConcurrentExecutions": 3,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": "2023-11-14T22:13:20+0000",
    }
    aliased.provisioning.ready["live"] = Standing(2)
    assert (await get(aliased, "live"))["Status"] == "IN_PROGRESS"
    aliased.provisioning.ready["live"] = Standing(3)
    told = await get(aliased, "live")
    assert (told["Status"], told["AvailableProvisionedConcurrentExecutions"]) == ("READY", 3)
    aliased.provisioning.ready["live"] = Standing(2, "FUNCTION_ERROR_INIT_FAILURE")
    told = await get(aliased, "live")
    assert (told["Status"], told["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")


async def test_placement_is_told_the_version_and_it_follows_the_alias(aliased: Any) -> None:
    await put(aliased, "live", 3)
    assert await aliased.service.data_plane.provisioned_functions() == [aliased.key()]
    snapshot = await aliased.service.data_plane.snapshot(aliased.key(), "1")
    (wanted,) = await aliased.service.data_plane.provisioned(aliased.key())
    assert wanted.targets == (Target("1", snapshot.environment_key, 3),)
    await aliased.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    assert await targets(aliased) == [("live", {"2": 3})]
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    await aliased.call("UpdateAlias", FunctionName="f", Name="live", RoutingConfig=weights)
    assert await targets(aliased) == [("live", {"2": 2, "1": 1})]


@pytest.mark.parametrize("qualifier", ["$LATEST", "latest"])
async def test_latest_has_none(aliased: Any, qualifier: str) -> None:
    await aliased.call("CreateAlias", FunctionName="f", Name="latest", FunctionVersion="$LATEST")
    with pytest.raises(ServiceError) as caught:
        await put(aliased, qualifier, 1)
    assert (caught.value.code, caught.value.message) == ("InvalidParameterValueException", UNPUBLISHED)


async def test_an_alias_with_some_cannot_move_to_latest(aliased: Any) -> None:
    await put(aliased, "live", 1)
    with pytest.raises(ServiceError) as caught:
        await aliased.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
    assert caught.value.message == UNPUBLISHED
    assert (await aliased.call("GetAlias", FunctionName="f", Name="live"))["FunctionVersion"] == "1"


async def test_an_alias_and_its_version_do_not_both_have_some(aliased: Any) -> None:
    await put(aliased, "live", 1)
    with pytest.raises(ServiceError, match=r"^Version is pointed by a Provisioned Concurrency alias$") as caught:
        await put(aliased, "1", 1)
    assert caught.value.code == "ResourceConflictException"
    await put(aliased, "2", 1)
    on_version = r"^Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version$"
    with pytest.raises(ServiceError, match=on_version):
        await aliased.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    await aliased.call("CreateAlias", FunctionName="f", Name="next", FunctionVersion="2")
    with pytest.raises(ServiceError, match=on_version):
        await put(aliased, "next", 1)


async def test_what_is_not_there_is_not_found(aliased: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        await get(aliased, "live")
    assert caught.value.code == "ProvisionedConcurrencyConfigNotFoundException"
    with pytest.raises(ServiceError, match=f"^Cannot find alias arn: {ARN}:none$"):
        await get(aliased, "none")
    with pytest.raises(ServiceError, match=f"^Function not found: {ARN}:9$"):
        await put(aliased, "9", 1)
    with pytest.raises(ServiceError, match="must be an alias or a published version"):
        await get(aliased, "$LATEST")


async def test_it_is_deleted_with_what_it_is_on(aliased: Any) -> None:
    for _ in range(2):
        await aliased.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")
    await put(aliased, "live", 1)
    await put(aliased, "2", 1)
    await aliased.call("DeleteAlias", FunctionName="f", Name="live")
    await aliased.call("DeleteFunction", FunctionName="f", Qualifier="2")
    assert await targets(aliased) == []
    await aliased.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    with pytest.raises(ServiceError, match="No Provisioned Concurrency Config found for this function"):
        await get(aliased, "live")
    await put(aliased, "live", 1)
    await aliased.call("DeleteFunction", FunctionName="f")
    assert await aliased.service.data_plane.provisioned_functions() == []


async def test_lists_come_in_pages(aliased: Any) -> None:
    await put(aliased, "live", 1)
    await put(aliased, "2", 2)
    first = await aliased.call("ListProvisionedConcurrencyConfigs", FunctionName="f", MaxItems=1)
    rest = await aliased.call("ListProvisionedConcurrencyConfigs", FunctionName="f", Marker=first["NextMarker"])
    both = first["ProvisionedConcurrencyConfigs"] + rest["ProvisionedConcurrencyConfigs"]
    assert [(each["FunctionArn"], each["RequestedProvisionedConcurrentExecutions"]) for each in both] == [
        (f"{ARN}:2", 2), (f"{ARN}:live", 1),
    ]  # fmt: skip
    assert "NextMarker" not in rest


async def unreserved(house: Any) -> int:
    limits = (await house.call("GetAccountSettings"))["AccountLimit"]
    return int(limits["UnreservedConcurrentExecutions"])


async def test_it_counts_against_the_account_unless_it_lies_inside_a_reservation(aliased: Any) -> None:
    await put(aliased, "live", 300)
    assert await unreserved(aliased) == 700
    await put(aliased, "live", 200)
    assert await unreserved(aliased) == 800
    await aliased.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=250)
    assert await unreserved(aliased) == 750
    await aliased.call("DeleteFunctionConcurrency", FunctionName="f")
    assert await unreserved(aliased) == 800


async def test_a_hundred_stay_unreserved(aliased: Any) -> None:
    await put(aliased, "live", 900)
    with pytest.raises(ServiceError) as caught:
        await put(aliased, "live", 901)
    assert caught.value.message == (
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [100]."
    )
    with pytest.raises(ServiceError, match=r"greater than account's unreserved concurrency \[1000\]"):
        await put(aliased, "live", 1001)
    assert (await get(aliased, "live"))["RequestedProvisionedConcurrentExecutions"] == 900
    await aliased.create("other")
    with pytest.raises(ServiceError, match=r"below its minimum value of \[100\]"):
        await aliased.call("PutFunctionConcurrency", FunctionName="other", ReservedConcurrentExecutions=1)


async def test_where_the_account_has_less_than_that_it_may_still_be_lowered(aliased: Any) -> None:
    await put(aliased, "live", 300)
    aliased.settings.quotas.account_concurrency = 350
    await put(aliased, "live", 280)
    with pytest.raises(ServiceError, match=r"below its minimum value of \[100\]"):
        await put(aliased, "live", 281)


async def test_a_reservation_holds_all_of_it(aliased: Any) -> None:
    await aliased.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=10)
    await put(aliased, "live", 6)
    with pytest.raises(ServiceError, match="should not be greater than the reservedConcurrentExecution for function"):
        await put(aliased, "2", 5)
    await put(aliased, "2", 4)
    with pytest.raises(ServiceError, match=r"lower than function's total provisioned concurrency \[10\]"):
        await aliased.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=9)
