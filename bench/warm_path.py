"""Where the microseconds of a warm Invoke go in the edge, stage by stage, in one process without load.

A real signed request is taken through the real stages, with a socket pair instead of a client and
with an environment whose bootstrap is this file. Printed: microseconds of CPU time a request,
the best of several rounds, for each stage alone and for all together.

    python bench/warm_path.py [--rounds 7] [--requests 5000]
"""

import argparse
import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from data_plane import KEY, SNAPSHOT

from lambent.clock import SystemClock
from lambent.config import Quotas
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.frames import RESPONSE, encode
from lambent.environment.live import LiveEnvironment
from lambent.gateway.authentication import Authentication, KeyCache
from lambent.gateway.exchange import Exchange
from lambent.gateway.front import Front
from lambent.gateway.http.connection import Connection
from lambent.gateway.http.rules import Limits
from lambent.gateway.http.streams import Body, Response
from lambent.gateway.invoke import Done, Invoking
from lambent.ids import SystemIds
from lambent.invocation.answers import answer_for
from lambent.invocation.lease import Lease
from lambent.invocation.records import Run, record_of
from lambent.journal.writer import JournalWriter
from lambent.model.environment import EnvironmentGrant, StartTimes
from lambent.model.http import HttpRequest
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import KeyQuery, LeaseGrant
from lambent.model.principal import AccessKey, Principal

BODY = b'{"a":"hello world","n":[1,2,3]}'
ACCESS_KEY = AccessKey(
    "AKIAIOSFODNN7EXAMPLE", "a-secret", Principal("000000000000", "arn:aws:iam::000000000000:root", "r")
)
RESULT = InvocationResult("$LATEST", b'{"ok": "hello world"}')


class Wire:
    """A transport that throws away what is written."""

    def get_extra_info(self, _: str) -> Any:
        return ("127.0.0.1", 1)

    def write(self, _: bytes) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def signed_request() -> bytes:
    """What wrk sends in `invoke_bench.py`."""
    path = "/2015-03-31/functions/echo/invocations"
    request = AWSRequest(
        "POST", f"http://127.0.0.1:4566{path}", data=BODY, headers={"Content-Type": "application/json"}
    )
    SigV4Auth(Credentials(ACCESS_KEY.access_key_id, ACCESS_KEY.secret), "lambda", "us-east-1").add_auth(request)
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1:4566", f"Content-Length: {len(BODY)}"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + BODY


async def look_up(_: KeyQuery) -> AccessKey | None:
    return ACCESS_KEY


async def nothing(_: Invocation) -> None:
    pass


class Stages:
    """Each stage of the way, ready to be called alone."""

    def __init__(self, folder: Path) -> None:
        self.data = signed_request()
        self.seen: list[HttpRequest] = []
        self.clock, self.ids = SystemClock(), SystemIds()
        keys = KeyCache(look_up)
        keys._keys[ACCESS_KEY.access_key_id, ""] = ACCESS_KEY
        self.authentication = Authentication(keys, self.clock, 900.0)
        self.invoking = Invoking(self.begin, nothing, nothing, Quotas())
        self.front = Front((self.authentication, self.invoking), self.ids)
        self.journal = JournalWriter(folder / "journal", "edge0-bench")
        self.parser_only, self.whole = self.connection(self.keep), self.connection(self.front)
        self.parser_only.data_received(self.data)
        self.request = self.seen.pop()
        self.environment, self.other = self.make_environment(folder)
        lease = Lease(self.environment, LeaseGrant("e", "stream", 0), Outcome(OutcomeKind.READY, 1), StartTimes())
        lease.used()
        self.invocation = Invocation(self.ids.uuid(), KEY, "", BODY, "Root=1-5759e988-0123;Sampled=0")
        self.run = Run(self.invocation, SNAPSHOT, lease, 1, Outcome(OutcomeKind.RESPONSE, 500, RESULT.payload))
        self.answer_frame = encode(RESPONSE, [self.invocation.request_id], RESULT.payload)

    def connection(self, handler: Any) -> Connection:
        made = Connection(handler, Limits(), set())
        made.connection_made(Wire())  # type: ignore[arg-type]
        return made

    def make_environment(self, folder: Path) -> tuple[LiveEnvironment, socket.socket]:
        ours, theirs = socket.socketpair()
        output, self.output = os.pipe()
        gauge = folder / "gauge"
        gauge.write_text("30000000\n")
        descriptor = os.open(gauge, os.O_RDONLY)
        environment = LiveEnvironment(EnvironmentGrant("e", "k"), ours, output, descriptor, self.clock)
        theirs.sendall(encode(16, ["1"], b""))
        environment._channel.read_arrived()
        return environment, theirs

    def keep(self, request: HttpRequest, _: str, respond: Callable[[Response], None], __: Body | None) -> None:
        self.seen[:] = [request]
        self.parser_only._current = None

    def begin(self, _: Invocation, done: Done) -> None:
        done(RESULT)

    def exchange(self) -> Exchange:
        return Exchange(self.request, self.ids.uuid(), "127.0.0.1", lambda _: None)

    # the stages

    def http_in(self) -> None:
        self.parser_only.data_received(self.data)

    def signature(self) -> None:
        self.authentication(self.exchange())

    def http_signature_invoke_answer(self) -> None:
        self.whole.data_received(self.data)

    def environment_there_and_back(self) -> None:
        """Both ends of the socket: the bootstrap's half is in it, about two fifths."""
        self.environment.begin(self.invocation, SNAPSHOT.invoked_arn, 3, 6_000_000, lambda _: None)
        self.other.recv(65536)
        self.other.send(self.answer_frame)
        self.environment._channel.read_arrived()

    def bare_socket_there_and_back(self) -> None:
        """The same four system calls and nothing else."""
        ours = self.environment._channel._socket
        ours.send(self.data)
        self.other.recv(65536)
        self.other.send(self.answer_frame)
        ours.recv(65536)

    def record(self) -> None:
        answer = answer_for(self.run.outcome, self.invocation.request_id, 3, 6_000_000)
        self.journal.append(record_of(self.run, answer))

    def journal_write(self) -> None:
        """Once for each turn of the event loop, here with one record."""
        self.record()
        self.journal.flush()


def cost_us(stage: Callable[[], None], requests: int, rounds: int) -> float:
    """CPU microseconds of one call, the best round."""
    best = float("inf")
    for _ in range(rounds):
        began_s = time.process_time()
        for _ in range(requests):
            stage()
        best = min(best, time.process_time() - began_s)
    return best / requests * 1e6


async def measure(requests: int, rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        stages = Stages(Path(folder))
        for stage in (
            stages.http_in,
            stages.signature,
            stages.http_signature_invoke_answer,
            stages.environment_there_and_back,
            stages.bare_socket_there_and_back,
            stages.record,
            stages.journal_write,
        ):
            print(f"{cost_us(stage, requests, rounds):7.2f} us  {stage.__name__}", flush=True)
        stages.journal.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=5000)
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(asked.requests, asked.rounds))


if __name__ == "__main__":
    main()
