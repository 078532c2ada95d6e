"""Each of Lambda's quotas is a setting: a lower one refuses, with AWS's code, and none is no wall.

Sources: behaviours sheet, sections 2 and 6 (values, codes and words).
"""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.images.layouts import Layout, entry

LOW = {
    "memory-mb-min": 256,
    "memory-mb-max": 512,
    "timeout-s-max": 10,
    "environment-bytes": 60,
    "layers": 1,
    "policy-bytes": 700,
    "zip-bytes": 3_000,
    "unzipped-bytes": 2_600,
    "zip-entries": 3,
    "image-bytes": 1_000,
    "create-request-bytes": 9_000,
    "ephemeral-mb-min": 600,
    "ephemeral-mb-max": 700,
    "sync-payload-bytes": 1_000,
    "sync-response-bytes": 900,
    "streamed-response-bytes": 900,
    "async-payload-bytes": 500,
    "client-context-bytes": 40,
    "account-concurrency": 3,
    "unreserved-minimum": 1,
    "code-storage-bytes": 8_000,
    "tags": 2,
    "processes": 24,
    "file-descriptors": 64,
    "init-timeout-s": 0.5,
    "header-bytes": 12_000,
}
SOURCE = """
import resource, threading
def handler(event, context):
    if event.get("threads"):
        end, started = threading.Event(), []
        try:
            for number in range(event["threads"]):
                started.append(threading.Thread(target=end.wait))
                started[-1].start()
        except RuntimeError:
            started.pop()
        end.set()
        return len(started)
    if event.get("longer"):
        return "x" * event["longer"]
    return [resource.getrlimit(resource.RLIMIT_NOFILE)[0]]
"""
SLOW_INIT = "import time\ntime.sleep(1.0)\n" + SOURCE
Zipped = Callable[[dict[str, str | bytes]], bytes]


def refused(code: str, call: Callable[[], Any], words: str = "") -> None:
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == code
    assert words in error.value.response["Error"]["Message"]


def noise(length: int) -> bytes:
    """What does not compress."""
    return base64.b64encode(b"".join(number.to_bytes(4, "big") * 3 for number in range(length)))[::-1][:length]


def test_a_lower_quota_refuses_with_the_code_that_aws_gives(
    own_server: Callable[..., Any], zipped: Zipped, readable: Path, eventually: Callable[..., Any]
) -> None:
    platform = own_server(*(f"--quotas-{name}={value}" for name, value in LOW.items()))
    lambda_ = platform.client("lambda")
    fit = {"MemorySize": 256, "Timeout": 10, "EphemeralStorage": {"Size": 600}}
    name = platform.create(SOURCE, **fit)

    def create(**changes: Any) -> Any:
        code = {"ZipFile": zipped({"app.py": SOURCE})}
        known = {"FunctionName": "other", "Runtime": "python3.11", "Role": platform.role(), "Handler": "app.handler"}
        return lambda_.create_function(**(known | fit | {"Code": code} | changes))

    wrong: tuple[dict[str, Any], ...] = (
        {"MemorySize": 255},
        {"MemorySize": 513},
        {"Timeout": 11},
        {"EphemeralStorage": {"Size": 599}},
        {"EphemeralStorage": {"Size": 701}},
    )
    for changes in wrong:
        refused("ValidationException", partial(create, **changes))
    invalid = "InvalidParameterValueException"
    refused(invalid, lambda: create(Environment={"Variables": {"KEY": "v" * 60}}), "exceeded")
    refused(
        "RequestEntityTooLargeException", lambda: create(Code={"ZipFile": zipped({"app.py": noise(4_000)})}), "Zipped"
    )
    refused(
        "RequestEntityTooLargeException",
        lambda: create(Code={"ZipFile": zipped({"app.py": noise(7_000)})}),
        "Request must be smaller than 9000 bytes for the CreateFunction operation",
    )
    refused(invalid, lambda: create(Code={"ZipFile": zipped({"app.py": b" " * 2_700})}), "Unzipped size")
    refused(invalid, lambda: create(Code={"ZipFile": zipped({f"{n}.py": b"" for n in range(4)})}))
    layout = Layout(readable / "layout").add([entry("f", b" " * 1_100)]).finish(Cmd=["/f"])
    platform.operate("image", "import", layout.place, "--name", "large:1", "--data", platform.server.data)
    image = {"FunctionName": "large", "PackageType": "Image", "Code": {"ImageUri": "localhost/large:1"}, **fit}
    lambda_.create_function(Role=platform.role(), **image)
    told = partial(lambda_.get_function_configuration, FunctionName="large")
    assert eventually(lambda: told()["State"] == "Failed" and told())["StateReasonCode"] == "InvalidImage"
    refused(invalid, lambda: create(Tags={"a": "1", "b": "2", "c": "3"}))
    layers = [
        lambda_.publish_layer_version(LayerName=f"l{n}", Content={"ZipFile": zipped({"x": b"x"})})["LayerVersionArn"]
        for n in range(2)
    ]
    refused(invalid, lambda: create(Layers=layers), "Cannot reference more than 1 layers")
    who = {"Action": "lambda:InvokeFunction", "Principal": "111111111111"}
    lambda_.add_permission(FunctionName=name, StatementId="a", **who)
    refused(
        "PolicyLengthExceededException",
        lambda: [lambda_.add_permission(FunctionName=name, StatementId=f"b{n}", **who) for n in range(9)],
    )
    refused(
        invalid,
        lambda: lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3),
        "minimum value of [1]",
    )
    limits = lambda_.get_account_settings()["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["TotalCodeSize"]) == (3, 8_000)
    payload = json.dumps({"fill": "x" * 1_000})
    refused("RequestTooLargeException", lambda: lambda_.invoke(FunctionName=name, Payload=payload))
    refused(
        "RequestTooLargeException",
        lambda: lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=payload[:600] + '"}'),
    )
    context = base64.b64encode(json.dumps({"custom": {"k": "v" * 40}}).encode()).decode()
    refused("InvalidRequestContentException", lambda: lambda_.invoke(FunctionName=name, ClientContext=context))
    answer = lambda_.invoke(FunctionName=name, Payload=b'{"longer": 1000}')
    assert json.load(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"
    assert json.load(lambda_.invoke(FunctionName=name)["Payload"])[0] == LOW["file-descriptors"]
    assert json.load(lambda_.invoke(FunctionName=name, Payload=b'{"threads": 40}')["Payload"]) < LOW["processes"]
    slow = platform.create(SLOW_INIT, **fit)
    tail = base64.b64decode(lambda_.invoke(FunctionName=slow, LogType="Tail")["LogResult"]).decode()
    assert "Phase: init\tStatus: timeout" in tail
    with pytest.raises(urllib.error.HTTPError, match="431"):
        urllib.request.urlopen(urllib.request.Request(platform.endpoint, headers={"x-long": "x" * 13_000}))
    refused("CodeStorageExceededException", lambda: [
        lambda_.publish_layer_version(LayerName=f"m{n}", Content={"ZipFile": zipped({"x": noise(2_000 + n)})})
        for n in range(5)
    ])  # fmt: skip


WALLS = ("timeout-s-max", "memory-mb-max", "ephemeral-mb-max", "sync-payload-bytes", "sync-response-bytes")
MORE_WALLS = ("async-payload-bytes", "account-concurrency", "code-storage-bytes", "create-request-bytes", "zip-bytes")


def test_none_is_no_wall(own_server: Callable[..., Any]) -> None:
    platform = own_server(*(f"--quotas-{name}=none" for name in WALLS + MORE_WALLS), "--quotas-memory-mb-min=64")
    lambda_ = platform.client("lambda")
    source = "def handler(event, context):\n    return event['x'] + context.get_remaining_time_in_millis().__repr__()"
    name = platform.create(source, Timeout=7_200, MemorySize=1_024, EphemeralStorage={"Size": 40_000})
    length = 9_000_000
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps({"x": "y" * length}))
    text = json.load(answer["Payload"])
    assert len(text) > length
    assert int(text[length:]) > 7_000_000  # two hours are left
    limits = lambda_.get_account_settings()["AccountLimit"]
    assert limits["ConcurrentExecutions"] == 2**31 - 1
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=100_000)
    shown = lambda_.update_function_configuration(FunctionName=name, MemorySize=50_000, Timeout=100_000)
    assert (shown["MemorySize"], shown["Timeout"]) == (50_000, 100_000)
