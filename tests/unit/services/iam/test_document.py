"""The grammar of policies.

Source: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements
reference".
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.iam.document import chars_of, identity_policy, trust_policy
from lambent.services.iam.errors import MalformedPolicyDocument
from lambent.services.iam.managed import managed_policies

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


@pytest.mark.parametrize(
    "document",
    [
        policy(ALLOW),
        json.dumps({"Statement": ALLOW}),
        policy(ALLOW, Id="x"),
        policy({"Effect": "Deny", "NotAction": ["iam:*"], "NotResource": ["*"], "Sid": "One"}),
        policy({**ALLOW, "Condition": {"StringEquals": {"aws:RequestedRegion": ["a", "b"]}}}),
        policy({**ALLOW, "Action": "*", "Resource": "*"}),
    ],
)
def test_what_the_grammar_allows_is_accepted(document: str) -> None:
    assert identity_policy(document) == json.loads(document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "invalid Json"),
        ("{", "invalid Json"),
        ("[" * 100_000, "invalid Json"),
        ('{"Version":"2012-10-17","Statement":[],"Statement":[]}', "invalid Json"),
        ("[]", "Syntax errors"),
        ("{}", "Syntax errors"),
        (policy(), "Syntax errors"),
        (policy("x"), "Syntax errors"),
        (policy(ALLOW, Extra=1), "Syntax errors"),
        (policy({**ALLOW, "Extra": 1}), "Syntax errors"),
        (policy({**ALLOW, "Effect": "allow"}), "Syntax errors"),
        (policy({**ALLOW, "NotAction": "s3:*"}), "Syntax errors"),
        (policy({**ALLOW, "Action": [1]}), "Syntax errors"),
        (policy({**ALLOW, "Condition": []}), "Syntax errors"),
        (policy({**ALLOW, "Condition": {"StringEquals": {"k": [{}]}}}), "Syntax errors"),
        (json.dumps({"Version": "2013-10-17", "Statement": ALLOW}), "valid version string"),
        (policy({"Effect": "Allow", "Resource": "*"}), "must contain actions"),
        (policy({"Effect": "Allow", "Action": "s3:*"}), "must contain resources"),
        (policy({**ALLOW, "Action": "GetObject"}), "prefaced by a vendor"),
        (policy({**ALLOW, "Resource": "bucket"}), 'Resource bucket must be in ARN format or "\\*"'),
        (policy({**ALLOW, "Principal": "*"}), "should not specify a principal"),
        (policy({**ALLOW, "Sid": "a b"}), "alpha-numeric"),
        (policy({**ALLOW, "Sid": "a"}, {**ALLOW, "Sid": "a"}), "must be unique"),
    ],
)
def test_what_it_does_not_is_refused_in_words(document: str, words: str) -> None:
    with pytest.raises(MalformedPolicyDocument, match=words):
        identity_policy(document)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({**TRUST, "Resource": "*"}, "prohibited field Resource"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
        ({**TRUST, "Action": "s3:GetObject"}, "may only specify STS AssumeRole actions"),
        ({**TRUST, "Principal": {"Service": "Lambda"}}, 'Invalid principal in policy: "Service":"LAMBDA"'),
        ({**TRUST, "Principal": {"AWS": "somebody"}}, 'Invalid principal in policy: "AWS":"somebody"'),
        ({**TRUST, "Principal": {"Robot": "x"}}, 'Invalid principal in policy: "Robot"'),
        ({**TRUST, "Principal": {"AWS": []}}, "Invalid principal"),
        ({**TRUST, "Principal": "me"}, "Syntax errors"),
        (
            {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "123456789012"}},
            "Allow with NotPrincipal",
        ),
    ],
)
def test_a_trust_policy_names_principals_and_no_resources(statement: Any, words: str) -> None:
    trust_policy(policy(TRUST))
    with pytest.raises(MalformedPolicyDocument, match=words):
        trust_policy(policy(statement))


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
names = st.sampled_from(
    ["Version", "Statement", "Effect", "Action", "Resource", "Principal", "Condition", "AWS", "Sid"]
)
trees = st.recursive(scalars, lambda t: st.lists(t, max_size=3) | st.dictionaries(names, t, max_size=5), max_leaves=12)


@settings(max_examples=150)
@given(trees)
def test_no_document_makes_it_fail_otherwise(tree: Any) -> None:
    for document in (json.dumps(tree), policy(tree), policy({**ALLOW, "Resource": tree, "Principal": tree})):
        for check in (identity_policy, trust_policy):
            try:
                check(document)
            except MalformedPolicyDocument:
                continue


def test_white_space_does_not_count() -> None:
    assert chars_of('{ "a" :\n 1 }') == 7


def test_aws_own_policies_keep_to_the_grammar() -> None:
    for managed in managed_policies().values():
        identity_policy(managed.document)
