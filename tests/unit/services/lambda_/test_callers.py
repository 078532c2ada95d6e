"""Whom a function's policy lets use it by the service's operations.

Source: Lambda Developer Guide, "Granting Lambda function access to other accounts"; IAM User Guide, "Policy evaluation
logic"."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.model.function_name import owner_named
from lambent.model.principal import Principal
from lambent.services.lambda_.callers import OF_NO_FUNCTION, ROOTS, SHARED

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
STRANGER = Principal("111111111111", "arn:aws:iam::111111111111:user/u", "AIDA")
USER = Principal("000000000000", "arn:aws:iam::000000000000:user/u", "AIDA")


async def as_caller(house: Any, caller: Principal, operation: str, **request: Any) -> Any:
    """An operation in another's name: what it answered, or the code of its refusal."""
    context = msgspec.structs.replace(house.context, principal=caller, account=caller.account)
    try:
        return await house.service.operations[operation](context, request)
    except ServiceError as error:
        return error.code


async def allow(house: Any, action: str, **more: Any) -> None:
    wanted = {"FunctionName": "f", "StatementId": "s", "Action": action, "Principal": "111111111111"}
    await house.call("AddPermission", **(wanted | more))


async def deny(house: Any, action: str) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": ARN}
    await house.call("PutResourcePolicy", ResourceArn=ARN, Policy=json.dumps({"Statement": [statement]}))


async def test_another_account_may_do_what_the_policy_allows_it_and_nothing_else(house: Any) -> None:
    await house.create()
    refused = "AccessDeniedException"
    assert await as_caller(house, STRANGER, "GetFunctionConfiguration", FunctionName=ARN) == refused
    await allow(house, "lambda:GetFunctionConfiguration")
    answer = await as_caller(house, STRANGER, "GetFunctionConfiguration", FunctionName=ARN)
    assert answer["FunctionArn"] == ARN
    partial = await as_caller(house, STRANGER, "GetFunctionConfiguration", FunctionName="000000000000:function:f")
    assert partial["FunctionArn"] == ARN
    assert await as_caller(house, STRANGER, "GetFunctionConfiguration", FunctionName="f") == "ResourceNotFoundException"
    assert await as_caller(house, STRANGER, "GetFunction", FunctionName=ARN) == refused
    assert await as_caller(house, STRANGER, "GetFunctionConfiguration", FunctionName=f"{ARN}:1") == refused


async def test_some_operations_are_the_own_accounts_whatever_a_policy_says(house: Any) -> None:
    await house.create()
    await allow(house, "lambda:*")
    wanted = {"StatementId": "t", "Action": "lambda:*", "Principal": "*"}
    assert await as_caller(house, STRANGER, "AddPermission", FunctionName=ARN, **wanted) == "AccessDeniedException"
    refused = await as_caller(house, STRANGER, "UpdateFunctionConfiguration", FunctionName=ARN, Timeout=9)
    assert refused == "AccessDeniedException"
    assert (await as_caller(house, STRANGER, "ListTags", Resource=ARN)) == {"Tags": {}}


async def test_a_stranger_is_not_told_which_functions_there_are(house: Any) -> None:
    assert await as_caller(house, STRANGER, "GetFunction", FunctionName=ARN) == "AccessDeniedException"


async def test_what_a_policy_denies_the_own_account_may_not_do_either(house: Any) -> None:
    await house.create()
    await deny(house, "lambda:UpdateFunctionCode")
    for caller in (USER, house.context.principal):
        refused = await as_caller(house, caller, "UpdateFunctionCode", FunctionName="f", ZipFile=b"")
        assert refused == "AccessDeniedException"
        assert (await as_caller(house, caller, "GetFunctionConfiguration", FunctionName="f"))["FunctionArn"] == ARN


async def test_no_policy_shuts_the_accounts_root_out(house: Any) -> None:
    await house.create()
    await deny(house, "lambda:*")
    assert await as_caller(house, USER, "DeleteResourcePolicy", ResourceArn=ARN) == "AccessDeniedException"
    await house.call("DeleteResourcePolicy", ResourceArn=ARN)
    assert (await as_caller(house, USER, "GetFunctionConfiguration", FunctionName="f"))["FunctionArn"] == ARN


async def test_a_policy_that_denies_makes_callers_be_judged(house: Any) -> None:
    await house.create()
    await house.call("PublishVersion", FunctionName="f")
    assert not (await house.service.data_plane.snapshot(house.key(), "")).guarded
    await deny(house, "lambda:InvokeFunction")
    assert (await house.service.data_plane.snapshot(house.key(), "")).guarded
    assert (await house.service.data_plane.snapshot(house.key(), "$LATEST")).guarded
    assert not (await house.service.data_plane.snapshot(house.key(), "1")).guarded


@pytest.mark.parametrize("names", [SHARED, ROOTS, OF_NO_FUNCTION], ids=["shared", "root's", "of no function"])
def test_the_operations_that_are_treated_apart_are_there(house: Any, names: frozenset[str]) -> None:
    assert names <= set(house.service.operations)


@settings(max_examples=50)
@given(st.text(), st.text(max_size=4))
def test_whatever_a_name_is_it_has_an_owner(text: str, end: str) -> None:
    for name in (text, f"{ARN}{end}", f"111111111111:function:f{end}"):
        assert owner_named(name, "222222222222").isdecimal()
