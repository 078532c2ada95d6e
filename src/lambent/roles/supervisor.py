"""The supervisor: starts the parts, starts again what dies, stops all in order.

It owns the listening socket, so that no connection is refused while an edge is restarted. A part is started
again, and the supervisor ends, when nothing lives any more that the dead part had started.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from pathlib import Path

import structlog

from lambent.clock import Clock, SystemClock
from lambent.config import Settings
from lambent.loops import Loops
from lambent.roles.logging import set_up_logging
from lambent.roles.orphans import Orphans
from lambent.roles.tls import TlsKeeper
from lambent.sandbox import delegation, doctor
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.user_namespace import is_host_root

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.05, 5.0
STEADY_S = 10.0  # a part that lived this long starts again without delay
KILL_AFTER_S = 1.5
STOP_S, UNWIND_S = 8.0, 2.0  # when the agent is killed: of the promised ten seconds, or after a longer drain
AGENT = "agent"  # the part that has children
ORPHANS_S, LAST_ORPHANS_S = 5.0, 1.0

log = structlog.get_logger()


class Part:
    """One child process that has to be there."""

    def __init__(
        self, name: str, command: list[str], descriptors: tuple[int, ...], orphans: Orphans, clock: Clock
    ) -> None:
        self.name = name
        self._orphans = orphans
        self._command, self._descriptors, self._clock = command, descriptors, clock
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Of its process, from when it is started until its end has been waited for."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    @property
    def fell(self) -> bool:
        """Whether its last process could not leave in order."""
        return self._process is not None and self._process.returncode not in (None, 0)

    async def run(self) -> None:
        """Start it, wait for its end, start it again; until `stop`."""
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping:
            began_s = self._clock.monotonic_s()
            async with self._orphans.starting:
                if self._stopping:
                    return
                try:
                    self._process = await asyncio.create_subprocess_exec(*self._command, pass_fds=self._descriptors)
                except OSError as error:  # no memory or process is left now
                    log.error("a part cannot be started", action="supervisor.start", name=self.name, error=str(error))
                    process = None
                else:
                    process = self._process
            code = None if process is None else await process.wait()
            if self._stopping:
                return
            if self._clock.monotonic_s() - began_s > STEADY_S:
                backoff_s = FIRST_BACKOFF_S
            log.error("a part died", action="supervisor.restart", name=self.name, code=code, again_in_s=backoff_s)
            if self.name == AGENT:
                await self._orphans.clear(ORPHANS_S)
            await self._clock.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def stop(self, patience_s: float) -> None:
        """SIGTERM, and SIGKILL for one that does not go."""
        self._stopping = True
        async with self._orphans.starting:
            process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except TimeoutError:
            log.error("a part did not stop", action="supervisor.kill", name=self.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code of `lambent serve`."""
    set_up_logging(settings, "supervisor")
    try:
        if settings.isolation == "sandbox":
            doctor.require_sandboxes()
            if settings.network == "egress":
                doctor.require_egress()
        settings = settings.model_copy(update={"data": settings.data.resolve()})
        lock = _take_data(settings.data)
        TlsKeeper(settings, SystemClock())  # each edge makes its own; this one says at once what is wrong
        listener = _listen(settings.host, settings.port)
    except (SandboxFailure, OSError) as error:
        sys.stderr.write(f"lambent: {error}\n")
        return 1
    try:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        walled_user = settings.isolation == "sandbox" and not is_host_root()
        with delegation.settled() if walled_user else contextlib.nullcontext():
            return asyncio.run(_supervise(settings, listener))
    finally:
        listener.close()
        os.close(lock)


def _take_data(data: Path) -> int:
    """The lock on the data folder, held while we live.

    Raises:
        OSError: another server runs on it, or it cannot be written.
    """
    data.mkdir(parents=True, exist_ok=True)
    os.chmod(data, 0o711)  # noqa: S103  what is private below it has modes of its own
    lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise OSError(f"another server runs on {data}; stop it, or choose another --data") from None
    (data / "run").mkdir(exist_ok=True)
    _clear_run(data / "run")
    return lock


def _clear_run(folder: Path) -> None:
    """Nobody serves what these lead to."""
    for path in (folder / "endpoint.json", *folder.glob("*.sock")):
        path.unlink(missing_ok=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(4096)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from None
    return listener


async def _supervise(settings: Settings, listener: socket.socket) -> int:
    clock, stopping = SystemClock(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    settings_file = settings.run / "settings.json"
    settings_file.touch(mode=0o600)
    settings_file.write_text(settings.model_dump_json())
    start = [sys.executable, "-m", "lambent.roles.process"]

    def part(kind: str, number: int = 0, descriptor: int = -1) -> Part:
        words = [*start, kind, str(settings_file), str(number), str(os.getpid()), str(descriptor)]
        kept = (descriptor,) if descriptor >= 0 else ()
        return Part(f"{kind} {number}" if kind == "edge" else kind, words, kept, orphans, clock)

    parts: list[Part] = []
    orphans = Orphans(lambda: {each.pid for each in parts if each.pid is not None}, clock)
    orphans.adopt()
    agent, control = part(AGENT), part("control")
    edges = [part("edge", number, listener.fileno()) for number in range(settings.edges)]
    parts += [agent, control, *edges]
    loops = Loops(clock)
    for each in parts:
        loops.begin(each.name, each.run)
    loops.begin("orphans", orphans.run)
    log.info("starting", action="supervisor.start", host=settings.host, port=settings.port, data=str(settings.data))
    await stopping.wait()
    log.info("stopping", action="supervisor.stop")
    deadline_s = clock.monotonic_s() + max(STOP_S, settings.drain_s + UNWIND_S)
    await asyncio.gather(*(edge.stop(settings.drain_s) for edge in edges))
    await control.stop(KILL_AFTER_S)
    await agent.stop(deadline_s - clock.monotonic_s())
    await orphans.clear(LAST_ORPHANS_S)
    if agent.fell:
        from lambent.roles.agent_sandboxes import remove_groups  # what the agent alone needs, as long as it lives

        remove_groups(settings)
    await loops.close()
    _clear_run(settings.run)
    return 0
