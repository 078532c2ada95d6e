"""Asynchronous invocations: how many are accepted a second, each on disk before its 202, and that all of them run.

    .venv/bin/python bench/events.py [--seconds 5] [--connections 32]

The promise is 2,000 accepted a second on two cores, the load generator, signatures and the functions' own work
included. What was accepted is counted by the server; the run is over when nothing waits any more. CPU is that of
control and of the edge for one event, from its request to its end.
"""

import argparse
import json
import os
import time
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from invoke_bench import ECHO, Target
from load import measure, require_wrk, script
from queues import cpu_s

from lambent.cli.access import read_status
from lambent.cli.server import Server, temporary_server

PAYLOAD = b'{"a": 1}'
LONGEST_DRAIN_S = 300.0


def accepted(server: Server, seconds: int, connections: int) -> dict[str, Any]:
    """The load, then the wait until all of it was run."""
    variables = server.access.variables()
    os.environ.update(variables)
    name = Target(server.endpoint, variables["AWS_DEFAULT_REGION"], connections, "python3.11").create(ECHO)
    url = f"{server.endpoint}/2015-03-31/functions/{name}/invocations"
    headers = {"Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"}
    request = AWSRequest("POST", url, data=PAYLOAD, headers=headers)
    credentials = Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "lambda", variables["AWS_DEFAULT_REGION"]).add_auth(request)
    before_s = _cpu_s(server)
    load = measure(url, script(PAYLOAD, dict(request.headers.items())), connections, seconds)
    begin_s = time.perf_counter()
    while (queue := _queue(server))["waiting"] + queue["running"]:
        if time.perf_counter() - begin_s > LONGEST_DRAIN_S:
            raise SystemExit(f"events still wait after {LONGEST_DRAIN_S:.0f} s: {queue}")
        time.sleep(0.2)
    after_s = _cpu_s(server)
    cpu_us = {part: round((after_s[part] - before_s[part]) * 1e6 / queue["succeeded"]) for part in after_s}
    drain_s = round(time.perf_counter() - begin_s, 2)
    return {**load, "drain_s": drain_s, "succeeded": queue["succeeded"], "cpu_us": cpu_us}


def _cpu_s(server: Server) -> dict[str, float]:
    """What control and the edge have used so far."""
    parts = read_status(server.access)["parts"]
    pids = {"control": parts["control"]["pid"], "edge": parts["edges"][0]["pid"]}
    return {part: cpu_s(pid) for part, pid in pids.items()}


def _queue(server: Server) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.endpoint}/_lambent/metrics") as answer:
        lines = answer.read().decode().splitlines()
    found = dict(line.split() for line in lines if line.startswith("lambent_events_"))
    return {name: int(found[f"lambent_events_{name}"]) for name in ("waiting", "running", "succeeded")}


def measure_events(seconds: int = 5, connections: int = 32) -> dict[str, Any]:
    """All of it, on a server of its own."""
    with temporary_server(["--log-level", "error"]) as server:
        return accepted(server, seconds, connections)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    asked = parser.parse_args()
    require_wrk()
    print(json.dumps(measure_events(asked.seconds, asked.connections), indent=1))


if __name__ == "__main__":
    main()
