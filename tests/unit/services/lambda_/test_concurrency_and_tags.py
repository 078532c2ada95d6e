"""Reserved concurrency and tags. Sources: Lambda service model; recordings of the real service."""

from typing import Any

import pytest

from lambent.errors import ServiceError
from lambent.placement.api import Allowance

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


async def test_a_reservation_is_set_told_and_taken_back(house: Any) -> None:
    await house.create()
    assert await house.call("GetFunctionConcurrency", FunctionName="f") == {}
    for wanted in (900, 0):
        told = {"ReservedConcurrentExecutions": wanted}
        assert await house.call("PutFunctionConcurrency", FunctionName="f", **told) == told
        assert await house.call("GetFunctionConcurrency", FunctionName="f") == told
        assert (await house.service.data_plane.snapshot(house.key(), "")).reserved_concurrency == wanted
        assert await house.service.data_plane.allowance(house.key()) == Allowance(1000, wanted, wanted)
    await house.call("DeleteFunctionConcurrency", FunctionName="f")
    assert await house.call("GetFunctionConcurrency", FunctionName="f") == {}


async def test_a_hundred_stay_unreserved(house: Any) -> None:
    await house.create("a")
    await house.create("b")
    await house.call("PutFunctionConcurrency", FunctionName="a", ReservedConcurrentExecutions=500)
    with pytest.raises(ServiceError) as caught:
        await house.call("PutFunctionConcurrency", FunctionName="b", ReservedConcurrentExecutions=401)
    assert caught.value.message == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    await house.call("PutFunctionConcurrency", FunctionName="a", ReservedConcurrentExecutions=900)


async def test_where_the_account_has_less_than_that_what_takes_nothing_away_is_allowed(house: Any) -> None:
    """The message speaks of a decrease; and 0 is how a function is stopped (Lambda Developer Guide)."""
    await house.create()
    await house.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=50)
    house.settings.quotas.account_concurrency = 110
    for allowed in (40, 0):
        await house.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=allowed)
    with pytest.raises(ServiceError, match=r"below its minimum value of \[100\]"):
        await house.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=11)


async def test_versions_have_no_reservation(house: Any) -> None:
    await house.create()
    with pytest.raises(ServiceError, match="permitted on Lambda functions only"):
        await house.call("PutFunctionConcurrency", FunctionName="f:1", ReservedConcurrentExecutions=1)


async def test_tags_are_merged_and_removed(house: Any) -> None:
    await house.create(Tags={"a": "1"})
    await house.call("TagResource", Resource=ARN, Tags={"a": "2", "b": "3"})
    assert await house.call("ListTags", Resource=ARN) == {"Tags": {"a": "2", "b": "3"}}
    await house.call("UntagResource", Resource=ARN, TagKeys=["a", "absent"])
    assert await house.call("ListTags", Resource=ARN) == {"Tags": {"b": "3"}}


async def test_fifty_tags_in_all(house: Any) -> None:
    await house.create(Tags={str(n): "" for n in range(50)})
    await house.call("TagResource", Resource=ARN, Tags={"0": "again"})
    with pytest.raises(ServiceError, match=r"Number of tags exceeds resource tag limit\."):
        await house.call("TagResource", Resource=ARN, Tags={"one more": ""})


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (f"{ARN}:1", "Tags on function aliases and versions are not supported. Please specify a function ARN."),
        (f"{ARN}x", f"Function not found: {ARN}x"),
        (
            "arn:aws:lambda:us-east-1:000000000000:layer:x:1",
            "Tags are supported on functions and event source mappings only.",
        ),
    ],
)
async def test_tags_of_other_things_are_refused(house: Any, resource: str, words: str) -> None:
    await house.create()
    with pytest.raises(ServiceError) as caught:
        await house.call("ListTags", Resource=resource)
    assert caught.value.message == words
