"""Resource policies over HTTP, with boto3 and with `aws`. Source: Lambda Developer Guide, "Resource-based policies"."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

NOTHING = "def handler(event, context): pass"


def test_permissions_are_added_shown_and_removed(platform: "Platform") -> None:
    lambda_, name = platform.client("lambda"), platform.create(NOTHING)
    words = ("--function-name", name, "--statement-id", "sns", "--action", "lambda:InvokeFunction")
    added = platform.aws("lambda", "add-permission", *words, "--principal", "sns.amazonaws.com")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert json.loads(added["Statement"])["Resource"] == arn
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match="already exists"):
        lambda_.add_permission(
            FunctionName=name, StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
        )
    shown = lambda_.get_policy(FunctionName=name)
    with pytest.raises(lambda_.exceptions.PreconditionFailedException):
        lambda_.remove_permission(FunctionName=name, StatementId="sns", RevisionId="stale")
    lambda_.remove_permission(FunctionName=name, StatementId="sns", RevisionId=shown["RevisionId"])
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="No policy is associated"):
        lambda_.get_policy(FunctionName=name)


def test_a_whole_policy_is_put_read_and_deleted(platform: "Platform") -> None:
    lambda_, name = platform.client("lambda"), platform.create(NOTHING)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": arn}
    made = lambda_.put_resource_policy(ResourceArn=arn, Policy=json.dumps({"Statement": [statement]}))
    assert json.loads(lambda_.get_resource_policy(ResourceArn=arn)["Policy"])["Statement"] == [statement]
    lambda_.delete_resource_policy(ResourceArn=arn, RevisionId=made["RevisionId"])
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="malformed"):
        lambda_.put_resource_policy(ResourceArn=arn, Policy="{}")
