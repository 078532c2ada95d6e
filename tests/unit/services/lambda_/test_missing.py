"""What is said of a function, version, alias or mapping that is not there: each operation has its own words.

Source: answers of the service, recorded in a public test suite.
"""

from typing import Any

import pytest

from lambent.errors import ServiceError

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
MAPPING = "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:11111111-2222-3333-4444-555555555555"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
NO_RESOURCE = "The resource you requested does not exist."
NO_FUNCTION = "Function does not exist"
ALLOWED = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
ONE = {"ProvisionedConcurrentExecutions": 1}


@pytest.mark.parametrize(
    ("operation", "name", "parameters", "words"),
    [
        ("GetPolicy", "none", {}, NO_RESOURCE),
        ("GetPolicy", "f:42", {}, NO_RESOURCE),
        ("GetPolicy", "f", {}, NO_RESOURCE),
        ("AddPermission", "none", ALLOWED, f"Function not found: {ARN}none"),
        ("AddPermission", "f:42", ALLOWED, f"Function not found: {ARN}f:42"),
        ("AddPermission", "f:none", ALLOWED, f"Cannot find alias arn: {ARN}f:none"),
        ("RemovePermission", "none", {"StatementId": "s"}, f"No policy found for: {ARN}none"),
        ("RemovePermission", "f:none", {"StatementId": "s"}, f"Cannot find alias arn: {ARN}f:none"),
        ("RemovePermission", "f", {"StatementId": "s"}, "No policy is associated with the given resource."),
        ("CreateFunctionUrlConfig", "none", {"AuthType": "NONE"}, NO_FUNCTION),
        ("CreateFunctionUrlConfig", "f:none", {"AuthType": "NONE"}, NO_FUNCTION),
        ("UpdateFunctionUrlConfig", "none", {}, NO_FUNCTION),
        ("UpdateFunctionUrlConfig", "f:none", {}, NO_FUNCTION),
        ("UpdateFunctionUrlConfig", "f", {}, NO_RESOURCE),
        ("GetFunctionUrlConfig", "none", {}, NO_RESOURCE),
        (
            "PutFunctionConcurrency",
            "none",
            {"ReservedConcurrentExecutions": 1},
            f"Function not found: {ARN}none:$LATEST",
        ),
        ("GetProvisionedConcurrencyConfig", "none:live", {}, f"Cannot find alias arn: {ARN}none:live"),
        ("PutProvisionedConcurrencyConfig", "none:1", ONE, f"Function not found: {ARN}none:1"),
        ("DeleteProvisionedConcurrencyConfig", "none:1", {}, f"Function not found: {ARN}none:1"),
    ],
)
async def test_what_is_missing_is_told_in_the_operations_words(
    house: Any, operation: str, name: str, parameters: dict[str, Any], words: str
) -> None:
    await house.create()
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, FunctionName=name, **parameters)
    assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 404)
    assert caught.value.message == words


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [("TagResource", {"Tags": {"a": "b"}}), ("UntagResource", {"TagKeys": ["a"]}), ("ListTags", {})],
)
async def test_tags_name_the_mapping_that_is_missing(house: Any, operation: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, Resource=MAPPING, **parameters)
    assert (caught.value.code, caught.value.message) == (
        "ResourceNotFoundException",
        f"Event source mapping not found: {MAPPING}",
    )


@pytest.mark.parametrize("name", ["none", "f:none", "f:42"])
async def test_a_mapping_of_what_is_missing_is_an_invalid_parameter(house: Any, name: str) -> None:
    await house.create()
    with pytest.raises(ServiceError) as caught:
        await house.call("CreateEventSourceMapping", FunctionName=name, EventSourceArn=QUEUE)
    assert (caught.value.code, caught.value.message) == ("InvalidParameterValueException", NO_FUNCTION)
