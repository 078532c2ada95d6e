"""Runtime management. Source: Lambda service model; Lambda Developer Guide, "Runtime version updates"."""

from typing import Any

import pytest

from lambent.services.lambda_.errors import InvalidParameter, NotFound

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
RUNTIME = "arn:aws:lambda:us-east-1::runtime:" + "8e" * 32


@pytest.mark.parametrize("qualifier", ["", "$LATEST", "1"])
async def test_a_version_follows_the_hosts_runtime(house: Any, qualifier: str) -> None:
    await house.create("f", Publish=True)
    of = {"FunctionName": "f"} | ({"Qualifier": qualifier} if qualifier else {})
    expected = {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{ARN}:{qualifier}" if qualifier else ARN}
    assert await house.call("PutRuntimeManagementConfig", UpdateRuntimeOn="Auto", **of) == expected
    assert await house.call("GetRuntimeManagementConfig", **of) == expected


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"UpdateRuntimeOn": "FunctionUpdate"}, "FunctionUpdate is refused"),
        ({"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": RUNTIME}, "Manual is refused"),
        ({"UpdateRuntimeOn": "Manual"}, "RuntimeVersionArn is required"),
        ({"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": RUNTIME}, "cannot be given"),
        ({"UpdateRuntimeOn": "Auto", "Qualifier": "live"}, "not on an alias"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(house: Any, wanted: dict[str, str], message: str) -> None:
    await house.create("f")
    with pytest.raises(InvalidParameter, match=message):
        await house.call("PutRuntimeManagementConfig", FunctionName="f", **wanted)
    assert (await house.call("GetRuntimeManagementConfig", FunctionName="f"))["UpdateRuntimeOn"] == "Auto"


@pytest.mark.parametrize("which", [{"FunctionName": "nobody"}, {"FunctionName": "f", "Qualifier": "7"}])
async def test_what_is_not_there_is_not_found(house: Any, which: dict[str, str]) -> None:
    await house.create("f")
    with pytest.raises(NotFound):
        await house.call("GetRuntimeManagementConfig", **which)
