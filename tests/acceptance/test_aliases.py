"""Versions and aliases as users meet them: boto3, its waiters and paginators, and `aws`.

Sources: Lambda Developer Guide, "Create an alias for a Lambda function" and "Implement Lambda canary
deployments using a weighted alias"; Lambda service model.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SAYS = """
import os
WORD = "{word}"
def handler(event, context):
    return [WORD, context.function_version, context.invoked_function_arn.rpartition(":")[2]]
"""


def publish(platform: "Platform", zipped: Any, words: tuple[str, ...]) -> str:
    """A function with one version for each word, which is what that version says."""
    lambda_ = platform.client("lambda")
    name = platform.create(SAYS.format(word=words[0]))
    for word in words:
        lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": SAYS.format(word=word)}))
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        version = lambda_.publish_version(FunctionName=name)["Version"]
        lambda_.get_waiter("published_version_active").wait(
            FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1}
        )
    return name


def test_an_alias_leads_to_its_version_and_a_move_is_met_at_once(platform: "Platform", zipped: Any) -> None:
    lambda_ = platform.client("lambda")
    name = publish(platform, zipped, ("one", "two"))
    arn = lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    for form in ({"FunctionName": name, "Qualifier": "live"}, {"FunctionName": f"{name}:live"}, {"FunctionName": arn}):
        answer = lambda_.invoke(**form)
        assert json.loads(answer["Payload"].read()) == ["one", "1", "live"]
        assert answer["ExecutedVersion"] == "1"
    for version, word in (("2", "two"), ("1", "one")) * 5:
        lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
        answer = lambda_.invoke(FunctionName=name, Qualifier="live")
        assert json.loads(answer["Payload"].read()) == [word, version, "live"]
    with pytest.raises(ClientError) as caught:
        lambda_.delete_function(FunctionName=name, Qualifier="1")
    assert caught.value.response["Error"]["Code"] == "ResourceConflictException"
    lambda_.delete_alias(FunctionName=name, Name="live")
    with pytest.raises(ClientError) as caught:
        lambda_.invoke(FunctionName=name, Qualifier="live")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_weights_divide_two_thousand_invocations(platform: "Platform", zipped: Any) -> None:
    lambda_ = platform.client("lambda")
    name = publish(platform, zipped, ("one", "two"))
    weights = {"AdditionalVersionWeights": {"2": 0.25}}
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights)

    def invoke(_: int) -> str:
        answer = lambda_.invoke(FunctionName=name, Qualifier="live")
        assert json.loads(answer["Payload"].read())[1] == answer["ExecutedVersion"]
        return str(answer["ExecutedVersion"])

    with ThreadPoolExecutor(8) as threads:
        served = Counter(threads.map(invoke, range(2_000)))
    deviation = (2_000 * 0.25 * 0.75) ** 0.5
    assert abs(served["2"] - 500) < 5 * deviation  # by chance wrong once in two million runs
    assert served["1"] + served["2"] == 2_000


def test_aliases_are_listed_page_by_page_and_from_the_command_line(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(SAYS.format(word="one"))
    lambda_.publish_version(FunctionName=name)
    for number in range(5):
        platform.aws(
            "lambda", "create-alias", "--function-name", name, "--name", f"a{number}", "--function-version", "1"
        )
    pages = lambda_.get_paginator("list_aliases").paginate(FunctionName=name, PaginationConfig={"PageSize": 2})
    assert [alias["Name"] for page in pages for alias in page["Aliases"]] == [f"a{number}" for number in range(5)]
    listed = lambda_.get_paginator("list_functions").paginate(FunctionVersion="ALL")
    arns = [each["FunctionArn"] for page in listed for each in page["Functions"] if each["FunctionName"] == name]
    assert [arn.rpartition(":")[2] for arn in arns] == ["$LATEST", "1"]


BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("create_alias", {"Name": "12", "FunctionVersion": "1"}, "ValidationException"),
    ("create_alias", {"Name": "a b", "FunctionVersion": "1"}, "ValidationException"),
    ("create_alias", {"Name": "a", "FunctionVersion": "live"}, "ValidationException"),
    ("create_alias", {"Name": "a", "FunctionVersion": "7"}, "ResourceNotFoundException"),
)


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_a_weight_is_between_zero_and_one(platform: "Platform", weight: float) -> None:
    lambda_ = platform.client("lambda", parameter_validation=False)
    name = platform.create(SAYS.format(word="one"))
    lambda_.publish_version(FunctionName=name)
    weights = {"AdditionalVersionWeights": {"1": weight}}
    with pytest.raises(ClientError) as caught:
        lambda_.create_alias(FunctionName=name, Name="a", FunctionVersion="1", RoutingConfig=weights)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_bad_aliases_get_the_errors_of_aws(platform: "Platform") -> None:
    lambda_ = platform.client("lambda", parameter_validation=False)
    name = platform.create(SAYS.format(word="one"))
    lambda_.publish_version(FunctionName=name)
    for operation, parameters, code in BAD:
        with pytest.raises(ClientError) as caught:
            getattr(lambda_, operation)(FunctionName=name, **parameters)
        assert caught.value.response["Error"]["Code"] == code, (operation, parameters)
    assert lambda_.list_aliases(FunctionName=name)["Aliases"] == []
