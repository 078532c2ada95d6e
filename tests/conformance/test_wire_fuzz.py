"""Hostile requests: whatever the bytes, the wire answers with a ServiceError or with parameters, never otherwise."""

import json
import random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest
from lambent.protocol.wires import wire_for

SERVICES = ["lambda", "cloudwatch", "iam", "sqs", "s3", "dynamodb", "events", "apigateway", "cloudformation"]
HEADERS = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("content-length", "12x"),
    ("if-modified-since", "yesterday"),
    ("x-amz-object-attributes", '"open'),
    ("x-amz-meta-a", "b"),
]
METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "BREW"])
PATHS = st.text(st.characters(codec="ascii"), max_size=40) | st.sampled_from(
    ["/", "/b", "/b/%ff", "/b/k", "/2015-03-31/functions/%C3", "/restapis/x", "/service/a/operation/b"]
)
QUERIES = st.text(st.characters(codec="ascii"), max_size=30) | st.sampled_from(
    ["Action=CreateUser&Tags.member.1.Key", "MaxItems=9" * 9, "acl", "partNumber=x&uploadId=y", "max-keys=1e9", "%ff=%"]
)
BODIES = st.binary(max_size=80) | st.sampled_from(
    [b"[" * 100_000, b'{"a":' * 50_000, b"\xa1" * 9, b"<a>" * 5_000, b'{"FunctionName":{}}', b"null", b"NaN",
     b"9" * 5000, b'{"Timeout":1e999}', b'{"Timeout":' + b"9" * 5000 + b"}", b'{"Item":{"a":{"L":[' * 900,
     b"Action=" + b"a." * 9000]
)  # fmt: skip


def answer_to(service: str, request: HttpRequest) -> None:
    """Route and parse, as control does; write the error, as the gateway does."""
    wire = wire_for(service)
    try:
        wire.parse(wire.operation_of(request), request)
    except ServiceError as error:
        answer = wire.error(error, request, "id")
        assert 400 <= answer.status < 600


@settings(max_examples=250)
@given(st.sampled_from(SERVICES), METHODS, PATHS, QUERIES, st.lists(st.sampled_from(HEADERS)), BODIES)
def test_random_requests_are_answered(
    service: str, method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    answer_to(service, HttpRequest(method, path, query, headers, body))


@settings(max_examples=150)
@given(
    st.sampled_from(["sqs.SendMessage", "dynamodb.PutItem", "events.PutTargets", "cloudwatch.PutMetricData"]), BODIES
)
def test_random_bodies_of_json_operations_are_answered(target: str, body: bytes) -> None:
    service, name = target.split(".")
    wire = wire_for(service)
    try:
        wire.parse(name, HttpRequest("POST", "/", "", [("x-amz-target", f"x.{name}")], body))
    except ServiceError as error:
        refused = error.message
        assert refused


KEYS = st.sampled_from(["Item", "TableName", "S", "L", "M", "B", "Role", "Code", "Tags", "Layers", "Environment"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=10,
)


@settings(max_examples=200)
@given(JSON)
def test_values_of_the_wrong_kind_are_refused(value: object) -> None:
    body = json.dumps(value).encode()
    answer_to("dynamodb", HttpRequest("POST", "/", "", [("x-amz-target", "DynamoDB_20120810.PutItem")], body))
    answer_to("lambda", HttpRequest("POST", "/2015-03-31/functions", "", [], body))


@pytest.mark.parametrize("service", ["lambda", "s3", "iam", "cloudwatch", "logs"])
def test_a_good_request_with_a_changed_byte_is_answered(service: str) -> None:
    source = random.Random(7)
    bodies = {
        "lambda": (
            "POST",
            "/2015-03-31/functions",
            b'{"FunctionName":"f","Tags":{"a":"b"},"Layers":["x"],"Timeout":3}',
        ),
        "s3": ("PUT", "/b", b'<C xmlns="s"><LocationConstraint>eu</LocationConstraint><Tags><Tag/></Tags></C>'),
        "iam": ("POST", "/", b"Action=CreateUser&UserName=a&Tags.member.1.Key=k&Tags.member.1.Value=v"),
        "cloudwatch": (
            "POST",
            "/service/GraniteServiceVersion20100801/operation/GetDashboard",
            b"\xa1mDashboardNameaa",
        ),
        "logs": ("POST", "/", b'{"logGroupName":"a","startTime":1}'),
    }
    method, path, good = bodies[service]
    for _ in range(300):
        body = bytearray(good)
        for _ in range(source.randint(1, 3)):
            body[source.randrange(len(body))] = source.randrange(256)
        headers = [("x-amz-target", "Logs_20140328.FilterLogEvents")] if service == "logs" else []
        changed = path if source.random() < 0.8 else path + quote(bytes([source.randrange(256)]))
        answer_to(service, HttpRequest(method, changed, "", headers, bytes(body)))
