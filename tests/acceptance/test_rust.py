"""Functions in Rust: lambda_runtime and lambda_http as crates.io has them, with serde.

`make test` builds the programs (tests/acceptance/rust), once. Sources: the documentation of `lambda_runtime`
(diagnostics, streaming, tracing) and of `lambda_http`; Lambda Developer Guide, "Building Lambda functions with Rust";
behaviours 8, 11, 15.
"""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import compiled
from tests.acceptance import test_file_systems
from tests.acceptance.test_custom_runtimes import create, invoke, log_of, package, streamed
from tests.acceptance.test_go import ask, url_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

lent = test_file_systems.lent


@pytest.fixture(scope="module")
def rust(platform: "Platform") -> compiled.Functions:
    """Functions of `rust/src/bin/programs.rs`."""
    return compiled.Functions(platform, "rust")


@pytest.mark.parametrize(("event", "error_type", "words"), [
    ({"do": "error"}, "Shop.Refusal", "refused: no"),
    ({"do": "plain"}, "alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>", "just so"),
    ({"do": "panic"}, "alloc::boxed::Box<dyn core::any::Any + core::marker::Send>", "Lambda panicked: cannot go on"),
    ({"do": 5}, "DeserializeError", "invalid type: integer `5`, expected a string"),
])  # fmt: skip
def test_an_error_is_told_as_its_diagnostic_and_the_process_lives_on(
    platform: "Platform",
    rust: compiled.Functions,
    eventually: Callable[[Callable[[], Any]], Any],
    event: Any,
    error_type: str,
    words: str,
) -> None:
    def lives_on() -> bool:
        """Whether the same process answers before and after; on a busy machine a second one may answer."""
        before = invoke(platform, rust("mishaps"), {})[1]
        answer, told = invoke(platform, rust("mishaps"), event)
        assert answer["FunctionError"] == "Unhandled"
        assert told["errorType"].endswith(error_type)
        assert words in told["errorMessage"]
        return bool(invoke(platform, rust("mishaps"), {})[1] == before)

    eventually(lives_on)


def test_an_abort_is_told_as_its_signal(platform: "Platform", rust: compiled.Functions) -> None:
    _, told = invoke(platform, rust("mishaps"), {"do": "abort"})
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith("Runtime exited with error: signal: aborted")


def test_a_main_that_fails_is_an_exit(platform: "Platform", rust: compiled.Functions) -> None:
    answer, told = invoke(platform, rust("broken"), {}, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert told["errorMessage"].endswith("Runtime exited with error: exit status 1")
    assert 'Error: "no database"' in log_of(answer)


def test_lines_are_text_or_json_and_have_levels(platform: "Platform", rust: compiled.Functions) -> None:
    answer, _ = invoke(platform, rust("logs"), {}, LogType="Tail")
    lines = log_of(answer).splitlines()
    assert "by standard output" in lines
    assert "by standard error" in lines
    assert any("INFO" in line and "by tracing" in line and "42" in line for line in lines)
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}
    answer, _ = invoke(platform, rust("logs", LoggingConfig=config), {}, LogType="Tail")
    records = [json.loads(line) for line in log_of(answer).splitlines() if line.startswith("{")]
    said = {record["fields"]["message"]: record for record in records if "fields" in record}
    assert (said["by tracing"]["level"], said["by tracing"]["fields"]["answer"]) == ("INFO", 42)
    assert said["too fine"]["level"] == "DEBUG"


def test_a_stream_comes_in_pieces(platform: "Platform", rust: compiled.Functions) -> None:
    *pieces, end = streamed(platform, rust("pieces"), {})
    prelude, _, body = b"".join(pieces).partition(bytes(8))
    assert json.loads(prelude)["statusCode"] == 200
    assert body == b"one two three"
    assert len(pieces) > 1
    assert "ErrorCode" not in end


def test_a_stream_is_a_page_behind_a_function_url(platform: "Platform", rust: compiled.Functions) -> None:
    host = url_of(platform, rust("pieces"), InvokeMode="RESPONSE_STREAM")
    status, headers, body = ask(platform, host, "/")
    assert (status, headers["Content-Type"], body) == (200, "application/octet-stream", b"one two three")


def test_a_web_service_with_packages_answers_behind_a_function_url(platform: "Platform") -> None:
    host = url_of(
        platform, create(platform, package({"bootstrap": compiled.program("rust", "bookings")}), MemorySize=256)
    )
    status, headers, body = ask(platform, host, "/bookings", {"guest": "Ada", "nights": 3})
    assert (status, json.loads(body)) == (201, {"guest": "Ada", "cents": 26850})
    assert headers["Set-Cookie"] == "seen=yes; Path=/"
    status, _, body = ask(platform, host, "/bookings", {"guest": "Ada", "days": 3})
    assert (status, json.loads(body)["problem"].split(",")[0]) == (400, "unknown field `days`")
    assert ask(platform, host, "/bookings", {"guest": "Ada", "nights": 0})[0] == 422
    assert json.loads(ask(platform, host, "/hello?name=Zo%C3%AB")[2]) == {"hello": "Zoë"}
    assert ask(platform, host, "/nowhere")[0] == 404


def test_sigterm_comes_to_who_asked_for_it(
    platform: "Platform",
    rust: compiled.Functions,
    lent: dict[str, Any],
    eventually: Callable[[Callable[[], Any]], Any],
) -> None:
    """`spawn_graceful_shutdown_handler` registers an internal extension; the change below ends its process."""
    left, lambda_ = f"{uuid.uuid4()}", platform.client("lambda")
    name = rust(
        "graceful",
        FileSystemConfigs=[{"Arn": lent["arn"], "LocalMountPath": "/mnt/data"}],
        Environment={"Variables": {"LEAVES": f"/mnt/data/{left}"}},
    )
    assert isinstance(invoke(platform, name, {})[1], int)
    lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    eventually((Path(lent["path"]) / left).exists)
