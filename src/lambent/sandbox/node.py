"""All sandboxes of one node: kitchens, uids, disks and cgroups put together.

Implements `api.Sandboxes` and `kitchens.Hands`. One object an agent; its `open` prepares the host, its `close`
leaves it as it was.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog

from lambent.clock import Clock
from lambent.model.messages import RuntimeStatus
from lambent.sandbox.api import Assigned, Assignment, MountFailure, RuntimeUnavailable, SandboxFailure, StaleImage
from lambent.sandbox.budget import Budget
from lambent.sandbox.cgroups import ControlGroups
from lambent.sandbox.interpreters import Interpreter
from lambent.sandbox.kitchens import ANY_MEMORY, Kitchen, name_of
from lambent.sandbox.languages.language import WRAPPER, Installation
from lambent.sandbox.launch import NO_PYTHON, Host, Launch, container_launch, launch_of, missing
from lambent.sandbox.lending import lent
from lambent.sandbox.memory_image import MemoryImage
from lambent.sandbox.network_process import Egress
from lambent.sandbox.options import NodeOptions
from lambent.sandbox.owners import namespace_of_pids
from lambent.sandbox.runtime_folder import compile_for
from lambent.sandbox.sandbox import WALLED_TASK_ROOT, Furnishing, Group, LiveSandbox
from lambent.sandbox.scratch import ScratchDisks
from lambent.sandbox.watched_memory import MemoryWatcher
from lambent.sandbox.watched_sockets import SocketBuffers, SocketWatcher
from lambent.sandbox.wire import Boot, Program, Programs, SpawnRequest
from lambent.sandbox.zygotes import Zygote, ZygotePlace

PREMADE_TMP_MB = 512  # the default of EphemeralStorage
CONTENT_ADDRESS = re.compile(r"[A-Za-z0-9_-]{1,128}")
LEFTOVER_RETRY_S, LEFTOVER_ATTEMPTS = 0.01, 500
ZYGOTES = "zygotes"

log = structlog.get_logger()


class NodeSandboxes:
    """See the module. `limits`, `disks` and `filters` are None or empty where the node has no walls."""

    def __init__(
        self,
        options: NodeOptions,
        host: Host,
        clock: Clock,
        *,
        limits: ControlGroups | MemoryWatcher | None,
        disks: ScratchDisks | None,
        filters: list[bytes],
    ) -> None:
        self._options, self._host, self._clock = options, host, clock
        self._disks, self._filters = disks, filters
        self._groups = limits if isinstance(limits, ControlGroups) else None
        self._watcher = limits if isinstance(limits, MemoryWatcher) else None
        self._sockets = SocketWatcher(clock, SocketBuffers()) if options.walls else None
        self._watching: list[asyncio.Task[None]] = []
        self._kitchens: dict[str, Kitchen] = {}
        self._budget = Budget(options.preboot_mb)
        self._serial = 0
        self._egress = Egress(options.egress_allow, self._lost_egress)
        self._outward: dict[int, LiveSandbox] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._compiling: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take away what a dead predecessor left, and make the cgroups' folders."""
        if self._groups is not None:
            await self._take_place(self._groups)
            self._zygote_group = self._groups.make(ZYGOTES)
        watchers = (self._watcher, self._sockets)
        self._watching = [asyncio.get_running_loop().create_task(each.run()) for each in watchers if each is not None]

    async def _take_place(self, groups: ControlGroups) -> None:
        """Among other agents of this machine, one at a time: what is dead goes, and we have our folders."""
        lock = await asyncio.to_thread(groups.lock)
        try:
            await clear_leftovers(groups, self._clock)
            for _ in range(LEFTOVER_ATTEMPTS):
                if groups.sweep_dead():
                    break
                await self._clock.sleep(LEFTOVER_RETRY_S)
            else:
                log.warning("what a dead agent left does not go", action="sandbox.sweep")
            groups.prepare()
        finally:
            os.close(lock)

    async def warm(self) -> None:
        """Start every Python's zygote and fill its pool, one after the other; other languages wait to be expected."""
        for runtime in self._host.pythons:
            kitchen = self._kitchen(self._launch(runtime))
            with contextlib.suppress(SandboxFailure):  # said in the log; the first request hears it again
                await kitchen.zygote()
                kitchen.pool(ANY_MEMORY).fill()

    def expect(self, runtime: str, memory_mb: int) -> None:
        """See `api.Sandboxes`."""
        launch = launch_of(runtime, self._host, fallback=self._options.fallback)
        if launch is not None and launch.guest is not None:
            self._kitchen(launch).pool(memory_mb).expect()

    def runtimes(self) -> list[RuntimeStatus]:
        """See `api.Sandboxes`."""
        found: dict[str, Interpreter | Installation] = {**self._host.pythons, **self._host.installations}
        return [
            RuntimeStatus(
                runtime,
                ".".join(map(str, each.version)),
                each.executable,
                self._kitchens[runtime].waiting() if runtime in self._kitchens else [],
            )
            for runtime, each in found.items()
        ]

    def _launch(self, runtime: str) -> Launch:
        launch = launch_of(runtime, self._host, fallback=self._options.fallback)
        if launch is None:
            raise RuntimeUnavailable(f"{missing(runtime, self._host, fallback=self._options.fallback)}.")
        return launch

    def _launch_for(self, assignment: Assignment) -> Launch:
        if assignment.container is None:
            return self._launch(assignment.runtime)
        launch = container_launch(self._host)
        if launch is None:
            raise RuntimeUnavailable(f"{NO_PYTHON}.")
        return launch

    def _kitchen(self, launch: Launch) -> Kitchen:
        name = name_of(launch)
        if name not in self._kitchens:
            self._kitchens[name] = Kitchen(launch, self._options, self._budget, self, self._clock)
        return self._kitchens[name]

    async def take(self, assignment: Assignment, image: MemoryImage | None = None) -> tuple[LiveSandbox, Assigned]:
        """See `api.Sandboxes`. With `image`, a sandbox that goes on from it. Raises StaleImage."""
        for name in (assignment.code, *assignment.layers):
            if not CONTENT_ADDRESS.fullmatch(name):
                raise SandboxFailure(f"not the name of a code folder: {name!r}")
        if (assignment.layers or assignment.mount or assignment.container) and not self._options.walls:
            what = "layers" if assignment.layers else "a file system" if assignment.mount else "a container image"
            raise SandboxFailure(
                f"The function has {what}, and without walls (--isolation process) nothing is mounted."
            )
        launch = self._launch_for(assignment)
        kitchen = self._kitchen(launch)
        if launch.guest is None:
            self._compile(kitchen.interpreter)
        furnishing = self._furnishing(launch, assignment, image)
        if launch.guest is not None and (furnishing.boot is not None or furnishing.programs is not None):
            return await self._take(kitchen.make_alone, assignment, furnishing, premade=False)
        pool = kitchen.pool(assignment.memory_mb)
        if pool.ready:
            try:
                return await self._take(pool.take, assignment, furnishing, premade=True)
            except (StaleImage, MountFailure):
                raise
            except SandboxFailure as error:  # what waits may have died unseen, and no function code has run in it
                log.warning("trying another sandbox", action="sandbox.retry", error=error.message)
        return await self._take(pool.take, assignment, furnishing, premade=False)

    def _task_root(self, assignment: Assignment) -> str:
        return WALLED_TASK_ROOT if self._options.walls else str(self._options.code / assignment.code)

    def _furnishing(self, launch: Launch, assignment: Assignment, image: MemoryImage | None) -> Furnishing:
        task_root = self._task_root(assignment)
        if launch.programs or assignment.container is not None:  # wrappers are not for these
            files = [each.replace(WALLED_TASK_ROOT, task_root) for each in launch.programs]
            choices = tuple(Program(file, (file,)) for file in files)
            return Furnishing(task_root, image=image, programs=Programs(choices) if choices else None)
        kitchen = self._kitchen(launch)
        programs = kitchen.own_programs(assignment, task_root)
        boot = kitchen.late_boot(assignment) if programs is None else None
        wrapper = assignment.variables.get(WRAPPER, "")
        return Furnishing(task_root, image=image, programs=programs, boot=boot, wrapper=wrapper)

    async def _take(
        self,
        one: Callable[[], Awaitable[LiveSandbox]],
        assignment: Assignment,
        furnishing: Furnishing,
        *,
        premade: bool,
    ) -> tuple[LiveSandbox, Assigned]:
        started_s = self._clock.monotonic_s()
        sandbox = await one()
        waited_us = round((self._clock.monotonic_s() - started_s) * 1e6)
        try:
            if furnishing.image is not None and furnishing.image.lineage != sandbox.lineage:
                raise StaleImage("The snapshot was taken from an interpreter that runs no more.")
            assigned = await self._assign(sandbox, assignment, furnishing)
        except BaseException:
            await sandbox.stop()
            raise
        fork_us = 0 if premade else sandbox.fork_us
        sandbox_us = max(0, assigned.times.sandbox_us + waited_us - fork_us)
        times = msgspec.structs.replace(assigned.times, sandbox_us=sandbox_us, fork_us=fork_us)
        return sandbox, msgspec.structs.replace(assigned, times=times)

    async def _assign(self, sandbox: LiveSandbox, assignment: Assignment, furnishing: Furnishing) -> Assigned:
        if not self._options.walls:
            assignment = msgspec.structs.replace(assignment, variables=self._unwalled(assignment, furnishing.task_root))
        elif assignment.network == "egress":
            await self._lead_out(sandbox)
        wanted, standing = assignment.mount, self._options.standing
        folder = None if wanted is None else lent(wanted, self._options.file_systems, standing)
        loop, holder = sandbox.loop, -1
        if self._disks is not None and assignment.ephemeral_mb != PREMADE_TMP_MB:
            loop, holder = await self._attach(assignment.ephemeral_mb)
        try:
            made = msgspec.structs.replace(furnishing, loop=loop, lent=folder)
            return await sandbox.assign(assignment, made)
        finally:
            if holder >= 0:
                os.close(holder)

    async def _lead_out(self, sandbox: LiveSandbox) -> None:
        number = await self._egress.open(sandbox.pid)

        def gone() -> None:
            del self._outward[number]
            self._egress.close_nowait(number)

        self._outward[number], sandbox.on_gone = sandbox, gone

    def _lost_egress(self) -> None:
        """The relay has died: what it served would wait for answers in vain."""
        for sandbox in list(self._outward.values()):
            task = asyncio.get_running_loop().create_task(sandbox.stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    def _unwalled(self, assignment: Assignment, task_root: str) -> dict[str, str]:
        """Without mounts the folders are where they are."""
        return {
            **assignment.variables,
            "LAMBDA_TASK_ROOT": task_root,
            "LAMBDA_RUNTIME_DIR": str(self._options.runtime_folder),
        }

    async def _attach(self, size_mb: int) -> tuple[int, int]:
        if self._disks is None:
            return -1, -1
        try:
            return await self._disks.attach(size_mb)
        except OSError as error:
            raise SandboxFailure(f"no disk of {size_mb} MB for /tmp: {error}") from error

    async def spawn(self, zygote: Zygote, boot: Boot | None) -> LiveSandbox:
        """See `kitchens.Hands`."""
        self._serial += 1
        number = self._serial
        loop, holder = await self._attach(PREMADE_TMP_MB)
        try:
            group = self._group(f"sandbox-{number}")
            request = SpawnRequest(
                uid=self._options.standing.uid(number),
                shared_uid=self._options.standing.shared_uid,
                hostname=f"sandbox-{number}",
                port=self._options.port,
                tmp_mb=PREMADE_TMP_MB,
                loop=loop,
                walls=self._options.walls,
                processes=self._options.limits.processes,
                counted_by_uid=self._groups is None,
                file_descriptors=self._options.limits.file_descriptors,
                by_signals=self._options.walls and (group is None or not group.freezes),
                boot=boot,
            )
            sandbox = await LiveSandbox.spawn(zygote, request, group, self._clock)
        except OSError as error:
            raise SandboxFailure(f"a control group could not be made: {error}") from error
        finally:
            if holder >= 0:
                os.close(holder)
        sandbox.loop = loop
        if self._sockets is not None:
            self._sockets.watch(sandbox)
        return sandbox

    def _group(self, name: str) -> Group | None:
        if self._groups is not None:
            return self._groups.make(name)
        return self._watcher.make() if self._watcher is not None else None

    async def start_zygote(self, place: ZygotePlace) -> Zygote:
        """See `kitchens.Hands`."""
        joins = self._zygote_group.open_to_enter() if self._groups is not None else []
        try:
            return await Zygote.start(place, self._filters, joins)
        finally:
            for descriptor in joins:
                os.close(descriptor)

    def _compile(self, interpreter: Interpreter) -> None:
        task = asyncio.get_running_loop().create_task(compile_for(interpreter, self._options.runtime_folder))
        self._compiling.add(task)
        task.add_done_callback(self._compiling.discard)

    async def close(self) -> None:
        """See `api.Sandboxes`."""
        for task in self._compiling:
            task.cancel()
        await asyncio.gather(*self._compiling, return_exceptions=True)
        await asyncio.gather(*(kitchen.close() for kitchen in self._kitchens.values()))
        await asyncio.gather(*self._stopping, return_exceptions=True)
        await self._egress.close()
        for watching in self._watching:
            watching.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        if self._disks is not None:
            self._disks.close()
        if self._groups is not None:
            await clear_leftovers(self._groups, self._clock)


async def clear_leftovers(groups: ControlGroups, clock: Clock) -> None:
    """Kill whatever runs in the instance's groups, and remove them.

    Raises:
        SandboxFailure: something would not die.
    """
    for _ in range(LEFTOVER_ATTEMPTS):
        for pid in groups.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if groups.remove_all():
            return
        await clock.sleep(LEFTOVER_RETRY_S)
    raise SandboxFailure(f"processes of an earlier agent do not die: {sorted(groups.pids())}")


def instance_name(data: Path) -> str:
    """What an agent's cgroups are called: the same after a restart on the same data, and in each PID namespace
    another one, because from there our processes could not be told apart."""
    of = f"{namespace_of_pids()} {data.resolve()}"
    return hashlib.sha256(of.encode()).hexdigest()[:16]
