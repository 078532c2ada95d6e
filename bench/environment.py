"""What the edge's side of a warm invocation costs: LiveEnvironment against real bootstraps.

One environment in ping-pong (p50, rate, CPU of this process an invocation), then several at once
(rate), on the event loop that is asked for.

    .venv/bin/python bench/environment.py [--loop uvloop|asyncio] [--invocations N] [--environments N]
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bootstrap import start
from command import how_many, parser, run
from functions import ECHO
from lambent.clock import SystemClock
from lambent.environment.live import LiveEnvironment
from lambent.model.environment import EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

ARN = "arn:aws:lambda:us-east-1:000000000000:function:echo"
KEY = FunctionKey("000000000000", "us-east-1", "echo")
TIMEOUT_S, LIMIT_BYTES = 3.0, 6 * 1024 * 1024


def environment(python: str, task_root: str) -> tuple[LiveEnvironment, subprocess.Popen[bytes]]:
    read_end, write_end = os.pipe()
    process, channel = start(python, task_root, output=write_end)
    os.close(write_end)
    return LiveEnvironment(EnvironmentGrant("e", "k"), channel, read_end, None, SystemClock()), process


async def ping_pong(one: LiveEnvironment, count: int, payload: bytes) -> list[float]:
    times_s = []
    for number in range(count):
        trace = f"Root=1-5759e988-{number:024x};Parent=53995c3f42cd8ad8;Sampled=0"
        asked = Invocation(f"00000000-0000-4000-8000-{number:012d}", KEY, "", payload, trace)
        begun_s = time.perf_counter()
        outcome = await one.invoke(asked, ARN, TIMEOUT_S, LIMIT_BYTES)
        one.take_lines()
        times_s.append(time.perf_counter() - begun_s)
        assert outcome.kind == "response", outcome
    return times_s


async def measure(asked: argparse.Namespace, task_root: str) -> dict[str, object]:
    made = [environment(asked.python, task_root) for _ in range(asked.environments)]
    try:
        return await figures(asked, [one for one, _ in made])
    finally:
        for one, process in made:
            one.close()
            process.wait()


async def figures(asked: argparse.Namespace, made: list[LiveEnvironment]) -> dict[str, object]:
    payload = json.dumps({"a": "x" * asked.payload_bytes}).encode()
    for one in made:
        assert (await one.wait_ready(10)).kind == "ready"
        await ping_pong(one, 200, payload)
    started_s, cpu_s = time.perf_counter(), time.process_time()
    times_s = await ping_pong(made[0], asked.invocations, payload)
    elapsed_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    together_s, together_cpu_s = time.perf_counter(), time.process_time()
    each = asked.invocations // asked.environments
    await asyncio.gather(*(ping_pong(one, each, payload) for one in made))
    together_s, together_cpu_s = time.perf_counter() - together_s, time.process_time() - together_cpu_s
    return {
        "loop": asked.loop,
        "one_invocations_per_s": round(asked.invocations / elapsed_s),
        "one_p50_us": round(statistics.median(times_s) * 1e6, 1),
        "one_edge_cpu_us": round(cpu_s / asked.invocations * 1e6, 1),
        f"{asked.environments}_invocations_per_s": round(each * asked.environments / together_s),
        f"{asked.environments}_edge_cpu_us": round(together_cpu_s / each / asked.environments * 1e6, 1),
    }


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    flags.add_argument("--python", default=sys.executable)
    flags.add_argument("--invocations", type=how_many, default=20_000)
    flags.add_argument("--environments", type=how_many, default=16)
    flags.add_argument("--payload-bytes", type=how_many, default=1)
    asked = flags.parse_args()
    with tempfile.TemporaryDirectory() as root:
        Path(root, "app.py").write_text(ECHO)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop if asked.loop == "uvloop" else None) as runner:
            print(json.dumps(runner.run(measure(asked, root))))


if __name__ == "__main__":
    run(main)
