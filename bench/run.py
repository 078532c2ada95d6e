"""`make bench`: what SPECIFICATION.md promises about speed, measured in one run on this machine.

First the do-nothing pipeline (the limit), then a real `lambent serve` in a folder of its own, with
signatures, sandboxes, logs and metering on, both by the same method. Prints one table.

    .venv/bin/python bench/run.py [--seconds 5] [--save] [--small]

--save writes bench/RESULTS.md anew. --small runs everything once with small numbers, in some minutes: to see
that it runs; what it prints says nothing about a promise.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

import density
import do_nothing
import events
import http_apis
import mappings
import queues
import rest_apis
import snapstart
import sockets
import streams
import urls
from busy import control_kept_busy
from command import how_many, parser, run
from lambent.cli.server import Server, temporary_server
from load import require_wrk

HERE = Path(__file__).parent
CONCURRENCIES = [1, 16, 64]
FINDINGS = "\n## Findings\n"  # written by hand, and kept by --save


class Size(Struct, frozen=True):
    """How much of everything. Sleepers sleep for longer than the starts of all take."""

    starts: int = 20
    burst: int = 100
    crowd: int = 1_000
    crowd_sleep_s: float = 30.0
    idle: int = 500
    idle_sleep_s: float = 15.0
    sockets: int = 5_000
    messages: int = 30_000
    waiting: int = 1_000_000
    records: int = 20_000


SMALL = Size(2, 5, 20, 5.0, 10, 3.0, sockets=100, messages=2_000, waiting=10_000, records=1_000)


class Line(Struct, frozen=True):
    """One line of the table. `better` says which side of `target` is kept."""

    what: str
    measured: float
    unit: str
    target: float
    better: str

    @property
    def kept(self) -> bool:
        """Whether the promise holds in this run."""
        return self.measured >= self.target if self.better == "more" else self.measured <= self.target


def lines(size: Size, limit: dict[str, Any], lambent: dict[str, Any]) -> Iterator[Line]:
    """The table of DESIGN.md section 7, and the ratio to the limit at each concurrency."""
    warm, cold, burst = lambent["warm"], lambent["cold"], lambent["burst"]
    yield Line("warm invokes a second, 16 connections", warm["16"]["rps"], "/s", 10_000, "more")
    for connections in map(str, CONCURRENCIES):
        ratio = 100 * warm[connections]["rps"] / limit[connections]["rps"]
        yield Line(f"of the do-nothing pipeline, {connections} connections", ratio, "%", 60, "more")
    yield Line("requests that failed, all warm runs", failures(warm), "", 0, "less")
    yield Line("warm invoke, one connection, p50", warm["1"]["p50_ms"], "ms", 0.5, "less")
    ratio = 100 * lambent["warm_1769_mb"]["1"]["rps"] / limit["1"]["rps"]
    yield Line("the same at 1 connection, function of 1,769 MB", ratio, "%", 60, "more")
    yield Line("warm invoke, 16 connections, p99", warm["16"]["p99_ms"], "ms", 10, "less")
    times = lambent["busy"]["16"]["p99_ms"] / warm["16"]["p99_ms"]
    yield Line("the same with control kept busy, times as long", times, "", 2, "less")
    two_edges = lambent["two_edges"]["16"]["rps"]
    yield Line("warm invokes a second, 16 connections, 2 edges", two_edges, "/s", 10_000, "more")
    yield Line("first invoke of a new function, p50", cold["first_ms_p50"], "ms", 15, "less")
    yield Line("first invoke of a new function, worst", cold["first_ms_max"], "ms", 40, "less")
    yield Line(f"{burst['n']} first invokes of a 1 s sleeper, last answer", burst["seconds"], "s", 1.6, "less")
    yield Line("of these, answered", burst["ok"], "", burst["n"], "more")
    snap = lambent["snapstart"]
    yield Line(f"start with SnapStart, init of {snap['init_s']:g} s, p50", snap["start_ms_p50"], "ms", 30, "less")
    crowd, idle = lambent["crowd"], lambent["idle"]["at_rest"]
    yield Line(
        f"{crowd['n']:,} sleepers of {density.MEMORY_MB} MB at once, answered", crowd["ok"], "", size.crowd, "more"
    )
    yield Line("of these, environments at the same time", crowd["at_once"]["environments"], "", size.crowd, "more")
    yield Line("memory of all of these together (PSS)", crowd["at_once"]["pss_mb"], "MB", size.crowd * 8, "less")
    yield Line("idle environments at once", idle["environments"], "", size.idle, "more")
    yield Line("memory of each of these (PSS)", idle["each_mb"], "MB", 8, "less")
    accepted = lambent["events"]
    yield Line("asynchronous invocations accepted a second", accepted["rps"], "/s", 2_000, "more")
    yield Line("time until all of these were run", accepted["drain_s"], "s", 5, "less")
    through = lambent["urls"]
    yield Line("requests a second through a function URL, 16 connections", through["16"]["rps"], "/s", 4_000, "more")
    yield Line("of these, failed", failures({"16": through["16"]}), "", 0, "less")
    yield Line("first byte of a streamed answer, p50", through["first_byte_ms_p50"], "ms", 5, "less")
    yield Line("a streamed answer of 150 MiB", through["streamed_mb_per_s"], "MB/s", 100, "more")
    through = lambent["http_apis"]
    yield Line("requests a second through an HTTP API, 16 connections", through["16"]["rps"], "/s", 4_000, "more")
    yield Line("of these, failed", failures({"16": through["16"]}), "", 0, "less")
    through = lambent["rest_apis"]
    yield Line("requests a second through a REST API, 16 connections", through["16"]["rps"], "/s", 3_000, "more")
    yield Line("of these, failed", failures({"16": through["16"]}), "", 0, "less")
    held = lambent["websockets"]
    yield Line("WebSockets held at once", held["held"], "", size.sockets, "more")
    yield Line("a signed post to each of them, until the last has heard", held["to_all_s"], "s", 2, "less")
    yield Line("memory of each of them in the edge (PSS)", held["kib_each"], "KiB", 20, "less")
    for waiting, runs in lambent["queues"].items():
        for name in ("send", "receive and delete", "send, receive and delete at once"):
            yield Line(f"SQS: {name}, {waiting:,} waiting", runs[name]["per_s"], "messages/s", 5_000, "more")
    for name, figures in lambent["mappings"].items():
        yield Line(f"a queue's messages through a function, {name}", figures["per_s"], "messages/s", 5_000, "more")
    for (name, figures), target in zip(lambent["streams"].items(), (5_000, 2_000), strict=True):
        yield Line(f"a table's changes through a function, {name}", figures["per_s"], "records/s", target, "more")


def failures(warm: dict[str, Any]) -> int:
    """Answers that were not 2xx, and sockets that broke."""
    return sum(row["non_2xx"] + bool(row["socket_errors"]) for row in warm.values())


def measure_density(size: Size) -> dict[str, Any]:
    """More environments at once than this machine has memory for by their nominal size."""
    found: dict[str, Any] = {}
    for kind, count, sleep_s in (("crowd", size.crowd, size.crowd_sleep_s), ("idle", size.idle, size.idle_sleep_s)):
        with temporary_server(["--log-level", "warning", *density.flags(count)]) as server:
            found[kind] = density.crowd(server, count, sleep_s)
            if kind == "idle":
                found[kind]["at_rest"] = density.idle(server)
    return found


def measure_lambent(seconds: int, size: Size) -> dict[str, Any]:
    """invoke_bench.py against servers of our own, with one edge and with two."""
    warm = ("--seconds", str(seconds), "--only", "warm")
    with temporary_server(["--log-level", "warning"]) as server:
        figures = invoke_bench(server, *warm)
        whole_core = invoke_bench(server, *warm, "--concurrency", "1", "--memory-mb", "1769")
        with control_kept_busy(server) as rounds:
            busy = invoke_bench(server, *warm, "--concurrency", "16")["warm"]
        figures |= {"warm_1769_mb": whole_core["warm"], "busy": {**busy, "rounds": len(rounds)}}
        figures |= invoke_bench(server, "--only", "cold,burst", "--cold", str(size.starts), "--burst", str(size.burst))
    with temporary_server(["--log-level", "warning", "--edges", "2"]) as server:
        figures["two_edges"] = invoke_bench(server, *warm, "--concurrency", "16,64")["warm"]
    with temporary_server(["--log-level", "warning", *snapstart.FLAGS, "--runtime-fallback"]) as server:
        figures["snapstart"] = snapstart.starts(server)
    return figures | measure_density(size)


def measure_services(seconds: int, size: Size) -> dict[str, Any]:
    """What else there is, each with servers of its own."""
    return {
        "events": events.measure_events(seconds),
        "urls": urls.measure_urls(seconds),
        "http_apis": http_apis.measure_http_apis(seconds),
        "rest_apis": rest_apis.measure_rest_apis(seconds),
        "websockets": sockets.measure(size.sockets),
        "queues": queues.measure(size.messages, size.waiting),
        "mappings": mappings.measure(size.messages),
        "streams": streams.measure(size.records),
    }


def invoke_bench(server: Server, *words: str) -> dict[str, Any]:
    """What invoke_bench.py measures there."""
    command = [sys.executable, str(HERE / "invoke_bench.py"), "--endpoint", server.endpoint, *words]
    environment = os.environ | server.access.variables()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def machine() -> str:
    """What was measured, where."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": unknown")
    git = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=10"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}; {os.cpu_count()} x {model.partition(': ')[2]}, "
        f"{memory_gb:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}; load generator included"
    )


def table(rows: Sequence[Line]) -> str:
    """Markdown, aligned so that it reads well on a terminal too."""
    cells = [("what", "measured", "target", "kept")]
    for row in rows:
        bound = "at least" if row.better == "more" else "at most"
        shown = f"{row.measured:,.2f}" if row.measured < 100 and row.measured % 1 else f"{row.measured:,.0f}"
        cells.append((row.what, f"{shown} {row.unit}".strip(), f"{bound} {row.target:g} {row.unit}".strip(), ""))
        cells[-1] = (*cells[-1][:3], "yes" if row.kept else "NO")
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    written = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    return "\n".join([written[0], "| " + " | ".join("-" * width for width in widths) + " |", *written[1:]])


def main() -> None:
    """Measure, print, and save if asked to."""
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=how_many, default=5, help="of load at each concurrency")
    what = flags.add_mutually_exclusive_group()
    what.add_argument("--save", action="store_true")
    what.add_argument("--small", action="store_true")
    arguments = flags.parse_args()
    require_wrk()
    seconds, size = (1, SMALL) if arguments.small else (arguments.seconds, Size())
    print(machine(), flush=True)
    fronts = {front: do_nothing.figures(front, CONCURRENCIES, seconds) for front in do_nothing.FRONTS}
    for front, rows in fronts.items():
        print(f"do-nothing pipeline, {front}: " + ", ".join(f"{row['rps']:,.0f}/s at {c}" for c, row in rows.items()))
    limit = max(fronts.values(), key=lambda rows: float(rows["16"]["rps"]))
    lambent = measure_lambent(seconds, size) | measure_services(seconds, size)
    result = table(list(lines(size, limit, lambent)))
    print("\n" + result)
    if arguments.save:
        raw = json.dumps({"do_nothing": fronts, "lambent": lambent}, indent=1)
        text = f"# Results\n\n{machine()}.\n\n{result}\n\nAll figures of this run:\n\n```json\n{raw}\n```\n"
        place = HERE / "RESULTS.md"
        _, heading, findings = place.read_text().partition(FINDINGS)
        place.write_text(text + heading + findings)


if __name__ == "__main__":
    run(main)
