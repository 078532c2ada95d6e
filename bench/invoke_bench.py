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

import concurrent.futures
import json
import os
import statistics
import time
import uuid
from typing import Any

from botocore.config import Config
from msgspec import structs

import functions
from callers import invocations_of, signed
from command import how_many, numbers, parser, run
from lambent.cli.access import Access, find_access, session
from lambent.cli.errors import CommandError
from load import measure, require_wrk, script

SLEEP = "import time\ndef handler(event, context):\n    time.sleep(1)\n    return 'done'\n"
BODY = b'{"a":"hello world","n":[1,2,3]}'
PARTS = ("warm", "cold", "burst")


class Target:
    """The endpoint that is measured."""

    def __init__(self, access: Access, connections: int, runtime: str, memory_mb: int = 128) -> None:
        self.access, self._settings = access, {"Runtime": runtime, "MemorySize": memory_mb, "Timeout": 30}
        config = Config(retries={"max_attempts": 0}, read_timeout=60, max_pool_connections=connections)
        boto, authority = session(access), access.ca_bundle or None
        self.lambda_ = boto.client("lambda", endpoint_url=access.endpoint, config=config, verify=authority)
        self._role = functions.role_of(boto.client("iam", endpoint_url=access.endpoint, verify=authority))

    def create(self, source: str) -> str:
        """A new function, active."""
        name = f"bench-{uuid.uuid4().hex[:12]}"
        functions.make(self.lambda_, self._role, name, source, **self._settings)
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
    name = target.create(functions.ECHO)
    expect(target.invoke(name, BODY), {"ok": "hello world"})
    url, rows = invocations_of(target.access, name), {}
    for concurrency in concurrencies:
        lua = script(BODY, signed(target.access, url, BODY))
        rows[str(concurrency)] = measure(url, lua, concurrency, seconds)
    target.lambda_.delete_function(FunctionName=name)
    return rows


def cold(target: Target, count: int) -> dict[str, Any]:
    """The first and the second Invoke of new functions, in milliseconds."""
    first_ms: list[float] = []
    second_ms: list[float] = []
    for _ in range(count):
        name = target.create(functions.ECHO)
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
    flags = parser(__doc__)
    flags.add_argument("--endpoint", help="default: that of AWS_ENDPOINT_URL")
    flags.add_argument("--region", help="default: that of AWS_REGION")
    flags.add_argument("--runtime", default="python3.11")
    flags.add_argument("--only", default=",".join(PARTS))
    flags.add_argument("--concurrency", type=numbers, default=[1, 16, 64])
    flags.add_argument("--seconds", type=how_many, default=5)
    flags.add_argument("--memory-mb", type=how_many, default=128, help="of the functions; 1769 is one whole core")
    flags.add_argument("--cold", type=how_many, default=20)
    flags.add_argument("--burst", type=how_many, default=50)
    arguments = flags.parse_args()
    wanted = arguments.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        flags.error(f"--only takes {', '.join(PARTS)}, not {', '.join(unknown)}")
    target = Target(
        access_of(arguments.endpoint, arguments.region), arguments.burst + 5, arguments.runtime, arguments.memory_mb
    )
    parts = {
        "warm": lambda: warm(target, arguments.concurrency, arguments.seconds),
        "cold": lambda: cold(target, arguments.cold),
        "burst": lambda: burst(target, arguments.burst),
    }
    print(json.dumps({part: parts[part]() for part in wanted}, indent=1))


def access_of(endpoint: str | None, region: str | None) -> Access:
    """Where and with which key. Raises CommandError."""
    environ = {**os.environ, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})}
    if endpoint and not environ.get("AWS_ACCESS_KEY_ID"):
        raise CommandError('there is no key in AWS_ACCESS_KEY_ID; for a server of Lambent: eval "$(lambent env)"')
    found = find_access(None, environ)
    return structs.replace(found, region=region) if region else found


if __name__ == "__main__":
    run(main)
