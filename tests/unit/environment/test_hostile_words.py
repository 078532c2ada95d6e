"""What function code can say on the descriptors around it: it ends its own environment, never the care for it.

Function code has the runtime's process, and can write into the memory of the supervisor of its extensions, which is of
the same user. Source: environment/api.py, runtimes/python/supervisor.py.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator

import pytest

from lambent.clock import SystemClock
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.live import LiveEnvironment
from lambent.environment.runtime_api.answers import ApiError
from lambent.environment.runtime_api.environment_api import Ends, EnvironmentApi
from lambent.environment.runtime_api.runtime import NO_ENTRY, error_object
from lambent.environment.runtime_api.subscriptions import View, parse
from lambent.ids import SystemIds
from lambent.model.environment import ApiFacts, EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

KEY = FunctionKey("000000000000", "us-east-1", "f")
FACTS = ApiFacts(KEY, "$LATEST", "h", "python3.11", "on-demand", 128, http_runtime=False)
LATER_S = 20.0
DEEP = b'{"a":' * 5000
BROKEN = (DEEP, b'{"a": "\xff"}', b"\xff", b"[" * 5000)


class Runtime:
    """A runtime that speaks frames beside extensions, by hand, and the environment at our end."""

    def __init__(self) -> None:
        channel, self.channel = socket.socketpair()
        supervisor, self.supervisor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, self.output = os.pipe()
        api = EnvironmentApi(FACTS, Ends(channel, supervisor), SystemClock(), SystemIds())
        self.environment = LiveEnvironment(EnvironmentGrant("e", "k"), api, output, None, SystemClock())

    async def ready(self) -> LiveEnvironment:
        self.channel.sendall(frames.encode(frames.READY, ["7"], b""))
        assert (await self.environment.wait_ready(LATER_S)).kind is OutcomeKind.READY
        return self.environment

    async def begin(self, timeout_s: float = LATER_S) -> asyncio.Task[Outcome]:
        """An invocation that is in the runtime's hands."""
        invoking = self.environment.invoke(Invocation("r-1", KEY, "", b"{}"), "arn", timeout_s, 1_000_000)
        task = asyncio.create_task(asyncio.wait_for(invoking, LATER_S))
        await asyncio.to_thread(self.channel.recv, 1 << 20)
        return task

    def close(self) -> None:
        self.environment.close()
        self.channel.close()
        self.supervisor.close()
        os.close(self.output)


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    made = Runtime()
    yield made
    made.close()


@pytest.mark.parametrize("body", [b"", b"null", b'{"errorMessage": 1}', *BROKEN], ids=range(7))
async def test_an_error_of_the_init_phase_that_comes_in_an_invocation_ends_the_environment(
    runtime: Runtime, body: bytes
) -> None:
    await runtime.ready()
    task = await runtime.begin()
    runtime.channel.sendall(frames.encode(frames.INIT_ERROR, [NO_ENTRY, "1"], body))
    assert (await task).kind is OutcomeKind.GARBAGE


async def test_an_invocation_ends_in_time_whatever_lies_unread_on_the_channel(runtime: Runtime) -> None:
    await runtime.ready()
    task = await runtime.begin(timeout_s=0.05)
    runtime.channel.sendall(frames.encode(frames.INIT_ERROR, [NO_ENTRY, "1"], b"\xff") * 1000)
    assert (await task).kind in (OutcomeKind.GARBAGE, OutcomeKind.TIMEOUT)


@pytest.mark.parametrize(
    "word",
    [
        *(b'{"runtime": true, "status": 100000000000}', b'{"runtime": true, "status": -1}', b'{"extension": "\xff"}'),
        *(b'{"extension": "x", "status": 1e99}', b'{"x": ' + b"[" * 9000, b"[]", b"\xff"),
    ],
    ids=range(7),
)
async def test_what_is_no_word_of_a_supervisor_is_the_last_that_is_heard(runtime: Runtime, word: bytes) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    await runtime.ready()
    task = await runtime.begin()
    runtime.supervisor.send(word)
    runtime.supervisor.send(b'{"runtime": true, "status": 9}')
    await asyncio.sleep(0)
    runtime.channel.sendall(frames.encode(frames.RESPONSE, ["r-1"], b"1"))
    assert (await task).kind is OutcomeKind.RESPONSE
    assert failures == []


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_an_error_that_is_no_json_is_told_as_text(body: bytes) -> None:
    told = json.loads(error_object(body, "Runtime.Unknown"))
    assert told == {"errorType": "Runtime.Unknown", "errorMessage": body.decode("utf-8", "replace")}


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_subscription_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError):
        parse(body, logs=False)


def test_a_line_that_only_looks_like_json_is_text_to_a_subscriber() -> None:
    body = {"types": ["function"], "destination": {"protocol": "TCP", "port": 8080}, "schemaVersion": "2022-12-13"}
    view = View(parse(json.dumps(body).encode(), logs=False), logs=False, json_lines=True)
    line = DEEP.decode()
    assert json.loads(view.of("t", "function", line)[0])["record"] == line
