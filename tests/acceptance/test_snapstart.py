"""SnapStart as users meet it: boto3 publishes, waits and invokes. Sources: Lambda Developer Guide, "Improving startup
performance with Lambda SnapStart", "Lambda SnapStart runtime hooks for Python", "Monitoring for Lambda SnapStart"."""

import base64
import json
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

ON = {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "python3.12"}
SOURCE = """
import asyncio, os, random, time, uuid
import boto3
from snapshot_restore_py import register_after_restore, register_before_snapshot

time.sleep(1)
INIT, CALLS = uuid.uuid4().hex, []
STS = boto3.client("sts")
STS.get_caller_identity()  # the platform is there in the init phase, too
LOOP = asyncio.new_event_loop()
with open("/tmp/model", "w") as file:
    file.write("weights")

@register_before_snapshot
def before_one(): CALLS.append("before one")

@register_before_snapshot
def before_two(): CALLS.append("before two")

@register_after_restore
def after_one():
    global UNIQUE
    UNIQUE = uuid.uuid4().hex
    CALLS.append("after one")
    print("woken up")

register_after_restore(CALLS.append, "after two")

def handler(event, context):
    LOOP.run_until_complete(asyncio.sleep(event.get("s", 0)))
    seen = sorted(os.listdir("/tmp"))
    open(f"/tmp/{UNIQUE}", "w").close()
    return {"init": INIT, "unique": UNIQUE, "calls": CALLS, "seen": seen, "random": random.random(),
            "key": os.environ["AWS_ACCESS_KEY_ID"], "signed_with": STS._request_signer._credentials.access_key,
            "who": STS.get_caller_identity()["Arn"].rpartition("/")[2],
            "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
"""


@pytest.fixture
def lambda_(platform: "Platform") -> Any:
    if "python3.12" not in platform.runtimes():
        pytest.skip("Python 3.12 is not on this host")
    return platform.client("lambda", max_pool_connections=20)


def published(lambda_: Any, name: str) -> dict[str, Any]:
    """Publish, and wait as SDKs do."""
    version = lambda_.publish_version(FunctionName=name)
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Pending", "Off")
    waiter = lambda_.get_waiter("published_version_active")
    waiter.wait(FunctionName=name, Qualifier=version["Version"], WaiterConfig={"Delay": 1, "MaxAttempts": 180})
    answer: dict[str, Any] = lambda_.get_function_configuration(FunctionName=name, Qualifier=version["Version"])
    return answer


def invoked(lambda_: Any, name: str, payload: str = "{}") -> tuple[dict[str, Any], str]:
    """The answer of version 1, and the end of its log."""
    answer = lambda_.invoke(FunctionName=name, Qualifier="1", LogType="Tail", Payload=payload)
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return told, base64.b64decode(answer["LogResult"]).decode()


def test_each_environment_goes_on_from_the_one_initialised_process(
    platform: "Platform", lambda_: Any, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    name = platform.create(SOURCE, **ON, MemorySize=256)
    assert published(lambda_, name)["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: invoked(lambda_, name, '{"s": 5}'), range(5)))
    results = [result for result, _ in answers]
    assert len({result["init"] for result in results}) == 1
    first = [result for result in results if result["seen"] == ["model"]]  # of its environment
    assert len(first) > 1
    for what in ("unique", "random", "key"):
        assert len({result[what] for result in first}) == len({result["unique"] for result in results}), what
    for result in results:
        assert result["calls"] == ["before two", "before one", "after one", "after two"]
        assert result["type"] == "snap-start"
        assert (result["key"], result["who"]) == (result["signed_with"], name)
    log = next(log for result, log in answers if result in first)
    assert re.search(r"^RESTORE_START Runtime Version: python:3.12.v1\tRuntime Version ARN: ", log, re.MULTILINE)
    assert re.search(r"^RESTORE_REPORT Restore Duration: [\d.]+ ms$", log, re.MULTILINE)
    assert re.search(r"\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t$", log, re.MULTILINE)
    assert "woken up" in log
    of_init = eventually(lambda: platform.logged(name, "INIT_REPORT"))
    assert [re.sub(r"[\d.]+", "N", line) for line in of_init] == ["INIT_REPORT Init Duration: N ms\tPhase: init\n"]
    assert "Init Duration" not in log


def test_a_killed_agent_makes_the_snapshot_again(
    own_server: Callable[..., Any], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    platform = own_server()
    lambda_ = platform.client("lambda")
    if "python3.12" not in platform.runtimes():
        pytest.skip("Python 3.12 is not on this host")
    name = platform.create("import uuid\nME = uuid.uuid4().hex\ndef handler(event, context): return {'me': ME}", **ON)
    published(lambda_, name)
    first, _ = invoked(lambda_, name)
    status = json.loads(platform.lambent("status", "--format", "json").stdout)
    os.kill(status["parts"]["agent"]["pid"], signal.SIGKILL)

    def answers() -> Any:
        try:
            return invoked(lambda_, name)
        except botocore.exceptions.ClientError:
            return None

    second, log = eventually(answers)
    while second == first:  # answered by the environment that was about to be killed
        second, log = eventually(answers)
    assert "RESTORE_REPORT" in log


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("1 / 0", "FunctionError", "division by zero"),
        ("import os\nos._exit(3)", "FunctionError.RuntimeInitError", "ended in its init phase"),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(99,), name='poller').start()",
         "FunctionError", "poller"),
    ],
)  # fmt: skip
def test_a_version_that_cannot_be_initialised_fails_with_the_reason(
    platform: "Platform", lambda_: Any, source: str, code: str, words: str
) -> None:
    name = platform.create(source + "\ndef handler(event, context): return 1", **ON)
    lambda_.publish_version(FunctionName=name)
    with pytest.raises(botocore.exceptions.WaiterError):
        lambda_.get_waiter("published_version_active").wait(
            FunctionName=name, Qualifier="1", WaiterConfig={"Delay": 1, "MaxAttempts": 180}
        )
    failed = lambda_.get_function_configuration(FunctionName=name, Qualifier="1")
    assert failed["StateReasonCode"] == code
    assert words in failed["StateReason"]


def test_a_failing_hook_after_the_restore_is_a_snapstart_exception(platform: "Platform", lambda_: Any) -> None:
    source = """
from snapshot_restore_py import register_after_restore
@register_after_restore
def broken(): raise RuntimeError("no database")
def handler(event, context): return 1
"""
    name = platform.create(source, **ON)
    published(lambda_, name)
    with pytest.raises(lambda_.exceptions.SnapStartException):
        lambda_.invoke(FunctionName=name, Qualifier="1")


def test_a_version_is_not_ready_while_it_is_initialised(platform: "Platform", lambda_: Any) -> None:
    name = platform.create("import time\ntime.sleep(8)\ndef handler(event, context): return 1", **ON)
    lambda_.publish_version(FunctionName=name)
    with pytest.raises(lambda_.exceptions.SnapStartNotReadyException):
        lambda_.invoke(FunctionName=name, Qualifier="1")
