"""Resource policies: the statements that are written, and who is let in by them.

Source: recorded answers of AddPermission and GetPolicy (behaviours sheet section 20); IAM User Guide,
"Policy evaluation logic".
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.policy import Asked, Policy, allows
from lambent.services.lambda_.policy_document import parsed
from lambent.services.statements import like

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
INVOKE = "lambda:InvokeFunction"
SESSION = Caller("arn:aws:sts::111111111111:assumed-role/r/s")


async def refused(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


async def add(house: Any, sid: str = "s", principal: str = "sns.amazonaws.com", **more: Any) -> dict[str, Any]:
    wanted = {"FunctionName": "f", "StatementId": sid, "Action": INVOKE, "Principal": principal} | more
    answer: dict[str, Any] = json.loads((await house.call("AddPermission", **wanted))["Statement"])
    return answer


@pytest.mark.parametrize(
    ("parameters", "principal", "condition"),
    [
        ({"Principal": "*"}, "*", None),
        ({"Principal": "111111111111"}, {"AWS": "arn:aws:iam::111111111111:root"}, None),
        ({"Principal": "arn:aws:iam::111111111111:role/r"}, {"AWS": "arn:aws:iam::111111111111:role/r"}, None),
        (
            {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "111111111111"},
            {"Service": "s3.amazonaws.com"},
            {
                "StringEquals": {"AWS:SourceAccount": "111111111111"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
            },
        ),
        (
            {"Principal": "*", "PrincipalOrgID": "o-1234567890"},
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        ),
        (
            {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            "*",
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        ),
        (
            {"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "t"},
            {"Service": "alexa-appkit.amazon.com"},
            {"StringEquals": {"lambda:EventSourceToken": "t"}},
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "*",
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
    ],
)
async def test_each_kind_of_principal_and_condition_has_its_statement(
    house: Any, parameters: dict[str, Any], principal: Any, condition: Any
) -> None:
    await house.create()
    statement = await add(house, **({"principal": parameters.pop("Principal")} | parameters))
    expected = {"Sid": "s", "Effect": "Allow", "Principal": principal, "Resource": ARN}
    expected["Action"] = parameters.get("Action", INVOKE)
    if condition:
        expected["Condition"] = condition
    assert statement == expected
    policy = json.loads((await house.call("GetPolicy", FunctionName="f"))["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [expected]}


@pytest.mark.parametrize("principal", ["nobody", "invalid.nonaws.com", "12345", "arn:aws:s3:::b"])
async def test_a_principal_that_cannot_be_is_refused(house: Any, principal: str) -> None:
    await house.create()
    error = await refused(add(house, principal=principal))
    assert error.message == "The provided principal was invalid. Please check the principal and try again."


async def test_what_is_missing_or_twice_has_its_own_words(house: Any) -> None:
    assert "Function not found" in (await refused(add(house))).message
    await house.create()
    await add(house)
    twice = await refused(add(house))
    assert (twice.code, twice.status) == ("ResourceConflictException", 409)
    latest = await refused(add(house, Qualifier="$LATEST"))
    assert latest.message == "We currently do not support adding policies for $LATEST."
    gone = await refused(house.call("RemovePermission", FunctionName="f", StatementId="x"))
    assert gone.message == "Statement x is not found in resource policy."
    assert (await refused(add(house, "u", FunctionUrlAuthType="NONE"))).code == "InvalidParameterValueException"


async def test_a_policy_has_a_limit(house: Any) -> None:
    await house.create()
    source = f"arn:aws:s3:::{'b' * 900}"
    for number in range(18):
        await add(house, f"s{number}", SourceArn=source)
    error = await refused(add(house, "more", SourceArn=source))
    assert error.code == "PolicyLengthExceededException"
    assert "is bigger than the limit (20480)" in error.message


async def test_a_permission_is_a_new_revision_of_the_function(house: Any) -> None:
    await house.create()
    before = (await house.call("GetFunctionConfiguration", FunctionName="f"))["RevisionId"]
    stale = await refused(add(house, RevisionId="x"))
    assert (stale.code, "Call the GetPolicy API" in stale.message) == ("PreconditionFailedException", True)
    await add(house, RevisionId=before)
    policy = await house.call("GetPolicy", FunctionName="f")
    assert policy["RevisionId"] != before
    assert (await house.call("GetFunctionConfiguration", FunctionName="f"))["RevisionId"] == policy["RevisionId"]
    await house.call("RemovePermission", FunctionName="f", StatementId="s", RevisionId=policy["RevisionId"])


async def test_a_permission_while_a_function_is_created_does_not_keep_it_pending(house: Any, package: Any) -> None:
    await house.call(
        "CreateFunction",
        FunctionName="f",
        Runtime="python3.12",
        Handler="a.b",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": package({"a.py": ""})},
    )
    await add(house)
    await house.service.settle()
    assert (await house.call("GetFunctionConfiguration", FunctionName="f"))["State"] == "Active"


async def test_each_version_has_a_policy_of_its_own_that_goes_with_it(house: Any) -> None:
    await house.create(Publish=True)
    statement = await add(house, Qualifier="1")
    assert statement["Resource"] == f"{ARN}:1"
    caller = Caller("sns.amazonaws.com")
    ask = house.service.permissions.allows
    assert [await ask(house.key(), each, caller) for each in ("", "$LATEST", "1", "2")] == [False, False, True, False]
    await house.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert not await ask(house.key(), "1", caller)


@pytest.mark.parametrize(
    ("permission", "caller", "let_in"),
    [
        ({}, Caller("sns.amazonaws.com", TOPIC, "000000000000"), True),
        ({}, Caller("events.amazonaws.com", TOPIC), False),
        ({"SourceArn": TOPIC}, Caller("sns.amazonaws.com", TOPIC), True),
        ({"SourceArn": TOPIC}, Caller("sns.amazonaws.com", TOPIC + "2"), False),
        ({"SourceArn": TOPIC}, Caller("sns.amazonaws.com"), False),
        ({"SourceArn": "arn:aws:sns:*:*:t*"}, Caller("sns.amazonaws.com", TOPIC + "2"), True),
        ({"SourceAccount": "111111111111"}, Caller("sns.amazonaws.com", TOPIC, "000000000000"), False),
        ({"SourceAccount": "000000000000"}, Caller("sns.amazonaws.com", TOPIC, "000000000000"), True),
        ({"principal": "111111111111"}, SESSION, True),
        ({"principal": "arn:aws:iam::111111111111:role/x/r"}, SESSION, True),
        ({"principal": "arn:aws:iam::111111111111:role/q"}, SESSION, False),
        ({"principal": "*", "PrincipalOrgID": "o-1234567890"}, Caller("arn:aws:iam::111111111111:root"), False),
        ({"Action": "lambda:*"}, Caller("sns.amazonaws.com"), True),
        ({"Action": "lambda:GetFunction"}, Caller("sns.amazonaws.com"), False),
        (
            {"principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            Caller("*", action="lambda:InvokeFunctionUrl", url_auth_type="NONE"),
            True,
        ),
        (
            {"principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            Caller("*", action="lambda:InvokeFunctionUrl", url_auth_type="AWS_IAM"),
            False,
        ),
    ],
)  # fmt: skip
async def test_who_is_let_in(house: Any, permission: dict[str, Any], caller: Caller, let_in: bool) -> None:
    await house.create()
    await add(house, **permission)
    assert await house.service.permissions.allows(house.key(), "", caller) is let_in


async def test_a_whole_policy_replaces_what_was_there_and_a_deny_wins(house: Any) -> None:
    await house.create()
    await add(house)
    allow = {"Effect": "Allow", "Principal": "*", "Action": INVOKE, "Resource": ARN}
    deny = {
        "Effect": "Deny",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "lambda:*",
        "Resource": ARN,
        "Condition": {"StringNotEquals": {"aws:SourceAccount": "000000000000"}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
    made = await house.call("PutResourcePolicy", ResourceArn=ARN, Policy=text)
    assert json.loads(made["Policy"])["Statement"] == [allow, deny]
    assert await house.call("GetResourcePolicy", ResourceArn=ARN) == made
    ask = house.service.permissions.allows
    assert await ask(house.key(), "", Caller("sns.amazonaws.com", source_account="000000000000"))
    assert not await ask(house.key(), "", Caller("sns.amazonaws.com", source_account="111111111111"))
    assert not await ask(house.key(), "", Caller("sns.amazonaws.com"))
    stale = await refused(house.call("DeleteResourcePolicy", ResourceArn=ARN, RevisionId="0" * 36))
    assert stale.code == "PreconditionFailedException"
    await house.call("DeleteResourcePolicy", ResourceArn=ARN, RevisionId=made["RevisionId"])
    assert (await refused(house.call("GetResourcePolicy", ResourceArn=ARN))).status == 404


GOOD = {"Effect": "Allow", "Principal": "*", "Action": INVOKE, "Resource": ARN}


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Maybe"},
        {"Principal": None},
        {"Principal": {"Federated": "x"}},
        {"Principal": {}},
        {"Principal": {"AWS": []}},
        {"Principal": {"AWS": ["111111111111", "user/typo"]}},
        {"Principal": {"AWS": "sns.amazonaws.com"}},
        {"Principal": {"Service": "111111111111"}},
        {"Principal": {"Service": "*"}},
        {"Action": "s3:GetObject"},
        {"Resource": ARN + "2"},
        {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2030"}}},
        {"Condition": {"StringEquals": "x"}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Extra": 1},
        {"NotAction": "lambda:x"},
    ],
)
def test_a_whole_policy_that_could_not_be_judged_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        parsed(json.dumps({"Statement": [{**GOOD, **change}]}), ARN)


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["111111111111", "arn:aws:iam::111111111111:user/u"], "Service": "sns.amazonaws.com"},
        {"AWS": "arn:aws:sts::111111111111:assumed-role/r/s"},
    ],
)
def test_principals_of_each_kind_may_be_named(principal: Any) -> None:
    assert parsed(json.dumps({"Statement": [{**GOOD, "Principal": principal}]}), ARN)


KEYS = st.sampled_from([*GOOD, "Statement", "Condition", "StringEquals", "AWS"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(KEYS, each),
    max_leaves=12,
)


@settings(max_examples=50)
@given(JSON)
def test_any_document_is_judged_or_refused(value: Any) -> None:
    for document in (value, {"Statement": value}, {"Statement": {**GOOD, "Condition": value}}):
        try:
            accepted = parsed(json.dumps(document), ARN)
        except InvalidParameter:
            continue
        assert allows(Policy(accepted, ""), Asked("x", INVOKE, ARN, {})) in (True, False)


@settings(max_examples=50)
@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_patterns_match_as_their_words_say(pattern: str, text: str) -> None:
    def slowly(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return slowly(pattern[1:], text) or (bool(text) and slowly(pattern, text[1:]))
        return bool(text) and pattern[0] in ("?", text[0]) and slowly(pattern[1:], text[1:])

    assert like(pattern, text) == slowly(pattern, text)


async def test_an_alias_has_a_policy_and_a_revision_of_its_own_that_go_with_it(house: Any) -> None:
    await house.create(Publish=True)
    alias = {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"}
    made = await house.call("CreateAlias", **alias)
    await add(house, Qualifier="live", RevisionId=made["RevisionId"])
    shown = await house.call("GetPolicy", FunctionName="f:live")
    assert (await house.call("GetAlias", FunctionName="f", Name="live"))["RevisionId"] == shown["RevisionId"]
    assert await house.service.permissions.allows(house.key(), "live", Caller("sns.amazonaws.com"))
    await house.call("DeleteAlias", FunctionName="f", Name="live")
    await house.call("CreateAlias", **alias)
    assert not await house.service.permissions.allows(house.key(), "live", Caller("sns.amazonaws.com"))
