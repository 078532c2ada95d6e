"""The main way: create, wait, invoke, read the log, update, delete; with boto3 and with `aws`.

Source of what is expected: Lambda Developer Guide, "Using Lambda with the AWS CLI" (the same steps),
and the API reference of each operation named here.
"""

import base64
import hashlib
import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

HELLO = """
import os

def handler(event, context):
    print("hello from", context.function_name, os.environ.get("GREETING", ""))
    return {"greeting": "hello " + event.get("name", "nobody"), "arn": context.invoked_function_arn}
"""
FAILS = """
def handler(event, context):
    raise ValueError("no such " + event["what"])
"""
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def invoke(lambda_: Any, name: str, event: Any, **parameters: Any) -> tuple[Any, dict[str, Any]]:
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps(event), **parameters)
    return json.loads(answer["Payload"].read()), answer


def test_a_function_is_created_and_runs_with_its_event_and_context(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(HELLO)
    answer, whole = invoke(lambda_, name, {"name": "Ada"})
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert answer == {"greeting": "hello Ada", "arn": arn}
    assert (whole["StatusCode"], whole["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in whole


def test_what_was_created_is_what_get_function_shows(platform: "Platform", zipped: Any) -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(HELLO, Description="says hello", MemorySize=256, Environment={"Variables": {"AB": "c"}})
    shown = lambda_.get_function(FunctionName=name)
    configuration = shown["Configuration"]
    package = zipped({"app.py": HELLO})
    assert configuration["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 30)
    assert configuration["Environment"]["Variables"] == {"AB": "c"}
    assert shown["Code"]["RepositoryType"] == "S3"
    names = [
        one["FunctionName"] for page in lambda_.get_paginator("list_functions").paginate() for one in page["Functions"]
    ]
    assert name in names


def test_an_exception_is_the_functions_error_with_its_stack(platform: "Platform") -> None:
    answer, whole = invoke(platform.client("lambda"), platform.create(FAILS), {"what": "luck"})
    assert whole["FunctionError"] == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "no such luck")
    assert re.fullmatch(UUID, answer["requestId"])
    assert 'File "/var/task/app.py", line 3, in handler' in answer["stackTrace"][-1]


def test_the_tail_of_the_log_runs_from_start_to_report(platform: "Platform") -> None:
    name = platform.create(HELLO, Environment={"Variables": {"GREETING": "good day"}})
    _, whole = invoke(platform.client("lambda"), name, {}, LogType="Tail")
    log = base64.b64decode(whole["LogResult"]).decode()
    assert re.search(rf"START RequestId: {UUID} Version: \$LATEST\n", log)
    assert f"hello from {name} good day\n" in log
    assert re.search(
        rf"REPORT RequestId: {UUID}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        log,
    )


def test_the_log_is_in_cloudwatch_logs(platform: "Platform", eventually: Any) -> None:
    name = platform.create(HELLO)
    _, whole = invoke(platform.client("lambda"), name, {})
    request_id = whole["ResponseMetadata"]["RequestId"]

    def messages() -> list[str]:
        return [line for line in platform.logged(name) if "REPORT" in line or "hello" in line]

    written = eventually(lambda: len(messages()) >= 2 and messages())
    assert written[0].startswith(f"hello from {name}")
    assert written[1].startswith(f"REPORT RequestId: {request_id}\t")


def test_an_acknowledged_edit_is_what_the_next_invoke_runs(platform: "Platform", zipped: Any) -> None:
    lambda_ = platform.client("lambda")
    name = platform.create("def handler(event, context): return 0")
    for number in range(1, 6):
        code = zipped({"app.py": f"def handler(event, context): return {number}"})
        lambda_.update_function_code(FunctionName=name, ZipFile=code)
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert invoke(lambda_, name, {})[0] == number


def test_a_deleted_function_is_gone(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(HELLO)
    lambda_.delete_function(FunctionName=name)
    for call in (lambda_.get_function, lambda_.invoke, lambda_.delete_function):
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="Function not found: arn:aws:lambda:"):
            call(FunctionName=name)


def test_an_asynchronous_invocation_is_accepted_at_once_and_runs(platform: "Platform", eventually: Any) -> None:
    lambda_, name = platform.client("lambda"), platform.create(HELLO)
    answer = lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert eventually(lambda: any(line.startswith("REPORT") for line in platform.logged(name)))


def test_a_dry_run_checks_and_runs_nothing(platform: "Platform") -> None:
    name = platform.create(HELLO)
    assert platform.client("lambda").invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204


def test_a_wrong_secret_is_refused(platform: "Platform") -> None:
    import boto3

    key = platform.variables["AWS_ACCESS_KEY_ID"]
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="wrong", region_name="us-east-1")
    lambda_ = session.client("lambda", endpoint_url=platform.endpoint)
    with pytest.raises(lambda_.exceptions.ClientError, match="InvalidSignatureException"):
        lambda_.list_functions()


def test_the_aws_command_line_goes_the_whole_way(
    platform: "Platform", zipped: Any, tmp_path: Path, eventually: Any
) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    (tmp_path / "hello.zip").write_bytes(zipped({"app.py": HELLO}))
    created = platform.aws(
        "lambda", "create-function", "--function-name", name, "--runtime", "python3.11", "--handler", "app.handler",
        "--role", platform.role(), "--zip-file", f"fileb://{tmp_path}/hello.zip",
    )  # fmt: skip
    assert created["FunctionName"] == name
    platform.aws("lambda", "wait", "function-active-v2", "--function-name", name)
    event = '{"name": "Grace"}'
    said = platform.aws("lambda", "invoke", "--function-name", name, "--payload", event, tmp_path / "answer.json")
    assert said == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads((tmp_path / "answer.json").read_text())["greeting"] == "hello Grace"
    filter_log = ("logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name}", "--filter-pattern", "REPORT")

    def reported() -> bool:
        done = platform.command(platform.bin / "aws", *filter_log, "--output", "json")
        return done.returncode == 0 and json.loads(done.stdout)["events"] != []

    assert eventually(reported)
    assert name in [one["FunctionName"] for one in platform.aws("lambda", "list-functions")["Functions"]]
    platform.aws("lambda", "delete-function", "--function-name", name)
    gone = platform.command(platform.bin / "aws", "lambda", "get-function", "--function-name", name)
    assert gone.returncode != 0
    assert "ResourceNotFoundException" in gone.stderr


def test_version_2_of_the_command_line_invokes_and_follows_the_log(platform: "Platform", tmp_path: Path) -> None:
    name = platform.create(HELLO)
    aws2 = platform.aws2()
    answer = tmp_path / "answer.json"
    invocation = ("lambda", "invoke", "--function-name", name, "--payload", '{"name": "Ada"}')
    done = platform.command(*aws2, *invocation, "--cli-binary-format", "raw-in-base64-out", answer)
    assert done.returncode == 0, done.stderr
    assert json.loads(answer.read_text())["greeting"] == "hello Ada"
    follow = [*aws2, "logs", "tail", f"/aws/lambda/{name}", "--follow"]
    with subprocess.Popen(follow, env=platform.environment(), stdout=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            assert any("REPORT RequestId" in line for line in following.stdout)  # ends with the first such line
            done = platform.command(*aws2, *invocation, "--cli-binary-format", "raw-in-base64-out", answer)
            assert done.returncode == 0, done.stderr
            assert any("REPORT RequestId" in line for line in following.stdout)
        finally:
            following.terminate()
