"""A real agent, and an edge that sends functions into its sandboxes: what the hostile tests stand on."""

import asyncio
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.images.layouts import Layout

import lambent
from lambent.clock import SystemClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.live import LiveEnvironment
from lambent.environment.runtime_api.environment_api import Ends, EnvironmentApi
from lambent.environment.runtime_api.router import streams
from lambent.gateway.http.doorman import Doorman
from lambent.gateway.http.rules import Limits as HttpLimits
from lambent.gateway.http.server import HttpServer
from lambent.ids import SystemIds
from lambent.images import sources
from lambent.images.api import Limits
from lambent.images.archive import Archive, Files
from lambent.images.pull import build, fetch
from lambent.images.shelf import Shelf
from lambent.model.environment import ApiFacts, EnvironmentExit, EnvironmentGrant, EnvironmentSpec
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.model.messages import EnvironmentStatus, Hello, Ready, SnapshotTaken, Start, Stop, Welcome
from lambent.sandbox import doctor
from lambent.sandbox.interpreters import Interpreter, find_runtimes
from lambent.sandbox.packets import Packets
from lambent.sandbox.user_namespace import is_host_root, own_ranges
from lambent.transport.address import Address
from lambent.transport.connections import connect
from lambent.transport.peer import Method, Peer

NATIVE = f"python{sys.version_info[0]}.{sys.version_info[1]}"
START_AGENT = """
import sys
from pathlib import Path
from lambent.config import Settings
from lambent.roles.agent import be_agent
from lambent.sandbox.launch import look_at_host
be_agent(Settings(data=Path(sys.argv[1]), isolation=sys.argv[2]), look_at_host())
"""
WAIT_S = 60
EVERYBODYS = ("/usr/local/bin", "/usr/bin")
LIMIT_BYTES = 6_291_556
ARCHITECTURE = {"aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
IMAGE_LIMITS = Limits(1 << 30, 100_000, 8)
API_LIMITS = HttpLimits(128 * 1024, 64 * 1024, 86400.0, 86400.0, 86400.0)  # a runtime may be silent for long


class OrdinaryUser:
    """A user of no group and with nothing but a home, whose programs root starts for these tests."""

    uid = 64_242

    def __init__(self, home: Path) -> None:
        self._home = home
        home.chmod(0o755)
        os.chown(home, self.uid, self.uid)

    def folder(self, name: str) -> Path:
        """A folder of the user's, for a data folder; made at the first use."""
        made = self._home / name
        if not made.exists():
            made.mkdir()
            os.chown(made, self.uid, self.uid)
        return made

    @property
    def variables(self) -> dict[str, str]:
        """All that the user's environment holds."""
        places = f"{Path(lambent.__file__).parent.parent}:{Path(msgspec.__file__).parent.parent}"
        path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        fetched = os.environ.get("DOTNET_ROOT", "")  # beside the sources of this program, which the user reads as well
        return {"HOME": str(self._home), "PATH": path, "PYTHONPATH": places, "DOTNET_ROOT": fetched}

    def command(self, command: list[str]) -> list[str]:
        """The same as that user, with a Python that the user may read."""
        become = ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups"]
        return [*become, readable_python(), "-B", *command[1:]]


def readable_python() -> str:
    """A Python of our own version that every user may run."""
    for folder in EVERYBODYS:
        if Path(folder, NATIVE).exists():
            return f"{folder}/{NATIVE}"
    pytest.skip(f"an ordinary user has no {NATIVE} here: install it with the system's packages")


class AgentProcess:
    """A running agent and its data folder; as `user`, or as who runs the tests."""

    def __init__(
        self,
        data: Path,
        isolation: str = "sandbox",
        user: "OrdinaryUser | None" = None,
        place: Sequence[str] = (),
        **settings: str,
    ) -> None:
        self.data, self._user = data, user
        command = [sys.executable, "-c", START_AGENT, str(data), isolation]
        settings = {"sandbox_pool": "1"} | settings
        variables = {f"LAMBENT_{name.upper()}": value for name, value in settings.items()}
        if user is not None:
            command, variables = user.command(command), variables | user.variables
        else:
            variables = {**os.environ, **variables}
        self.process = subprocess.Popen([*place, *command], env=variables)

    @property
    def host_root(self) -> bool:
        """Whether the host's root runs it."""
        return self._user is None and is_host_root()

    @property
    def has_groups(self) -> bool:
        """Whether the kernel keeps its limits; an ordinary user here has been given no control groups."""
        return self.host_root

    @property
    def shared_uid(self) -> bool:
        """Whether all its environments are one user to the kernel."""
        return not self.host_root and (self._user is not None or own_ranges() is None)

    def runtimes(self) -> dict[str, Interpreter]:
        """The interpreters that it finds."""
        return find_runtimes() if self._user is None else find_runtimes(map(Path, EVERYBODYS))

    def another(self, data: Path, **settings: str) -> "AgentProcess":
        """One more, of the same user."""
        if self._user is not None:
            data = self._user.folder(data.name)
        return type(self)(data, user=self._user, **settings)

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
            if (folder / name).exists():  # a program may be running
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o755)
        return digest

    def image(self, layout: Layout) -> str:
        """The root of an image; its content address."""
        shelf, source = Shelf(self.data / "images", SystemIds()), Archive(Files(layout.place))
        found = sources.resolve(source, source.top, ARCHITECTURE, IMAGE_LIMITS)
        with shelf.adding():
            fetch(found, source, shelf, IMAGE_LIMITS, lambda _: None)
            (self.data / "code").mkdir(exist_ok=True)
            build(found, shelf, self.data / "code" / found.digest)
        return found.digest

    def elsewhere(self, data: Path, place: Sequence[str], **settings: str) -> "AgentProcess":
        """One of the same user, on a data folder of its own and started by the command `place`."""
        data.mkdir()
        if self._user is not None:
            os.chown(data, self._user.uid, self._user.uid)
        return type(self)(data, user=self._user, place=place, **settings)


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
        if self.environment.settling:  # a runtime that speaks HTTP has answered, and not yet asked for more
            settled = asyncio.Event()
            self.environment.on_settled(lambda _: settled.set())
            await settled.wait()
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
        self._doors: list[tuple[HttpServer, Doorman]] = []
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

    async def snapshot(self, source: str, **changes: Any) -> SnapshotTaken:
        """How the one init phase of a version with SnapStart has ended."""
        return await self.peer.call("take_snapshot", self._spec(source, **changes), SnapshotTaken)

    def _spec(self, source: str, **changes: Any) -> EnvironmentSpec:
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
        return msgspec.structs.replace(spec, **changes)

    async def begin(self, source: str, **changes: Any) -> Function:
        """An environment whose init phase has begun."""
        spec = self._spec(source, **changes)
        await self.peer.call("start", Start(spec, self.number), object)
        message, descriptors = await self._handoff.receive()
        grant = msgspec.msgpack.decode(message, type=EnvironmentGrant)
        expected = 2 + grant.has_memory_gauge + grant.has_platform_listener + grant.has_freezer
        assert len(descriptors) > expected if grant.api else len(descriptors) == expected
        rest = iter(descriptors[2:])
        gauge = next(rest) if grant.has_memory_gauge else None
        listener = socket.socket(fileno=next(rest)) if grant.has_platform_listener else None
        freezer = next(rest) if grant.has_freezer else None
        channel = socket.socket(fileno=descriptors[0])
        speaks_http = grant.api is not None and grant.api.http_runtime
        way = self._open_api(grant.api, channel, next(rest)) if grant.api and speaks_http else channel
        for unused in rest:  # the Runtime API's, for a function with layers: what is tested here asks nothing of it
            os.close(unused)
        environment = LiveEnvironment(grant, way, descriptors[1], gauge, SystemClock(), freezer)
        self._environments[grant.environment_id] = environment
        function = Function(environment, grant, listener)
        self.functions.append(function)
        return function

    def _open_api(self, facts: ApiFacts, channel: socket.socket, listener: int) -> EnvironmentApi:
        """Serve the Runtime API inside, as an edge does."""
        api = EnvironmentApi(facts, Ends(channel), SystemClock(), SystemIds())
        server = HttpServer(api.router, SystemClock(), API_LIMITS, streams)
        self._doors.append((server, server.accept(socket.socket(fileno=listener))))
        return api

    async def function(self, source: str, **changes: Any) -> Function:
        """An environment that is ready to serve."""
        function = await self.begin(source, **changes)
        outcome = await function.environment.wait_ready(WAIT_S)
        assert outcome.kind is OutcomeKind.READY, (outcome, [line.text for line in function.environment.take_lines()])
        self.peer.notify("ready", Ready(function.id))
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
        for server, door in self._doors:
            server.leave(door)
        self._handoff.close()
        self.peer.close()


async def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition()` holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session", params=["as-root", "as-a-user"])
def agent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """One agent for all tests; it must leave by itself, and well. A user's is made where we can become one."""
    missing = [each.detail for each in doctor.necessities() if not each.ok and each.weight == "necessary"]
    if missing:
        pytest.skip("sandboxes cannot be made here: " + " ".join(missing))
    if is_host_root() != (os.geteuid() == 0) or (request.param == "as-root" and not is_host_root()):
        pytest.skip("the tests do not run as root")
    if request.param == "as-root" or not is_host_root():
        running = AgentProcess(tmp_path_factory.mktemp("agent"))
        yield running
        assert running.stop() == 0
        return
    home = Path(tempfile.mkdtemp(prefix="lambent-user-", dir="/tmp"))
    try:
        user = OrdinaryUser(home)
        running = AgentProcess(user.folder("agent"), user=user)
        yield running
        assert running.stop() == 0
    finally:
        shutil.rmtree(home, ignore_errors=True)


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
