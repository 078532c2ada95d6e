"""What invoking asks: snapshots, environment keys, environments to make."""

from typing import Any

import pytest

from lambent.environment.variables import Circumstances
from lambent.errors import ServiceError
from lambent.model.messages import LeaseRequest

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


async def key_of(house: Any, qualifier: str = "") -> str:
    await house.service.settle()
    snapshot = await house.service.data_plane.snapshot(house.key(), qualifier)
    return str(snapshot.environment_key)


def wish(house: Any, environment_key: str, version: str = "$LATEST") -> LeaseRequest:
    return LeaseRequest(house.key(), version, "", environment_key)


async def test_a_snapshot_has_what_an_invocation_needs(house: Any) -> None:
    await house.create(Timeout=9, MemorySize=256, Publish=True)
    snapshot = await house.service.data_plane.snapshot(house.key(), "1")
    assert (snapshot.version, snapshot.invoked_arn) == ("1", f"{ARN}:1")
    assert (snapshot.timeout_s, snapshot.memory_mb, snapshot.ephemeral_mb) == (9, 256, 512)
    assert snapshot.log_group == "/aws/lambda/f"
    assert (await house.service.data_plane.snapshot(house.key(), "")).invoked_arn == ARN


async def test_what_is_not_there_is_not_found(house: Any) -> None:
    for qualifier, arn in (("", ARN), ("7", f"{ARN}:7")):
        with pytest.raises(ServiceError) as caught:
            await house.service.data_plane.snapshot(house.key(), qualifier)
        assert caught.value.message == f"Function not found: {arn}"


@pytest.mark.parametrize(
    "change",
    [
        {"Handler": "other.handler"},
        {"Runtime": "python3.11"},
        {"Timeout": 4},
        {"MemorySize": 129},
        {"EphemeralStorage": {"Size": 513}},
        {"Environment": {"Variables": {"AB": "1"}}},
        {"Role": "arn:aws:iam::000000000000:role/other"},
        {"LoggingConfig": {"LogGroup": "other"}},
    ],
)
async def test_a_change_that_matters_makes_another_key(house: Any, change: dict[str, Any]) -> None:
    await house.create()
    before = await key_of(house)
    await house.call("UpdateFunctionConfiguration", FunctionName="f", **change)
    assert await key_of(house) != before


async def test_code_and_version_are_part_of_the_key_and_the_description_is_not(house: Any, package: Any) -> None:
    await house.create(Publish=True)
    first = await key_of(house)
    assert await key_of(house, "1") != first
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Description="words")
    assert await key_of(house) == first
    await house.call("UpdateFunctionCode", FunctionName="f", ZipFile=package({"a": "b"}))
    assert await key_of(house) != first


async def test_an_environment_is_made_from_code_configuration_and_circumstances(house: Any) -> None:
    await house.create(Environment={"Variables": {"MINE": "1"}})
    request = wish(house, await key_of(house))
    plane = house.service.data_plane
    spec = await plane.environment_spec(request, "e1", Circumstances("stream"), "platform")
    assert (spec.environment_id, spec.environment_key, spec.log_stream) == ("e1", request.environment_key, "stream")
    assert (house.folder / "code" / spec.code / "app.py").exists()
    assert spec.variables["MINE"] == "1"
    assert spec.variables["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert spec.network == "platform"
    assert await plane.memory_mb(request) == 128
    assert await plane.role(request) == "arn:aws:iam::000000000000:role/r"


async def test_invocations_that_came_before_a_change_get_what_was_for_a_while(house: Any) -> None:
    await house.create()
    plane, old = house.service.data_plane, await key_of(house)
    await house.call("UpdateFunctionConfiguration", FunctionName="f", MemorySize=256)
    assert await plane.memory_mb(wish(house, old)) == 128
    assert await plane.memory_mb(wish(house, await key_of(house))) == 256
    await house.clock.advance(61)
    with pytest.raises(ServiceError, match="changed meanwhile"):
        await plane.memory_mb(wish(house, old))


async def test_after_a_restart_the_present_version_is_read_again(house: Any) -> None:
    await house.create()
    present = await key_of(house)
    await house.build()
    assert await house.service.data_plane.memory_mb(wish(house, present)) == 128
    with pytest.raises(ServiceError, match="Function not found"):
        await house.service.data_plane.memory_mb(wish(house, "another", "3"))
