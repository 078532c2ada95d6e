#!/usr/bin/env python3
"""Measures any endpoint that speaks the Lambda API: warm, cold and burst invokes.

Everything goes through the public API with boto3, so that one file measures Lambent and others.

warm   wrk sends one signed Invoke again and again for some seconds at each concurrency.
cold   functions that were never invoked: the first Invoke of each, then the second, over one connection.
burst  concurrent Invokes of one never-invoked function that sleeps 1 s: seconds until the last answer.

Usage:

    eval "$(lambent env)"
    python bench/invoke_bench.py --endpoint http://127.0.0.1:4566 [--only warm,cold,burst]

Prints one JSON object. Figures hold only beside another run on the same machine.
"""

import argparse
import concurrent.futures
import io
import json
import statistics
import time
import uuid
import zipfile
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from load import measure, require_wrk, script

ECHO = "def handler(event, context):\n    return {'ok': event.get('a')}\n"
SLEEP = "import time\ndef handler(event, context):\n    time.sleep(1)\n    return 'done'\n"
BODY = b'{"a":"hello world","n":[1,2,3]}'
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
}


class Target:
    """The endpoint that is measured."""

    def __init__(self, endpoint: str, region: str, connections: int, runtime: str, memory_mb: int = 128) -> None:
        self.endpoint, self.runtime, self.memory_mb = endpoint, runtime, memory_mb
        self.session = boto3.Session(region_name=region)
        config = Config(retries={"max_attempts": 0}, read_timeout=60, max_pool_connections=connections)
        self.lambda_ = self.session.client("lambda", endpoint_url=endpoint, config=config)
        self.role = self._role()

    def _role(self) -> str:
        iam = self.session.client("iam", endpoint_url=self.endpoint)
        try:
            made = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))
        except iam.exceptions.EntityAlreadyExistsException:
            made = iam.get_role(RoleName="bench")
        return str(made["Role"]["Arn"])

    def create(self, source: str) -> str:
        """A new function, active."""
        name = f"bench-{uuid.uuid4().hex[:12]}"
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            entry = zipfile.ZipInfo("app.py")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, source)
        self.lambda_.create_function(
            FunctionName=name, Runtime=self.runtime, Role=self.role, Handler="app.handler",
            Code={"ZipFile": buffer.getvalue()}, MemorySize=self.memory_mb, Timeout=30,
        )  # fmt: skip
        while self.lambda_.get_function_configuration(FunctionName=name).get("State", "Active") != "Active":
            time.sleep(0.02)
        return name

    def invoke(self, name: str, payload: bytes = b"{}") -> Any:
        """The decoded answer; a function error is an error."""
        answer = self.lambda_.invoke(FunctionName=name, Payload=payload)
        text = answer["Payload"].read()
        if "FunctionError" in answer:
            raise RuntimeError(text.decode())
        return json.loads(text)


def warm(target: Target, concurrencies: list[int], seconds: int) -> dict[str, Any]:
    """wrk at each concurrency, one function."""
    require_wrk()
    name = target.create(ECHO)
    expect(target.invoke(name, BODY), {"ok": "hello world"})
    url = f"{target.endpoint}/2015-03-31/functions/{name}/invocations"
    rows = {}
    for concurrency in concurrencies:
        request = AWSRequest("POST", url, data=BODY, headers={"Content-Type": "application/json"})
        SigV4Auth(target.session.get_credentials(), "lambda", target.session.region_name).add_auth(request)
        rows[str(concurrency)] = measure(url, script(BODY, dict(request.headers.items())), concurrency, seconds)
    target.lambda_.delete_function(FunctionName=name)
    return rows


def cold(target: Target, count: int) -> dict[str, Any]:
    """The first and the second Invoke of new functions, in milliseconds."""
    first_ms: list[float] = []
    second_ms: list[float] = []
    for _ in range(count):
        name = target.create(ECHO)
        for series in (first_ms, second_ms):
            begin_s = time.perf_counter()
            answer = target.invoke(name, b'{"a":1}')
            series.append((time.perf_counter() - begin_s) * 1e3)
            expect(answer, {"ok": 1})
        target.lambda_.delete_function(FunctionName=name)
    first_ms.sort()
    return {
        "n": count,
        "first_ms_p50": round(statistics.median(first_ms), 2),
        "first_ms_p90": round(first_ms[int(count * 0.9)], 2),
        "first_ms_max": round(first_ms[-1], 2),
        "second_ms_p50": round(statistics.median(second_ms), 2),
    }


def burst(target: Target, count: int) -> dict[str, Any]:
    """Concurrent first Invokes of a sleeper."""
    name = target.create(SLEEP)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        begin_s = time.perf_counter()
        calls = [pool.submit(target.invoke, name) for _ in range(count)]
        concurrent.futures.wait(calls)
        took_s = time.perf_counter() - begin_s
    failures = [repr(call.exception()) for call in calls if call.exception()]
    target.lambda_.delete_function(FunctionName=name)
    result: dict[str, Any] = {"n": count, "ok": count - len(failures), "seconds": round(took_s, 2)}
    return result | ({"first_failure": failures[0][:300]} if failures else {})


def expect(answer: Any, expected: Any) -> None:
    """A platform that answers wrongly is not measured."""
    if answer != expected:
        raise SystemExit(f"wrong answer: {answer!r}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--runtime", default="python3.11")
    parser.add_argument("--only", default="warm,cold,burst")
    parser.add_argument("--concurrency", default="1,16,64")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--memory-mb", type=int, default=128, help="of the functions; 1769 is one whole core")
    parser.add_argument("--cold", type=int, default=20)
    parser.add_argument("--burst", type=int, default=50)
    arguments = parser.parse_args()
    connections = arguments.burst + 5
    target = Target(arguments.endpoint, arguments.region, connections, arguments.runtime, arguments.memory_mb)
    concurrencies = [int(text) for text in arguments.concurrency.split(",")]
    parts = {
        "warm": lambda: warm(target, concurrencies, arguments.seconds),
        "cold": lambda: cold(target, arguments.cold),
        "burst": lambda: burst(target, arguments.burst),
    }
    print(json.dumps({part: parts[part]() for part in arguments.only.split(",")}, indent=1))


if __name__ == "__main__":
    main()
