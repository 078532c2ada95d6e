"""What unmodified boto3 clients send is believed, service by service, bodies in chunks included.

Source: boto3 itself. The request is caught just before it would leave for the network, which has
the headers and the body that the wire would see.
"""

import io
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.chunked import decode, is_chunked
from lambent.protocol.sigv4 import credential_of, verify

KEY = AccessKey("ASIAIOSFODNN7EXAMPLE", "s3cr3t", Principal("1" * 12, "arn", "id"), session_token="to/k+en==")


def wire_form(request: AWSPreparedRequest) -> HttpRequest:
    """The prepared request as a server meets it."""
    parts = urlsplit(request.url)
    headers = [
        (name.lower(), value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in request.headers.items()
    ]
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    return HttpRequest(request.method, parts.path or "/", parts.query, [("host", parts.netloc), *headers], body)


class CaughtError(BaseException):
    """Carries the request out of the client, which retries and wraps ordinary exceptions."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self.request = request


def catch(request: AWSPreparedRequest, **_: Any) -> None:
    raise CaughtError(wire_form(request))


def caught(service: str, scheme: str, call: Callable[[Any], Any]) -> HttpRequest:
    """The request that `call` makes with a fresh client of `service`."""
    client = boto3.client(
        service,
        region_name="eu-west-3",
        endpoint_url=f"{scheme}://localhost:4566",
        aws_access_key_id=KEY.access_key_id,
        aws_secret_access_key=KEY.secret,
        aws_session_token=KEY.session_token,
    )
    client.meta.events.register_first("before-send", catch)
    with pytest.raises(CaughtError) as found:
        call(client)
    return found.value.request


CALLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "invoke": (
        "lambda",
        lambda c: c.invoke(
            FunctionName="f:$LATEST", Payload=b'{"a": "\xc3\xa9"}', ClientContext="e30=", LogType="Tail"
        ),
    ),
    "invoke by arn": (
        "lambda",
        lambda c: c.invoke(FunctionName="arn:aws:lambda:eu-west-3:111111111111:function:f", Qualifier="a-b"),
    ),
    "list": ("lambda", lambda c: c.list_functions(Marker="a b+c/=&", MaxItems=3)),
    "tags": ("lambda", lambda c: c.untag_resource(Resource="arn:aws:lambda:r:1:function:f", TagKeys=["b ", "a", "~"])),
    "user": ("iam", lambda c: c.list_users(PathPrefix="/a b/")),
    "caller": ("sts", lambda c: c.get_caller_identity()),
    "table": ("dynamodb", lambda c: c.list_tables()),
    "queue": ("sqs", lambda c: c.list_queues()),
    "logs": ("logs", lambda c: c.describe_log_groups()),
    "put": (
        "s3",
        lambda c: c.put_object(Bucket="bucket", Key="a b/ü~+(1).txt", Body=b"x" * 20_000, Metadata={"k": "v  w"}),
    ),
    "stream": ("s3", lambda c: c.put_object(Bucket="bucket", Key="k", Body=io.BytesIO(b"x" * 20_000))),
    "copy": ("s3", lambda c: c.copy_object(Bucket="bucket", Key="k", CopySource={"Bucket": "b", "Key": "ü k"})),
    "keys": ("s3", lambda c: c.list_objects_v2(Bucket="bucket", Prefix="a b+/", Delimiter="/", MaxKeys=2)),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", list(CALLS))
def test_what_a_client_sends_is_believed(name: str, scheme: str) -> None:
    service, call = CALLS[name]
    request = caught(service, scheme, call)
    credential = credential_of(request)
    assert (credential.service, credential.token) == (service, KEY.session_token)
    verify(request, credential, KEY, time.time())


def test_a_stream_over_tls_comes_in_chunks_with_a_checksum() -> None:
    request = caught("s3", "https", CALLS["stream"][1])
    assert is_chunked(request)
    data, trailers = decode(request, credential_of(request), KEY)
    assert data == b"x" * 20_000
    assert list(trailers) == [request.header("x-amz-trailer")]


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("get_object", {"Bucket": "bucket", "Key": "a b/ü~+(1).txt"}),
        ("put_object", {"Bucket": "bucket", "Key": "k", "ContentType": "text/plain"}),
        ("list_objects_v2", {"Bucket": "bucket", "Prefix": "a b"}),
    ],
)
def test_a_presigned_link_is_believed(method: str, parameters: dict[str, str]) -> None:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://localhost:4566",
        aws_access_key_id=KEY.access_key_id,
        aws_secret_access_key=KEY.secret,
        aws_session_token=KEY.session_token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    parts = urlsplit(client.generate_presigned_url(method, parameters))
    verb = {"put_object": "PUT"}.get(method, "GET")
    headers = [("host", "localhost:4566"), *([("content-type", "text/plain")] if verb == "PUT" else [])]
    request = HttpRequest(verb, parts.path, parts.query, headers, b"anything")
    verify(request, credential_of(request), KEY, time.time())
