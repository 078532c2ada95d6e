"""One zygote process, from the agent's side: start it, ask it to fork, let it go.

Knows: the command line, the plan and the packets. Does not know pools or functions. A zygote dies
with the agent that started it, and every sandbox forked from it dies with it.
"""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from lambent.file_systems import FileSystem
from lambent.sandbox import base_root
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.interpreters import Interpreter
from lambent.sandbox.packets import Packets, packet_pair
from lambent.sandbox.runtime_folder import OURS
from lambent.sandbox.wire import Plan, Spawned, SpawnRequest, ZygoteReady, ZygoteSettings

T = TypeVar("T")
REQUESTS = 3
START = "import sys; sys.path.insert(0, {folder!r}); from {package}.{module} import main; main()"
OPTIONS = ("-S", "-s", "-E", "-B", "-c")  # no site-packages, no variables of the host; the folder is read-only


class ZygotePlace(Struct, frozen=True):
    """Where one zygote finds what: all of it paths of the host."""

    interpreter: Interpreter
    code: Path
    runtime_folder: Path
    root: Path | None  # an empty folder to build the base root on; None for no walls
    host_root: bool
    lent: tuple[FileSystem, ...] = ()
    guest: base_root.GuestRoot | None = None


class Zygote:
    """A running zygote. Made by `start`; `spawn` may be called by many tasks at once."""

    def __init__(self, process: asyncio.subprocess.Process, packets: Packets) -> None:
        self._process, self._packets = process, packets
        self.lineage = f"{process.pid}-{time.monotonic_ns()}"
        self._turn = asyncio.Lock()
        self._lost = False

    @classmethod
    async def start(cls, place: ZygotePlace, filters: list[bytes], join: list[int]) -> "Zygote":
        """A zygote that is ready to fork.

        Raises:
            SandboxFailure: it died on the way; its own words are on the agent's stderr.
        """
        ours, theirs = packet_pair()
        with theirs:
            process = await _launch(place.interpreter.executable, str(place.runtime_folder), theirs)
        zygote = cls(process, Packets(ours))
        try:
            zygote._send(msgspec.json.encode(_plan(place)), join)
            zygote._send(msgspec.json.encode(ZygoteSettings(filters, place.root is not None)))
            await zygote._receive(ZygoteReady)
        except BaseException:
            await zygote.close()
            raise
        return zygote

    @property
    def pid(self) -> int:
        """The zygote's own process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether `spawn` has a chance."""
        return not self._lost and self._process.returncode is None

    async def spawn(self, request: SpawnRequest, descriptors: list[int]) -> Spawned:
        """Fork a sandbox's first process; the answer comes before that has built anything.

        Raises:
            SandboxFailure: the fork failed, or the zygote has died.
        """
        async with self._turn:
            self._send(msgspec.json.encode(request), descriptors)
            answer = await self._receive(Spawned)
        if answer.error:
            raise SandboxFailure(f"The zygote could not fork: {answer.error}")
        return answer

    def _send(self, message: bytes, descriptors: list[int] | None = None) -> None:
        try:
            self._packets.send_nowait(message, descriptors or [])
        except OSError as error:
            self._lost = True
            raise SandboxFailure(f"The zygote is gone: {error}") from error

    async def _receive(self, kind: type[T]) -> T:
        message, _ = await self._packets.receive()
        if not message:
            self._lost = True
            raise SandboxFailure("The zygote died; the agent's stderr has its last words.")
        return msgspec.json.decode(message, type=kind)

    async def close(self) -> None:
        """End it, and with it whatever it has forked."""
        self._packets.close()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


async def _launch(executable: str, folder: str, theirs: socket.socket) -> asyncio.subprocess.Process:
    """The host's own interpreter at the doorway, with `theirs` as descriptor 3."""
    code = START.format(folder=folder, package=OURS, module="doorway")
    wrapper = f"import os; os.dup2({theirs.fileno()}, {REQUESTS}); " if theirs.fileno() != REQUESTS else ""
    return await asyncio.create_subprocess_exec(
        executable,
        *OPTIONS,
        wrapper + code,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr.fileno() if _has_stderr() else asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
        pass_fds=(theirs.fileno(),),
    )


def _has_stderr() -> bool:
    try:
        os.fstat(2)
    except OSError:
        return False
    return True


def _plan(place: ZygotePlace) -> Plan:
    interpreter, variables = place.interpreter, {"LANG": "C.UTF-8", "TZ": ":UTC"}
    if place.root is None:
        folder, executable, steps = str(place.runtime_folder), interpreter.executable, []
    else:
        folders = place.code, place.runtime_folder, place.lent
        steps = base_root.plan(interpreter, *folders, host_root=place.host_root, guest=place.guest)
        prefix, folder = base_root.LANGUAGE, "/var/runtime"
        if place.guest is not None:
            prefix, folder = base_root.HIDDEN_LANGUAGE, base_root.HIDDEN_RUNTIME
        executable = f"{prefix}/{Path(interpreter.executable).relative_to(interpreter.prefix)}"
        variables["LD_LIBRARY_PATH"] = base_root.LIBRARY_PATH
        if place.guest is not None:
            variables["LD_LIBRARY_PATH"] = f"{prefix}/lib:{base_root.LIBRARY_PATH}"
    return Plan(
        agent_pid=os.getpid(),
        root=str(place.root or ""),
        steps=steps,
        command=[executable, *OPTIONS, START.format(folder=folder, package=OURS, module="zygote")],
        variables=variables,
    )
