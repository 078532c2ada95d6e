"""Parts are killed while work is acknowledged; nothing acknowledged may be missing.

Source of the promises: DESIGN.md, tenets 2 and 4 and "Static stability"; SPECIFICATION.md.
"""

import contextlib
import io
import json
import os
import random
import signal
import threading
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

ECHO = "def handler(event, context):\n    return event\n"
VERSIONED = "import os\nVERSION = {0}\n\ndef handler(event, context):\n    return [VERSION, os.environ.get('STEP')]\n"


def status(platform: "Platform") -> Any:
    return json.loads(platform.lambent("status", "--format", "json", "--data", str(platform.server.data)).stdout)


def test_a_storm_of_creations_loses_no_acknowledged_function_to_kill_9_of_everything(
    own_server: Callable[..., "Platform"], zipped: Any
) -> None:
    platform = own_server()
    package, role = zipped({"app.py": ECHO}), platform.role()
    acknowledged: list[str] = []
    enough = threading.Event()

    def create(worker: int) -> None:
        lambda_ = platform.client("lambda")
        for number in range(1000):
            name = f"storm-{worker}-{number}"
            try:
                lambda_.create_function(
                    FunctionName=name, Runtime="python3.11", Role=role, Handler="app.handler", Code={"ZipFile": package}
                )
            except (BotoCoreError, ClientError):
                return
            acknowledged.append(name)
            if len(acknowledged) >= 60:
                enough.set()

    with ThreadPoolExecutor(4) as pool:
        storms = [pool.submit(create, worker) for worker in range(4)]
        assert enough.wait(60)
        os.killpg(platform.server.process.pid, signal.SIGKILL)
        for storm in storms:
            storm.result()
    platform.server.process.wait()

    again = own_server()
    lambda_ = again.client("lambda")
    pages = lambda_.get_paginator("list_functions").paginate()
    kept = {function["FunctionName"] for page in pages for function in page["Functions"]}
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= kept
    last = acknowledged[-1]
    lambda_.get_waiter("function_active_v2").wait(FunctionName=last, WaiterConfig={"Delay": 1})
    assert json.load(lambda_.invoke(FunctionName=last, Payload=b'"alive"')["Payload"]) == "alive"


def test_an_acknowledged_edit_is_what_the_next_invoke_runs_under_load_with_two_edges(
    own_server: Callable[..., "Platform"], zipped: Any
) -> None:
    platform = own_server("--edges", "2")
    name = platform.create(VERSIONED.format(0), Environment={"Variables": {"STEP": "0"}})
    acknowledged, stop = [0, 0], threading.Event()
    wrong: list[Any] = []

    def hammer() -> int:
        lambda_, done = platform.client("lambda"), 0
        while not stop.is_set():
            before = list(acknowledged)
            code, step = json.load(lambda_.invoke(FunctionName=name)["Payload"])
            if code < before[0] or int(step) < before[1]:
                wrong.append((before, code, step))
            done += 1
        return done

    with ThreadPoolExecutor(6) as pool:
        hammers = [pool.submit(hammer) for _ in range(6)]
        try:
            lambda_ = platform.client("lambda")
            updated = lambda_.get_waiter("function_updated_v2")
            for number in range(1, 11):
                lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": VERSIONED.format(number)}))
                updated.wait(FunctionName=name, WaiterConfig={"Delay": 1})
                acknowledged[0] = number
                lambda_.update_function_configuration(
                    FunctionName=name, Environment={"Variables": {"STEP": str(number)}}
                )
                updated.wait(FunctionName=name, WaiterConfig={"Delay": 1})
                acknowledged[1] = number
        finally:
            stop.set()
        done = sum(each.result() for each in hammers)
    assert not wrong
    assert done > 50


def test_warm_invokes_do_not_notice_that_control_was_killed(own_server: Callable[..., "Platform"]) -> None:
    platform = own_server("--edges", "2")
    name = platform.create(ECHO)
    lambda_ = platform.client("lambda")
    lambda_.invoke(FunctionName=name, Payload=b"1")
    url = lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    lambda_.add_permission(
        FunctionName=name,
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    by_path = f"{platform.endpoint}/_aws/lambda-url/{urlsplit(url).netloc.partition('.')[0]}/"
    urllib.request.urlopen(by_path).close()
    before = status(platform)["parts"]["control"]["pid"]
    os.kill(before, signal.SIGKILL)
    for number in range(200):
        answer = lambda_.invoke(FunctionName=name, Payload=str(number).encode())
        assert json.load(answer["Payload"]) == number
        with urllib.request.urlopen(f"{by_path}{number}") as answered:
            assert json.load(answered)["rawPath"] == f"/{number}"


WHO = "import uuid\nWHO = str(uuid.uuid4())\n\ndef handler(event, context):\n    return WHO\n"
WHO_BOOTSTRAP = """#!/bin/sh
who=$(cat /proc/sys/kernel/random/uuid)
next=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while id=$(curl -sS -D - -o /dev/null $next/next | tr -d '\\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip'); do
  curl -sS -o /dev/null -d "\\"$who\\"" $next/$id/response
done
"""


def executable(text: str) -> bytes:
    """The package of a custom runtime."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, text)
    return buffer.getvalue()


def test_with_control_away_warm_functions_answer_at_every_edge_and_stay_within_their_limits(
    own_server: Callable[..., "Platform"], eventually: Any
) -> None:
    """Control does not come back before we let it: the supervisor is stopped meanwhile. A second environment
    would show a second name."""
    platform = own_server("--edges", "2")
    custom = {"MemorySize": 1769, "Runtime": "provided.al2023", "Code": {"ZipFile": executable(WHO_BOOTSTRAP)}}
    names = platform.create(WHO), platform.create("", **custom)
    client = platform.client("lambda")
    for name in names:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)

    def ask(name: str) -> Any:
        answer = client.invoke(FunctionName=name)
        assert "FunctionError" not in answer
        told = json.load(answer["Payload"])
        client.close()  # the next one is on a connection of its own, which either edge may accept
        return told

    first = [ask(name) for name in names]
    control = status(platform)["parts"]["control"]["pid"]
    os.kill(platform.server.process.pid, signal.SIGSTOP)
    try:
        os.kill(control, signal.SIGKILL)
        assert [{ask(name) for _ in range(20)} for name in names] == [{each} for each in first]
    finally:
        os.kill(platform.server.process.pid, signal.SIGCONT)
    eventually(lambda: platform.lambent("status", "--data", str(platform.server.data)).returncode == 0)
    assert {each["function"]["name"] for each in status(platform)["environments"]} == set(names)
    for name in names:
        ask(name)
    assert len(status(platform)["environments"]) == 2


def test_the_platform_heals_after_kill_9_of_agent_edge_and_control(
    own_server: Callable[..., "Platform"], eventually: Any
) -> None:
    platform = own_server()
    name = platform.create(ECHO)
    parts = status(platform)["parts"]
    for pid in (parts["agent"]["pid"], parts["edges"][0]["pid"], parts["control"]["pid"]):
        os.kill(pid, signal.SIGKILL)

        def answers() -> bool:
            try:
                return bool(platform.client("lambda").invoke(FunctionName=name, Payload=b"7")["Payload"].read() == b"7")
            except (BotoCoreError, ClientError):
                return False

        eventually(answers)


def test_events_that_were_accepted_are_run_although_everything_is_killed(
    own_server: Callable[..., "Platform"], eventually: Any
) -> None:
    platform = own_server()
    name = platform.create("def handler(event, context):\n    print(f'ran<{event}>')\n")
    lambda_ = platform.client("lambda")
    for number in range(40):
        assert lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=str(number))["StatusCode"] == 202
    os.killpg(platform.server.process.pid, signal.SIGKILL)
    platform.server.process.wait()
    again = own_server()

    def all_ran() -> bool:
        messages = "".join(again.logged(name))
        return all(f"ran<{number}>" in messages for number in range(40))

    assert eventually(all_ran)


def parts_of(supervisor: int) -> list[int]:
    """Control, edges and agent: the supervisor's own children."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    return [int(pid) for pid in children.read_text().split()]


def test_every_accepted_event_runs_and_its_record_arrives_while_parts_are_killed_at_random(
    own_server: Callable[..., "Platform"], eventually: Any
) -> None:
    platform = own_server("--edges", "2")
    lambda_, sqs, dice = platform.client("lambda"), platform.client("sqs"), random.Random(26)
    queue = sqs.create_queue(QueueName="records")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = platform.create("def handler(event, context):\n    return [event, 'ran']\n")
    config = {"OnSuccess": {"Destination": arn}}
    lambda_.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
    assert len(parts_of(platform.server.process.pid)) == 4
    accepted: set[int] = set()
    stop = threading.Event()

    def send(worker: int) -> None:
        client = platform.client("lambda", read_timeout=5)
        for number in range(worker, 1_000_000, 3):
            if stop.is_set():
                return
            try:
                client.invoke(FunctionName=name, InvocationType="Event", Payload=str(number))
            except (BotoCoreError, ClientError):  # refused or cut off: nothing was promised
                stop.wait(0.05)
                continue
            accepted.add(number)
            stop.wait(0.02)

    with ThreadPoolExecutor(3) as pool:
        senders = [pool.submit(send, worker) for worker in range(3)]
        try:
            for kills in range(8):
                eventually(lambda: len(accepted) >= 12 * kills + dice.randrange(12), 120.0)  # noqa: B023  called now
                with contextlib.suppress(ProcessLookupError):  # it was killed before and is not back yet
                    os.kill(dice.choice(parts_of(platform.server.process.pid)), signal.SIGKILL)
        finally:
            stop.set()
        for sender in senders:
            sender.result()
    arrived: set[int] = set()

    def all_arrived() -> bool:
        try:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        except (BotoCoreError, ClientError):
            return False
        for message in answer.get("Messages", []):
            record = json.loads(message["Body"])
            assert record["requestContext"]["condition"] == "Success"
            assert record["responsePayload"] == [record["requestPayload"], "ran"]
            arrived.add(record["requestPayload"])
        return accepted <= arrived

    assert len(accepted) >= 80
    eventually(lambda: any(all_arrived() for _ in range(50)), 240.0)
