"""Broken constraints in AWS's words. Source: behaviours sheet section 6 (recorded from Lambda)."""

import json
from typing import Any

import pytest

from lambent.errors import ServiceError, ValidationError
from lambent.model.http import HttpRequest
from lambent.protocol.validate import camel, printed
from lambent.protocol.wires import wire_for

FUNCTION = {"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": "aGk="}}
NAME_PATTERN = (
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?"
    "(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
)


def refusal(service: str, operation: str, request: HttpRequest) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        wire_for(service).parse(operation, request)
    return caught.value


def create(**members: Any) -> HttpRequest:
    body = {key: value for key, value in {**FUNCTION, **members}.items() if value is not None}
    return HttpRequest("POST", "/2015-03-31/functions", "", [], json.dumps(body).encode())


def message(**members: Any) -> str:
    return refusal("lambda", "CreateFunction", create(**members)).message


def test_what_keeps_every_constraint_passes() -> None:
    assert wire_for("lambda").parse("CreateFunction", create())["Code"] == {"ZipFile": b"hi"}


def test_a_pattern_is_shown_whole() -> None:
    assert message(FunctionName="a b") == (
        "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
    )


def test_all_violations_are_counted_and_joined() -> None:
    assert message(Role=None, Timeout=0, MemorySize=1) == (
        "3 validation errors detected: "
        "Value null at 'role' failed to satisfy constraint: Member must not be null; "
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1; "
        "Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"
    )


def test_a_length_names_its_limit() -> None:
    assert message(Description="x" * 257).endswith("Member must have length less than or equal to 256")


def test_scalars_in_a_list_are_reported_at_the_list() -> None:
    assert message(Architectures=["sparc"]) == (
        "1 validation error detected: Value '[sparc]' at 'architectures' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    )


def test_structures_in_a_list_are_reported_by_their_number() -> None:
    assert "at 'fileSystemConfigs.1.member.localMountPath' failed" in message(
        FileSystemConfigs=[
            {"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-00000000000000000"}
        ]
    )


def test_keys_and_values_of_maps_are_reported_at_the_map_and_secrets_are_not_shown() -> None:
    said = message(Environment={"Variables": {"1": "secret"}})
    assert said == (
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must "
        "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, "
        "Member must not be null]"
    )
    assert "Map value must satisfy constraint: [Member must have length less than or equal to 256, " in message(
        Tags={"k": "v" * 257}
    )


def test_a_null_inside_a_list_or_map_is_a_violation() -> None:
    assert "Value '[null]' at 'layers'" in message(Layers=[None])
    assert "Map value must satisfy constraint: [Member must" in message(Tags={"k": None})


def test_the_runtime_is_left_to_lambda_itself() -> None:
    assert wire_for("lambda").parse("CreateFunction", create(Runtime="cobol"))["Runtime"] == "cobol"


def test_members_of_headers_and_queries_are_checked_too() -> None:
    request = HttpRequest(
        "POST", "/2015-03-31/functions/f/invocations", "Qualifier=", [("x-amz-invocation-type", "Maybe")]
    )
    said = refusal("lambda", "Invoke", request).message
    assert "Value 'Maybe' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value" in said
    assert "Value '' at 'qualifier' failed to satisfy constraint: Member must have length greater than" in said


def json_request(target: str, body: Any) -> HttpRequest:
    return HttpRequest("POST", "/", "", [("x-amz-target", target)], json.dumps(body).encode())


def form_request(text: str) -> HttpRequest:
    return HttpRequest("POST", "/", "", [("content-type", "application/x-www-form-urlencoded")], text.encode())


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code", "words"),
    [
        ("dynamodb", "DescribeTable", json_request("DynamoDB_20120810.DescribeTable", {}), "ValidationException",
         "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: "
         "Member must not be null"),
        ("logs", "CreateLogGroup", json_request("Logs_20140328.CreateLogGroup", {"logGroupName": "a b"}),
         "InvalidParameterException", "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy "
         "constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"),
        ("iam", "CreateUser", form_request("Action=CreateUser&Version=2010-05-08"), "ValidationError",
         "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null"),
        # Source: API Gateway's answers as users report them ("at 'putIntegrationInput.type'").
        ("apigateway", "CreateRestApi", HttpRequest("POST", "/restapis", "", [], b'{"apiKeySource":"X","name":"n"}'),
         "ValidationException", "1 validation error detected: Value 'X' at 'createRestApiInput.apiKeySource' failed to "
         "satisfy constraint: Member must satisfy enum value set: [HEADER, AUTHORIZER]"),
        # Source: S3 API reference, "List of error codes".
        ("s3", "PutBucketPolicy", HttpRequest("PUT", "/b", "policy", []), "MissingRequestBodyError",
         "Request Body is empty"),
        ("s3", "PutBucketVersioning", HttpRequest("PUT", "/b", "versioning", [],
         b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"), "MalformedXML",
         "The XML you provided was not well-formed or did not validate against our published schema"),
        ("s3", "PutObject", HttpRequest("PUT", "/b/k", "", [("x-amz-acl", "open")]), "InvalidArgument",
         "1 validation error detected: Value 'open' at 'aCL' failed to satisfy constraint: Member must satisfy enum "
         "value set: [private, public-read, public-read-write, authenticated-read, aws-exec-read, bucket-owner-read, "
         "bucket-owner-full-control]"),
        ("sqs", "SendMessage", json_request("AmazonSQS.SendMessage", {"QueueUrl": "http://q"}), "MissingParameter",
         "The request must contain the parameter MessageBody."),
    ],
)  # fmt: skip
def test_each_service_answers_under_its_own_code(
    service: str, operation: str, request_: HttpRequest, code: str, words: str
) -> None:
    error = refusal(service, operation, request_)
    assert (error.code, error.message) == (code, words)


def test_values_of_maps_are_reported_by_their_key() -> None:
    # Source: DynamoDB's answer to BatchWriteItem with too many requests ("at 'requestItems.T.member'").
    body: dict[str, Any] = {"RequestItems": {"T": [{"PutRequest": {"Item": {}}}] * 26}}
    error = refusal("dynamodb", "BatchWriteItem", json_request("DynamoDB_20120810.BatchWriteItem", body))
    assert "at 'requestItems.T.member' failed to satisfy constraint: Member must have length less than" in error.message


def test_a_shape_that_holds_itself_is_checked_at_every_depth() -> None:
    nested = {"L": [{"M": {"k": {"S": "deep"}}}]}
    parsed = wire_for("dynamodb").parse(
        "PutItem", json_request("DynamoDB_20120810.PutItem", {"TableName": "tab", "Item": {"a": nested}})
    )
    assert parsed["Item"]["a"] == nested


def test_long_values_are_cut() -> None:
    assert len(message(Description="x" * 100_000)) < 1300


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (True, "true"), (["a", "b"], "[a, b]"), ({"2": 2.0}, "{2=2.0}"), (5, "5")],
)
def test_values_print_as_java_prints_them(value: Any, shown: str) -> None:
    assert printed(value) == shown


def test_paths_are_camel_case_by_their_first_letter_only() -> None:
    assert camel("KMSKeyArn") == "kMSKeyArn"


def test_a_validation_error_is_answered_without_a_type() -> None:
    answer = wire_for("lambda").error(ValidationError("no"), create(), "id-1")
    assert (answer.status, json.loads(answer.body)) == (400, {"message": "no"})


def test_no_more_violations_are_told_than_anybody_reads() -> None:
    """A batch of two million empty entries breaks four million constraints."""
    headers = [("x-amz-target", "AmazonSQS.SendMessageBatch"), ("content-type", "application/x-amz-json-1.0")]
    body = json.dumps({"QueueUrl": "q", "Entries": [{}] * 200_000}).encode()
    found = refusal("sqs", "SendMessageBatch", HttpRequest("POST", "/", "", headers, body))
    assert found.message.startswith("100 validation errors detected: Value null at 'entries.1.member.id'")
    assert found.message.count("; ") == 99
