"""Asynchronous invocations: how many are accepted a second, each on disk before its 202, and that all of them run.

    .venv/bin/python bench/events.py [--seconds 5] [--connections 32]

The promise is 2,000 accepted a second on two cores, the load generator, signatures and the functions' own work
included. What was accepted is counted by the server; the run is over when nothing waits any more. CPU is that of
control and of the edge for one event, from its request to its end.
"""

import json
import time
import urllib.request
from typing import Any

import functions
from callers import JSON, invocations_of, signed
from command import how_many, parser, run
from lambent.cli.access import client
from lambent.cli.server import Server, temporary_server
from load import measure, require_wrk, script
from patience import Patience
from processes import PartsMeter

PAYLOAD = b'{"a": 1}'


def accepted(server: Server, seconds: int, connections: int) -> dict[str, Any]:
    """The load, then the wait until all of it was run."""
    access = server.access
    functions.make(client(access, "lambda"), functions.role_of(client(access, "iam")), "bench", functions.ECHO)
    url, meter = invocations_of(access, "bench"), PartsMeter(access)
    headers = signed(access, url, PAYLOAD, {**JSON, "X-Amz-Invocation-Type": "Event"})
    load = measure(url, script(PAYLOAD, headers), connections, seconds)
    begin_s = time.perf_counter()
    patience = Patience("events are run", pause_s=0.2)
    while (queue := _queue(server))["waiting"] + queue["running"]:
        patience.wait(queue)
    used_us = {part: round(each_us) for part, each_us in meter.figures(queue["succeeded"]).items()}
    drain_s = round(time.perf_counter() - begin_s, 2)
    return {**load, "drain_s": drain_s, "succeeded": queue["succeeded"], **used_us}


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
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=how_many, default=5)
    flags.add_argument("--connections", type=how_many, default=32)
    asked = flags.parse_args()
    require_wrk()
    print(json.dumps(measure_events(asked.seconds, asked.connections), indent=1))


if __name__ == "__main__":
    run(main)
