"""The agent: the only privileged part, one a node. Makes environments and takes them down.

It keeps one table, of living environments. Control asks for one (`start`), the edge that asked
control receives it through the handoff socket, and both are told when it has ended (`exited`). An edge
that goes away takes its environments with it, because nobody else could answer their invocations.
"""

import asyncio
import contextlib
import os
import signal

import msgspec
import structlog
import uvloop

from lambent.clock import Clock, SystemClock
from lambent.config import Settings
from lambent.model.environment import ApiFacts, EnvironmentExit, EnvironmentGrant, EnvironmentSpec, Provisioned
from lambent.model.messages import (
    EnvironmentStatus,
    Expected,
    Hello,
    Move,
    Ready,
    RuntimeStatus,
    SnapshotTaken,
    Start,
    Stop,
    Welcome,
)
from lambent.roles.agent_relay import Relay
from lambent.roles.agent_sandboxes import DEFAULT_PORT, build_sandboxes
from lambent.roles.agent_snapshots import SnapshotOptions, Snapshots, assignment_of
from lambent.sandbox import doctor
from lambent.sandbox.api import Assigned, Ending, Sandbox, Sandboxes, SandboxFailure
from lambent.sandbox.handoff import Handoff, Receiver
from lambent.sandbox.launch import Host
from lambent.sandbox.uid_claims import claimed
from lambent.sandbox.user_namespace import NO_STANDING, Standing, is_host_root, stand
from lambent.transport.address import Address
from lambent.transport.connections import serve
from lambent.transport.peer import Method, Methods, Peer

CONTROL = -1  # the `edge` that control says hello with

log = structlog.get_logger()


class Held:
    """One living environment, and who holds it."""

    def __init__(self, spec: EnvironmentSpec, sandbox: Sandbox, receiver: Receiver, started_ms: int) -> None:
        self.spec, self.sandbox, self.receiver, self.started_ms = spec, sandbox, receiver, started_ms
        self.grant: EnvironmentGrant | None = None
        self.descriptors: list[int] = []  # kept, so that another edge can be given them
        self.initialised = False
        self.patience_s = 0.0
        self.stop_reason = ""
        self.watch: asyncio.Task[None] | None = None

    def status(self) -> EnvironmentStatus:
        """For the inventory."""
        spec = self.spec
        return EnvironmentStatus(
            environment_id=spec.environment_id,
            environment_key=spec.environment_key,
            function=spec.function,
            version=spec.version,
            edge=self.receiver.hello.edge,
            memory_mb=spec.memory_mb,
            started_ms=self.started_ms,
            pid=self.sandbox.pid,
            provisioned_for=spec.provisioned_for,
            initialised=self.initialised,
            packages=(spec.code, *spec.layers),
        )

    def close(self) -> None:
        """Let go of the descriptors."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []


class Agent:
    """Answers the messages of `model.messages` that name the agent."""

    def __init__(self, sandboxes: Sandboxes, settings: Settings, clock: Clock) -> None:
        self._sandboxes, self._clock = sandboxes, clock
        handoff_path = settings.run / "handoff.sock"
        kept = SnapshotOptions(
            settings.data / "snapshots", settings.snapshot_idle_s, walls=settings.isolation == "sandbox"
        )
        relay = Relay(_reached(settings.host), settings.port or DEFAULT_PORT)
        self._snapshots = Snapshots(sandboxes, relay, kept, clock)
        self.handoff = Handoff(handoff_path, self._edge_lost)
        self._held: dict[str, Held] = {}
        self._starting: dict[str, asyncio.Event] = {}
        self._doomed: set[str] = set()
        self._closing = False
        self._peers: dict[int, Peer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def methods(self) -> Methods:
        """What the agent's socket answers."""
        return {
            "hello": Method(Hello, self._hello),
            "start": Method(Start, self._start),
            "stop": Method(Stop, self._stop),
            "ready": Method(Ready, self._ready),
            "move": Method(Move, self._move),
            "inventory": Method(None, self._inventory),
            "runtimes": Method(None, self._runtimes),
            "expect": Method(Expected, self._expect),
            "take_snapshot": Method(EnvironmentSpec, self._take_snapshot),
            "forget_snapshots": Method(list[str], self._forget_snapshots),
        }

    async def _hello(self, peer: Peer, hello: Hello) -> Welcome:
        peer.name, peer.number = "control" if hello.edge == CONTROL else f"edge {hello.edge}", hello.edge
        self._peers[hello.edge] = peer
        return Welcome(os.getpid())

    async def _start(self, _: Peer, start: Start) -> None:
        """Make the environment and hand it over; when it answers, the grant is on its way."""
        self._check_open()
        spec, receiver = start.spec, self.handoff.receiver(start.edge)
        done = self._starting[spec.environment_id] = asyncio.Event()
        try:
            taken = self._snapshots.start(spec) if spec.snapshot else self._sandboxes.take(assignment_of(spec))
            sandbox, assigned = await taken
            await self._hand_over(Held(spec, sandbox, receiver, self._clock.now_ms()), assigned)
        finally:
            del self._starting[spec.environment_id]
            self._doomed.discard(spec.environment_id)
            done.set()

    async def _hand_over(self, held: Held, assigned: Assigned) -> None:
        spec, descriptors = held.spec, [assigned.channel, assigned.output]
        descriptors += [each for each in (assigned.memory_gauge, assigned.listener, assigned.freezer) if each >= 0]
        descriptors += [
            each for each in (assigned.runtime_api, assigned.supervisor, assigned.extension_output) if each >= 0
        ]
        descriptors += assigned.telemetry
        held.descriptors = descriptors
        held.grant = EnvironmentGrant(
            spec.environment_id,
            spec.environment_key,
            assigned.times,
            assigned.memory_gauge >= 0,
            assigned.listener >= 0,
            assigned.freezer >= 0,
            provisioned=_provisioned(spec),
            api=_api_facts(spec, assigned),
            log_level=spec.log_level,
        )
        try:
            held.receiver.hand(held.grant, descriptors)
        except BaseException:
            held.close()
            await held.sandbox.stop()
            raise
        self._held[spec.environment_id] = held
        held.watch = asyncio.get_running_loop().create_task(self._watch(held))
        if spec.environment_id in self._doomed:
            await self._take_down(held, "stopped while it started")

    async def _watch(self, held: Held) -> None:
        """Wait for the environment's end, clean up, and tell those who care."""
        ending = await held.sandbox.wait_ended()
        try:
            await held.sandbox.stop()
        except Exception:  # whatever is left of it: who counts on its slot is told that it has ended
            log.exception(
                "an environment is not cleared away", action="agent.left", environment=held.spec.environment_id
            )
        held.close()
        self._held.pop(held.spec.environment_id, None)
        notice = _notice(held, ending)
        log.debug("environment ended", action="agent.exited", environment=notice.environment_id, reason=notice.reason)
        for name in (CONTROL, held.receiver.hello.edge):
            if name in self._peers:
                self._peers[name].notify("exited", notice)

    async def _take_down(self, held: Held, reason: str) -> None:
        held.stop_reason = held.stop_reason or reason
        await held.sandbox.stop()
        if held.watch is not None:
            await asyncio.shield(held.watch)

    async def _stop(self, _: Peer, stop: Stop) -> None:
        """Gone when it answers; an environment that is not there is gone already."""
        starting = self._starting.get(stop.environment_id)
        if starting is not None:
            self._doomed.add(stop.environment_id)
            await starting.wait()
        held = self._held.get(stop.environment_id)
        if held is not None:
            await self._wind_down(held)
            await self._take_down(held, stop.reason)

    async def _wind_down(self, held: Held) -> None:
        """The shutdown phase, for those who have one: until all has ended, or its time is up."""
        patience_s, held.patience_s = held.patience_s, 0.0
        if patience_s and held.watch is not None:
            held.stop_reason = "its shutdown phase"
            held.sandbox.terminate()
            alarm = asyncio.ensure_future(self._clock.sleep(patience_s))
            await asyncio.wait((alarm, held.watch), return_when=asyncio.FIRST_COMPLETED)
            alarm.cancel()

    async def _ready(self, _: Peer, ready: Ready) -> None:
        held = self._held.get(ready.environment_id)
        if held is not None:
            held.initialised, held.patience_s = not ready.failed, ready.patience_s
            held.sandbox.limit_cpu()

    async def _move(self, peer: Peer, move: Move) -> str:
        """Hand an idle environment on; the edge that had it has closed its copies of the descriptors.

        While control is away an edge may do so with what it has itself. From control's hello on only control may, so
        that the inventory that control reads next stays true.
        """
        held = self._held.get(move.environment_id)
        if peer.number != CONTROL:
            self._check_mover(peer, held)
        if held is None or held.grant is None or held.stop_reason or not held.descriptors:
            raise SandboxFailure("the environment has ended")
        receiver = self.handoff.receiver(move.edge)
        receiver.hand(msgspec.structs.replace(held.grant, initialised=True), held.descriptors)
        held.receiver = receiver
        return held.spec.log_stream

    def _check_mover(self, edge: Peer, held: Held | None) -> None:
        control = self._peers.get(CONTROL)
        if control is not None and not control.closed.done():
            raise SandboxFailure("control is there, and decides what moves")
        if held is None or held.receiver.hello.edge != edge.number:
            raise SandboxFailure("the environment is not this edge's to give")

    async def _inventory(self, _peer: Peer, _body: None) -> list[EnvironmentStatus]:
        return [held.status() for held in self._held.values()]

    async def _runtimes(self, _peer: Peer, _body: None) -> list[RuntimeStatus]:
        return self._sandboxes.runtimes()

    async def _expect(self, _: Peer, expected: Expected) -> None:
        self._check_open()
        self._sandboxes.expect(expected.runtime, expected.memory_mb)

    async def _take_snapshot(self, _: Peer, spec: EnvironmentSpec) -> SnapshotTaken:
        self._check_open()
        return await self._snapshots.take(spec)

    async def _forget_snapshots(self, _: Peer, environment_keys: list[str]) -> None:
        self._snapshots.forget(environment_keys)

    def _edge_lost(self, receiver: Receiver) -> None:
        for held in [held for held in self._held.values() if held.receiver is receiver]:
            task = asyncio.get_running_loop().create_task(self._take_down(held, "its edge has gone"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _check_open(self) -> None:
        if self._closing:
            raise SandboxFailure("The agent stops.")

    async def close(self) -> None:
        """Stop every environment, also those that are just being made, then what makes them."""
        self._closing = True
        await self.handoff.close()
        await self._snapshots.close()
        self._doomed.update(self._starting)
        await asyncio.gather(*(done.wait() for done in self._starting.values()))
        await asyncio.gather(*(self._take_down(held, "the agent stops") for held in list(self._held.values())))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sandboxes.close()


def _reached(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host  # noqa: S104


def _provisioned(spec: EnvironmentSpec) -> Provisioned | None:
    if not spec.provisioned_for:
        return None
    return Provisioned(spec.function, spec.version, spec.log_stream, spec.init_timeout_s)


def _api_facts(spec: EnvironmentSpec, assigned: Assigned) -> ApiFacts | None:
    if assigned.runtime_api < 0:
        return None
    return ApiFacts(
        spec.function,
        spec.version,
        spec.handler,
        spec.runtime,
        spec.initialization_type,
        spec.memory_mb,
        http_runtime=assigned.http_runtime,
        extensions=assigned.extensions,
        log_stream=spec.log_stream,
        system_log_level=spec.system_log_level,
        log_format="JSON" if spec.variables.get("AWS_LAMBDA_LOG_FORMAT") == "JSON" else "Text",
    )


def _notice(held: Held, ending: Ending) -> EnvironmentExit:
    environment_id = held.spec.environment_id
    if held.stop_reason:
        return EnvironmentExit(environment_id, reason=held.stop_reason, peak_memory_bytes=ending.peak_memory_bytes)
    reason = "" if ending.exit_status >= 0 or ending.signal else "the sandbox was lost"
    return EnvironmentExit(
        environment_id, ending.exit_status, ending.signal, ending.out_of_memory, reason, ending.peak_memory_bytes
    )


def be_agent(settings: Settings, host: Host) -> None:
    """Take our stand on this host, and be the agent until SIGTERM.

    Raises:
        SandboxFailure: the host cannot do it; the message says what is missing.
    """
    with contextlib.ExitStack() as held:
        standing = NO_STANDING
        if settings.isolation == "sandbox":
            doctor.require_sandboxes()
            first_uid = settings.sandbox_uid_base
            standing = stand(held.enter_context(claimed(first_uid)) if is_host_root() else first_uid)
        uvloop.run(run_agent(settings, standing, host))


async def run_agent(settings: Settings, standing: Standing, host: Host) -> None:
    """Be the agent until SIGTERM; then leave nothing behind."""
    clock, stopping = SystemClock(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    sandboxes = build_sandboxes(settings, standing, host, clock)
    await sandboxes.open()
    agent = Agent(sandboxes, settings, clock)
    agent.handoff.open()
    server = await serve(Address(path=str(settings.run / "agent.sock")), agent.methods())
    warming = asyncio.get_running_loop().create_task(sandboxes.warm())
    log.info("agent ready", action="agent.ready", pid=os.getpid())
    try:
        await stopping.wait()
    finally:
        server.close()
        warming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await warming
        await agent.close()
        (settings.run / "agent.sock").unlink(missing_ok=True)
