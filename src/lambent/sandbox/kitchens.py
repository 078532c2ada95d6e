"""One zygote with what is forked from it: the pools of ready-made sandboxes, and what is started in them ahead.

Knows: which root and which program a runtime needs, and for which memory sizes processes wait. Does not know how a
sandbox is made: `spawn` is given. A zygote that has died is replaced at the next request.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol

import msgspec
import structlog

from lambent.clock import Clock
from lambent.model.messages import Waiting
from lambent.sandbox.api import Assignment, SandboxFailure
from lambent.sandbox.base_root import LANGUAGE, GuestRoot
from lambent.sandbox.budget import Budget
from lambent.sandbox.depth import Depth
from lambent.sandbox.languages.language import WRAPPER
from lambent.sandbox.launch import Guest, Launch
from lambent.sandbox.options import GuestOptions, NodeOptions
from lambent.sandbox.pool import Pool
from lambent.sandbox.runtime_folder import OURS
from lambent.sandbox.sandbox import LiveSandbox
from lambent.sandbox.wire import Boot, Programs
from lambent.sandbox.zygotes import Zygote, ZygotePlace

RUNTIME_FOLDER = "/var/runtime"
ANY_MEMORY = 0  # of pools whose sandboxes do not depend on it
MOST_EACH = 4  # processes that wait for one memory size, after a burst

log = structlog.get_logger()


class Hands(Protocol):
    """Who makes what a kitchen needs. Both raise SandboxFailure."""

    async def start_zygote(self, place: ZygotePlace) -> Zygote:
        """A zygote that is ready to fork."""

    async def spawn(self, zygote: Zygote, boot: Boot | None) -> LiveSandbox:
        """A sandbox that waits for its function."""


class Kitchen:
    """See the module."""

    def __init__(self, launch: Launch, options: NodeOptions, budget: Budget, hands: Hands, clock: Clock) -> None:
        self.interpreter, self.guest = launch.interpreter, launch.guest
        self._options, self._budget, self._hands, self._clock = options, budget, hands, clock
        self._pools: dict[int, Pool[LiveSandbox]] = {}
        self._zygote: Zygote | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def name(self) -> str:
        """The runtime that it serves best."""
        return name_of(Launch(self.interpreter, guest=self.guest))

    def pool(self, memory_mb: int) -> Pool[LiveSandbox]:
        """The pool that serves functions of this memory."""
        key = memory_mb if self.guest is not None else ANY_MEMORY
        if key not in self._pools:
            self._pools[key] = self._new_pool(key)
        return self._pools[key]

    def _new_pool(self, memory_mb: int) -> Pool[LiveSandbox]:
        options = self._options
        if self.guest is None:
            depth = Depth(options.pool_least, options.pool_most)
            return Pool(lambda: self.make(None), depth, self._clock)
        boot, keeps = self._boot(self.guest, memory_mb), options.preboot_mb > 0 and not self._in_its_folder(self.guest)
        depth = Depth(int(keeps), MOST_EACH * keeps, options.preboot_idle_s)
        pool: Pool[LiveSandbox] = Pool(lambda: self.make(boot), depth, self._clock, lambda: self._budget.room_for(pool))
        self._budget.add(pool, self.guest.language.boot_mb)
        return pool

    def _in_its_folder(self, guest: Guest) -> bool:
        """Whether a process can only start where its function's folder is: who gives a process another working
        directory shares it (`guest`), which two user namespaces cannot."""
        walled = self._options.walls and not self._options.standing.shared_uid
        return guest.language.keeps_folder and not walled

    def waiting(self) -> list[Waiting]:
        """What is ready-made, by memory size; what still boots is told only by its memory."""
        return [
            Waiting(memory_mb, sum(each.booted for each in pool.ready), sum(each.held_bytes() for each in pool.ready))
            for memory_mb, pool in sorted(self._pools.items())
        ]

    def late_boot(self, assignment: Assignment) -> Boot | None:
        """How the program starts where none that waits will do: when the function's folders are there."""
        if self.guest is None:
            return self._python_boot() if assignment.variables.get(WRAPPER) else None
        # Where the agent is no root, whoever mounts a file system is another user to the kernel.
        other_user = assignment.mount is not None and not self._options.standing.host_root
        early = not other_user and not self._in_its_folder(self.guest)
        if early and not self._reads_at_start(self.guest, assignment.variables):
            return None
        memory_mb = assignment.memory_mb
        command = self._command(self.guest, memory_mb, assignment.variables)
        return Boot(command, self.guest.language.knobs(memory_mb))

    def own_programs(self, assignment: Assignment, task_root: str) -> Programs | None:
        """What the function brings along instead of a handler for our program, where its language knows that."""
        if self.guest is None:
            return None
        language, host = self.guest.language, (self._executable(self.guest), *self.guest.installation.arguments)
        programs = language.programs(host, task_root, assignment.handler)
        if programs is None:
            return None
        knobs = language.knobs(assignment.memory_mb)
        return msgspec.structs.replace(programs, variables={**knobs, **programs.variables})

    def _python_boot(self) -> Boot:
        """A Python of the function's own, as a wrapper is to see it; see `runtimes/python/bootstrap.py`."""
        interpreter, folder = self.interpreter, str(self._options.runtime_folder)
        executable = interpreter.executable
        if self._options.walls:
            executable, folder = LANGUAGE + executable.removeprefix(interpreter.prefix), RUNTIME_FOLDER
        return Boot((executable, "-B", f"{folder}/{OURS}/bootstrap.py"), {})

    def _reads_at_start(self, guest: Guest, variables: Mapping[str, str]) -> bool:
        """Whether a variable that counts at the start is not as it is for those that wait."""
        counts, standard = guest.language.at_start.fullmatch, self._of(guest).variables
        return {name: value for name, value in variables.items() if counts(name)} != {
            name: value for name, value in standard.items() if counts(name)
        }

    def _of(self, guest: Guest) -> GuestOptions:
        return self._options.guests[guest.language.name]

    def _executable(self, guest: Guest) -> str:
        """Where a process finds its interpreter."""
        executable, prefix = guest.installation.executable, guest.installation.prefix
        return LANGUAGE + executable.removeprefix(prefix) if self._options.walls else executable

    def _command(self, guest: Guest, memory_mb: int, variables: Mapping[str, str]) -> tuple[str, ...]:
        folder = RUNTIME_FOLDER if self._options.walls else str(self._of(guest).runtime_folder)
        executable, *rest = guest.language.command(self._executable(guest), folder, memory_mb, variables)
        return (executable, *guest.installation.arguments, *rest)

    def _boot(self, guest: Guest, memory_mb: int) -> Boot:
        """How a process starts that waits for its function."""
        language = guest.language
        variables = {**self._of(guest).variables, **language.at_boot, **language.knobs(memory_mb)}
        return Boot(self._command(guest, memory_mb, self._of(guest).variables), variables)

    async def make_alone(self) -> LiveSandbox:
        """One that comes from no pool. It is finished whatever becomes of who asked, because a zygote's answers come in
        the order of its requests; then it is stopped."""
        making = asyncio.get_running_loop().create_task(self.make(None))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            with contextlib.suppress(SandboxFailure):
                await (await making).stop()
            raise

    async def make(self, boot: Boot | None) -> LiveSandbox:
        """A sandbox that waits for its function, with the program of `boot` started in it."""
        zygote = await self.zygote()
        try:
            return await self._hands.spawn(zygote, boot)
        except SandboxFailure:
            if zygote.alive:
                raise
        return await self._hands.spawn(await self.zygote(), boot)  # it died between two requests: a new one

    async def zygote(self) -> Zygote:
        """The living one. Raises SandboxFailure."""
        async with self._starting:
            if self._closed:
                raise SandboxFailure("The agent stops.")
            if self._zygote is not None and self._zygote.alive:
                return self._zygote
            if self._zygote is not None:
                log.warning("zygote died", action="sandbox.zygote", runtime=self.name)
                await self._zygote.close()
                self._zygote = None
            if self.guest is not None:
                await self.guest.language.prepare(self._of(self.guest).runtime_folder, self.guest.installation)
            try:
                self._zygote = await self._hands.start_zygote(self._place())
            except SandboxFailure as error:
                log.error("no zygote", action="sandbox.zygote", runtime=self.name, error=str(error))
                raise
            return self._zygote

    def _place(self) -> ZygotePlace:
        options = self._options
        return ZygotePlace(
            self.interpreter,
            options.code,
            options.runtime_folder,
            options.empty_folder if options.walls else None,
            options.standing.host_root,
            options.file_systems,
            None if self.guest is None else self._guest_root(self.guest),
        )

    def _guest_root(self, guest: Guest) -> GuestRoot:
        own, binds = self._of(guest), guest.installation.binds
        if own.modules is not None:
            binds = (*binds, (f"{RUNTIME_FOLDER}/node_modules", str(own.modules)))
        return GuestRoot(guest.installation.prefix, str(own.runtime_folder), binds, guest.language.links)

    async def close(self) -> None:
        """Stop what waits, and the zygote; none comes after it."""
        self._closed = True
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        async with self._starting:
            if self._zygote is not None:
                await self._zygote.close()


def name_of(launch: Launch) -> str:
    """What tells kitchens apart."""
    return launch.interpreter.runtime if launch.guest is None else launch.guest.installation.runtime
