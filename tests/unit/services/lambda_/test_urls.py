"""Function URLs: the configuration, and who may use them.

Source: behaviours sections 6 and 19 (recorded refusals); Lambda Developer Guide, "Control access to
Lambda function URLs".
"""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.model.function import FunctionKey
from lambent.model.function_url import FunctionUrl
from lambent.model.messages import UrlQuery
from lambent.model.principal import Principal
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.urls import _cors, address_of

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
URL_ACTION = "lambda:InvokeFunctionUrl"
OWN = Principal("000000000000", "arn:aws:iam::000000000000:user/u", "U")
OTHER = Principal("111111111111", "arn:aws:iam::111111111111:user/u", "V")


async def refused(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


async def make(house: Any, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await house.call(
        "CreateFunctionUrlConfig", **({"FunctionName": "f", "AuthType": "NONE"} | more)
    )
    return answer


def id_of(answer: dict[str, Any]) -> str:
    return str(answer["FunctionUrl"]).removeprefix("http://").partition(".")[0]


async def access(house: Any, answer: dict[str, Any], principal: Principal | None = None) -> bool:
    found = await house.service.urls.access(UrlQuery(id_of(answer), principal))
    assert found is not None
    return bool(found.allowed)


async def allow(house: Any, **more: Any) -> None:
    wanted = {"FunctionName": "f", "StatementId": "s", "Action": URL_ACTION, "Principal": "*"} | more
    await house.call("AddPermission", **wanted)


async def test_a_url_is_made_read_changed_listed_and_deleted(house: Any) -> None:
    await house.create("f")
    made = await make(house, Cors={"AllowOrigins": ["*"], "MaxAge": 0})
    assert len(id_of(made)) == 32
    assert made["FunctionUrl"] == f"http://{id_of(made)}.lambda-url.us-east-1.here:4566/"
    assert (made["FunctionArn"], made["InvokeMode"]) == (ARN, "BUFFERED")
    assert made["Cors"] == {"AllowOrigins": ["*"], "MaxAge": 0}
    assert made["CreationTime"].endswith("Z")
    await house.clock.advance(60)
    changed = await house.call(
        "UpdateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM"
    )
    assert (changed["AuthType"], changed["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
    assert changed["Cors"] == made["Cors"]
    assert (changed["FunctionUrl"], changed["CreationTime"]) == (made["FunctionUrl"], made["CreationTime"])
    assert changed["LastModifiedTime"] > changed["CreationTime"]
    assert await house.call("GetFunctionUrlConfig", FunctionName="f") == changed
    cleared = await house.call("UpdateFunctionUrlConfig", FunctionName="f", Cors={})
    assert "Cors" not in cleared
    assert (await house.call("ListFunctionUrlConfigs", FunctionName="f"))["FunctionUrlConfigs"] == [cleared]
    await house.call("DeleteFunctionUrlConfig", FunctionName="f")
    assert (await house.call("ListFunctionUrlConfigs", FunctionName="f"))["FunctionUrlConfigs"] == []
    error = await refused(house.call("GetFunctionUrlConfig", FunctionName="f"))
    assert (error.code, error.message) == ("ResourceNotFoundException", "The resource you requested does not exist.")


async def test_every_change_is_announced_before_it_is_answered(house: Any) -> None:
    await house.create("f")
    for operation, more in (
        ("CreateFunctionUrlConfig", {"AuthType": "NONE"}),
        ("UpdateFunctionUrlConfig", {}),
        ("DeleteFunctionUrlConfig", {}),
    ):
        house.invalidator.told.clear()
        await house.call(operation, FunctionName="f", **more)
        assert house.invalidator.told == [FunctionKey("000000000000", "us-east-1", "f")], operation


async def test_a_second_url_and_what_has_none_are_refused(house: Any) -> None:
    await house.create("f")
    await make(house)
    error = await refused(make(house))
    assert error.code == "ResourceConflictException"
    assert error.message == (
        f"Failed to create function url config for [functionArn = {ARN}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )
    for operation in ("UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig", "GetFunctionUrlConfig"):
        error = await refused(house.call(operation, FunctionName="f", Qualifier="no"))
        assert error.code == "ResourceNotFoundException", operation
    assert (await refused(make(house, FunctionName="g"))).code == "ResourceNotFoundException"
    assert (await refused(make(house, Qualifier="no"))).code == "ResourceNotFoundException"
    assert (await refused(make(house, FunctionName="f:1"))).code == "InvalidParameterValueException"


async def test_urls_of_aliases_are_pages_of_the_list_and_go_with_their_alias(house: Any) -> None:
    await house.create("f")
    await house.call("PublishVersion", FunctionName="f")
    for alias in ("a", "b"):
        await house.call("CreateAlias", FunctionName="f", Name=alias, FunctionVersion="1")
    urls = {name: await make(house, **({"Qualifier": name} if name else {})) for name in ("", "a", "b")}
    assert urls["b"]["FunctionArn"] == f"{ARN}:b"
    seen: list[str] = []
    marker: dict[str, str] = {}
    while True:
        page = await house.call("ListFunctionUrlConfigs", FunctionName="f", MaxItems=1, **marker)
        seen += [each["FunctionArn"] for each in page["FunctionUrlConfigs"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert seen == [ARN, f"{ARN}:a", f"{ARN}:b"]
    await house.call("DeleteAlias", FunctionName="f", Name="a")
    assert await house.service.urls.access(UrlQuery(id_of(urls["a"]))) is None
    await house.call("DeleteFunction", FunctionName="f")
    assert await house.service.urls.access(UrlQuery(id_of(urls[""]))) is None


async def test_a_url_for_everyone_needs_a_policy_that_says_so(house: Any) -> None:
    await house.create("f")
    url = await make(house)
    assert not await access(house, url)
    await allow(house, Principal="111111111111")
    assert not await access(house, url)
    await allow(house, StatementId="wrong", FunctionUrlAuthType="AWS_IAM")
    assert not await access(house, url)
    await allow(house, StatementId="right", FunctionUrlAuthType="NONE")
    assert await access(house, url)
    await house.call("UpdateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM")
    assert not await access(house, url), "without a signature"
    await house.call("UpdateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    await house.call("RemovePermission", FunctionName="f", StatementId="right")
    assert not await access(house, url)


async def test_with_iam_the_own_account_comes_in_and_others_by_the_policy(house: Any) -> None:
    await house.create("f")
    url = await make(house, AuthType="AWS_IAM")
    assert await access(house, url, OWN)
    assert not await access(house, url, OTHER)
    await allow(house, Principal="111111111111", FunctionUrlAuthType="AWS_IAM")
    assert await access(house, url, OTHER)


async def test_the_stricter_rule_wants_the_right_to_invoke_too(house: Any) -> None:
    house.settings.url_invoke_permission = True
    await house.service.close()
    await house.build()
    await house.create("f")
    url = await make(house)
    await allow(house, FunctionUrlAuthType="NONE")
    assert not await access(house, url)
    await allow(house, StatementId="i", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    assert await access(house, url)


@pytest.mark.parametrize(
    "wrong", [{"AllowMethods": ["FETCH"]}, {"AllowOrigins": ["example.com"]}, {"AllowOrigins": ["https://a/b"]}]
)
async def test_cors_that_no_browser_sends_is_refused(house: Any, wrong: dict[str, Any]) -> None:
    await house.create("f")
    assert (await refused(make(house, Cors=wrong))).code == "InvalidParameterValueException"


@settings(max_examples=50)
@given(st.text(max_size=30))
def test_any_origin_is_taken_or_refused_by_name(origin: str) -> None:
    with contextlib.suppress(InvalidParameter):
        cors = _cors({"AllowOrigins": [origin]})
        assert cors is not None
        assert cors.allow_origins == (origin,)


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("http://127.0.0.1:4566", "http://i.lambda-url.us-east-1.localhost:4566/"),
        ("http://[::1]:4566", "http://i.lambda-url.us-east-1.localhost:4566/"),
        ("https://lambent.example.com", "https://i.lambda-url.us-east-1.lambent.example.com/"),
        ("", "http://i.lambda-url.us-east-1.localhost/"),
    ],
)
def test_the_address_leads_to_the_door_that_was_used(endpoint: str, address: str) -> None:
    url = FunctionUrl("i", FunctionKey("0", "us-east-1", "f"), "", "NONE")
    assert address_of(url, endpoint) == address
