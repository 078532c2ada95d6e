"""Provisioned concurrency on a real server with two edges: ready before traffic, and ready again after every fault.

Sources: Lambda Developer Guide, "Configuring provisioned concurrency for a function"; Lambda service model.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.acceptance.gates import STAND

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

COUNT = 4
SOURCE = """
import os, time, uuid
ME = uuid.uuid4().hex
time.sleep({init_s})
def handler(event, context):
    stand(event["gate"])
    return [ME, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], context.function_version]
"""
FAILS = """
import os
if os.environ["AWS_LAMBDA_FUNCTION_VERSION"] != "$LATEST":
    raise RuntimeError("not today")
def handler(event, context):
    return 1
"""


@pytest.fixture
def server(own_server: Callable[..., "Platform"]) -> "Platform":
    return own_server("--edges", "2")


def put(platform: "Platform", name: str, qualifier: str, count: int) -> dict[str, Any]:
    answer: dict[str, Any] = platform.client("lambda").put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )
    return answer


def told(platform: "Platform", name: str, qualifier: str) -> dict[str, Any]:
    answer: dict[str, Any] = platform.client("lambda").get_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier
    )
    return answer


def is_ready(platform: "Platform", name: str, qualifier: str) -> bool:
    """Whether it says READY; a part that is restarting says nothing."""
    try:
        return bool(told(platform, name, qualifier)["Status"] == "READY")
    except (ClientError, OSError):
        return False


def storm(platform: "Platform", name: str, count: int) -> list[list[str]]:
    """`count` invocations at once, each over a connection of its own, so that every edge gets some."""
    lambda_ = platform.client("lambda", max_pool_connections=count)

    def invoke(event: str) -> list[str]:
        answer = lambda_.invoke(FunctionName=name, Qualifier="live", Payload=event)
        assert "FunctionError" not in answer
        found: list[str] = json.loads(answer["Payload"].read())
        return found

    with ThreadPoolExecutor(count) as threads, platform.gate() as gate:
        calls = [threads.submit(invoke, json.dumps({"gate": gate.name})) for _ in range(count)]
        gate.meet(calls)
    return [call.result() for call in calls]


def served_by(platform: "Platform", name: str) -> Counter[str] | None:
    """By which kind of environment COUNT invocations at once are answered; None while a part is away."""
    try:
        return Counter(kind for _, kind, _ in storm(platform, name, COUNT))
    except (BotoCoreError, ClientError):
        return None


def environments(platform: "Platform") -> list[dict[str, Any]]:
    answer: dict[str, Any] = json.loads(platform.lambent("status", "--format", "json").stdout)
    found: list[dict[str, Any]] = answer["environments"]
    return found


def published(platform: "Platform", source: str = SOURCE.format(init_s=0), **parameters: Any) -> str:
    lambda_ = platform.client("lambda")
    name = platform.create_gated(source, **parameters)
    lambda_.publish_version(FunctionName=name)
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def test_it_is_there_before_traffic_and_spills_over_and_follows_its_alias(
    server: "Platform", eventually: Callable[..., Any], zipped: Any
) -> None:
    lambda_ = server.client("lambda")
    name = published(server)
    answer = put(server, name, "live", COUNT)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (answer["Status"], answer["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    eventually(lambda: is_ready(server, name, "live"))
    assert told(server, name, "live")["AllocatedProvisionedConcurrentExecutions"] == COUNT

    met: set[str] = set()
    for _ in range(4):  # whichever edges the connections reach, nobody starts anything
        answers = storm(server, name, COUNT)
        assert Counter(kind for _, kind, _ in answers) == {"provisioned-concurrency": COUNT}
        met |= {environment for environment, _, _ in answers}
    assert len(met) == COUNT
    assert len(environments(server)) == COUNT
    spilled = Counter(kind for _, kind, _ in storm(server, name, COUNT + 2))
    assert spilled == {"provisioned-concurrency": COUNT, "on-demand": 2}

    lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": STAND + SOURCE.format(init_s=0.2)}))
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert lambda_.publish_version(FunctionName=name)["Version"] == "2"
    lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    eventually(lambda: is_ready(server, name, "live"))
    assert {tuple(answer[1:]) for answer in storm(server, name, COUNT)} == {("provisioned-concurrency", "2")}
    eventually(lambda: all(each["version"] == "2" for each in environments(server) if each["provisioned_for"]))
    pages = lambda_.get_paginator("list_provisioned_concurrency_configs").paginate(FunctionName=name)
    configs = [config for page in pages for config in page["ProvisionedConcurrencyConfigs"]]
    assert [(each["FunctionArn"].rpartition(":")[2], each["Status"]) for each in configs] == [("live", "READY")]

    lambda_.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    eventually(lambda: not [each for each in environments(server) if each["provisioned_for"]])


def test_after_a_kill_of_any_part_it_is_ready_again_by_itself(
    server: "Platform", eventually: Callable[..., Any]
) -> None:
    name = published(server)
    put(server, name, "live", COUNT)
    eventually(lambda: is_ready(server, name, "live"))
    for part in ("agent", "edge", "control"):
        parts = json.loads(server.lambent("status", "--format", "json").stdout)["parts"]
        pid = parts["edges"][0]["pid"] if part == "edge" else parts[part]["pid"]
        before = {each["environment_id"] for each in environments(server)}
        os.kill(pid, signal.SIGKILL)

        def healed(part: str = part, before: set[str] = before) -> bool:
            """READY, and not because nobody has noticed yet."""
            if not is_ready(server, name, "live"):
                return False
            now = {each["environment_id"] for each in environments(server) if each["provisioned_for"]}
            return len(now) == COUNT and (part != "agent" or not now & before)

        eventually(healed)
        eventually(lambda: served_by(server, name) == {"provisioned-concurrency": COUNT})


def test_an_environment_that_dies_is_replaced(server: "Platform", eventually: Callable[..., Any]) -> None:
    name = published(server)
    put(server, name, "live", 2)
    eventually(lambda: is_ready(server, name, "live"))
    before = {each["environment_id"]: each["pid"] for each in environments(server)}
    os.kill(next(iter(before.values())), signal.SIGKILL)
    eventually(lambda: {each["environment_id"] for each in environments(server)} != set(before))
    eventually(lambda: is_ready(server, name, "live") and len(environments(server)) == 2)


def test_an_init_error_is_the_reason_of_its_failure(server: "Platform", eventually: Callable[..., Any]) -> None:
    name = published(server, FAILS)
    put(server, name, "live", 1)
    failed = eventually(lambda: (answer := told(server, name, "live"))["Status"] == "FAILED" and answer)
    assert failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert failed["AvailableProvisionedConcurrentExecutions"] == 0


def test_the_command_line_configures_it(server: "Platform") -> None:
    name = published(server)
    put_words = ("--function-name", name, "--qualifier", "live", "--provisioned-concurrent-executions", "1")
    answer = server.aws("lambda", "put-provisioned-concurrency-config", *put_words)
    assert answer["RequestedProvisionedConcurrentExecutions"] == 1
    listed = server.aws("lambda", "list-provisioned-concurrency-configs", "--function-name", name)
    assert len(listed["ProvisionedConcurrencyConfigs"]) == 1
