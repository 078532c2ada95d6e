"""Policies of buckets: what may be one, whom it lets in, and that no text breaks the parser."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.services.resource_policy import Question, decision
from lambent.services.s3.actions import actions_of
from lambent.services.s3.policy_document import document_of, is_public

BUCKET = "arn:aws:s3:::mine"


def policy(**changes: Any) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"} | changes
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Resource": "arn:aws:s3:::other/*"}, "MalformedPolicy"),
        ({"Resource": None}, "MalformedPolicy"),
        ({"Action": "sqs:SendMessage"}, "MalformedPolicy"),
        ({"Action": "s3:GetObjekt"}, "MalformedPolicy"),
        ({"Action": ["s3:GetObject", "s3:ListBucket"]}, "MalformedPolicy"),  # the Resource is objects only
        ({"Resource": BUCKET}, "MalformedPolicy"),
        ({"Action": None, "NotAction": "s3:HeadObject"}, "MalformedPolicy"),  # no such action
        ({"Effect": "Perhaps"}, "MalformedPolicy"),
        ({"Principal": {"AWS": "me"}}, "MalformedPolicy"),
        ({"Principal": {"CanonicalUser": "1" * 64}}, "NotImplemented"),
        ({"NotAction": "s3:*"}, "MalformedPolicy"),
        ({"NotResource": f"{BUCKET}/a"}, "MalformedPolicy"),
        ({"Resource": None, "NotResource": "arn:aws:s3:::other"}, "MalformedPolicy"),
        ({"Principal": None, "NotPrincipal": {"AWS": "1" * 12}}, "MalformedPolicy"),  # with Allow
        ({"NotPrincipal": {"AWS": "1" * 12}, "Effect": "Deny"}, "MalformedPolicy"),
        ({"Principal": ["*"]}, "MalformedPolicy"),
        ({"Condition": {"StringEquals": {"aws:PrincipalTag/team": "x"}}}, "NotImplemented"),
        ({"Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}}, "NotImplemented"),
        ({"Condition": {"StringEquals": {"sqs:Anything": "x"}}}, "MalformedPolicy"),
        ({"Condition": {"NullIfExists": {"aws:Referer": "true"}}}, "MalformedPolicy"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "tomorrow"}}}, "MalformedPolicy"),
        ({"Condition": {"NumericLessThan": {"s3:max-keys": "few"}}}, "MalformedPolicy"),
        ({"Condition": {"Sounds": {"aws:PrincipalArn": "x"}}}, "MalformedPolicy"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "300.0.0.1"}}}, "MalformedPolicy"),
    ],
)
def test_what_could_not_be_judged_is_no_policy(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        document_of(policy(**changes), BUCKET)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:*", f"{BUCKET}/*"),
        ("*", BUCKET),
        ("s3:getobject*", f"{BUCKET}*"),
        ("s3:List*", f"{BUCKET}/in/*"),  # ListMultipartUploadParts
        (["s3:PutLifecycleConfiguration", "s3:AbortMultipartUpload"], [BUCKET, f"{BUCKET}/*"]),
        ("s3:GetBucketObjectLockConfiguration", BUCKET),
        ("s3:GetObjectVersionTagging", f"{BUCKET}/a"),
    ],
)
def test_an_action_is_about_the_bucket_or_its_objects(action: Any, resource: Any) -> None:
    """Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"."""
    assert document_of(policy(Action=action, Resource=resource), BUCKET)


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        ({}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::1*"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "111111111111"}}, False),
        ({"StringLike": {"s3:prefix": "a"}}, True),
    ],
)
def test_public_is_what_anybody_meets(condition: dict[str, Any], public: bool) -> None:
    """S3 User Guide, "The meaning of 'public'"."""
    assert is_public(document_of(policy(Condition=condition), BUCKET)) is public


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "9"}, True),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "11"}, False),
        ({"NumericNotEquals": {"s3:max-keys": 10}}, {"s3:max-keys": "10"}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": "192.168.0.1"}, True),
        ({"IpAddress": {"aws:SourceIp": ["::1/128", "127.0.0.1"]}}, {"aws:sourceip": "127.0.0.1"}, True),
        ({"StringEquals": {"s3:x-amz-acl": "public-read"}}, {}, False),
        (
            {"StringNotLike": {"aws:Referer": "https://shop.example/*"}},
            {"aws:referer": "https://shop.example/a"},
            False,
        ),
        ({"StringNotLike": {"aws:Referer": "https://shop.example/*"}}, {}, True),
        ({"NumericGreaterThan": {"s3:signatureAge": "600000"}}, {"s3:signatureage": "600001"}, True),
        (
            {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a"]}},
            {"s3:requestobjecttagkeys": ["a", "b"]},
            False,
        ),
        (
            {"ForAnyValue:StringEquals": {"s3:RequestObjectTagKeys": ["a"]}},
            {"s3:requestobjecttagkeys": ["a", "b"]},
            True,
        ),
        ({"StringNotEquals": {"aws:UserAgent": "${aws:PrincipalArn}"}}, {"aws:useragent": "x"}, False),  # no such value
    ],
)
def test_a_deny_holds_only_for_what_it_means(condition: dict[str, Any], context: dict[str, Any], met: bool) -> None:
    """IAM User Guide, "Condition operators": a key that the request lacks meets no positive operator."""
    document = document_of(policy(Effect="Deny", Condition=condition), BUCKET)
    question = Question("AWS", "anonymous", "", "s3:GetObject", f"{BUCKET}/k", context, complete=True)
    assert (decision(document, question) == "Deny") is met


@pytest.mark.parametrize(
    ("changes", "action", "key", "met"),
    [
        ({"Action": None, "NotAction": "s3:GetObject"}, "s3:GetObject", "k", False),
        ({"Action": None, "NotAction": ["s3:getobject", "s3:List*"]}, "s3:PutObject", "k", True),
        ({"Resource": None, "NotResource": f"{BUCKET}/open/*"}, "s3:GetObject", "open/k", False),
        ({"Resource": None, "NotResource": [f"{BUCKET}/open/*", BUCKET]}, "s3:GetObject", "k", True),
    ],
)
def test_a_statement_may_be_about_all_but_what_it_names(
    changes: dict[str, Any], action: str, key: str, met: bool
) -> None:
    """IAM User Guide, "NotAction" and "NotResource"."""
    document = document_of(policy(Effect="Deny", **changes), BUCKET)
    question = Question("AWS", "anonymous", "", action, f"{BUCKET}/{key}", {}, complete=True)
    assert (decision(document, question) == "Deny") is met


@pytest.mark.parametrize(
    ("operation", "asked", "actions"),
    [
        ("GetObjectAttributes", {}, ("s3:GetObject", "s3:GetObjectAttributes")),
        ("GetObjectAttributes", {"VersionId": "v"}, ("s3:GetObjectVersion", "s3:GetObjectVersionAttributes")),
        ("HeadObject", {"VersionId": "v"}, ("s3:GetObjectVersion",)),
        ("PutObject", {"Tagging": "a=b"}, ("s3:PutObject", "s3:PutObjectTagging")),
    ],
)
def test_an_operation_needs_these_permissions(operation: str, asked: dict[str, Any], actions: tuple[str, ...]) -> None:
    """S3 API reference, "Permissions" of each operation."""
    assert actions_of(operation, asked) == actions


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["Allow", "*", "s3:*", BUCKET]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Effect",
                    "Principal",
                    "Action",
                    "NotAction",
                    "Resource",
                    "NotResource",
                    "Condition",
                    "StringEquals",
                    "AWS",
                    "x",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(st.text(max_size=40) | JSON.map(lambda value: json.dumps({"Statement": value})))
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    code = ""
    try:
        document = document_of(text, BUCKET)
        is_public(document)
        decision(document, Question("AWS", "anonymous", "", "s3:GetObject", BUCKET, {}, complete=True))
    except ServiceError as error:
        code = error.code
    assert code in ("", "MalformedPolicy", "NotImplemented")
