"""A real agent, and an edge that sends functions into its sandboxes: what the hostile tests stand on."""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lambent.clock import SystemClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.live import LiveEnvironment
from lambent.ids import SystemIds
from lambent.model.environment import EnvironmentExit, EnvironmentGrant, EnvironmentSpec
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.model.messages import EnvironmentStatus, Hello, Start, Stop, Welcome
from lambent.sandbox import doctor
from lambent.sandbox.packets import Packets
from lambent.transport.address import Address
from lambent.transport.connections import connect
from lambent.transport.peer import Method, Peer

NATIVE = f"python{sys.version_info[0]}.{sys.version_info[1]}"
START_AGENT = """
import asyncio, sys
from pathlib import Path
from lambent.config import Settings
from lambent.roles.agent import run_agent
asyncio.run(run_agent(Settings(data=Path(sys.argv[1]), isolation=sys.argv[2], sandbox_pool=1)))
"""
WAIT_S = 30.0
LIMIT_BYTES = 6_291_556


class AgentProcess:
    """A running agent and its data folder."""

    def __init__(self, data: Path, isolation: str = "sandbox") -> None:
        self.data = data
        self.process = subprocess.Popen([sys.executable, "-c", START_AGENT, str(data), isolation])

    def ready(self) -> bool:
        """Whether its socket takes connections (the file is there a moment before); fails when it has died."""
        assert self.process.poll() is None, "the agent did not start"
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.data / "run/agent.sock")) == 0

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(WAIT_S)

    def code(self, source: str, files: dict[str, bytes] | None = None) -> str:
        """A code folder with `source` as app.py; its content address."""
        text = textwrap.dedent(source).encode()
        everything = {"app.py": text, **(files or {})}
        digest = hashlib.sha256(repr(sorted(everything.items())).encode()).hexdigest()
        folder = self.data / "code" / digest
        for name, content in everything.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return digest


class Function:
    """One environment in the hands of a test."""

    def __init__(self, environment: LiveEnvironment, status: EnvironmentGrant, listener: socket.socket | None) -> None:
        self.environment, self.grant, self.listener = environment, status, listener
        self.id = environment.id
        self.lines: list[str] = []

    async def outcome(self, event: Any = None, timeout_s: float = WAIT_S) -> Outcome:
        """The end of one invocation."""
        invocation = Invocation(
            SystemIds().uuid(), FunctionKey("0" * 12, "us-east-1", "f"), "", json.dumps(event).encode()
        )
        outcome = await self.environment.invoke(invocation, "arn", timeout_s, LIMIT_BYTES)
        self.lines += [line.text for line in self.environment.take_lines()]
        return outcome

    async def __call__(self, event: Any = None) -> Any:
        """What the handler returned; its error fails the test."""
        outcome = await self.outcome(event)
        assert outcome.kind is OutcomeKind.RESPONSE, (outcome, self.lines)
        return json.loads(outcome.payload)


class Edge:
    """An edge, as far as the agent can tell."""

    def __init__(self, agent: AgentProcess, number: int) -> None:
        self.agent, self.number = agent, number
        self.exits: dict[str, asyncio.Future[EnvironmentExit]] = {}
        self.functions: list[Function] = []
        self._environments: dict[str, LiveEnvironment] = {}

    async def connect(self) -> None:
        hello = Hello(self.number, os.getpid(), SystemIds().hex(8))
        handoff = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        handoff.connect(str(self.agent.data / "run/handoff.sock"))
        self._handoff = Packets(handoff)
        self._handoff.send_nowait(msgspec.msgpack.encode(hello))
        methods = {"exited": Method(EnvironmentExit, self._exited)}
        self.peer = await connect(Address(path=str(self.agent.data / "run/agent.sock")), methods)
        await self.peer.call("hello", hello, Welcome)

    async def _exited(self, _: Peer, notice: EnvironmentExit) -> None:
        self._exit_of(notice.environment_id).set_result(notice)
        if notice.environment_id in self._environments:
            self._environments[notice.environment_id].exited(notice)

    def _exit_of(self, environment_id: str) -> asyncio.Future[EnvironmentExit]:
        return self.exits.setdefault(environment_id, asyncio.get_running_loop().create_future())

    async def wait_exit(self, function: Function) -> EnvironmentExit:
        """How it ended, from the agent."""
        return await asyncio.wait_for(asyncio.shield(self._exit_of(function.id)), WAIT_S)

    async def begin(self, source: str, **changes: Any) -> Function:
        """An environment whose init phase has begun."""
        files = changes.pop("files", None)
        spec = EnvironmentSpec(
            environment_id=SystemIds().hex(16),
            environment_key="k",
            function=FunctionKey("0" * 12, "us-east-1", "f"),
            version="$LATEST",
            runtime=NATIVE,
            handler="app.handler",
            code=self.agent.code(source, files),
            memory_mb=128,
            ephemeral_mb=512,
            variables={"PATH": "/var/lang/bin:/usr/bin:/bin", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"},
            log_stream="s",
        )
        spec = msgspec.structs.replace(spec, **changes)
        await self.peer.call("start", Start(spec, self.number), object)
        message, descriptors = await self._handoff.receive()
        grant = msgspec.msgpack.decode(message, type=EnvironmentGrant)
        assert len(descriptors) == 2 + grant.has_memory_gauge + grant.has_platform_listener
        rest = iter(descriptors[2:])
        gauge = next(rest) if grant.has_memory_gauge else None
        listener = socket.socket(fileno=next(rest)) if grant.has_platform_listener else None
        environment = LiveEnvironment(grant, socket.socket(fileno=descriptors[0]), descriptors[1], gauge, SystemClock())
        self._environments[grant.environment_id] = environment
        function = Function(environment, grant, listener)
        self.functions.append(function)
        return function

    async def function(self, source: str, **changes: Any) -> Function:
        """An environment that is ready to serve."""
        function = await self.begin(source, **changes)
        outcome = await function.environment.wait_ready(WAIT_S)
        assert outcome.kind is OutcomeKind.READY, (outcome, [line.text for line in function.environment.take_lines()])
        self.peer.notify("ready", function.id)
        return function

    async def run(self, source: str, event: Any = None, **changes: Any) -> Any:
        """What a function answers to one event."""
        return await (await self.function(source, **changes))(event)

    async def stop(self, function: Function) -> None:
        """Take it down."""
        await self.peer.call("stop", Stop(function.id, "test"), object)

    async def inventory(self) -> list[EnvironmentStatus]:
        """What the agent says lives."""
        return await self.peer.call("inventory", None, list[EnvironmentStatus])

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition()` holds."""
        await wait_until(condition)

    async def close(self) -> None:
        """Leave, with everything stopped."""
        for function in self.functions:
            await self.stop(function)
            function.environment.close()
            if function.listener is not None:
                function.listener.close()
        self._handoff.close()
        self.peer.close()


async def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition()` holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """One agent for all tests; it must leave by itself, and well."""
    missing = [each.detail for each in doctor.necessities() if not each.ok]
    if missing:
        pytest.skip("sandboxes cannot be made here: " + " ".join(missing))
    running = AgentProcess(tmp_path_factory.mktemp("agent"))
    yield running
    assert running.stop() == 0


@pytest.fixture
async def edge(agent: AgentProcess) -> AsyncIterator[Edge]:
    """An edge of the test's own."""
    await wait_until(agent.ready)
    connected = Edge(agent, SystemIds().uuid().__hash__() % 1_000_000)
    await connected.connect()
    yield connected
    await connected.close()


@pytest.fixture
async def neighbour(edge: Edge) -> AsyncIterator[Function]:
    """Another customer's function, which must answer after whatever the test has done."""
    bystander = await edge.function("def handler(event, context): return event * 2")
    assert await bystander(21) == 42
    yield bystander
    assert await bystander(4) == 8
    assert await edge.run("def handler(event, context): return 'started'") == "started"
