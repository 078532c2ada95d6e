"""What hostile and broken clients send: each gets an answer, and the server stays up."""

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

ECHO = "def handler(event, context):\n    return event\n"
SIZED = "def handler(event, context):\n    return 'x' * event\n"


def raw(platform: "Platform", data: bytes) -> bytes:
    """What the server says to these bytes."""
    where = urlsplit(platform.endpoint)
    with socket.create_connection((where.hostname, where.port), timeout=60) as client:
        try:
            client.sendall(data)
            return client.recv(65536)
        except ConnectionResetError:
            return b""


@pytest.fixture(scope="module")
def echo(platform: "Platform") -> str:
    return str(platform.create(ECHO))


@pytest.mark.parametrize("payload", [b"{", b"\xff\xfe", b"not json", b'{"a":}', b"[" * 100_000])
def test_a_payload_that_is_not_json_is_refused(platform: "Platform", echo: str, payload: bytes) -> None:
    with pytest.raises(ClientError, match="Could not parse request body into json") as refusal:
        platform.client("lambda").invoke(FunctionName=echo, Payload=payload)
    assert refusal.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_six_megabytes_pass_both_ways_and_one_more_byte_does_not(platform: "Platform", echo: str) -> None:
    lambda_ = platform.client("lambda")
    largest = b'"' + b"x" * (6_291_456 - 2) + b'"'
    assert lambda_.invoke(FunctionName=echo, Payload=largest)["Payload"].read() == largest
    with pytest.raises(ClientError) as refusal:
        lambda_.invoke(FunctionName=echo, Payload=largest + b" ")
    assert refusal.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_answer_over_the_limit_is_the_functions_error(platform: "Platform") -> None:
    answer = platform.client("lambda").invoke(FunctionName=platform.create(SIZED), Payload=b"7000000")
    assert json.load(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_flood_of_headers_is_cut_off(platform: "Platform") -> None:
    flood = b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 5000 + b"\r\n"
    assert raw(platform, flood).startswith(b"HTTP/1.1 431 ")


def test_what_is_not_http_is_told_so(platform: "Platform") -> None:
    assert raw(platform, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(platform: "Platform") -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n"
    assert raw(platform, head).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_hangs_up_half_way_hurts_nobody(platform: "Platform", echo: str) -> None:
    where = urlsplit(platform.endpoint)
    for _ in range(50):
        with socket.create_connection((where.hostname, where.port), timeout=60) as client:
            client.sendall(b"POST /2015-03-31/functions/x/invocations HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf")
    assert platform.client("lambda").invoke(FunctionName=echo, Payload=b"1")["Payload"].read() == b"1"


def test_a_request_without_a_signature_is_refused(platform: "Platform", echo: str) -> None:
    request = f"POST /2015-03-31/functions/{echo}/invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    answer = raw(platform, request.encode())
    assert b" 403 " in answer.splitlines()[0]
    assert b"MissingAuthenticationToken" in answer


@pytest.mark.parametrize("operation", ["list_capacity_providers", "list_code_signing_configs"])
def test_an_operation_that_is_not_there_says_so_by_name(platform: "Platform", operation: str) -> None:
    with pytest.raises(ClientError, match=r"is not implemented") as refusal:
        getattr(platform.client("lambda"), operation)()
    assert refusal.value.response["Error"]["Code"] == "NotImplemented"


def test_an_invocation_of_nothing_is_not_found(platform: "Platform") -> None:
    for kind in ("RequestResponse", "Event", "DryRun"):
        with pytest.raises(ClientError, match="Function not found") as refusal:
            platform.client("lambda").invoke(FunctionName="nobody", InvocationType=kind)
        assert refusal.value.response["Error"]["Code"] == "ResourceNotFoundException"
