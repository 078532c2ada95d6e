"""Where the microseconds of a warm Invoke go in the edge, stage by stage, in one process without load.

A real signed request is taken through the real stages, with a transport to nowhere instead of a client and
with an environment whose bootstrap is this file. Printed: microseconds of CPU time a request,
the best of several rounds, for each stage alone and for all together.

    .venv/bin/python bench/warm_path.py [--rounds 7] [--requests 5000]
"""

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import uvloop

from callers import invocations_of, raw, signed
from command import how_many, parser, run
from data_plane import KEY, SNAPSHOT, one_after_the_other
from lambent.cli.access import Access
from lambent.clock import SystemClock
from lambent.config import Quotas
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.frames import READY, RESPONSE, encode
from lambent.environment.live import LiveEnvironment
from lambent.gateway.admission import Admission
from lambent.gateway.authentication import Authentication, KeyCache
from lambent.gateway.exchange import Exchange
from lambent.gateway.front import Front
from lambent.gateway.http.connection import Connection
from lambent.gateway.http.date import DateLine
from lambent.gateway.http.room import Room
from lambent.gateway.http.rules import Handler, Limits, Served
from lambent.gateway.http.streams import Body, Response
from lambent.gateway.invoke import Done, Invoking
from lambent.gateway.permits import Permits
from lambent.ids import SystemIds
from lambent.invocation.answers import answer_for
from lambent.invocation.lease import Lease
from lambent.invocation.records import Run, record_of
from lambent.journal.writer import JournalWriter
from lambent.model.environment import EnvironmentGrant, StartTimes
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import InvokeQuery, KeyQuery, LeaseGrant
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.sigv4 import credential_of
from wire import Wire

BODY = b'{"a":"hello world","n":[1,2,3]}'
ACCESS = Access("http://127.0.0.1:4566", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "a-secret")
OWNER = Principal("000000000000", "arn:aws:iam::000000000000:root", "r")
RESULT = InvocationResult("$LATEST", b'{"ok": "hello world"}')
ANSWER = HttpResponse(200, [("content-type", "application/json")], RESULT.payload)
TIMEOUT_S, LIMIT_BYTES, READ_BYTES = 3, 6_000_000, 65536
SKEW_S = 900.0

Stage = Callable[[int], Awaitable[None]]


class Control:
    """What the stages ask of control, which knows one key and one function."""

    async def key(self, _: KeyQuery) -> AccessKey:
        return AccessKey(ACCESS.access_key_id, ACCESS.secret, OWNER)

    def cached(self, _: FunctionKey, __: str) -> FunctionSnapshot:
        return SNAPSHOT

    async def fetch(self, _: FunctionKey, __: str) -> FunctionSnapshot:
        return SNAPSHOT

    async def permit(self, _: InvokeQuery) -> bool:
        return True

    async def enqueue(self, _: Invocation) -> None:
        raise AssertionError("nothing here is asynchronous")


class Function:
    """An environment, its bootstrap's end of the socket, and a pair of sockets without anything, to compare with."""

    def __init__(self, folder: Path) -> None:
        gauge = folder / "gauge"
        gauge.write_text("30000000\n")
        ours, self._theirs = socket.socketpair()
        output, self._output = os.pipe()
        gauge_fd = os.open(gauge, os.O_RDONLY)
        self.environment = LiveEnvironment(EnvironmentGrant("e", "k"), ours, output, gauge_fd, SystemClock())
        self._bare, self._far = socket.socketpair()
        self.invocation = Invocation(SystemIds().uuid(), KEY, "", BODY, "Root=1-5759e988-0123;Sampled=0")
        self._answer = encode(RESPONSE, [self.invocation.request_id], RESULT.payload)

    async def start(self) -> None:
        self._theirs.sendall(encode(READY, ["1"], b""))
        assert (await self.environment.wait_ready(TIMEOUT_S)).kind is OutcomeKind.READY

    def close(self) -> None:
        self.environment.close()
        for each in (self._theirs, self._bare, self._far):
            each.close()
        os.close(self._output)

    def invoke(self, done: Callable[[Outcome], None]) -> None:
        """There by `begin`; back when the event loop sees it."""
        self.environment.begin(self.invocation, SNAPSHOT.invoked_arn, TIMEOUT_S, LIMIT_BYTES, done)
        self._theirs.recv(READ_BYTES)
        self._theirs.send(self._answer)

    async def bare(self, count: int) -> None:
        """The same system calls and nothing else."""
        loop, back = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._bare, lambda: back.set() if self._bare.recv(READ_BYTES) else None)
        for _ in range(count):
            self._bare.send(self._answer)
            self._far.recv(READ_BYTES)
            self._far.send(self._answer)
            await back.wait()
            back.clear()
        loop.remove_reader(self._bare)


class Stages:
    """Each stage of the way, ready to be called alone, so many times."""

    def __init__(self, folder: Path) -> None:
        self._clock, self._ids, control = SystemClock(), SystemIds(), Control()
        self._keys = KeyCache(control.key)
        self._authentication = Authentication(self._keys, self._clock, SKEW_S)
        admission = Admission(control.cached, control.fetch, Permits(control.permit))
        invoking = Invoking(self._begin, control.enqueue, admission, Quotas())
        url = invocations_of(ACCESS, "echo")
        self._data, self._seen = raw(url, BODY, signed(ACCESS, url, BODY)), list[HttpRequest]()
        self._http = _connection(self._echo)
        self._whole = _connection(Front((self._authentication, invoking), self._ids, self._clock))
        self._http.data_received(self._data)
        self._request = self._seen[0]
        self._journal = JournalWriter(folder / "journal", "edge0-bench")
        self._function = Function(folder)
        lease = Lease(
            self._function.environment, LeaseGrant("e", "stream", 0), Outcome(OutcomeKind.READY, 1), StartTimes()
        )
        lease.used()
        self._run = Run(
            self._function.invocation, SNAPSHOT, lease, 1, Outcome(OutcomeKind.RESPONSE, 500, RESULT.payload)
        )

    async def start(self) -> None:
        """As after the first request: the key is known, the environment is warm."""
        await self._keys.get(credential_of(self._request))
        await self._function.start()

    def close(self) -> None:
        self._journal.close()
        self._function.close()

    def _echo(self, request: HttpRequest, _: str, respond: Callable[[Response], object], __: Body | None) -> None:
        self._seen[:] = [request]
        respond(ANSWER)

    def _begin(self, _: Invocation, done: Done) -> None:
        done(RESULT)

    # the stages

    def http_in_and_out(self) -> None:
        self._http.data_received(self._data)

    def signature(self) -> None:
        exchange = Exchange(self._request, self._ids.uuid(), "127.0.0.1", lambda _: None, came_s=self._clock.now_s())
        if self._authentication(exchange) is not None:
            raise SystemExit("the signature was not checked at once")

    def http_signature_invoke_answer(self) -> None:
        self._whole.data_received(self._data)

    def record(self) -> None:
        answer = answer_for(self._run.outcome, self._run.invocation.request_id, TIMEOUT_S, LIMIT_BYTES)
        self._journal.append(record_of(self._run, answer))

    def record_written(self) -> None:
        """Once for each turn of the event loop, here with one record."""
        self.record()
        self._journal.flush()

    def all(self) -> dict[str, Stage]:
        """What is measured, in the order of the way. Both ends of the environment's socket: the bootstrap's half is
        in it, about two fifths."""
        return {
            "HTTP in, and an answer out": _again(self.http_in_and_out),
            "signature": _again(self.signature),
            "HTTP, signature, routing, answer": _again(self.http_signature_invoke_answer),
            "environment, there and back": partial(one_after_the_other, self._function.invoke),
            "a bare socket, there and back": self._function.bare,
            "record": _again(self.record),
            "record, written": _again(self.record_written),
        }


def _connection(handler: Handler) -> Connection:
    made = Connection(Served(handler, Limits(), None, DateLine(SystemClock())), set(), Room())
    made.connection_made(Wire())
    return made


def _again(stage: Callable[[], None]) -> Stage:
    async def repeat(count: int) -> None:
        for _ in range(count):
            stage()

    return repeat


async def cost_us(stage: Stage, requests: int, rounds: int) -> float:
    """CPU microseconds of one call, the best round."""
    best_s = float("inf")
    for _ in range(rounds):
        began_s = time.process_time()
        await stage(requests)
        best_s = min(best_s, time.process_time() - began_s)
    return best_s / requests * 1e6


async def measure(requests: int, rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        stages = Stages(Path(folder))
        await stages.start()
        try:
            for name, stage in stages.all().items():
                print(f"{await cost_us(stage, requests, rounds):7.2f} us  {name}", flush=True)
        finally:
            stages.close()


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--rounds", type=how_many, default=7)
    flags.add_argument("--requests", type=how_many, default=5000)
    asked = flags.parse_args()
    uvloop.run(measure(asked.requests, asked.rounds))


if __name__ == "__main__":
    run(main)
