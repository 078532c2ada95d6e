"""Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "AWS JSON policy elements: Principal"."""

from typing import Any

import pytest

from lambent.services.statements import Condition, holds, is_principal

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
    assert holds({operator: {key: wanted}}, CONTEXT, unknown=False) is held


@pytest.mark.parametrize("condition", [{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, {"StringEquals": {"a": "b"}}])
def test_what_cannot_be_judged_is_what_the_caller_says(condition: Condition) -> None:
    assert holds(condition, {}, unknown=True)
    assert not holds(condition, {}, unknown=False)


@pytest.mark.parametrize("pattern", ["*", SESSION, ROLE, "111122223333", "arn:aws:iam::111122223333:root"])
def test_a_session_is_meant_by_its_arn_its_role_and_its_account(pattern: str) -> None:
    assert is_principal(pattern, SESSION)


@pytest.mark.parametrize("pattern", ["444455556666", ROLE + "s", "arn:aws:iam::444455556666:role/worker", "sns"])
def test_nobody_else_is_meant(pattern: str) -> None:
    assert not is_principal(pattern, SESSION)
    assert not is_principal(pattern, "sns.amazonaws.com")
