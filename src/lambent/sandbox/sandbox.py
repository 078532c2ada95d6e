"""One sandbox, from the agent's side: made generic, given a function, watched, taken down.

Theory: the agent holds three things of a sandbox. `control`, a socket to its init, which tells how
the runtime process ended and whose closing ends the sandbox; a pidfd of its init, which tells that
every process inside is dead (the kernel reaps a PID namespace before its first process); and its
cgroup, which can be removed from then on. Whoever kills the sandbox, it is the pidfd that counts.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from lambent.clock import Clock
from lambent.model.environment import StartTimes
from lambent.sandbox.api import Assigned, Assignment, Ending, MountFailure, SandboxFailure
from lambent.sandbox.booted import waits_for_function
from lambent.sandbox.cgroups import ControlGroup
from lambent.sandbox.memory_image import MemoryImage, take_image
from lambent.sandbox.packets import Packets, packet_pair
from lambent.sandbox.watched_memory import WatchedGroup, niceness
from lambent.sandbox.wire import Boot, InitWord, Lent, Programs, SpawnRequest, TenantAnswer, TenantOrder
from lambent.sandbox.zygotes import Zygote

REMOVE_RETRY_S, REMOVE_ATTEMPTS = 0.005, 400
WALLED_TASK_ROOT = "/var/task"

Group = ControlGroup | WatchedGroup


class Ends(NamedTuple):
    """The platform's ends of a runtime's channel and output."""

    channel: socket.socket
    output: int

    def close(self) -> None:
        """Both."""
        self.channel.close()
        os.close(self.output)


def _open_ends() -> tuple[Ends, Ends]:
    """Ours, which never wait, and theirs."""
    channel, their_channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    output, their_output = os.pipe()
    os.set_blocking(output, False)
    channel.setblocking(False)
    return Ends(channel, output), Ends(their_channel, their_output)


class Furnishing(Struct, frozen=True):
    """What one node puts into one function's sandbox. `loop`: the device behind /tmp. `programs`: what the runtime
    process becomes, where it brings its own; `boot`: the same for a program of ours that was not started with the
    sandbox. `wrapper`: what the function starts in front of either. `lent`: its file system."""

    task_root: str
    loop: int = -1
    image: MemoryImage | None = None
    programs: Programs | None = None
    boot: Boot | None = None
    wrapper: str = ""
    lent: Lent | None = None


class LiveSandbox:
    """Implements `api.Sandbox`. Made by `spawn`; `assign` is called once."""

    def __init__(self, pid: int, control: Packets, assignment: Packets, group: Group | None, clock: Clock) -> None:
        self.pid = pid
        self.fork_us = 0
        self.loop = -1  # the number of the device behind /tmp
        self.listener = -1
        self.lineage = ""  # of which zygote it is a fork
        self.on_gone: Callable[[], None] | None = None  # called once, when everything inside is dead
        self._control, self._assignment, self._group, self._clock = control, assignment, group, clock
        self.memory_mb = 0  # its function's, once it has one
        self._walls = True
        self._processes = 0
        self._ends: Ends | None = None  # of a program that was started with the sandbox
        self._freezer = -1  # the pipe by which init is told to, where no control group freezes
        self._booted = self._stopped = False
        self._pidfd = os.pidfd_open(pid)
        self._all_dead: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._pidfd, self._is_dead)
        self._gone: asyncio.Task[None] | None = None

    @classmethod
    async def spawn(cls, zygote: Zygote, request: SpawnRequest, group: Group | None, clock: Clock) -> "LiveSandbox":
        """A sandbox that waits for its function.

        Raises:
            SandboxFailure: a step failed; nothing is left of it.
        """
        (control, their_control), (assignment, their_assignment) = packet_pair(), packet_pair()
        joins = group.open_to_join() if group is not None else []
        ends, theirs = _open_ends() if request.boot is not None else (None, None)
        carried = [] if theirs is None else [theirs.channel.fileno(), theirs.output]
        orders, freezer = os.pipe() if request.by_signals else (-1, -1)
        carried = [orders, *carried] if request.by_signals else carried
        with their_control, their_assignment:
            passed = [their_control.fileno(), their_assignment.fileno(), *carried, *joins]
            try:
                spawned = await zygote.spawn(request, passed)
                sandbox = cls(spawned.pid, Packets(control), Packets(assignment), group, clock)
            except (SandboxFailure, OSError) as error:
                _close_all(control, assignment, *(() if ends is None else (ends,)))
                if group is not None:
                    group.remove()
                if freezer >= 0:
                    os.close(freezer)
                raise SandboxFailure(f"No sandbox: {error}") from error
            finally:
                for descriptor in (*joins, *([orders] if orders >= 0 else [])):
                    os.close(descriptor)
                if theirs is not None:
                    theirs.close()
        sandbox._ends, sandbox._freezer = ends, freezer
        if isinstance(group, WatchedGroup):
            group.holds(spawned.pid)
        sandbox.fork_us, sandbox._walls, sandbox.lineage = spawned.fork_us, request.walls, zygote.lineage
        sandbox._processes = request.processes
        await sandbox._wait_built()
        return sandbox

    @property
    def alive(self) -> bool:
        """Whether its first process lives."""
        return not self._all_dead.done()

    @property
    def booted(self) -> bool:
        """Of one that waits: whether the program that was started with it, if any, waits too, for its function."""
        self._booted = self._booted or self._ends is None or waits_for_function(self.pid)
        return self._booted

    async def _wait_built(self) -> None:
        message, descriptors = await self._control.receive()
        word = msgspec.json.decode(message, type=InitWord) if message else InitWord(error="it died while being built")
        if descriptors:
            self.listener = descriptors[0]
        if not word.ready:
            await self.stop()
            raise SandboxFailure(f"A sandbox could not be built: {word.error}")

    async def assign(self, assignment: Assignment, furnishing: Furnishing) -> Assigned:
        """Turn the sandbox into its function's; the function begins to load, or goes on from an image.

        Raises:
            MountFailure: its file system could not be mounted; the sandbox has to be stopped.
            SandboxFailure: a step failed; the sandbox has to be stopped.
        """
        self.memory_mb = assignment.memory_mb
        started_s = self._clock.monotonic_s()
        if assignment.network == "none":
            listener, self.listener = self.listener, -1
            stop_listening(listener)
        gauge, freezer, cgroup_us = -1, -1, 0
        if self._group is not None:
            self._group.limit(assignment.memory_mb, self._processes)
            cgroup_us = round((self._clock.monotonic_s() - started_s) * 1e6)
            gauge, freezer = self._group.open_memory_gauge(), self._group.open_freezer()
        if self._freezer >= 0:
            freezer = os.dup(self._freezer)
        ends, self._ends, theirs = self._ends, None, None
        if ends is None:
            ends, theirs = _open_ends()
        try:
            carried = [] if theirs is None else [theirs.channel.fileno(), theirs.output]
            carried += [] if furnishing.image is None else furnishing.image.descriptors
            order = _order(assignment, furnishing, shares=isinstance(self._group, ControlGroup))
            self._assignment.send_nowait(msgspec.json.encode(order), carried)
            answer, doors = await self._answer()
        except BaseException as error:  # also when control has gone and nobody wants it any more
            ends.close()
            for descriptor in {gauge, freezer} - {-1}:
                os.close(descriptor)
            if isinstance(error, MountFailure) or not isinstance(error, SandboxFailure | OSError):
                raise
            raise SandboxFailure(f"A sandbox could not take its function: {error}") from error
        finally:
            if theirs is not None:
                theirs.close()
            self._assignment.close()
        spent_us = round((self._clock.monotonic_s() - started_s) * 1e6)
        sandbox_us = max(0, spent_us - answer.mount_us - cgroup_us)
        times = StartTimes(sandbox_us=sandbox_us, cgroup_us=cgroup_us, mount_us=answer.mount_us)
        listener, self.listener = self.listener, -1
        runtime_api, supervisor, extension_output = -1, -1, -1
        if doors:
            runtime_api = doors.pop(0)
        if answer.extensions:
            supervisor, extension_output = doors.pop(0), doors.pop(0)
        return Assigned(
            *(ends.channel.detach(), ends.output, gauge, listener, freezer, times),
            runtime_api=runtime_api,
            supervisor=supervisor,
            extension_output=extension_output,
            extensions=answer.extensions,
            http_runtime=furnishing.programs is not None or assignment.container is not None,
            telemetry=tuple(doors),
        )

    def held_bytes(self) -> int:
        """What it takes of the host's memory; 0 where that is not told."""
        return 0 if self._group is None else self._group.peak_memory_bytes()

    async def _answer(self) -> tuple[TenantAnswer, list[int]]:
        message, descriptors = await self._assignment.receive()
        answer = msgspec.json.decode(message, type=TenantAnswer) if message else TenantAnswer(error="it died")
        if answer.error:
            raise (MountFailure if answer.not_mounted else SandboxFailure)(answer.error)
        return answer, descriptors

    async def take_image(self, folder: Path) -> MemoryImage:
        """The memory of the runtime process, which was assigned with `pausing` and has said that it is ready.

        Raises:
            SandboxFailure: it does not wait, or is not alone.
        """
        return await take_image(self.pid, folder, self.lineage, self._clock)

    def terminate(self) -> None:
        """See `api.Sandbox`. Its init's one child is the runtime, or who passes the signal on to it."""
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
            for pid in children.read().split()[:1]:
                os.kill(int(pid), signal.SIGTERM)

    def limit_cpu(self) -> None:
        """See `api.Sandbox`."""
        if self._group is not None and not self._stopped:
            self._group.limit_cpu(self.memory_mb)

    async def wait_ended(self) -> Ending:
        """See `api.Sandbox`."""
        message, _ = await self._control.receive()
        word = msgspec.json.decode(message, type=InitWord) if message else InitWord()
        await self._wait_dead()
        return self._ending(word.exit)

    def _ending(self, wait_status: int | None) -> Ending:
        if self._group is None or self._stopped:
            return ending(wait_status, out_of_memory=False)
        try:
            told = ending(wait_status, out_of_memory=self._group.ran_out_of_memory())
            return msgspec.structs.replace(told, peak_memory_bytes=self._group.peak_memory_bytes())
        except FileNotFoundError:  # stopped in the meantime
            return ending(wait_status, out_of_memory=False)

    def _is_dead(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        if not self._all_dead.done():
            self._all_dead.set_result(None)

    async def _wait_dead(self) -> None:
        await asyncio.shield(self._all_dead)

    async def stop(self) -> None:
        """See `api.Sandbox`."""
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_task(self._take_down())
        await asyncio.shield(self._gone)

    async def _take_down(self) -> None:
        if self._walls:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        else:
            self._control.close()  # the kernel would not kill init's children for us: init does
        await self._wait_dead()
        if self.on_gone is not None:
            self.on_gone()
        self._stopped = True
        self._control.close()
        self._assignment.close()
        os.close(self._pidfd)
        if self._ends is not None:
            self._ends.close()
            self._ends = None
        for descriptor in {self.listener, self._freezer} - {-1}:
            os.close(descriptor)
        self.listener = self._freezer = -1
        if self._group is not None:
            await _remove(self._group, self._clock)


def stop_listening(listener: int) -> None:
    """Close a listener (-1 for none), for whoever else holds it, too: the sandbox's first process, which made it, may
    come to close its own descriptor only when the function runs already.

    Source: shutdown(2), and what Linux does with it for a listening socket.
    """
    if listener >= 0:
        with socket.socket(fileno=listener) as closing:
            closing.shutdown(socket.SHUT_RDWR)


async def _remove(group: Group, clock: Clock) -> None:
    for _ in range(REMOVE_ATTEMPTS):
        if group.remove():
            return
        await clock.sleep(REMOVE_RETRY_S)


def _order(assignment: Assignment, furnishing: Furnishing, *, shares: bool) -> TenantOrder:
    return TenantOrder(
        code=assignment.code,
        layers=assignment.layers,
        handler=assignment.handler,
        initialization_type=assignment.initialization_type,
        variables=assignment.variables,
        tmp_mb=assignment.ephemeral_mb,
        loop=furnishing.loop,
        task_root=furnishing.task_root,
        nice=0 if shares else niceness(assignment.memory_mb),
        pausing=assignment.pausing,
        image=furnishing.image is not None,
        programs=furnishing.programs,
        mount=furnishing.lent,
        boot=furnishing.boot,
        wrapper=furnishing.wrapper,
        container=assignment.container,
    )


def ending(wait_status: int | None, *, out_of_memory: bool) -> Ending:
    """What a wait status means; None when init had no time to say.

    Only a SIGKILL can be the kernel's for want of memory; when it took a child instead, the
    runtime lived on, and its own end has another cause.
    """
    if wait_status is None:
        return Ending(out_of_memory=out_of_memory)
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        return Ending(signal=number, out_of_memory=out_of_memory and number == signal.SIGKILL)
    return Ending(exit_status=os.waitstatus_to_exitcode(wait_status))


def _close_all(*each_of: socket.socket | Ends) -> None:
    for each in each_of:
        each.close()
