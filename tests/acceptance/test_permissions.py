"""Resource policies over HTTP, with boto3 and with `aws`. Source: Lambda Developer Guide, "Resource-based policies"."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

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
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="The resource you requested"):
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


def stranger_of(platform: "Platform") -> Any:
    """A Lambda client of another account, which a development server makes of twelve digits."""
    keys = {"aws_access_key_id": "111111111111", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    once = Config(retries={"total_max_attempts": 1})
    return boto3.Session(**keys).client("lambda", endpoint_url=platform.endpoint, config=once)


def refusal(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    return str(caught.value.response["Error"]["Message"])


def test_another_account_invokes_what_a_policy_lets_it(own_server: Callable[..., "Platform"]) -> None:
    """Source: Lambda Developer Guide, "Granting Lambda function access to other accounts"."""
    platform = own_server("--dev-credentials")
    lambda_, stranger = platform.client("lambda"), stranger_of(platform)
    name = platform.create("def handler(event, context): return event")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    lambda_.publish_version(FunctionName=name)
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert "no resource-based policy allows the lambda:InvokeFunction action" in refusal(
        stranger.invoke, FunctionName=f"{arn}:live"
    )
    lambda_.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="share",
        Action="lambda:InvokeFunction",
        Principal="111111111111",
    )
    answer = stranger.invoke(FunctionName=f"{arn}:live", Payload=b'{"a": 1}')
    assert (json.load(answer["Payload"]), answer["ExecutedVersion"]) == ({"a": 1}, "1")
    assert stranger.invoke(FunctionName=f"{arn}:live", InvocationType="DryRun")["StatusCode"] == 204
    assert stranger.invoke(FunctionName=f"{arn}:live", InvocationType="Event")["StatusCode"] == 202
    for chunk in stranger.invoke_with_response_stream(FunctionName=f"{arn}:live")["EventStream"]:
        assert "ErrorCode" not in chunk.get("InvokeComplete", {})
    for qualifier in ("", ":$LATEST", ":1"):  # the statement speaks for the alias only
        refusal(stranger.invoke, FunctionName=arn + qualifier)
    refusal(stranger.get_function, FunctionName=f"{arn}:live")
    lambda_.remove_permission(FunctionName=name, Qualifier="live", StatementId="share")
    refusal(stranger.invoke, FunctionName=f"{arn}:live")


def test_a_policy_that_denies_holds_for_the_own_account_at_once(platform: "Platform") -> None:
    """Source: IAM User Guide, "Policy evaluation logic": an explicit deny overrides whatever allows."""
    lambda_ = platform.client("lambda")
    name = platform.create("def handler(event, context): return 1")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert lambda_.invoke(FunctionName=name)["StatusCode"] == 200
    statement = {"Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": arn}
    lambda_.put_resource_policy(ResourceArn=arn, Policy=json.dumps({"Statement": [statement]}))
    for kind in ("RequestResponse", "Event", "DryRun"):
        said = refusal(lambda_.invoke, FunctionName=name, InvocationType=kind)
        assert said.endswith("with an explicit deny in a resource-based policy")
    assert lambda_.get_function(FunctionName=name)["Configuration"]["FunctionName"] == name
    lambda_.delete_resource_policy(ResourceArn=arn)
    assert lambda_.invoke(FunctionName=name)["StatusCode"] == 200
