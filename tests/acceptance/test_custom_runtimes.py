"""Custom runtimes: a `bootstrap` in the package or in a layer, which asks for work over HTTP.

Source: Lambda Developer Guide, "Building a custom runtime", "Tutorial: Building a custom runtime", "Using the Lambda
runtime API for custom runtimes"; behaviours sections 8, 12, 13 and 15.
"""

import base64
import io
import json
import shutil
import subprocess
import textwrap
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SHELL = """#!/bin/sh
set -eu
while true; do
  HEADERS="$(mktemp)"
  API="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime"
  EVENT=$(curl -sS -LD "$HEADERS" "$API/invocation/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  echo "shell has $REQUEST_ID"
  curl -sS "$API/invocation/$REQUEST_ID/response" -d "{\\"echo\\": $EVENT}"
done
"""

PYTHON = """#!/usr/bin/python3
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def ask(method, path, body=None, headers={{}}):
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = api.getresponse()
    return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
def work():
    status, headers, body = ask("GET", "invocation/next")
    return headers["lambda-runtime-aws-request-id"], headers, json.loads(body)
{body}
"""


def program(source: str) -> str:
    """A bootstrap written in Python."""
    return PYTHON.format(body=textwrap.dedent(source))


def package(files: dict[str, str | bytes], mode: int = 0o755) -> bytes:
    """A deployment package of executables."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def create(platform: "Platform", code: bytes, **more: Any) -> str:
    """A function of a custom runtime, ready to be invoked."""
    lambda_, name = platform.client("lambda"), f"custom-{uuid.uuid4().hex[:8]}"
    wanted = {"Runtime": "provided.al2023", "Timeout": 60, "Handler": "the.handler", **more}
    lambda_.create_function(FunctionName=name, Role=platform.role(), Code={"ZipFile": code}, **wanted)
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    return name


def invoke(platform: "Platform", name: str, event: Any = None, **more: Any) -> tuple[dict[str, Any], Any]:
    """The answer's head, and its payload."""
    answer = platform.steady.invoke(FunctionName=name, Payload=json.dumps(event), **more)
    body = answer["Payload"].read()
    return answer, json.loads(body) if body else None


def log_of(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_the_shell_script_of_the_tutorial_answers_and_logs(platform: "Platform", runtime: str) -> None:
    name = create(platform, package({"bootstrap": SHELL}), Runtime=runtime)
    for number in range(3):
        answer, told = invoke(platform, name, {"n": number}, LogType="Tail")
        assert told == {"echo": {"n": number}}
        assert "FunctionError" not in answer
        assert f"shell has {answer['ResponseMetadata']['RequestId']}" in log_of(answer)
        assert "REPORT RequestId" in log_of(answer)


CHATTY = program("""
import pathlib
while True:
    request_id, headers, event = work()
    what = event.get("do")
    print("doing", what, flush=True)
    if what == "error":
        told = json.dumps({"errorType": "Sad", "errorMessage": "no", "stackTrace": []})
        ask("POST", f"invocation/{request_id}/error", told, {"Lambda-Runtime-Function-Error-Type": "Function.Sad"})
        continue
    if what == "exit":
        sys.exit(event["status"])
    if what == "sleep":
        time.sleep(60)
    if what == "big":
        told = ask("POST", f"invocation/{request_id}/response", b'"' + b"x" * (7 * 1024 * 1024) + b'"')
        pathlib.Path("/tmp/seen").write_text(json.dumps([told[0], json.loads(told[2])]))
        continue
    if what == "six":
        told = ask("POST", f"invocation/{request_id}/response", b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"')
        continue
    if what == "wrong":
        told = [ask("POST", f"invocation/{each}/response", "{}") for each in ("nobody", request_id, request_id)]
        seen = [(status, json.loads(body)) for status, _, body in told] + [ask("GET", "invocation/next/")[0]]
        pathlib.Path("/tmp/seen").write_text(json.dumps(seen))
        continue
    if what == "seen":
        ask("POST", f"invocation/{request_id}/response", pathlib.Path("/tmp/seen").read_text())
        continue
    answer = {"headers": headers, "event": event, "variables": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid()}
    assert ask("POST", f"invocation/{request_id}/response", json.dumps(answer))[0] == 202
""")


@pytest.fixture(scope="module")
def chatty(platform: "Platform") -> str:
    return create(platform, package({"bootstrap": CHATTY}))


def test_the_documented_headers_and_variables_are_there(platform: "Platform", chatty: str) -> None:
    context = base64.b64encode(json.dumps({"client": {"app_title": "Zoë"}}).encode()).decode()
    answer, told = invoke(platform, chatty, {"a": 1}, ClientContext=context)
    headers, variables = told["headers"], told["variables"]
    assert headers["lambda-runtime-aws-request-id"] == answer["ResponseMetadata"]["RequestId"]
    assert headers["lambda-runtime-invoked-function-arn"].endswith(f":function:{chatty}")
    assert int(headers["lambda-runtime-deadline-ms"]) > 1_600_000_000_000
    assert "Lineage=" in headers["lambda-runtime-trace-id"]
    assert json.loads(headers["lambda-runtime-client-context"].encode("latin-1")) == {"client": {"app_title": "Zoë"}}
    assert (variables["_HANDLER"], variables["LAMBDA_TASK_ROOT"], told["cwd"]) == ("the.handler", *["/var/task"] * 2)
    assert variables["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert "AWS_EXECUTION_ENV" not in variables


def test_an_error_that_the_runtime_posts_is_the_functions_error(platform: "Platform", chatty: str) -> None:
    answer, told = invoke(platform, chatty, {"do": "error"}, LogType="Tail")
    assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == ("Unhandled", "Sad", "no")
    assert "doing error" in log_of(answer)


@pytest.mark.parametrize(("status", "words"), [(0, "without providing a reason"), (7, "with error: exit status 7")])
def test_a_runtime_that_exits_is_told_and_replaced(platform: "Platform", chatty: str, status: int, words: str) -> None:
    answer, told = invoke(platform, chatty, {"do": "exit", "status": status}, LogType="Tail")
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith(f"Error: Runtime exited {words}")
    assert "Error Type: Runtime.ExitError" in log_of(answer)
    assert invoke(platform, chatty, {"b": 2})[1]["event"] == {"b": 2}


def test_the_timeout_applies_and_a_fresh_process_follows(platform: "Platform") -> None:
    chatty = create(platform, package({"bootstrap": CHATTY}), Timeout=5)
    before = invoke(platform, chatty, {})[1]["pid"]
    answer, told = invoke(platform, chatty, {"do": "sleep"}, LogType="Tail")
    assert told["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 5.00 seconds" in told["errorMessage"]
    assert "Status: timeout" in log_of(answer)
    assert invoke(platform, chatty, {})[1]["pid"] != before


def seen_by(platform: "Platform", name: str, length: int) -> Any:
    """What the environment that we mean has noted in its /tmp, as soon as it is done: until then another one, which
    knows nothing, may be asked in its place, and fails."""
    seen = invoke(platform, name, {"do": "seen"})[1]
    return seen if isinstance(seen, list) and len(seen) == length else None


def test_an_answer_up_to_the_limit_passes_and_a_larger_one_is_refused(
    platform: "Platform", chatty: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    assert len(invoke(platform, chatty, {"do": "six"})[1]) == 6 * 1024 * 1024 - 2
    told = invoke(platform, chatty, {"do": "big"})[1]
    assert told["errorType"] == "Function.ResponseSizeTooLarge"
    status, refusal = eventually(lambda: seen_by(platform, chatty, 2))  # so it lives on
    assert (status, refusal["errorType"]) == (413, "RequestEntityTooLarge")
    assert refusal["errorMessage"].startswith("Exceeded maximum allowed payload size (6291")


def test_wrong_ids_and_second_answers_are_refused(
    platform: "Platform", chatty: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    invoke(platform, chatty, {"do": "wrong"})
    seen = eventually(lambda: seen_by(platform, chatty, 4))
    assert seen[0] == [400, {"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}]
    assert seen[1] == [202, {"status": "OK"}]
    assert (seen[2][0], seen[2][1]["errorType"], seen[3]) == (403, "InvalidStateTransition", 404)


def test_an_error_before_the_first_next_is_the_answer(platform: "Platform") -> None:
    source = program("""
    told = json.dumps({"errorType": "Config.Missing", "errorMessage": "no database", "stackTrace": []})
    assert ask("POST", "init/error", told, {"Lambda-Runtime-Function-Error-Type": "Runtime.NoConfig"})[0] == 202
    sys.exit(1)
    """)
    answer, told = invoke(platform, create(platform, package({"bootstrap": source})), LogType="Tail")
    assert (answer["FunctionError"], told["errorMessage"]) == ("Unhandled", "no database")
    assert "INIT_REPORT" in log_of(answer)
    assert "Status: error\tError Type: Runtime.NoConfig" in log_of(answer)


@pytest.mark.parametrize(
    ("files", "mode", "words"),
    [
        ({"other": "x"}, 0o755, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": "#!/bin/sh\n"}, 0o644, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": b"\x7fELFnot"}, 0o755, "fork/exec /var/task/bootstrap: exec format error"),
        ({"bootstrap": "#!/no/such\n"}, 0o755, "fork/exec /var/task/bootstrap: no such file or directory"),
    ],
)
def test_a_bootstrap_that_cannot_be_run_is_named(
    platform: "Platform", files: dict[str, str | bytes], mode: int, words: str
) -> None:
    answer, told = invoke(platform, create(platform, package(files, mode)))
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert told == {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": f"RequestId: {request_id} Error: {words}"}


def test_a_bootstrap_in_a_layer_serves_a_package_without_one(platform: "Platform") -> None:
    made = platform.client("lambda").publish_layer_version(
        LayerName=f"runtime-{uuid.uuid4().hex[:8]}", Content={"ZipFile": package({"bootstrap": SHELL})}
    )
    name = create(platform, package({"function.sh": ""}), Layers=[made["LayerVersionArn"]])
    assert invoke(platform, name, [1])[1] == {"echo": [1]}


STREAMING = program("""
import socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
while True:
    request_id, headers, event = work()
    raw = socket.create_connection((host, int(port)))
    raw.sendall((f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\\r\\nHost: x\\r\\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n"
        "Content-Type: text/plain\\r\\n"
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\\r\\n\\r\\n").encode())
    for piece in ("one ", "two ", "three"):
        while piece == "three" and "gate" in event and not os.path.exists(f"/mnt/gates/{event['gate']}/open"):
            time.sleep(0.02)
        raw.sendall(f"{len(piece):x}\\r\\n{piece}\\r\\n".encode())
    import base64
    told = base64.b64encode(json.dumps({"errorType": "Late", "errorMessage": "too late"}).encode()).decode()
    trailers = "Lambda-Runtime-Function-Error-Type: Function.Late\\r\\n"
    trailers += f"Lambda-Runtime-Function-Error-Body: {told}\\r\\n"
    if event.get("hang_up"):
        raw.close()
        continue
    raw.sendall(("0\\r\\n" + (trailers if event.get("fail") else "") + "\\r\\n").encode())
    raw.recv(100)
    raw.close()
""")


def streamed(platform: "Platform", name: str, event: Any) -> Iterator[Any]:
    """The pieces of a streamed answer as they come, and what its end says."""
    answer = platform.client("lambda").invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event))
    for part in answer["EventStream"]:
        yield part["PayloadChunk"]["Payload"] if "PayloadChunk" in part else part["InvokeComplete"]


def test_a_streamed_answer_comes_in_pieces_and_its_trailers_tell_of_errors(platform: "Platform") -> None:
    name = create(platform, package({"bootstrap": STREAMING}), FileSystemConfigs=[platform.gates()])
    with platform.gate() as gate:
        answer = streamed(platform, name, {"gate": gate.name})
        assert next(answer).startswith(b"one ")
        gate.open()
        *_, last, end = answer
    assert last.endswith(b"three")
    assert "ErrorCode" not in end
    *pieces, end = streamed(platform, name, {"fail": True})
    assert b"".join(pieces) == b"one two three"
    assert json.loads(end["ErrorDetails"])["errorMessage"] == "too late"
    *_, end = streamed(platform, name, {"hang_up": True})
    assert end["ErrorCode"]
    whole = platform.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert whole["Payload"].read() == b"one two three"


def test_a_compiled_program_is_a_runtime(platform: "Platform", tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is not here")
    source, built = Path(__file__).with_name("bootstrap.c"), tmp_path / "bootstrap"
    subprocess.run([compiler, "-O1", "-D_GNU_SOURCE", "-static", "-o", built, source], check=True)
    name = create(platform, package({"bootstrap": built.read_bytes()}))
    for number in range(20):
        assert invoke(platform, name, {"n": number})[1] == {"n": number}
