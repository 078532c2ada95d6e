"""What an edge spends on one invocation of a runtime that speaks HTTP: CPU time, without sockets and processes.

    .venv/bin/python bench/runtime_api.py [--invocations 4000] [--profile]

The requests are those of aws-lambda-go, byte by byte: `next`, and an answer in chunks with trailers announced, which Go
writes in three pieces (head, chunk, end) that arrive together or apart. They go through the connection, the router and
the states of the environment; the least of some runs counts.
"""

import argparse
import cProfile
import itertools
import pstats
import socket
import time

import uvloop

from command import how_many, parser, run
from lambent.clock import SystemClock
from lambent.environment.channel import Work
from lambent.environment.runtime_api.environment_api import Ends, EnvironmentApi, Listening
from lambent.environment.runtime_api.router import streams
from lambent.gateway.http.connection import Connection
from lambent.gateway.http.room import Room
from lambent.gateway.http.rules import Limits, Served
from lambent.ids import SystemIds
from lambent.model.environment import ApiFacts
from lambent.model.function import FunctionKey
from wire import Wire

RUNS = 7
ACCEPTED = b"HTTP/1.1 202"
FUNCTION = FunctionKey("000000000000", "us-east-1", "echo")
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:abc:0"
EVERY = b"Host: 127.0.0.1:9001\r\nUser-Agent: aws-lambda-go/go1.26.8\r\nAccept-Encoding: gzip\r\n"
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n" + EVERY + b"\r\n"
ANSWER = (
    b"POST /2018-06-01/runtime/invocation/%b/response HTTP/1.1\r\n" + EVERY + b"Transfer-Encoding: chunked\r\n"
    b"Trailer: Lambda-Runtime-Function-Error-Body,Lambda-Runtime-Function-Error-Type\r\n"
    b'Content-Type: application/json\r\n\r\n11\r\n{"name": "world"}\r\n0\r\n\r\n'
)
WHOLE, APART = (0,), (0, -28, -5)  # where the pieces begin


class Bench:
    """One environment, and its runtime's only connection."""

    def __init__(self) -> None:
        ours, _theirs = socket.socketpair()
        facts = ApiFacts(FUNCTION, "$LATEST", "h", "provided.al2023", "on-demand", 128, http_runtime=True)
        self._api = EnvironmentApi(facts, Ends(ours), SystemClock(), SystemIds())
        self._api.connect(Listening(*(lambda _: None for _ in range(4))))
        self._wire = Wire()
        self._connection = Connection(Served(self._api.router, Limits(), streams), set(), Room())
        self._connection.connection_made(self._wire)
        self._connection.data_received(NEXT)

    def run(self, count: int, begins: tuple[int, ...]) -> float:
        """CPU time of so many invocations, each, in microseconds."""
        begun_s = time.process_time()
        for number in range(count):
            request_id = f"00000000-0000-4000-8000-{number:012d}"
            self._api.begin(Work(request_id, 1999999999999, "arn", TRACE, "", b'{"name": "world"}', 6_291_556))
            answer = ANSWER % request_id.encode()
            for begin, end in itertools.pairwise((*begins, None)):
                self._connection.data_received(answer[begin:end])
            if not self._wire.last.startswith(ACCEPTED):
                raise SystemExit(f"the answer was not taken at once: {self._wire.last!r}")
            self._connection.data_received(NEXT)
        return (time.process_time() - begun_s) / count * 1e6


async def measure(asked: argparse.Namespace) -> None:
    """Measure and print."""
    bench = Bench()
    bench.run(asked.invocations, WHOLE)
    for name, begins in (("together", WHOLE), ("apart", APART)):
        least_us = min(bench.run(asked.invocations, begins) for _ in range(RUNS))
        print(f"{least_us:.1f} µs of CPU time for each invocation, the pieces of its answer {name}")
    if asked.profile:
        with cProfile.Profile() as profile:
            bench.run(asked.invocations, APART)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def main() -> None:
    """The command line."""
    flags = parser(__doc__)
    flags.add_argument("--invocations", type=how_many, default=4000)
    flags.add_argument("--profile", action="store_true")
    uvloop.run(measure(flags.parse_args()))


if __name__ == "__main__":
    run(main)
