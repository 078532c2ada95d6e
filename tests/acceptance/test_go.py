"""Functions in Go: aws-lambda-go as AWS publishes it, and a web service with packages from the module registry.

`make test` builds the programs (tests/acceptance/go), once. Sources: aws-lambda-go's documentation of handlers, errors
and `LambdaFunctionURLStreamingResponse`; Lambda Developer Guide, "Building Lambda functions with Go"; behaviours 8,
11, 15.
"""

import base64
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance import test_file_systems
from tests.acceptance.test_custom_runtimes import create, invoke, log_of, package, streamed

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

lent = test_file_systems.lent
BUILT = Path(__file__).parents[2] / "build" / "go"


def program(name: str) -> bytes:
    """A built program of the folder `go`."""
    if not (BUILT / name).exists():
        pytest.skip("the programs in Go are not built: install Go, then `make test`")
    return (BUILT / name).read_bytes()


@pytest.fixture(scope="module")
def go(platform: "Platform") -> Callable[..., str]:
    """The name of a function with one handler of `go/programs`; one for each, and for what else it is given."""
    made: dict[str, str] = {}

    def function(handler: str, **more: Any) -> str:
        key = f"{handler} {more}"
        if key not in made:
            code = package({"bootstrap": program("programs")})
            made[key] = create(platform, code, Handler=handler, **{"MemorySize": 256, "Timeout": 10} | more)
        return made[key]

    return function


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_an_echo_gives_back_what_it_got(platform: "Platform", go: Callable[..., str], runtime: str) -> None:
    name = go("echo", Runtime=runtime)
    for event in ({"n": 1}, [1, "zwei", None], "word", {"long": "x" * 300_000}):
        answer, told = invoke(platform, name, event)
        assert (told, answer.get("FunctionError")) == (event, None)


def test_the_context_tells_of_the_invocation(platform: "Platform", go: Callable[..., str]) -> None:
    context = base64.b64encode(json.dumps({"client": {"app_title": "Zoë"}}).encode()).decode()
    answer, told = invoke(platform, go("about"), {"a": 1}, ClientContext=context)
    assert told["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert told["arn"].endswith(f":function:{go('about')}")
    assert (told["event"], told["app"], told["function"], told["memory"]) == ({"a": 1}, "Zoë", go("about"), 256)
    assert 5_000 < told["leftMs"] <= 10_000
    assert told["trace"].startswith("Root=1-")


@pytest.mark.parametrize(
    ("event", "error_type", "words"),
    [
        ({"do": "error"}, "refusal", "refused: no"),
        ({"do": "plain"}, "errorString", "just so"),
        ({"do": 5}, "UnmarshalTypeError", "json: cannot unmarshal number into Go struct field wish.do of type string"),
    ],
)
def test_an_error_has_the_name_of_its_go_type(
    platform: "Platform", go: Callable[..., str], event: Any, error_type: str, words: str
) -> None:
    before = invoke(platform, go("mishaps"), {})[1]
    answer, told = invoke(platform, go("mishaps"), event, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == ("Unhandled", error_type, words)
    assert words in log_of(answer)
    assert invoke(platform, go("mishaps"), {})[1] == before  # the process lives on


@pytest.mark.parametrize(("what", "error_type", "words"), [
    ("panic", "string", "cannot go on"),
    ("index", "boundsError", "index out of range [0] with length 0"),
])  # fmt: skip
def test_a_panic_is_told_with_its_stack_and_ends_the_process(
    platform: "Platform", go: Callable[..., str], what: str, error_type: str, words: str
) -> None:
    before = invoke(platform, go("mishaps"), {})[1]
    answer, told = invoke(platform, go("mishaps"), {"do": what}, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", error_type)
    assert told["errorMessage"].endswith(words)
    assert any(frame["label"] == "mishaps" and frame["line"] > 0 for frame in told["stackTrace"])
    assert invoke(platform, go("mishaps"), {})[1] != before


@pytest.mark.parametrize(("what", "error_type", "words"), [
    ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 9"),
    ("sleep", "Sandbox.Timedout", "Task timed out after 4.00 seconds"),
    ("memory", "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    ("big", "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size"),
])  # fmt: skip
def test_an_end_that_go_does_not_see_is_told_in_awss_words(
    platform: "Platform", go: Callable[..., str], what: str, error_type: str, words: str
) -> None:
    answer, told = invoke(platform, go("mishaps", Timeout=4), {"do": what})
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", error_type)
    assert words in told["errorMessage"]


def test_what_it_logs_is_in_its_log(platform: "Platform", go: Callable[..., str]) -> None:
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
    platform: "Platform", go: Callable[..., str], handler: str, error_type: str, words: str
) -> None:
    answer, told = invoke(platform, go(handler), {}, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", error_type)
    assert words in told["errorMessage"]
    if handler == "broken":
        assert "panic: no database" in log_of(answer)


def test_an_answer_from_a_reader_comes_in_pieces(platform: "Platform", go: Callable[..., str]) -> None:
    """aws-lambda-go sends every answer in chunks, and says nothing of streaming: the invocation does."""
    pieces, end = streamed(platform, go("stream"), {})
    assert b"".join(piece for _, piece in pieces) == b"one two three"
    assert pieces[-1][0] - pieces[0][0] > 0.2
    assert "ErrorCode" not in end
    _, end = streamed(platform, go("stream"), {"do": "fail"})
    assert json.loads(end["ErrorDetails"]) == {"errorMessage": "refused: half way", "errorType": "refusal"}


def test_a_reader_that_fails_fails_the_invocation(platform: "Platform", go: Callable[..., str]) -> None:
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


def test_a_page_streams_through_a_function_url(platform: "Platform", go: Callable[..., str]) -> None:
    host = url_of(platform, go("page"), InvokeMode="RESPONSE_STREAM")
    status, headers, body = ask(platform, host, "/")
    assert (status, body) == (201, b"<p>hello</p>")
    assert (headers["Content-Type"], headers["X-Made-By"]) == ("text/html", "Go")
    assert headers["Set-Cookie"] == "seen=yes"


def test_a_web_service_with_packages_answers_behind_a_function_url(platform: "Platform") -> None:
    host = url_of(platform, create(platform, package({"bootstrap": program("orders")}), MemorySize=256))
    status, headers, body = ask(platform, host, "/orders", {"items": {"tea": 2}})
    placed = json.loads(body)
    assert (status, placed["items"], headers["Location"]) == (201, {"tea": 2}, f"/orders/{placed['id']}")
    assert uuid.UUID(placed["id"]).version == 4
    assert headers["Set-Cookie"] == f"last={placed['id']}"
    assert ask(platform, host, "/orders", {"items": {}})[0] == 422
    assert ask(platform, host, f"/orders/{uuid.uuid4()}")[0] == 404
    status, _, body = ask(platform, host, "/search?size=1&size=2&word=a%20b")
    assert json.loads(body) == {"size": ["1", "2"], "word": ["a b"]}


def test_what_a_layer_brings_is_below_opt(platform: "Platform", go: Callable[..., str]) -> None:
    made = platform.client("lambda").publish_layer_version(
        LayerName=f"go-{uuid.uuid4().hex[:8]}", Content={"ZipFile": package({"words/greeting": "hello"}, 0o644)}
    )
    name = go("mishaps", Layers=[made["LayerVersionArn"]])
    assert invoke(platform, name, {"do": "read", "path": "/opt/words/greeting"})[1] == "hello"
    answer, told = invoke(platform, name, {"do": "read", "path": "/opt/words/none"})
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", "PathError")


def test_a_program_for_another_processor_is_named(platform: "Platform") -> None:
    binary = bytearray(program("nothing"))
    binary[18:20] = (183).to_bytes(2, "little")  # e_machine: EM_AARCH64
    answer, told = invoke(platform, create(platform, package({"bootstrap": bytes(binary)})))
    assert answer["FunctionError"] == "Unhandled"
    assert told["errorType"] == "Runtime.InvalidEntrypoint"
    assert told["errorMessage"].endswith("fork/exec /var/task/bootstrap: exec format error")


def test_sigterm_comes_to_who_asked_for_it(
    platform: "Platform",
    go: Callable[..., str],
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
