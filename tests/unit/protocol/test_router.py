"""Which operation an address names. Source: `requestUri` of botocore's models; S3 and Lambda API references."""

from typing import Any

import pytest

from lambent.errors import NotImplementedByLambent, UnknownOperation
from lambent.model.http import HttpRequest
from lambent.protocol.wires import wire_for

COPY = [("x-amz-copy-source", "/b/k")]


def routed(service: str, method: str, target: str, headers: list[tuple[str, str]] | None = None) -> str:
    path, _, query = target.partition("?")
    return wire_for(service).operation_of(HttpRequest(method, path, query, headers or []))


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/", "ListBuckets"),
        ("PUT", "/b", "CreateBucket"),
        ("PUT", "/b/", "CreateBucket"),
        ("GET", "/b/", "ListObjects"),
        ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2"),
        ("GET", "/b?versions", "ListObjectVersions"),
        ("GET", "/b?uploads=", "ListMultipartUploads"),
        ("HEAD", "/b", "HeadBucket"),
        ("HEAD", "/b/k", "HeadObject"),
        ("GET", "/b/a/b//c/", "GetObject"),
        ("GET", "/b//k", "GetObject"),
        ("GET", "/b/k?x-id=GetObject&X-Amz-Signature=00", "GetObject"),
        ("GET", "/b/k?uploadId=u", "ListParts"),
        ("GET", "/b/k?acl", "GetObjectAcl"),
        ("PUT", "/b/k", "PutObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
        ("POST", "/b?delete", "DeleteObjects"),
        ("PUT", "/b?lifecycle", "PutBucketLifecycleConfiguration"),
        ("GET", "/b?analytics", "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", "GetBucketAnalyticsConfiguration"),
    ],
)
def test_s3_operations_are_told_apart(method: str, target: str, operation: str) -> None:
    assert routed("s3", method, target) == operation


def test_s3_copies_are_told_by_their_header() -> None:
    assert routed("s3", "PUT", "/b/k", COPY) == "CopyObject"
    assert routed("s3", "PUT", "/b/k?partNumber=1&uploadId=u", COPY) == "UploadPartCopy"


def test_a_subresource_without_its_id_does_not_make_a_bucket() -> None:
    assert routed("s3", "PUT", "/b?analytics") == "PutBucketAnalyticsConfiguration"
    assert routed("s3", "DELETE", "/b?inventory") == "DeleteBucketInventoryConfiguration"


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/2015-03-31/functions", "ListFunctions"),
        ("GET", "/2015-03-31/functions/", "ListFunctions"),
        ("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A0%3Afunction%3Af", "GetFunction"),
        ("POST", "/2015-03-31/functions/f/invocations", "Invoke"),
        ("POST", "/2021-11-15/functions/f/response-streaming-invocations", "InvokeWithResponseStream"),
        ("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL", "ListProvisionedConcurrencyConfigs"),
        ("GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1", "GetProvisionedConcurrencyConfig"),
        ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn"),
        ("GET", "/2018-10-31/layers", "ListLayers"),
    ],
)
def test_lambda_operations_are_told_apart(method: str, target: str, operation: str) -> None:
    assert routed("lambda", method, target) == operation


@pytest.mark.parametrize("path", ["/nothing", "", "*", "/2015-03-31/functions//", "/2015-03-31/functions/f/x/y"])
def test_an_address_of_no_operation_is_unknown(path: str) -> None:
    with pytest.raises(UnknownOperation):
        routed("lambda", "GET", path)


def test_s3_calls_it_a_method_that_is_not_allowed() -> None:
    with pytest.raises(UnknownOperation) as caught:
        routed("s3", "POST", "/b")
    assert (caught.value.code, caught.value.status) == ("MethodNotAllowed", 405)


def test_keys_keep_their_slashes_and_lose_their_percents() -> None:
    request = HttpRequest("GET", "/b/%2Fa//b%20c%C3%A9+/", "", [])
    assert wire_for("s3").parse("GetObject", request) == {"Bucket": "b", "Key": "/a//b c\u00e9+/"}


def test_one_signing_name_may_mean_two_models() -> None:
    v2 = HttpRequest("GET", "/v2/apis", "", [])
    streams = HttpRequest("POST", "/", "", [("x-amz-target", "DynamoDBStreams_20120810.ListStreams")])
    assert wire_for("apigateway", v2).service == "apigatewayv2"
    assert wire_for("apigateway", HttpRequest("GET", "/restapis", "", [])).service == "apigateway"
    assert wire_for("dynamodb", streams).service == "dynamodbstreams"
    assert wire_for("monitoring").service == "cloudwatch"
    assert wire_for("lambda") is wire_for("lambda")


@pytest.mark.parametrize(
    ("signing_name", "request_", "told"),
    [
        ("states", ("POST", "/", [("x-amz-target", "AWSStepFunctions.ListActivities")], b"{}"), "ListActivities"),
        ("elasticfilesystem", ("POST", "/2015-02-01/file-systems", [], b"{}"), "CreateFileSystem"),
        ("elasticloadbalancing", ("POST", "/", [], b"Action=DescribeLoadBalancers"), "DescribeLoadBalancers"),
        ("ses", ("GET", "/v2/email/account", [], b""), "GetAccount"),
        ("es", ("GET", "/2021-01-01/domain", [], b""), "ListDomainNames"),
        ("ec2", ("POST", "/", [], b"Action=CreateSecurityGroup&Version=2016-11-15"), "CreateSecurityGroup"),
    ],
)  # fmt: skip
def test_what_lambent_lacks_has_a_name_too(signing_name: str, request_: Any, told: str) -> None:
    """Signing names and protocols as the services' botocore models have them."""
    method, path, headers, body = request_
    request = HttpRequest(method, path, "", headers, body)
    assert wire_for(signing_name, request).operation_of(request) == told


def test_errors_of_ec2_are_in_its_own_envelope() -> None:
    """Source: Smithy, "AWS EC2 query protocol"; read by botocore's own parser."""
    from botocore.parsers import EC2QueryParser

    request = HttpRequest("POST", "/", "", [], b"Action=CreateSecurityGroup")
    answer = wire_for("ec2").error(NotImplementedByLambent("not & here"), request, "id-1")
    told = EC2QueryParser().parse({"status_code": answer.status, "headers": {}, "body": answer.body}, None)
    assert told["Error"] == {"Code": "NotImplemented", "Message": "not & here"}
    assert told["ResponseMetadata"]["RequestId"] == "id-1"


@pytest.mark.parametrize("service", ["nothing", "../lambda"])
def test_a_service_without_a_model_or_protocol_is_refused(service: str) -> None:
    from lambent.protocol.models import UnknownService

    with pytest.raises(UnknownService):
        wire_for(service)


def test_a_service_answers_in_the_protocol_that_is_spoken() -> None:
    wire = wire_for("cloudwatch")
    form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
    target = [("x-amz-target", "GraniteServiceVersion20100801.ListMetrics")]
    query = HttpRequest("POST", "/", "", form, b"Action=ListMetrics&Version=2010-08-01")
    json = HttpRequest("POST", "/", "", target, b"{}")
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    cbor = HttpRequest("POST", path, "", [("smithy-protocol", "rpc-v2-cbor")], b"\xa0")
    get = HttpRequest("GET", "/", "Action=ListMetrics", [])
    types = {}
    for name, request in {"query": query, "json": json, "cbor": cbor, "get": get}.items():
        assert wire.operation_of(request) == "ListMetrics"
        assert wire.parse("ListMetrics", request) == {}
        types[name] = dict(wire.answer("ListMetrics", {}, request, "id").headers)["Content-Type"]
    assert types == {
        "query": "text/xml",
        "json": "application/x-amz-json-1.0",
        "cbor": "application/cbor",
        "get": "text/xml",
    }
