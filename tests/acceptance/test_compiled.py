"""What is the same in Go and in Rust: echoes, the context, ends that the program does not see, extensions in a layer.

The programs are those of test_go.py and test_rust.py, with aws-lambda-go and lambda_runtime. The extension in Rust is
made with `lambda-extension`, the one in Go with nothing but Go's own library. Sources: Lambda Developer Guide, "Using
the Lambda Extensions API to create extensions" and "Building Lambda functions with Go", "... with Rust"; behaviours 8,
11, 14, 15.
"""

import base64
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests import compiled
from tests.acceptance.test_custom_runtimes import invoke, package

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

CLIENT = {  # lambda_runtime wants all of them
    "installation_id": "i",
    "app_title": "Zoë",
    "app_version_name": "1",
    "app_version_code": "1",
    "app_package_name": "shop",
}


@pytest.fixture(scope="module", params=["go", "rust"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def functions(platform: "Platform", language: str) -> compiled.Functions:
    return compiled.Functions(platform, language)


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_an_echo_gives_back_what_it_got(platform: "Platform", functions: compiled.Functions, runtime: str) -> None:
    name = functions("echo", Runtime=runtime)
    for event in ({"n": 1}, [1, "zwei", None], "word", {"long": "x" * 300_000}):
        answer, told = invoke(platform, name, event)
        assert (told, answer.get("FunctionError")) == (event, None)


def test_the_context_tells_of_the_invocation(platform: "Platform", functions: compiled.Functions) -> None:
    context = base64.b64encode(json.dumps({"client": CLIENT}).encode()).decode()
    name = functions("about")
    answer, told = invoke(platform, name, {"a": 1}, ClientContext=context)
    assert told["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert told["arn"].endswith(f":function:{name}")
    assert (told["event"], told["app"], told["function"], told["memory"]) == ({"a": 1}, "Zoë", name, 256)
    assert 0 < told["leftMs"] <= 60_000
    assert told["trace"].startswith("Root=1-")


@pytest.mark.parametrize(("what", "error_type", "words"), [
    ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 9"),
    ("sleep", "Sandbox.Timedout", "Task timed out after 4.00 seconds"),
    ("memory", "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    ("big", "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size"),
])  # fmt: skip
def test_an_end_that_the_program_does_not_see_is_told_in_awss_words(
    platform: "Platform", functions: compiled.Functions, what: str, error_type: str, words: str
) -> None:
    answer, told = invoke(platform, functions("mishaps", Timeout=4 if what == "sleep" else 60), {"do": what})
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", error_type)
    assert words in told["errorMessage"]


def layer_with_extension(platform: "Platform", language: str) -> str:
    code = package({f"extensions/{language}-watch": compiled.program(language, "extension")})
    made = platform.client("lambda").publish_layer_version(
        LayerName=f"watch-{uuid.uuid4().hex[:8]}", Content={"ZipFile": code}
    )
    return str(made["LayerVersionArn"])


def test_an_extension_in_a_layer_hears_what_happens(
    platform: "Platform",
    functions: compiled.Functions,
    language: str,
    eventually: Callable[[Callable[[], Any]], Any],
) -> None:
    name = functions("echo", Layers=[layer_with_extension(platform, language)])
    ids = []
    for number in range(2):
        answer, told = invoke(platform, name, [number])
        assert told == [number]
        ids.append(answer["ResponseMetadata"]["RequestId"])

    def heard() -> list[str]:
        lines = [line.strip() for line in platform.logged(name)]
        return lines if sum(f"{language} extension hears INVOKE" in line for line in lines) == 2 else []

    lines = eventually(heard)
    assert any(line.startswith(f"EXTENSION\tName: {language}-watch\tState: Ready\tEvents: [") for line in lines)
    for request_id in ids:
        assert any(line.split()[:5] == [language, "extension", "hears", "INVOKE", request_id] for line in lines)
    assert all(line.endswith("true") for line in lines if "hears INVOKE" in line)  # the deadline is one


def test_an_extension_of_the_published_client_reads_telemetry(
    platform: "Platform", eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    """Of the first invocation it hears in the second: what is not delivered when an environment is frozen waits."""
    name = compiled.Functions(platform, "rust")("logs", Layers=[layer_with_extension(platform, "rust")])
    first = invoke(platform, name, {})[0]["ResponseMetadata"]["RequestId"]

    def read() -> bool:
        invoke(platform, name, {})
        lines = [line.strip() for line in platform.logged(name)]
        reported = f"rust extension saw the report of {first} true" in lines
        return reported and "rust extension read <by standard output>" in lines

    eventually(read)


def test_an_extension_is_told_of_the_end(
    platform: "Platform", language: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    lambda_ = platform.client("lambda")
    name = compiled.Functions(platform, language)("echo", Layers=[layer_with_extension(platform, language)])
    invoke(platform, name, {})
    lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    eventually(lambda: any(f"{language} extension hears SHUTDOWN" in line for line in platform.logged(name)))
