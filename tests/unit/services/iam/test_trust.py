"""Who may assume a role.

Source: IAM User Guide, "AWS JSON policy elements: Principal", "Policy evaluation logic" and
"IAM JSON policy elements: Condition operators".
"""

import json
from typing import Any

import pytest

from lambent.services.iam.trust import trusts

USER = "arn:aws:iam::123456789012:user/x/ann"
SESSION = "arn:aws:sts::123456789012:assumed-role/worker/job"
ROOT = "arn:aws:iam::123456789012:root"


def document(*statements: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **each} for each in statements]})


@pytest.mark.parametrize("caller", [USER, SESSION, ROOT])
@pytest.mark.parametrize("named", ["*", "123456789012", ROOT, ["arn:aws:iam::999999999999:root", ROOT]])
def test_an_account_stands_for_everyone_in_it(caller: str, named: Any) -> None:
    assert trusts(document({"Principal": {"AWS": named}}), "AWS", caller, {})


def test_everyone_is_everyone() -> None:
    assert trusts(document({"Principal": "*"}), "AWS", USER, {})


@pytest.mark.parametrize(
    ("named", "caller", "allowed"),
    [
        (USER, USER, True),
        (USER, SESSION, False),
        ("arn:aws:iam::123456789012:role/worker", SESSION, True),
        ("arn:aws:iam::123456789012:role/a/b/worker", SESSION, True),
        ("arn:aws:iam::123456789012:role/work", SESSION, False),
        ("arn:aws:iam::999999999999:role/worker", SESSION, False),
        (SESSION, SESSION, True),
        (SESSION, SESSION + "2", False),
        ("arn:aws:iam::999999999999:root", USER, False),
    ],
)
def test_a_named_identity_is_only_itself(named: str, caller: str, allowed: bool) -> None:
    assert trusts(document({"Principal": {"AWS": named}}), "AWS", caller, {}) is allowed


def test_a_service_is_no_account_and_an_account_no_service() -> None:
    service = document({"Principal": {"Service": ["lambda.amazonaws.com", "events.amazonaws.com"]}})
    assert trusts(service, "Service", "events.amazonaws.com", {})
    assert not trusts(service, "Service", "sns.amazonaws.com", {})
    assert not trusts(service, "AWS", USER, {})
    assert not trusts(document({"Principal": {"AWS": "*"}}), "Service", "lambda.amazonaws.com", {})


def test_a_deny_wins_and_silence_denies() -> None:
    everyone, me = {"Principal": {"AWS": ROOT}}, {"Principal": {"AWS": USER}}
    assert not trusts(document(everyone, {**me, "Effect": "Deny"}), "AWS", USER, {})
    assert trusts(document(everyone, {**me, "Effect": "Deny"}), "AWS", SESSION, {})
    others = {"Effect": "Deny", "NotPrincipal": {"AWS": USER}}
    assert trusts(document(everyone, others), "AWS", USER, {})
    assert not trusts(document(everyone, others), "AWS", SESSION, {})
    assert not trusts(document({**everyone, "Action": "sts:TagSession"}), "AWS", USER, {})
    assert trusts(document({**everyone, "Action": ["sts:*"]}), "AWS", USER, {})


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"sts:ExternalId": "42"}}, True),
        ({"StringEquals": {"STS:externalid": ["1", "42"]}}, True),
        ({"StringEquals": {"sts:ExternalId": "43"}}, False),
        ({"StringNotEquals": {"sts:ExternalId": "43"}}, True),
        ({"StringLike": {"sts:ExternalId": "4?"}}, True),
        ({"StringLike": {"sts:ExternalId": "4?*"}}, True),
        ({"StringLike": {"sts:ExternalId": "4??*"}}, False),
        ({"StringNotLike": {"sts:ExternalId": "4*"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:PrincipalArn": "ARN"}}, True),
        ({"StringEquals": {"sts:ExternalId": "42", "aws:PrincipalArn": "other"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"IpAddress": {"sts:ExternalId": "10.0.0.0/8"}}, False),
    ],
)
def test_conditions_hold_or_nothing_is_allowed(condition: Any, allowed: bool) -> None:
    context = {"sts:externalid": "42", "aws:principalarn": "arn"}
    statement = {"Principal": {"AWS": ROOT}, "Condition": condition}
    assert trusts(document(statement), "AWS", USER, context) is allowed


def test_a_deny_whose_condition_cannot_be_judged_denies() -> None:
    denied = {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert not trusts(document({"Principal": "*"}, denied), "AWS", USER, {})
