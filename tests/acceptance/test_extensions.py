"""Extensions, of custom and of Python runtimes: when they start, what they hear, and who waits for them.

Source: Lambda Developer Guide, "Using the Lambda Extensions API to create extensions", "Lambda execution environment
lifecycle"; behaviours sections 11, 14 and 15.
"""

import io
import json
import textwrap
import uuid
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.acceptance.test_custom_runtimes import invoke

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

EXTENSION = """#!/usr/bin/python3
import http.client, json, os, signal, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def ask(method, path, body=None, **headers):
    headers = {{"Lambda-Extension-" + key: value for key, value in headers.items()}}
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer.status, answer.headers, json.loads(answer.read() or b"null")
def register(*events, name=os.path.basename(sys.argv[0])):
    status, headers, told = ask("POST", "register", json.dumps({{"events": events}}), Name=name,
                                **{{"Accept-Feature": "accountId"}})
    return headers["Lambda-Extension-Identifier"], told
def note(*words):
    print(*words, flush=True)
{body}
"""

WATCHER = """
open("/tmp/started", "w").close()
me, told = register("INVOKE", "SHUTDOWN")
open("/tmp/registered", "w").write(json.dumps(told))
note("watcher registered with", "_HANDLER" in os.environ)
while True:
    event = ask("GET", "event/next", Identifier=me)[2]
    note("watcher hears", event["eventType"], event.get("requestId", event.get("shutdownReason")))
    with open("/tmp/heard", "a") as file:
        file.write(json.dumps(event) + "\\n")
    if event["eventType"] == "SHUTDOWN":
        break
    time.sleep(0.3)
    while "GATE" in os.environ and not os.path.exists("/mnt/gates/" + os.environ["GATE"] + "/open"):
        time.sleep(0.02)
    note("watcher is done")
"""

LOOKS = """
import json, os
early = os.path.exists("/tmp/started")
def handler(event, context):
    registered = json.load(open("/tmp/registered"))
    print("function runs")
    if event.get("exit"):
        os._exit(3)
    return {"early": early, "registered": registered, "api": os.environ["AWS_LAMBDA_RUNTIME_API"],
            "heard": open("/tmp/heard").read().splitlines() if os.path.exists("/tmp/heard") else []}
"""


def layer_of(platform: "Platform", extensions: dict[str, str]) -> str:
    """A layer with these external extensions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("about.txt", "a layer")
        for name, source in extensions.items():
            entry = zipfile.ZipInfo(f"extensions/{name}")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, EXTENSION.format(body=textwrap.dedent(source)))
    made = platform.client("lambda").publish_layer_version(
        LayerName=f"extensions-{uuid.uuid4().hex[:8]}", Content={"ZipFile": buffer.getvalue()}
    )
    return str(made["LayerVersionArn"])


def log_of(platform: "Platform", name: str) -> str:
    return "".join(platform.logged(name))


def received_from(platform: "Platform", queue: str) -> Any:
    """The next message."""
    answers = (platform.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20) for _ in range(3))
    return next(answer["Messages"][0] for answer in answers if "Messages" in answer)


def invoked_when_free(platform: "Platform", name: str, **event: Any) -> Any:
    """The payload, or None while the one environment is busy."""
    try:
        return invoke(platform, name, event)[1]
    except ClientError as error:
        if error.response["Error"]["Code"] == "TooManyRequestsException":
            return None
        raise


def test_an_external_extension_of_a_python_function_hears_and_is_waited_for(
    platform: "Platform", eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    layers = [layer_of(platform, {"watcher": WATCHER})]
    with platform.gate() as gate:
        name = platform.create_gated(LOOKS, Layers=layers, Environment={"Variables": {"GATE": gate.name}})
        platform.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        answer, told = invoke(platform, name, {})
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            invoke(platform, name, {})  # answered, and not over: the extension is still at work
    assert told["early"]  # the runtime started when the extension had registered
    assert told["registered"] == {
        "functionName": name,
        "functionVersion": "$LATEST",
        "handler": "app.handler",
        "accountId": "000000000000",
    }
    eventually(lambda: invoked_when_free(platform, name))
    told = eventually(lambda: invoked_when_free(platform, name))
    heard = [json.loads(line) for line in told["heard"]]
    assert [event["eventType"] for event in heard[:2]] == ["INVOKE", "INVOKE"]
    assert heard[0]["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert heard[0]["invokedFunctionArn"].endswith(name)
    assert heard[0]["tracing"]["type"] == "X-Amzn-Trace-Id"
    assert heard[0]["deadlineMs"] > 1_600_000_000_000
    log = eventually(lambda: (text := log_of(platform, name)).count("REPORT") == 3 and text)
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in log
    assert "watcher registered with False" in log  # _HANDLER is not an extension's
    assert log.count("watcher is done") == 3  # each inside its invocation
    durations = [float(part.split("Duration: ")[1].split(" ms")[0]) for part in log.split("REPORT RequestId")[1:]]
    assert all(duration > 250 for duration in durations)


LAST_WORDS = """
sys.path.insert(0, "/var/runtime")
import boto3
queue = boto3.client("sqs")
me, _ = register("INVOKE", "SHUTDOWN")
while (event := ask("GET", "event/next", Identifier=me)[2])["eventType"] == "INVOKE":
    pass
queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""

ENDS = """
import os, time
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("exit"):
        os._exit(3)
    if event.get("much"):
        bytearray(2**30)
"""


@pytest.fixture(scope="module")
def queue(platform: "Platform") -> str:
    """A queue that functions may send to: nothing else that an extension does outlives its environment."""
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    platform.role()
    platform.client("iam").put_role_policy(
        RoleName="acceptance",
        PolicyName="last-words",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [sends]}),
    )
    return str(platform.client("sqs").create_queue(QueueName=f"last-words-{uuid.uuid4().hex[:8]}")["QueueUrl"])


@pytest.mark.parametrize(
    ("source", "event", "error", "reason"),
    [
        (ENDS, {"exit": 1}, "Runtime.ExitError", "FAILURE"),
        (ENDS, {"sleep": 60}, "Sandbox.Timedout", "TIMEOUT"),
        (ENDS, {"much": True}, "Runtime.OutOfMemory", "FAILURE"),
        (ENDS, {}, None, "SPINDOWN"),
        ("import nowhere", {}, "Runtime.ImportModuleError", "FAILURE"),
    ],
    ids=["exit", "timeout", "memory", "spindown", "init"],
)
def test_the_shutdown_event_says_why_and_leaves_time_to_act(
    platform: "Platform", queue: str, source: str, event: dict[str, Any], error: str | None, reason: str
) -> None:
    name = platform.create(
        source,
        Layers=[layer_of(platform, {"teller": LAST_WORDS})],
        Timeout=3 if reason == "TIMEOUT" else 60,
        MemorySize=512,
        Environment={"Variables": {"QUEUE": queue}},
    )
    _, told = invoke(platform, name, event)
    assert (told and told["errorType"]) == error  # OutOfMemory: behaviours section 8
    if reason == "SPINDOWN":
        platform.client("lambda").update_function_configuration(FunctionName=name, Timeout=61)
    received = received_from(platform, queue)
    platform.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
    heard = json.loads(received["Body"])
    assert (heard["eventType"], heard["shutdownReason"]) == ("SHUTDOWN", reason)
    assert heard["deadlineMs"] > 1_600_000_000_000


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("sys.exit(4)", "Extension.Crash", "broken: exit status 4"),
        ("register('INVOKE'); sys.exit(5)", "Extension.Crash", "broken: exit status 5"),
        (
            "me, _ = register('INVOKE')\n"
            "ask('POST', 'init/error', Identifier=me, **{'Function-Error-Type': 'Extension.No'})",
            "Extension.InitError",
            "broken: Extension.No",
        ),
    ],
)
def test_an_extension_that_fails_fails_the_function(platform: "Platform", source: str, error: str, words: str) -> None:
    name = platform.create(ENDS, Layers=[layer_of(platform, {"broken": source})])
    answer, told = invoke(platform, name, {})
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert told == {"errorType": error, "errorMessage": f"RequestId: {request_id} Error: {words}"}


def test_a_file_that_is_no_program_is_named(platform: "Platform") -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("extensions/text", "nothing to run")
    made = platform.client("lambda").publish_layer_version(
        LayerName=f"extensions-{uuid.uuid4().hex[:8]}", Content={"ZipFile": buffer.getvalue()}
    )
    name = platform.create(ENDS, Layers=[made["LayerVersionArn"]])
    _, told = invoke(platform, name, {})
    assert told["errorType"] == "Extension.LaunchError"
    assert "text: fork/exec: permission denied" in told["errorMessage"]


INTERNAL = """
import http.client, json, os, signal, sys, threading
import boto3
queue = boto3.client("sqs")
queue.list_queues(MaxResults=1)  # the first call of a client takes long, and after SIGTERM there is half a second
def ask(api, method, path, body=None, **headers):
    headers = {"Lambda-Extension-" + key: value for key, value in headers.items()}
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer.status, answer.headers, json.loads(answer.read() or b"null")
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
refused = ask(api, "POST", "register", json.dumps({"events": ["SHUTDOWN"]}), Name="inside")
_, headers, _ = ask(api, "POST", "register", json.dumps({"events": ["INVOKE"]}), Name="inside")
heard = []
def listen():
    while True:
        heard.append(ask(api, "GET", "event/next", Identifier=headers["Lambda-Extension-Identifier"])[2]["eventType"])
threading.Thread(target=listen, daemon=True).start()
def terminated(*_):
    queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody="terminated")
    sys.exit(0)
signal.signal(signal.SIGTERM, terminated)
def handler(event, context):
    return {"refused": [refused[0], refused[2]["errorType"]], "heard": heard}
"""


def test_an_internal_extension_hears_invokes_and_its_runtime_gets_sigterm(
    platform: "Platform", queue: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    name = platform.create(
        INTERNAL, Layers=[layer_of(platform, {})], MemorySize=1769, Environment={"Variables": {"QUEUE": queue}}
    )
    told = eventually(lambda: (answer := invoke(platform, name, {})[1])["heard"] and answer)
    assert told["refused"] == [403, "Extension.InvalidEventType"]
    assert set(told["heard"]) == {"INVOKE"}
    platform.client("lambda").update_function_configuration(FunctionName=name, Timeout=3)
    received = received_from(platform, queue)
    assert received["Body"] == "terminated"
