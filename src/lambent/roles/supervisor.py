"""The supervisor: starts the parts, starts again what dies, stops all in order.

It owns the listening socket, so that no connection is refused while an edge is restarted.
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
from lambent.roles.logging import set_up_logging
from lambent.roles.tls import TlsKeeper
from lambent.sandbox import doctor
from lambent.sandbox.api import SandboxFailure

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.05, 5.0
STEADY_S = 10.0  # a part that lived this long starts again without delay
KILL_AFTER_S = 1.5

log = structlog.get_logger()


class Part:
    """One child process that has to be there."""

    def __init__(self, name: str, command: list[str], descriptors: tuple[int, ...], clock: Clock) -> None:
        self.name = name
        self._command, self._descriptors, self._clock = command, descriptors, clock
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self) -> None:
        """Start it, wait for its end, start it again; until `stop`."""
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping:
            began_s = self._clock.monotonic_s()
            self._process = await asyncio.create_subprocess_exec(*self._command, pass_fds=self._descriptors)
            code = await self._process.wait()
            if self._stopping:
                return
            if self._clock.monotonic_s() - began_s > STEADY_S:
                backoff_s = FIRST_BACKOFF_S
            log.error("a part died", action="supervisor.restart", name=self.name, code=code, again_in_s=backoff_s)
            await self._clock.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def stop(self, patience_s: float) -> None:
        """SIGTERM, and SIGKILL for one that does not go."""
        self._stopping = True
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
    run_folder = data / "run"
    run_folder.mkdir(exist_ok=True)
    for path in (run_folder / "endpoint.json", *run_folder.glob("*.sock")):
        path.unlink(missing_ok=True)
    return lock


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
        return Part(f"{kind} {number}" if kind == "edge" else kind, words, kept, clock)

    agent, control = part("agent"), part("control")
    edges = [part("edge", number, listener.fileno()) for number in range(settings.edges)]
    tasks = [loop.create_task(each.run()) for each in (agent, control, *edges)]
    log.info("starting", action="supervisor.start", host=settings.host, port=settings.port, data=str(settings.data))
    await stopping.wait()
    log.info("stopping", action="supervisor.stop")
    await asyncio.gather(*(edge.stop(settings.drain_s) for edge in edges))
    await control.stop(KILL_AFTER_S)
    await agent.stop(KILL_AFTER_S)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    (settings.run / "endpoint.json").unlink(missing_ok=True)
    return 0
