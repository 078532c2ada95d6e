"""The tag `lambent:network`, from the outside: it holds from the next invocation on."""

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from lambent.sandbox import doctor

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
import boto3, os
from botocore.config import Config
def handler(event, context):
    if "AWS_ENDPOINT_URL" not in os.environ: return "nothing"
    config = Config(connect_timeout=20, retries={"total_max_attempts": 1})
    return len(boto3.client("lambda", config=config).list_functions()["Functions"]) > 0
"""


def test_the_tag_decides_from_the_next_invocation_on(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(SOURCE, Tags={"lambent:network": "none"})
    arn = lambda_.get_function(FunctionName=name)["Configuration"]["FunctionArn"]

    def told() -> object:
        return json.load(lambda_.invoke(FunctionName=name)["Payload"])

    assert told() == "nothing"
    lambda_.tag_resource(Resource=arn, Tags={"lambent:network": "platform"})
    assert told() is True
    if doctor.egress_obstacle() is None:
        lambda_.tag_resource(Resource=arn, Tags={"lambent:network": "egress"})
        assert told() is True
    lambda_.tag_resource(Resource=arn, Tags={"lambent:network": "none"})
    assert told() == "nothing"
    lambda_.untag_resource(Resource=arn, TagKeys=["lambent:network"])
    assert told() is True


def test_another_word_is_refused_and_nothing_is_kept(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create("def handler(e, c): return 1")
    arn = lambda_.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    with pytest.raises(ClientError, match="none, platform, egress") as refused:
        lambda_.tag_resource(Resource=arn, Tags={"lambent:network": "internet"})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert lambda_.list_tags(Resource=arn)["Tags"] == {}
