"""Function URLs as users meet them: curl, raw sockets, signed requests.

Sources: Lambda Developer Guide, "Creating and managing Lambda function URLs"; behaviours section 19.
"""

import http.client
import itertools
import json
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
import base64, json, time

def handler(event, context):
    path = event["rawPath"]
    if path == "/binary":
        data = base64.b64encode(bytes(range(256))).decode()
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": data, "isBase64Encoded": True}
    if path == "/cookies":
        return {"statusCode": 201, "headers": {"X-Own": "1"}, "cookies": ["a=1", "b=2"], "body": "made"}
    if path == "/fail":
        raise ValueError("private")
    if path == "/bad":
        return {"statusCode": "what"}
    if path == "/sleep":
        time.sleep(30)
    return event

def chat(event, context):
    yield {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}, "cookies": ["s=1"]}
    path = event["rawPath"]
    if path == "/flood":
        for _ in range(1000):
            yield b"x" * 65536
    for word in ("one", "two", "three"):
        yield f"data: {word}\\n\\n"
        if path == "/fail":
            raise ValueError("private")
        if path.startswith("/gate/"):
            stand(path.removeprefix("/gate/"))
"""


class Url:
    """One function URL, reached as clients without a resolver for *.localhost do."""

    def __init__(self, platform: "Platform", name: str, address: str) -> None:
        self.platform, self.name, self.address = platform, name, address
        self.host = urlsplit(address).netloc
        self.port = urlsplit(address).port or 80

    def ask(self, path: str = "/", method: str = "GET", **more: Any) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Host": self.host, **more.pop("headers", {})}
        connection.request(method, path, headers=headers, **more)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def connect(self, path: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), 30)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        return connection


def make(platform: "Platform", handler: str, auth: str = "NONE", **more: Any) -> Url:
    lambda_ = platform.client("lambda")
    name = platform.create_gated(SOURCE, Handler=f"app.{handler}", Timeout=more.pop("timeout", 60))
    url = lambda_.create_function_url_config(FunctionName=name, AuthType=auth, **more)
    if auth == "NONE":
        allow(lambda_, name)
    return Url(platform, name, url["FunctionUrl"])


def allow(lambda_: Any, name: str) -> None:
    lambda_.add_permission(
        FunctionName=name,
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )


@pytest.fixture(scope="module")
def url(platform: "Platform") -> Url:
    return make(platform, "handler")


@pytest.fixture(scope="module")
def chat(platform: "Platform") -> Url:
    return make(platform, "chat", InvokeMode="RESPONSE_STREAM")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_verb_reaches_the_function_with_the_event_of_format_2(url: Url, method: str) -> None:
    answer, body = url.ask("/a/b?x=1&x=2", method, body=b"text", headers={"Content-Type": "text/plain"})
    event = json.loads(body)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert (event["version"], event["rawPath"], event["queryStringParameters"]) == ("2.0", "/a/b", {"x": "1,2"})
    assert event["requestContext"]["http"]["method"] == method
    assert event["requestContext"]["requestId"] == answer.headers["x-amzn-requestid"]
    assert (event["body"], event["isBase64Encoded"]) == ("text", False)


def test_head_has_the_head_only(url: Url) -> None:
    answer, body = url.ask("/cookies", "HEAD")
    assert (answer.status, body, answer.headers["x-own"]) == (201, b"", "1")


def test_status_headers_cookies_and_binary_bodies(url: Url) -> None:
    answer, body = url.ask("/cookies")
    assert (answer.status, body, answer.headers.get_all("set-cookie")) == (201, b"made", ["a=1", "b=2"])
    answer, body = url.ask("/binary")
    assert (answer.headers["content-type"], body) == ("image/png", bytes(range(256)))
    _, body = url.ask("/", "POST", body=bytes(range(256)))
    assert json.loads(body)["isBase64Encoded"] is True


@pytest.mark.parametrize(("path", "status"), [("/fail", 502), ("/bad", 502)])
def test_failures_of_the_function_tell_strangers_nothing(url: Url, path: str, status: int) -> None:
    answer, body = url.ask(path)
    assert (answer.status, body) == (status, b"Internal Server Error")


def test_a_function_that_takes_too_long_tells_strangers_nothing(platform: "Platform") -> None:
    answer, body = make(platform, "handler", timeout=1).ask("/sleep")
    assert (answer.status, body) == (504, b"Internal Server Error")


def test_curl_reaches_the_url_by_name_and_by_path(url: Url) -> None:
    by_name = subprocess.run(["curl", "-sS", url.address + "n"], capture_output=True, check=True).stdout
    assert json.loads(by_name)["rawPath"] == "/n"
    path = f"http://127.0.0.1:{url.port}/_aws/lambda-url/{url.host.partition('.')[0]}/n?q=1"
    by_path = json.loads(subprocess.run(["curl", "-sS", path], capture_output=True, check=True).stdout)
    assert (by_path["rawPath"], by_path["rawQueryString"]) == ("/n", "q=1")


def test_our_own_pages_are_not_shown_under_a_functions_name(url: Url) -> None:
    _, body = url.ask("/_lambent/metrics")
    assert json.loads(body)["rawPath"] == "/_lambent/metrics"


def test_unknown_urls_too_large_events_and_throttles_have_their_own_answers(platform: "Platform", url: Url) -> None:
    answer, body = url.ask(headers={"Host": "nosuch" + url.host[6:]})
    assert (answer.status, body) == (404, b'{"Message":null}')
    answer, _ = url.ask("/", "POST", body=bytes(6_000_000))
    assert answer.status == 413
    lambda_ = platform.client("lambda")
    lambda_.put_function_concurrency(FunctionName=url.name, ReservedConcurrentExecutions=0)
    answer, body = url.ask()
    lambda_.delete_function_concurrency(FunctionName=url.name)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (429, "TooManyRequestsException")
    assert "Message" in json.loads(body)


def test_changes_are_met_by_the_very_next_request(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    url = make(platform, "handler")
    assert url.ask()[0].status == 200
    for _ in range(5):
        lambda_.remove_permission(FunctionName=url.name, StatementId="public")
        assert url.ask()[0].status == 403
        allow(lambda_, url.name)
        assert url.ask()[0].status == 200
    lambda_.update_function_url_config(FunctionName=url.name, AuthType="AWS_IAM")
    assert url.ask()[0].status == 403
    lambda_.update_function_url_config(
        FunctionName=url.name, AuthType="NONE", Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"]}
    )
    answer, _ = url.ask(headers={"Origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    answer, body = url.ask("/fail", "OPTIONS", headers=preflight)
    assert (answer.status, body, answer.headers["access-control-allow-methods"]) == (200, b"", "PUT")
    lambda_.delete_function_url_config(FunctionName=url.name)
    assert url.ask()[0].status == 404


def test_a_url_of_an_alias_runs_its_version(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(SOURCE)
    version = lambda_.publish_version(FunctionName=name)["Version"]
    lambda_.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1})
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    made = lambda_.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    lambda_.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    assert Url(platform, name, made["FunctionUrl"]).ask()[0].status == 200
    listed = platform.aws("lambda", "list-function-url-configs", "--function-name", name)
    assert [each["FunctionUrl"] for each in listed["FunctionUrlConfigs"]] == [made["FunctionUrl"]]


def signed(url: Url, method: str, body: bytes, secret: str | None = None) -> dict[str, str]:
    variables = url.platform.variables
    credentials = Credentials(variables["AWS_ACCESS_KEY_ID"], secret or variables["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest(method, url.address, data=body, headers={"Host": url.host})
    SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_an_iam_url_takes_requests_that_are_signed_and_says_who_signed(platform: "Platform") -> None:
    url = make(platform, "handler", auth="AWS_IAM")
    answer, body = url.ask("/", "POST", body=b"hi", headers=signed(url, "POST", b"hi"))
    assert answer.status == 200, body
    iam = json.loads(body)["requestContext"]["authorizer"]["iam"]
    assert (iam["accessKey"], iam["userArn"]) == (
        platform.variables["AWS_ACCESS_KEY_ID"],
        "arn:aws:iam::000000000000:root",
    )
    for headers in ({}, signed(url, "POST", b"hi", secret="wrong"), signed(url, "POST", b"other")):
        answer, body = url.ask("/", "POST", body=b"hi", headers=headers)
        assert (answer.status, body) == (403, b'{"Message":"Forbidden"}')


def test_curl_sees_the_words_as_they_come(platform: "Platform", chat: Url) -> None:
    with platform.gate() as gate:
        address = f"{chat.address}gate/{gate.name}"
        process = subprocess.Popen(["curl", "-sS", "-i", "--no-buffer", address], stdout=subprocess.PIPE)
        assert process.stdout is not None
        lines = list(itertools.takewhile(lambda line: b"one" not in line, process.stdout))  # and no more is here yet
        gate.open()
        lines += process.stdout
    assert process.wait() == 0
    assert lines[0] == b"HTTP/1.1 200 OK\r\n"
    assert b"content-type: text/event-stream\r\n" in lines
    assert b"set-cookie: s=1\r\n" in lines
    assert lines[-4:] == [b"data: two\n", b"\n", b"data: three\n", b"\n"]


def test_a_failure_in_the_middle_is_seen_by_the_client(chat: Url) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        chat.ask("/fail")
    assert b"data: one" in caught.value.partial


def test_a_slow_reader_holds_the_function_and_one_that_hangs_up_frees_it(platform: "Platform", eventually: Any) -> None:
    chat = make(platform, "chat", InvokeMode="RESPONSE_STREAM")
    platform.client("lambda").put_function_concurrency(FunctionName=chat.name, ReservedConcurrentExecutions=1)
    slow = chat.connect("/flood")
    slow.recv(100)
    assert chat.ask("/")[0].status == 429, "the function stands still, and is not done"
    slow.close()
    eventually(lambda: chat.ask("/")[0].status == 200)


def test_a_stream_over_the_limit_is_cut_and_the_client_sees_it(own_server: Any) -> None:
    platform = own_server("--quotas-streamed-response-bytes", "100000")
    url = make(platform, "chat", InvokeMode="RESPONSE_STREAM")
    with pytest.raises(http.client.IncompleteRead) as caught:
        url.ask("/flood")
    assert len(caught.value.partial) <= 100_000


def test_requests_to_a_url_are_counted_with_their_failures(platform: "Platform") -> None:
    """Source: Lambda Developer Guide, "Monitoring function URLs"."""
    url = make(platform, "handler")
    statuses = [url.ask(path)[0].status for path in ("/", "/", "/fail")]
    cloudwatch, now = platform.client("cloudwatch"), datetime.now(UTC)
    found = {}
    for name in ("UrlRequestCount", "Url4xxCount", "Url5xxCount", "UrlRequestLatency"):
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": url.name}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=60,
            Statistics=["Sum", "SampleCount"],
        )
        points = answer["Datapoints"]
        found[name] = (sum(each["Sum"] for each in points), sum(each["SampleCount"] for each in points))
    assert statuses == [200, 200, 502]
    assert found["UrlRequestCount"] == (3, 3)
    assert (found["Url4xxCount"][0], found["Url5xxCount"][0]) == (0, 1)
    assert found["UrlRequestLatency"][0] > 0
