"""Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "AWS JSON policy elements: Principal"."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.conditions import TESTS, Condition, holds
from lambent.services.statements import expanded, is_principal, like, names_principal

ROLE = "arn:aws:iam::111122223333:role/deep/path/worker"
SESSION = "arn:aws:sts::111122223333:assumed-role/worker/one"
CONTEXT = {"aws:sourcearn": "arn:aws:sns:us-east-1:111122223333:news", "aws:securetransport": "false"}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "held"),
    [
        ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:111122223333:*", True),
        ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:444455556666:*", False),
        ("StringEquals", "AWS:SourceArn", ["x", CONTEXT["aws:sourcearn"]], True),
        ("StringNotEquals", "aws:SourceAccount", "1", True),  # a negated operator holds where the key is missing
        ("StringEquals", "aws:SourceAccount", "1", False),
        ("StringEqualsIfExists", "aws:SourceAccount", "1", True),
        ("Null", "aws:SourceAccount", True, True),
        ("Null", "aws:SourceArn", "true", False),
        ("Bool", "aws:SecureTransport", False, True),
        ("ForAnyValue:StringLike", "aws:SourceArn", "arn:*", True),
    ],
)
def test_a_condition_holds_as_documented(operator: str, key: str, wanted: Any, held: bool) -> None:
    assert holds({operator: {key: wanted}}, CONTEXT, denies=False) is held


@pytest.mark.parametrize("condition", [{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, {"StringEquals": {"a": "b"}}])
def test_what_cannot_be_judged_is_what_the_caller_says(condition: Condition) -> None:
    assert holds(condition, {}, denies=True)
    assert not holds(condition, {}, denies=False)


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringEqualsIfExists", "Null", "ForAllValues:StringEquals"])
def test_a_key_that_nobody_knows_lets_nobody_in(operator: str) -> None:
    condition = {operator: {"aws:PrincipalTag/blocked": "true"}}
    for complete in (True, False):
        assert holds(condition, CONTEXT, denies=True, complete=complete)
        assert not holds(condition, CONTEXT, denies=False, complete=complete)


@pytest.mark.parametrize("pattern", ["*", SESSION, ROLE, "111122223333", "arn:aws:iam::111122223333:root"])
def test_a_session_is_meant_by_its_arn_its_role_and_its_account(pattern: str) -> None:
    assert is_principal(pattern, SESSION)


@pytest.mark.parametrize("pattern", ["444455556666", ROLE + "s", "arn:aws:iam::444455556666:role/worker", "sns"])
def test_nobody_else_is_meant(pattern: str) -> None:
    assert not is_principal(pattern, SESSION)
    assert not is_principal(pattern, "sns.amazonaws.com")


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "held"),
    [
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["b", "c"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", "c", False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b", "c"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", "a", False),
        ("ForAllValues:StringEquals", "aws:Absent", "a", True),
        ("ForAnyValue:StringEquals", "aws:Absent", "a", False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", "a", True),
        ("ForAnyValue:StringNotEquals", "aws:Absent", "a", False),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", "a", False),
        ("ForAnyValue:StringEqualsIfExists", "aws:Absent", "a", True),
        ("Null", "aws:TagKeys", "FALSE", True),
        ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", True),
        ("DateLessThan", "aws:CurrentTime", "2026-01-01", False),
        ("DateNotEquals", "aws:CurrentTime", "2026-11-24T01:00:00+01:00", False),
        ("DateLessThanEquals", "aws:CurrentTime", 1795478400, True),
        ("NumericGreaterThan", "aws:EpochTime", 1795478399, True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*", False),
        ("ArnLike", "aws:PrincipalArn", "arn:*:role/deep/path/worker", False),
        ("ArnLike", "aws:PrincipalArn", "*", True),
        ("StringLike", "aws:PrincipalArn", "arn:*:role/deep/path/worker", True),
        ("StringLike", "aws:UserAgent", "aws*${*}", True),
        ("StringLike", "aws:UserAgent", "a${*}", False),
        ("StringEquals", "aws:UserAgent", "${aws:Pattern}", True),
        ("StringLike", "aws:UserAgent", "${aws:Pattern}", True),
        ("StringLike", "aws:UserAgent", "${aws:Star}", False),
        ("StringEquals", "aws:UserAgent", "${aws:Absent, 'aws-cli*'}", True),
        ("StringEquals", "aws:UserAgent", "${aws:Absent}", False),
    ],
)
def test_sets_dates_arns_and_variables_are_judged(operator: str, key: str, wanted: Any, held: bool) -> None:
    """IAM User Guide, "Set operators for multivalued context keys", "Condition operators", "Variables and tags"."""
    context = {
        "aws:tagkeys": ["a", "b"],
        "aws:currenttime": "2026-11-24T00:00:00Z",
        "aws:epochtime": "1795478400",
        "aws:principalarn": ROLE,
        "aws:useragent": "aws-cli*",
        "aws:pattern": "aws-cli*",
        "aws:star": "*",
    }
    assert holds({operator: {key: wanted}}, context, denies=False, complete=True) is held


def test_before_2012_a_variable_is_text() -> None:
    condition = {"StringEquals": {"aws:UserAgent": "${aws:Agent}"}}
    for agent, variables in (("x", True), ("${aws:Agent}", False)):
        context = {"aws:useragent": agent, "aws:agent": "x"}
        assert holds(condition, context, denies=False, variables=variables), agent


@pytest.mark.parametrize(
    ("named", "principal", "denied"),
    [
        ([SESSION, "111122223333"], SESSION, False),
        ([ROLE, "arn:aws:iam::111122223333:root"], SESSION, False),
        ([ROLE], SESSION, True),  # its account is asked first, and is not excepted
        (["111122223333"], SESSION, True),
        (["111122223333"], "arn:aws:iam::111122223333:root", False),
        ([ROLE, "111122223333"], "arn:aws:iam::111122223333:user/other", True),
        ([ROLE, "111122223333"], "anonymous", True),
        ("*", SESSION, False),
    ],
)
def test_who_is_excepted_is_named_with_the_account(named: Any, principal: str, denied: bool) -> None:
    """IAM User Guide, "NotPrincipal": the ARN of the account has to be there as well."""
    assert names_principal({"Effect": "Deny", "NotPrincipal": {"AWS": named}}, "AWS", principal) is denied


SIGNS = st.text(alphabet="ab*?$:'{},/", max_size=12)


@settings(max_examples=100)
@given(SIGNS, SIGNS)
def test_a_value_that_fills_a_variable_is_met_by_itself_only(value: str, other: str) -> None:
    pattern = expanded("x/${aws:username}/y", {"aws:username": value})
    assert pattern is not None
    assert like(pattern, f"x/{value}/y")
    assert like(pattern, f"x/{other}/y") is (other == value)


@settings(max_examples=100)
@given(st.sampled_from(sorted(TESTS)), SIGNS, st.lists(SIGNS, max_size=2), st.booleans())
def test_whatever_stands_in_a_condition_is_judged(name: str, actual: str, wanted: list[str], denies: bool) -> None:
    assert holds({name: {"k": wanted}}, {"k": actual}, denies=denies) in (True, False)
