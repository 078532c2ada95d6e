"""The form of errors in each protocol. Sources beside each test."""

import json
import zlib
from typing import Any
from xml.etree import ElementTree

import pytest

from lambent.errors import AccessDenied, InternalFailure, NotImplementedByLambent, RemoteServiceError, ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.cbor import decode_cbor
from lambent.protocol.wires import wire_for

GET = HttpRequest("GET", "/", "", [])
HEAD = HttpRequest("HEAD", "/b/k", "", [])


def error(code: str, status: int = 400, **members: Any) -> ServiceError:
    return RemoteServiceError(code, status, "Words", members)


def header(answer: HttpResponse, name: str) -> str | None:
    return dict(answer.headers).get(name)


# Source: behaviours sheet sections 1 and 9 (recorded).
@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        ("ResourceNotFoundException", 404, {"Type": "User", "Message": "Words"}),
        ("ResourceConflictException", 409, {"Type": "User", "message": "Words"}),
        ("ServiceException", 500, {"Type": "Service", "Message": "Words"}),
        ("ValidationException", 400, {"message": "Words"}),
    ],
)
def test_lambda_spells_each_error_as_its_shape_does(code: str, status: int, body: dict[str, str]) -> None:
    answer = wire_for("lambda").error(error(code), GET, "id-1")
    assert (answer.status, json.loads(answer.body)) == (status, body)
    assert header(answer, "x-amzn-ErrorType") == code
    assert header(answer, "x-amzn-RequestId") == "id-1"


def test_a_throttle_carries_its_reason_and_when_to_return() -> None:
    throttle = error("TooManyRequestsException", Reason="ConcurrentInvocationLimitExceeded", retryAfterSeconds="3")
    answer = wire_for("lambda").error(throttle, GET, "id-1")
    assert answer.status == 429
    assert json.loads(answer.body) == {
        "Type": "User", "Reason": "ConcurrentInvocationLimitExceeded", "message": "Words",
    }  # fmt: skip
    assert header(answer, "Retry-After") == "3"


# Source: Smithy's AWS JSON and AWS Query compatibility pages; SQS API reference.
def test_sqs_says_its_error_in_json_and_in_the_words_of_query() -> None:
    answer = wire_for("sqs").error(error("QueueDoesNotExist"), GET, "id-1")
    assert json.loads(answer.body) == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "Words"}
    assert header(answer, "x-amzn-query-error") == "AWS.SimpleQueueService.NonExistentQueue;Sender"


def test_a_service_may_raise_the_query_code_itself() -> None:
    answer = wire_for("iam").error(error("NoSuchEntity"), GET, "id-1")
    root = ElementTree.fromstring(answer.body)
    space = "{https://iam.amazonaws.com/doc/2010-05-08/}"
    assert answer.status == 404
    assert root.tag == f"{space}ErrorResponse"
    assert [child.tag.removeprefix(space) for child in root[0]] == ["Type", "Code", "Message"]
    assert [child.text for child in root[0]] == ["Sender", "NoSuchEntity", "Words"]
    assert root.findtext(f"{space}RequestId") == "id-1"


# Source: S3 API reference, "REST error responses".
def test_s3_errors_have_no_wrapper_and_their_own_members() -> None:
    answer = wire_for("s3").error(error("NoSuchKey", Key="a<b", BucketName="b"), GET, "id-1")
    root = ElementTree.fromstring(answer.body)
    assert (answer.status, root.tag, root.findtext("Key"), root.findtext("BucketName")) == (404, "Error", "a<b", "b")
    assert header(answer, "x-amz-request-id") == "id-1"
    assert header(answer, "x-amz-id-2")
    assert header(answer, "x-amzn-RequestId") is None


def test_an_answer_to_head_has_no_body() -> None:
    assert wire_for("s3").error(error("NoSuchKey"), HEAD, "id-1").body == b""


def test_a_code_that_no_model_has_keeps_its_own_status() -> None:
    answer = wire_for("s3").error(error("InvalidBucketPeriod", 418), GET, "id-1")
    assert answer.status == 418


@pytest.mark.parametrize(
    ("raised", "status"),
    [(AccessDenied("no"), 403), (InternalFailure("oh"), 500), (NotImplementedByLambent("not yet"), 501)],
)
@pytest.mark.parametrize("service", ["lambda", "dynamodb", "iam", "s3", "cloudwatch"])
def test_errors_of_the_house_are_told_in_every_protocol(service: str, raised: ServiceError, status: int) -> None:
    answer = wire_for(service).error(raised, GET, "id-1")
    text = answer.body if service != "cloudwatch" else str(decode_cbor(answer.body)).encode()
    assert answer.status == status
    assert raised.message.encode() in text
    assert (header(answer, "x-amzn-ErrorType") or raised.code).encode() == raised.code.encode()


# Source: DynamoDB and CloudWatch Logs answers of the real services, as SDK issue reports quote them.
def test_dynamodb_types_carry_their_namespace_and_logs_do_not() -> None:
    dynamodb = wire_for("dynamodb").error(error("ResourceNotFoundException"), GET, "id-1")
    logs = wire_for("logs").error(error("ResourceNotFoundException"), GET, "id-1")
    assert json.loads(dynamodb.body)["__type"] == "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
    assert json.loads(logs.body)["__type"] == "ResourceNotFoundException"


# Source: "Could not parse request body into json", public reports of Lambda's answer.
def test_a_body_that_is_no_json_is_refused_as_each_service_does() -> None:
    with pytest.raises(ServiceError) as caught:
        wire_for("lambda").parse("CreateFunction", HttpRequest("POST", "/2015-03-31/functions", "", [], b"{oops"))
    assert caught.value.code == "InvalidRequestContentException"
    assert caught.value.message.startswith("Could not parse request body into json: ")
    with pytest.raises(ServiceError) as caught:
        wire_for("dynamodb").parse("PutItem", HttpRequest("POST", "/", "", [], b"{oops"))
    assert caught.value.code == "SerializationException"
    with pytest.raises(ServiceError) as caught:
        wire_for("s3").parse("DeleteObjects", HttpRequest("POST", "/b", "delete", [], b"<oops"))
    assert caught.value.code == "MalformedXML"


def test_unknown_actions_have_the_codes_of_query() -> None:
    form = [("content-type", "application/x-www-form-urlencoded")]
    for body, code in ((b"Action=Fly", "InvalidAction"), (b"", "MissingAction")):
        with pytest.raises(ServiceError) as caught:
            wire_for("sts").operation_of(HttpRequest("POST", "/", "", form, body))
        assert caught.value.code == code


# Source: the SDK for Go's DynamoDB client (Close compares x-amz-crc32 with what was read), botocore's retry rule
# `crc32`, and the SDK for Java's `calculateCrc32FromCompressedData`.
@pytest.mark.parametrize(
    ("target", "operation"), [("DynamoDB_20120810", "ListTables"), ("DynamoDBStreams_20120810", "ListStreams")]
)
def test_dynamodb_tells_the_checksum_of_each_body(target: str, operation: str) -> None:
    request = HttpRequest("POST", "/", "", [("x-amz-target", f"{target}.{operation}")])
    wire = wire_for("dynamodb", request)
    for answer in (
        wire.answer(operation, {}, request, "id-1"),
        wire.error(error("ValidationException"), request, "id-1"),
    ):
        assert header(answer, "x-amz-crc32") == str(zlib.crc32(answer.body))


def test_others_that_speak_json_do_not() -> None:
    assert header(wire_for("sqs").error(error("QueueDoesNotExist"), GET, "id-1"), "x-amz-crc32") is None
