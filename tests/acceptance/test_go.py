"""Functions in Go: aws-lambda-go as AWS publishes it, and a web service with packages from the module registry.

`make test` builds the programs (tests/acceptance/go), once. Sources: aws-lambda-go's documentation of handlers, errors
and `LambdaFunctionURLStreamingResponse`; Lambda Developer Guide, "Building Lambda functions with Go"; behaviours 8,
11, 15.
"""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import compiled
from tests.acceptance import test_file_systems
from tests.acceptance.test_custom_runtimes import create, invoke, log_of, package, streamed

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

lent = test_file_systems.lent


@pytest.fixture(scope="module")
def go(platform: "Platform") -> compiled.Functions:
    """Functions of `go/programs`."""
    return compiled.Functions(platform, "go")


@pytest.mark.parametrize(
    ("event", "error_type", "words"),
    [
        ({"do": "error"}, "refusal", "refused: no"),
        ({"do": "plain"}, "errorString", "just so"),
        ({"do": 5}, "UnmarshalTypeError", "json: cannot unmarshal number into Go struct field wish.do of type string"),
    ],
)
def test_an_error_has_the_name_of_its_go_type(
    platform: "Platform",
    go: compiled.Functions,
    eventually: Callable[[Callable[[], Any]], Any],
    event: Any,
    error_type: str,
    words: str,
) -> None:
    def lives_on() -> bool:
        """Whether the same process answers before and after; on a busy machine a second one may answer."""
        before = invoke(platform, go("mishaps"), {})[1]
        answer, told = invoke(platform, go("mishaps"), event, LogType="Tail")
        assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == ("Unhandled", error_type, words)
        assert words in log_of(answer)
        return bool(invoke(platform, go("mishaps"), {})[1] == before)

    eventually(lives_on)


@pytest.mark.parametrize(("what", "error_type", "words"), [
    ("panic", "string", "cannot go on"),
    ("index", "boundsError", "index out of range [0] with length 0"),
])  # fmt: skip
def test_a_panic_is_told_with_its_stack_and_ends_the_process(
    platform: "Platform", go: compiled.Functions, what: str, error_type: str, words: str
) -> None:
    before = invoke(platform, go("mishaps"), {})[1]
    answer, told = invoke(platform, go("mishaps"), {"do": what}, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", error_type)
    assert told["errorMessage"].endswith(words)
    assert any(frame["label"] == "mishaps" and frame["line"] > 0 for frame in told["stackTrace"])
    assert invoke(platform, go("mishaps"), {})[1] != before


def test_what_it_logs_is_in_its_log(platform: "Platform", go: compiled.Functions) -> None:
    answer, _ = invoke(platform, go("logs"), {}, LogType="Tail")
    lines = log_of(answer).splitlines()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert "by standard output" in lines
    assert any(line.endswith(" by the standard logger") for line in lines)
    said = next(json.loads(line) for line in lines if line.startswith("{"))
    assert (said["level"], said["msg"], said["requestId"]) == ("INFO", "by slog", request_id)
    assert any(line.startswith(f"START RequestId: {request_id}") for line in lines)


@pytest.mark.parametrize(("handler", "error_type", "words"), [
    ("broken", "Runtime.ExitError", "Runtime exited with error: exit status 2"),
    ("unfit", "errorString", "handlers may not take more than two arguments, but handler takes 3"),
])  # fmt: skip
def test_a_function_that_cannot_begin_says_why(
    platform: "Platform", go: compiled.Functions, handler: str, error_type: str, words: str
) -> None:
    answer, told = invoke(platform, go(handler), {}, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", error_type)
    assert words in told["errorMessage"]
    if handler == "broken":
        assert "panic: no database" in log_of(answer)


def test_an_answer_from_a_reader_comes_in_pieces(platform: "Platform", go: compiled.Functions) -> None:
    """aws-lambda-go sends every answer in chunks, and says nothing of streaming: the invocation does."""
    *pieces, end = streamed(platform, go("stream"), {})
    assert b"".join(pieces) == b"one two three"
    assert len(pieces) > 1
    assert "ErrorCode" not in end
    *_, end = streamed(platform, go("stream"), {"do": "fail"})
    assert json.loads(end["ErrorDetails"]) == {"errorMessage": "refused: half way", "errorType": "refusal"}


def test_a_reader_that_fails_fails_the_invocation(platform: "Platform", go: compiled.Functions) -> None:
    lambda_ = platform.client("lambda")
    assert lambda_.invoke(FunctionName=go("stream"), Payload=b"{}")["Payload"].read() == b"one two three"
    answer, told = invoke(platform, go("stream"), {"do": "fail"})
    assert (answer["FunctionError"], told["errorMessage"]) == ("Unhandled", "refused: half way")


def url_of(platform: "Platform", name: str, **more: Any) -> str:
    """The host of a public function URL."""
    lambda_ = platform.client("lambda")
    url: str = lambda_.create_function_url_config(FunctionName=name, AuthType="NONE", **more)["FunctionUrl"]
    allowed = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    lambda_.add_permission(FunctionName=name, StatementId="public", **allowed)
    return url.split("/")[2]


def ask(platform: "Platform", host: str, path: str, body: Any = None) -> tuple[int, Any, bytes]:
    """Status, headers and body of one request to a function URL."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(platform.endpoint + path, data, {"Host": host, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_a_page_streams_through_a_function_url(platform: "Platform", go: compiled.Functions) -> None:
    host = url_of(platform, go("page"), InvokeMode="RESPONSE_STREAM")
    status, headers, body = ask(platform, host, "/")
    assert (status, body) == (201, b"<p>hello</p>")
    assert (headers["Content-Type"], headers["X-Made-By"]) == ("text/html", "Go")
    assert headers["Set-Cookie"] == "seen=yes"


def test_a_web_service_with_packages_answers_behind_a_function_url(platform: "Platform") -> None:
    host = url_of(platform, create(platform, package({"bootstrap": compiled.program("go", "orders")}), MemorySize=256))
    status, headers, body = ask(platform, host, "/orders", {"items": {"tea": 2}})
    placed = json.loads(body)
    assert (status, placed["items"], headers["Location"]) == (201, {"tea": 2}, f"/orders/{placed['id']}")
    assert uuid.UUID(placed["id"]).version == 4
    assert headers["Set-Cookie"] == f"last={placed['id']}"
    assert ask(platform, host, "/orders", {"items": {}})[0] == 422
    assert ask(platform, host, f"/orders/{uuid.uuid4()}")[0] == 404
    status, _, body = ask(platform, host, "/search?size=1&size=2&word=a%20b")
    assert json.loads(body) == {"size": ["1", "2"], "word": ["a b"]}


def test_what_a_layer_brings_is_below_opt(platform: "Platform", go: compiled.Functions) -> None:
    made = platform.client("lambda").publish_layer_version(
        LayerName=f"go-{uuid.uuid4().hex[:8]}", Content={"ZipFile": package({"words/greeting": "hello"}, 0o644)}
    )
    name = go("mishaps", Layers=[made["LayerVersionArn"]])
    assert invoke(platform, name, {"do": "read", "path": "/opt/words/greeting"})[1] == "hello"
    answer, told = invoke(platform, name, {"do": "read", "path": "/opt/words/none"})
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", "PathError")


def test_a_program_for_another_processor_is_named(platform: "Platform") -> None:
    binary = bytearray(compiled.program("go", "nothing"))
    binary[18:20] = (183).to_bytes(2, "little")  # e_machine: EM_AARCH64
    answer, told = invoke(platform, create(platform, package({"bootstrap": bytes(binary)})))
    assert answer["FunctionError"] == "Unhandled"
    assert told["errorType"] == "Runtime.InvalidEntrypoint"
    assert told["errorMessage"].endswith("fork/exec /var/task/bootstrap: exec format error")


def test_sigterm_comes_to_who_asked_for_it(
    platform: "Platform",
    go: compiled.Functions,
    lent: dict[str, Any],
    eventually: Callable[[Callable[[], Any]], Any],
) -> None:
    """`lambda.WithEnableSIGTERM` registers an internal extension without events; the change below ends its process."""
    left, lambda_ = f"{uuid.uuid4()}", platform.client("lambda")
    name = go(
        "graceful",
        FileSystemConfigs=[{"Arn": lent["arn"], "LocalMountPath": "/mnt/data"}],
        Environment={"Variables": {"LEAVES": f"/mnt/data/{left}"}},
    )
    assert isinstance(invoke(platform, name, {})[1], int)
    lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    eventually((Path(lent["path"]) / left).exists)
